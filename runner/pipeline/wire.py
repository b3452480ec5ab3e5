"""One draft's requests as bytes: their canonical JSON, made once and cut where people differ."""

from collections.abc import Callable, Sequence

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
        self._head = _cut(head, {**holes, receiver: len(values)})
        self._tail = _cut(tail, holes)

    def request(self, filled: Sequence[Json], receiver: str, reference: Json) -> tuple[bytes, bytes]:
        """The request, and what is hashed of it: all but its reference. Raises ValueError as `canonical` does.

        `filled` are the values of the draft's slots, `receiver` is canonical already.
        """
        return self.written(*map(canonical_text, filled), receiver, reference=canonical_text(reference))

    def written(self, *texts: str, reference: str) -> tuple[bytes, bytes]:
        """As `request`, where all is canonical JSON already: each slot's value, then the receiver."""
        head, tail = self._head(*texts), self._tail(*texts)
        return f"{head}{_REFERENCE}{reference}{tail}".encode(), (head + tail).encode()


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


def _cut(text: str, holes: dict[str, int]) -> Callable[..., str]:
    """What writes the text with values in place of its holes: each takes the value of its number."""
    form = text.replace("{", "{{").replace("}", "}}")
    for mark, number in holes.items():
        form = form.replace(mark, f"{{{number}}}")
    return form.format
