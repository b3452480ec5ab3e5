"""All messages of a plan to look at: by number, by row, by words. In little memory however many there are."""

import json
import marshal
import mmap
import os
import tempfile
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import IO, Any, Literal, NamedTuple, get_args

from runner.bird.requests import sms_text, texts_of
from runner.errors import LedgerFault
from runner.findings import Place
from runner.model import Json

from .composed import Cause, Composed, Forced, Skipped, Source
from .samples import Risk, Samples
from .sheaf import Sheaf

Kind = Literal["ucs2", "long", "gap"]  # outside of GSM-7; more than one segment; an empty value
KINDS: tuple[Kind, ...] = get_args(Kind)

_BUFFER = 256 * 1024
_SOURCES = 10_000  # UCS-2 texts of which it is kept whose characters they are: more than anybody looks at
_LONGEST = 200  # characters of what is looked for
_TOLD = 1_000  # messages between two words on how far it is


class Shown(NamedTuple):
    """One message as it would go out. `number` counts from 0 in plan order; `row` is `list#N`.

    `forced` says what makes the text UCS-2; None where nothing does, or it was not kept. `masked` is the request with
    the output of each expression masked, where that was kept.
    """

    number: int
    draft: str
    row: str
    address: str
    body: bytes
    country: str | None
    segments: int
    encoding: str
    cost: str | None
    currency: str | None
    unpriced: str
    scheduled_for: str | None
    overrides: tuple[str, ...]
    has_gap: bool
    forced: Forced | None
    masked: Json | None

    @property
    def request(self) -> Json:
        return json.loads(self.body)

    @property
    def text(self) -> str | None:
        """What is split into segments; None for media and templates."""
        return sms_text(self.request) if self.encoding else None


class Album:
    """Takes what composing gives, then `close`s itself off with `finish`; from then on it is only looked at.

    Its messages stand in a private temporary file that has no name and goes with it. `masks` keeps the first so many
    requests of each draft masked too. `on_count` hears now and then how many it has; what it raises ends the taking.
    Raises LedgerFault when the disk can't take it.
    """

    def __init__(self, *, masks: int = 0, on_count: Callable[[int], object] = lambda _count: None) -> None:
        self._file, self._words = _temporary(), _temporary()
        self._starts, self._word_starts = array("Q", [0]), array("Q", [0])
        self._flags = bytearray()
        self._ranges: dict[str, range] = {}
        self._masks = masks
        self._masked: dict[int, Json] = {}
        self._samples: dict[str, Samples] = {}
        self._sourced = 0
        self._on_count = on_count
        self._map: mmap.mmap | None = None

    def __len__(self) -> int:
        return len(self._flags)

    @property
    def drafts(self) -> Mapping[str, range]:
        """The numbers of each draft's messages; a draft without any is not there."""
        return self._ranges

    def through(self, items: Iterable[Composed | Skipped | Sheaf]) -> Iterator[Composed | Skipped | Sheaf]:
        """The same items, once it has taken them in."""
        for item in items:
            if isinstance(item, Sheaf):
                self._samples_of(item.draft).offer_all(item)
                for composed in item.each():
                    self.add(composed)
            elif isinstance(item, Composed) and not item.is_suppressed:
                self._samples_of(item.message.draft).offer(item)
                self.add(item)
            yield item

    def _samples_of(self, draft: str) -> Samples:
        return self._samples.setdefault(draft, Samples())

    def samples(self, draft: str) -> list[tuple[Shown, tuple[Risk, ...]]]:
        """Those of a draft's messages that most likely look wrong, masked too, and what each was chosen for."""
        chosen = self._samples[draft].chosen(lambda _address: "") if draft in self._samples else ()
        found = [(self.of_row(draft, each.row), each) for each in chosen]
        return [
            (self.at(number)._replace(masked=each.request), each.risks) for number, each in found if number is not None
        ]

    def add(self, composed: Composed) -> None:
        number, message = len(self), composed.message
        known = self._ranges.get(message.draft, range(number, number))
        self._ranges[message.draft] = range(known.start, number + 1)
        if len(known) < self._masks:
            self._masked[number] = composed.sample()
        kept: Any = (
            *(message.draft, composed.row, message.address, message.body, message.country, message.segments),
            *(composed.encoding, message.cost, message.currency, composed.unpriced, composed.scheduled_for),
            *(composed.overrides, composed.has_gap, self._told(composed)),
        )
        self._flags.append(_flags(composed.encoding, message.segments, has_gap=composed.has_gap))
        self._starts.append(self._starts[-1] + _write(self._file, marshal.dumps(kept)))
        self._word_starts.append(self._word_starts[-1] + _write(self._words, _findable(composed)))
        if number % _TOLD == 0:
            self._on_count(number)

    def finish(self) -> None:
        """No more messages."""
        with _on_disk():
            self._file.flush()
            self._words.flush()
            if self._word_starts[-1]:
                self._map = mmap.mmap(self._words.fileno(), self._word_starts[-1], access=mmap.ACCESS_READ)

    def close(self) -> None:
        if self._map is not None:
            self._map.close()
        for file in (self._file, self._words):
            with suppress(OSError):  # closing flushes first, which a full disk refuses; the file goes all the same
                file.close()

    def at(self, number: int) -> Shown:
        """Raises IndexError where there is none."""
        if not 0 <= number < len(self):
            raise IndexError(number)
        with _on_disk():
            start, end = self._starts[number], self._starts[number + 1]
            record = os.pread(self._file.fileno(), end - start, start)
        # marshal is for data that nobody else can write: this file has no name, and this process wrote it.
        *facts, forced = marshal.loads(record)  # noqa: S302
        return Shown._make((number, *facts, _forced(forced), self._masked.get(number)))

    def of_row(self, draft: str, row: str) -> int | None:
        """The number of a row's message."""
        within = self._ranges.get(draft, range(0))
        return next((number for number in self._with(f"\0{row}\0", within) if self.at(number).row == row), None)

    def found(self, draft: str, words: str = "", kind: Kind | None = None) -> Sequence[int]:
        """The numbers of a draft's messages whose row, address or texts have these words, in this case or the other.

        A phone number is found however it is spaced.
        """
        within = self._ranges.get(draft, range(0))
        numbers: Sequence[int] = within
        if words := words.strip()[:_LONGEST]:
            number = words.translate(_SPACING)
            numbers = array("Q", self._with(number if number.lstrip("+").isdecimal() else words, within))
        if kind is not None:
            numbers = array("Q", (number for number in numbers if self._flags[number] & _FLAG[kind]))
        return numbers

    def count(self, draft: str, kind: Kind) -> int:
        within = self._ranges.get(draft, range(0))
        return sum(self._flags.count(flags, within.start, within.stop) for flags in _HAVING[kind])

    def _with(self, words: str, within: range) -> Iterator[int]:
        wanted = _folded(words)
        if self._map is None or not within:
            return
        at, end = self._word_starts[within.start], self._word_starts[within.stop]
        while (at := self._map.find(wanted, at, end)) >= 0:
            number = bisect_right(self._word_starts, at) - 1
            yield number
            at = self._word_starts[number + 1]

    def _told(self, composed: Composed) -> tuple[object, ...] | None:
        if composed.forced is None or self._sourced >= _SOURCES:
            return None
        self._sourced += 1
        forced = composed.forced()
        causes = tuple((each.character, *_source(each.source), each.replacement) for each in forced.causes)
        return (causes, forced.saved, forced.is_typographic)


_FLAG: Mapping[Kind, int] = {kind: 1 << at for at, kind in enumerate(KINDS)}
_HAVING: Mapping[Kind, Sequence[int]] = {  # all flags that a message of this kind may have
    kind: [flags for flags in range(1 << len(KINDS)) if flags & flag] for kind, flag in _FLAG.items()
}
_SPACING = str.maketrans("", "", " -().\u00a0/")


def _flags(encoding: str, segments: int, *, has_gap: bool) -> int:
    return (encoding == "UCS-2") * _FLAG["ucs2"] | (segments > 1) * _FLAG["long"] | has_gap * _FLAG["gap"]


def _source(source: Source) -> tuple[object, ...]:
    place = source.place
    return (source.kind, source.name, (place.path, place.line, place.column) if place is not None else None)


def _forced(told: tuple[object, ...] | None) -> Forced | None:
    if told is None:
        return None
    causes, saved, is_typographic = told
    return Forced(tuple(_cause(*each) for each in causes), saved, is_typographic)  # type: ignore[attr-defined,arg-type]


def _cause(character: str, kind: str, name: str, place: tuple[str, int, int] | None, replacement: str | None) -> Cause:
    at = Place(path=place[0], line=place[1], column=place[2]) if place is not None else None
    return Cause(character, Source(kind, name, at), replacement)  # type: ignore[arg-type]


def _findable(composed: Composed) -> bytes:
    """What a message is found by: its row, whom it goes to, and every text of it that is there to read."""
    request = json.loads(composed.message.body)
    return _folded("\0".join(["", composed.row, *texts_of(request), ""]))


def _folded(text: str) -> bytes:
    return text.casefold().encode("utf-8", "surrogatepass")


def _temporary() -> IO[bytes]:
    with _on_disk():
        return tempfile.TemporaryFile(mode="w+b", buffering=_BUFFER, prefix="flypast-")


def _write(file: IO[bytes], record: bytes) -> int:
    with _on_disk():
        return file.write(record)


class _on_disk:  # noqa: N801 - reads as a word; a class, because it is entered twice for every row
    """A disk's fault is said as such."""

    __slots__ = ()

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError):
            raise LedgerFault(
                f"the temporary file of the messages can't be written: {error.strerror or error}",
                hint="make room on that disk, or name another folder with TMPDIR",
            ) from error
