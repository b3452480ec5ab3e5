"""Composing in several processes: crowds go out as data, what comes of them comes back in columns, in their order.

Whatever has to be told, counted or kept apart stays in this process. So the result is the same in one process or ten.
"""

import marshal
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, fields
from itertools import chain, islice
from operator import attrgetter
from typing import Any, TypeGuard

from runner.errors import UsageError
from runner.findings import Findings, Place
from runner.judge import judge
from runner.plan import Columns
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

_COLUMNS = tuple(each.name for each in fields(Columns))
_values = attrgetter(*_COLUMNS)
_Sent = tuple[Sequence[int] | None, Sequence[Any]]
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

    def __call__(self, crowds: bytes) -> bytes:
        if self._together is None:
            self._together = self._prepared()
        # marshal takes half of what pickle does, and is for data of a process like this one.
        filled = [_sent(self._together.fill(_taken(given))) for given in marshal.loads(crowds)]  # noqa: S302
        return marshal.dumps(filled)

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

    def given() -> Iterator[bytes]:
        for piece in chain(first, pieces):
            under_way.append(piece)
            yield marshal.dumps([_given(each) for each in piece if _is_of_a_table(each)])

    with closing(in_order(worker, given(), jobs=jobs)) as results:
        for result in results:
            filled = map(_received, marshal.loads(result))  # noqa: S302
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


def _sent(filled: Filled) -> _Sent:
    def plain(part: tuple[range, Columns] | int) -> Any:
        return part if isinstance(part, int) else (part[0].start, part[0].stop, _values(part[1]))

    return filled.wanted, list(map(plain, filled.parts))


def _received(sent: _Sent) -> Filled:
    wanted, parts = sent
    return Filled(wanted, [part if isinstance(part, int) else _part(*part) for part in parts])


def _part(start: int, stop: int, values: Sequence[Any]) -> tuple[range, Columns]:
    return range(start, stop), Columns(**dict(zip(_COLUMNS, values, strict=True)))


def _nowhere(_row: Row, _column: str | None) -> Place:
    raise AssertionError("what is told of a row is told where its file is open")
