"""The messages of a plan that are shown as they will look."""

from collections.abc import Callable
from dataclasses import dataclass

from runner.model import Json

from .composed import Composed

SAMPLES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One message as it will look: its own words exact, the output of each expression masked."""

    message: str
    row: str
    recipient: str
    encoding: str
    segments: int
    request: Json


class Samples:
    """The messages most worth a look: most segments, UCS-2, longest; of each draft at least one while there is room."""

    def __init__(self) -> None:
        self._riskiest: list[tuple[tuple[int, bool, int], Composed]] = []
        self._of_draft: dict[str, tuple[tuple[int, bool, int], Composed]] = {}

    def offer(self, composed: Composed) -> None:
        message = composed.message
        risk = (message.segments, composed.encoding == "UCS-2", len(message.body))
        best = self._of_draft.get(message.draft)
        if best is None or risk > best[0]:
            self._of_draft[message.draft] = (risk, composed)
        if len(self._riskiest) < SAMPLES or risk > self._riskiest[-1][0]:
            self._riskiest = sorted([*self._riskiest, (risk, composed)], key=lambda held: held[0], reverse=True)[
                :SAMPLES
            ]

    def chosen(self, mask: Callable[[str], str]) -> tuple[Sample, ...]:
        chosen = [composed for _, composed in self._of_draft.values()][:SAMPLES]
        for _, composed in self._riskiest:
            if len(chosen) < SAMPLES and composed not in chosen:
                chosen.append(composed)
        return tuple(_sample(composed, mask) for composed in chosen)


def _sample(composed: Composed, mask: Callable[[str], str]) -> Sample:
    message = composed.message
    return Sample(
        message=message.draft,
        row=composed.row,
        recipient=mask(message.address),
        encoding=composed.encoding,
        segments=message.segments,
        request=composed.sample(),
    )
