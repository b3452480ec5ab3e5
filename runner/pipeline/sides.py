"""Composing in several processes: crowds go out as data, what comes of them comes back in columns, in their order.

Whatever has to be told, counted or kept apart stays in this process. So the result is the same in one process or ten.
"""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import chain, islice
from typing import TypeGuard

from runner.errors import UsageError
from runner.findings import Findings, Place
from runner.judge import judge
from runner.prices import RateCard
from runner.recipients.crowds import Crowd
from runner.recipients.rows import Row, Rows

from .faults import Faults
from .loading import Loaded
from .people import Person
from .prepare import prepare
from .pricing import pricer
from .texts import Texts
from .together import Filled, Part, Together, together
from .ucs2 import Ucs2

_CROWDS = 8  # in one piece: to hand one over takes as long as to compose some ten rows
_PEOPLE = 1000  # alone, with them

_Given = tuple[str, tuple[str, ...], Sequence[Sequence[str]], Sequence[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reload:
    """Loads the manifest again, in another process. `inputs` are the hashes of what was read in this one."""

    load: Callable[[Findings], Loaded]
    inputs: Mapping[str, str]


class Worker:
    """Composes one draft's messages, for pieces of `side_by_side`; it is sent to each process before it has begun."""

    def __init__(self, reload: Reload, draft: str, card: RateCard | None) -> None:
        self._reload = reload
        self._draft = draft
        self._card = card
        self._together: Together | None = None

    def __call__(self, crowds: Iterable[_Given]) -> list[Filled]:
        if self._together is None:
            self._together = self._prepared()
        return [self._together.fill(_taken(given)) for given in crowds]

    def _prepared(self) -> Together:
        loaded = self._reload.load(Findings())
        manifest = loaded.manifest
        assert manifest is not None, "it could be loaded before"  # noqa: S101
        (draft,) = (draft for draft in manifest.drafts if draft.name == self._draft)
        prepared = prepare(draft, manifest, loaded.language, Faults(Findings()))
        if any(self._reload.inputs.get(name) != read for name, read in loaded.inputs.items()):
            raise UsageError("the manifest changed while it was read", hint="nothing was sent: run it again")
        limit = manifest.policy.max_segments_per_message
        texts = Texts(findings=Findings(), most_segments=limit, ucs2=Ucs2(manifest.parameters))
        shared, priced = manifest.parameters.values, pricer(draft, self._card)
        found = together(prepared, shared, judge("request"), texts, priced)
        assert found is not None, "else nobody would ask"  # noqa: S101
        return found


def side_by_side(
    here: Together, people: Iterator[Person | Crowd], worker: Worker, *, jobs: int
) -> Generator[Part, None, None]:
    """What `here` makes of people, in their order. Few are not worth a process."""
    pieces = _pieces(people)
    first = list(islice(pieces, 2))
    if len(first) < 2:
        for each in chain.from_iterable(first):
            yield from (each,) if isinstance(each, Person) else here.compose(each)
        return
    from runner.workers import in_order  # noqa: PLC0415 - one process needs none of it

    under_way: deque[list[Person | Crowd]] = deque()

    def given() -> Iterator[list[_Given]]:
        for piece in chain(first, pieces):
            under_way.append(piece)
            yield [_given(each) for each in piece if _is_of_a_table(each)]

    with closing(in_order(worker, given(), jobs=jobs)) as results:
        for filled in map(iter, results):
            for each in under_way.popleft():
                if isinstance(each, Person):
                    yield each
                else:
                    yield from here.parts(each, next(filled)) if _is_of_a_table(each) else here.compose(each)


def _pieces(people: Iterable[Person | Crowd]) -> Iterator[list[Person | Crowd]]:
    piece: list[Person | Crowd] = []
    crowds = 0
    for each in people:
        piece.append(each)
        crowds += isinstance(each, Crowd)
        if crowds == _CROWDS or len(piece) == _PEOPLE:
            yield piece
            piece, crowds = [], 0
    if piece:
        yield piece


def _is_of_a_table(each: Person | Crowd) -> TypeGuard[Crowd]:
    """Then its columns are all that there is to it, and another process can compose it."""
    return isinstance(each, Crowd) and not each.people


def _given(crowd: Crowd) -> _Given:
    return crowd.identifier_key, crowd.rows.names, crowd.rows.cells, crowd.numbers


def _taken(given: _Given) -> Crowd:
    key, names, cells, numbers = given
    rows = Rows(range(len(cells)), 0, names, cells, [""] * len(cells), _nowhere)
    return Crowd("", key, rows, numbers)


def _nowhere(_row: Row, _column: str | None) -> Place:
    raise AssertionError("what is told of a row is told where its file is open")
