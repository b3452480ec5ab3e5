"""What one look at Bird's list says of messages that no ledger knows any more. Pure.

What is there went out. What is not there may be there all the same, before the window or beyond a list that was not
read to its end, so it is in doubt: never planned, and never absent.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from runner.bird.replies import Listed
from runner.ledger.identity import reference_of
from runner.model import InDoubt, Message, Outcome, Rejected

from .getting import Fault
from .reconcile import words_of_double
from .scanning import Incomplete, rfc3339

Ending = Literal["accepted", "rejected", "double", "inDoubt"]
_OURS = reference_of("")


@dataclass(slots=True)
class References:
    """The references that a scan looks for. Those of `known` messages of the manifest are let pass.

    While a scan asks it counts the `others`: messages of flypast's that are none of this manifest's.
    """

    wanted: set[str] = field(default_factory=set)
    known: set[str] = field(default_factory=set)
    others: int = 0

    def __contains__(self, reference: object) -> bool:
        if reference in self.wanted:
            return True
        is_ours = isinstance(reference, str) and reference.startswith(_OURS)
        self.others += is_ours and reference not in self.known
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What Bird has in each channel, by reference and Bird's id, and whether that is all. Times are Unix seconds.

    `shared` are references that several messages have; `stop` is why the look had to end early.
    """

    channels: Sequence[Mapping[str, Mapping[str, Listed]]]
    shared: frozenset[str]
    incomplete: Sequence[Incomplete]
    stop: Fault | None
    since_s: float
    ended_s: float
    others: int


def conclude(message: Message, looked: Looked) -> tuple[Ending, Outcome]:
    """Where a message stands by what was seen. It may have gone out through another channel than it would now."""
    there = [listed for channel in looked.channels for listed in channel.get(message.reference, {}).values()]
    went = [listed for listed in there if not isinstance(listed.outcome, Rejected)]
    if len(went) > 1 or (there and message.reference in looked.shared):
        return "double", InDoubt(words=words_of_double(there))
    if there:
        outcome = (went or there)[-1].outcome
        return "rejected" if isinstance(outcome, Rejected) else "accepted", outcome
    if looked.incomplete:
        return "inDoubt", InDoubt(words="Bird's list was not read to its end; the ledger was lost")
    return "inDoubt", InDoubt(words=f"not at Bird since {rfc3339(looked.since_s)[:10]}; the ledger was lost")
