"""One draft's requests as bytes: their canonical JSON, made once and cut where people differ."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from runner.canonical import canonical, canonical_text
from runner.model import Json
from runner.rendering.drafts import CompiledDraft

_REFERENCE = ',"reference":'  # never the first key: a receiver comes before it


class Wire:
    """Writes what `canonical` would give for the whole request, from the parts of it that are not the same for all."""

    def __init__(self, compiled: CompiledDraft) -> None:
        self._compiled = compiled

    @cached_property
    def _cuts(self) -> "tuple[_Cut, _Cut]":
        """What stands before the reference and what behind it. Made for the first message: some drafts have none."""
        paths = [path for path, _ in self._compiled.slots]
        text, marks = _marked(self._compiled, len(paths))
        (*values, receiver, reference) = marks
        holes = {mark: number for number, mark in enumerate(values) if paths[number] != ("reference",)}
        head, tail = text.split(_REFERENCE + reference)
        return _Cut.of(head, {**holes, receiver: len(values)}), _Cut.of(tail, holes)

    def request(self, filled: Sequence[Json], receiver: str, reference: Json) -> tuple[bytes, bytes]:
        """The request, and what is hashed of it: all but its reference. Raises ValueError as `canonical` does.

        `filled` are the values of the draft's slots, `receiver` is canonical already.
        """
        texts = [*map(canonical_text, filled), receiver]
        head, tail = (cut.filled(texts) for cut in self._cuts)
        return f"{head}{_REFERENCE}{canonical_text(reference)}{tail}".encode(), f"{head}{tail}".encode()

    def requests(
        self, texts: Iterable[str], receivers: Iterable[str], references: Iterable[str]
    ) -> tuple[list[bytes], list[bytes]]:
        """As `request` for many at once, of a draft whose only slot, if it has any, comes before the receiver.

        Takes the slot's values and the receivers as canonical JSON, and references without anything to escape.
        """
        cut, (tail,) = self._cuts[0], self._cuts[1].words
        before, between, after = cut.words if cut.numbers[1:] else ("", *cut.words)
        start = f'{_REFERENCE}"'
        heads = [f"{before}{text}{between}{receiver}{after}" for text, receiver in zip(texts, receivers, strict=True)]
        whole = [f'{head}{start}{reference}"{tail}'.encode() for head, reference in zip(heads, references, strict=True)]
        return whole, [f"{head}{tail}".encode() for head in heads]


@dataclass(frozen=True, slots=True)
class _Cut:
    """A text with holes: between each two of its `words` the value of that number goes."""

    words: list[str]
    numbers: list[int]

    @classmethod
    def of(cls, text: str, holes: dict[str, int]) -> "_Cut":
        """`holes` are the marks that stand in them."""
        if not holes:
            return cls([text], [])
        words = re.split(f"({'|'.join(map(re.escape, holes))})", text)
        return cls(words[::2], [holes[mark] for mark in words[1::2]])

    def filled(self, values: Sequence[str]) -> str:
        pieces = [""] * (2 * len(self.words) - 1)
        pieces[::2], pieces[1::2] = self.words, [values[number] for number in self.numbers]
        return "".join(pieces)


def _marked(compiled: CompiledDraft, count: int) -> tuple[str, list[str]]:
    """The request with a mark in each place to fill: the slots, the receiver, the reference. No other text has it."""
    salt = 0
    while True:
        names = [f"{salt}@{number}" for number in range(count + 2)]
        request = {**compiled.request(names[:count]), "receiver": names[count], "reference": names[count + 1]}
        text, marks = canonical(request).decode(), [f'"{name}"' for name in names]
        if all(text.count(mark) <= 1 for mark in marks):  # none where the reference is a slot itself
            return text, marks
        salt += 1
