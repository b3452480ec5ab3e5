"""One draft's requests as bytes: their canonical JSON, made once and cut where people differ."""

from collections.abc import Sequence

from runner.canonical import canonical, canonical_text
from runner.model import Json
from runner.rendering.drafts import CompiledDraft

_REFERENCE = ',"reference":'  # never the first key: a receiver comes before it


class Wire:
    """Writes what `canonical` would give for the whole request, from the parts of it that are not the same for all."""

    def __init__(self, compiled: CompiledDraft) -> None:
        paths = [path for path, _ in compiled.slots]
        text, marks = _marked(compiled, len(paths))
        (*values, receiver, reference) = marks
        holes = {mark: number for number, mark in enumerate(values) if paths[number] != ("reference",)}
        head, tail = text.split(_REFERENCE + reference)
        self._head, self._head_holes = _cut(head, {**holes, receiver: len(values)})
        self._tail, self._tail_holes = _cut(tail, holes)

    def request(self, filled: Sequence[Json], receiver: str, reference: Json) -> tuple[bytes, bytes]:
        """The request, and what is hashed of it: all but its reference. Raises ValueError as `canonical` does.

        `filled` are the values of the draft's slots, `receiver` is canonical already.
        """
        texts = [canonical_text(value) for value in filled]
        texts.append(receiver)
        head, tail = _filled(self._head, self._head_holes, texts), _filled(self._tail, self._tail_holes, texts)
        return f"{head}{_REFERENCE}{canonical_text(reference)}{tail}".encode(), (head + tail).encode()


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


def _cut(text: str, holes: dict[str, int]) -> tuple[list[str], list[tuple[int, int]]]:
    """The text in pieces, an empty one for each hole; and which piece takes which value."""
    found = sorted((text.index(mark), mark) for mark in holes if mark in text)
    pieces, filling, at = [], [], 0
    for start, mark in found:
        pieces += [text[at:start], ""]
        filling.append((len(pieces) - 1, holes[mark]))
        at = start + len(mark)
    return [*pieces, text[at:]], filling


def _filled(pieces: list[str], holes: list[tuple[int, int]], texts: list[str]) -> str:
    pieces = pieces.copy()
    for at, number in holes:
        pieces[at] = texts[number]
    return "".join(pieces)
