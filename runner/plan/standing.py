"""Where a message stands by what the ledger knows of it."""

from collections.abc import Callable, Mapping, Sequence

from runner.ledger.seam import Known
from runner.model import Delivery, Message, State

Others = Callable[[str, Sequence[str], Sequence[str]], tuple[Sequence[int], Mapping[str, Known]]]


def nothing_known(
    _message: str, keys: Sequence[str], _payload_hashes: Sequence[str]
) -> tuple[Sequence[int], Mapping[str, Known]]:
    """Where there is no ledger to ask."""
    return range(len(keys)), {}


def status_of(known: Known, message: Message, delivery: Delivery) -> str:
    """`sending` without a living run is in doubt, and so is absent until it is resolved.

    What was absent once and sent again is not proven to be so for ever: another time a person decides.
    """
    if known.state is State.PLANNED:
        return "new"
    is_same = known.payload_hash == message.payload_hash
    if known.state is State.REJECTED:
        return "rejected" if is_same and known.channel_id == message.channel.channel_id else "new"
    if known.state is State.DROPPED:
        return "dropped"
    if known.state is State.ABSENT and delivery is Delivery.RESEND_ABSENT and not known.resent:
        return "new"
    if not is_same:
        return "drift"
    if known.state is State.ACCEPTED:
        return "accepted"
    return "new" if delivery is Delivery.AT_LEAST_ONCE else "in_doubt"


def held_of(known: Known) -> State:
    """How the ledger has it by the time it is sent; `sending` is in doubt by then."""
    return State.IN_DOUBT if known.state is State.SENDING else known.state


def is_undecided(held: State | None) -> bool:
    return held in (State.IN_DOUBT, State.ABSENT)


def is_in_doubt(status: str, known: Known) -> bool:
    return status == "in_doubt" or (status == "drift" and known.state is not State.ACCEPTED)
