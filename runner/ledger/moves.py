"""Which moves between states a ledger allows: one list for every store."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import NoReturn

from runner.errors import LedgerFault, Locked
from runner.model import State

from .identity import purged_reference
from .seam import ClaimLost, Entry, NotSendable

SENDABLE = frozenset({State.PLANNED, State.REJECTED, State.ABSENT})
SETTLED_AS = frozenset({State.PLANNED, State.ACCEPTED, State.REJECTED, State.IN_DOUBT})
UNDECIDED = frozenset({State.IN_DOUBT, State.ABSENT})
FOUND_AS = frozenset({State.ACCEPTED, State.REJECTED, State.ABSENT, State.IN_DOUBT, State.PLANNED})
FOUND_AT_BIRD = frozenset({State.ACCEPTED, State.REJECTED})
DECIDED = frozenset({State.ACCEPTED, State.REJECTED, State.DROPPED})
OPEN = UNDECIDED | {State.SENDING}
PURGEABLE = frozenset({State.PLANNED, State.ACCEPTED, State.REJECTED, State.DROPPED})
MAY_BE_READ = frozenset({State.ACCEPTED, State.SENDING, State.IN_DOUBT})  # by the person it went to
DECIDED_AS = frozenset({State.PLANNED, State.DROPPED})

LONGEST = 500  # characters kept of what Bird says; its replies may be long and hostile


def fitted(text: str | None) -> str | None:
    """What a ledger keeps of foreign text: its first 500 characters, as UTF-8 can hold them."""
    if text is None or (text.isascii() and len(text) <= LONGEST):
        return text
    return text[:LONGEST].encode(errors="replace").decode()


def may_be_intended(state: State, *, from_doubt: bool) -> bool:
    return state in SENDABLE or (from_doubt and state is State.IN_DOUBT)


def may_be_found(held: State, message_id: str | None, found: State) -> bool:
    """Whether a look-up may move it: what is undecided, or an accepted one of which Bird's id is not known."""
    return held in UNDECIDED or (held is State.ACCEPTED and message_id is None and found in FOUND_AT_BIRD)


def may_stand(entry: Entry, edition: str) -> bool:
    """Whether it is counted where the messages of an edition stand: what is open is so until somebody decides."""
    return entry.state in OPEN or (entry.state in DECIDED and entry.edition == edition)


def is_older(entry: Entry, before: str) -> bool:
    """Whether its state last changed before then. A time that can't be read is never old."""
    return is_before(entry.at, before)


def was_sent_since(entry: Entry, since: str) -> bool:
    """Whether the person may have got it from then on; no for a time that can't be read."""
    return entry.state in MAY_BE_READ and is_since(entry.at, since)


def is_before(at: str, limit: str) -> bool:
    """False where one of them can't be read."""
    moment, end = _moment(at), _moment(limit)
    return moment is not None and end is not None and moment < end


def is_since(at: str, limit: str) -> bool:
    """False where one of them can't be read."""
    moment, end = _moment(at), _moment(limit)
    return moment is not None and end is not None and moment >= end


def near(limit: str, *, days: int) -> str:
    """So many days later (or earlier, below 0), as a text that sorts among times in UTC.

    For stores that compare letters before the times are read. What sorts before all where it can't be told.
    """
    moment = _moment(limit)
    try:
        return "" if moment is None else (moment.astimezone(UTC) + timedelta(days=days)).isoformat()
    except OverflowError:
        return ""


def may_be_purged(entry: Entry, before: str) -> bool:
    return entry.state in PURGEABLE and entry.address != "" and is_older(entry, before)


def purged(entry: Entry) -> Entry:
    reference = purged_reference(entry.key, entry.reference)
    told = entry.told and entry.told.purged()
    return replace(entry, address="", reference=reference, words=None, text_hash=None, told=told)


def left_behind(run: str) -> str:
    """The words of a message whose run ended without saying what became of it."""
    return f"the run {run} ended without an outcome"


def must_settle(state: State) -> None:
    if state not in SETTLED_AS:
        raise ValueError(f"an intent can't be settled as {state}")


def must_decide(state: State) -> None:
    if state not in DECIDED_AS:
        raise ValueError(f"a person can't decide that a message is {state}")


def must_find(state: State) -> None:
    if state not in FOUND_AS:
        raise ValueError(f"a look-up can't find that a message is {state}")


def lost(manifest: str) -> NoReturn:
    raise ClaimLost(
        f"this run's claim to {manifest} has ended or been taken over: it may send and record nothing more",
        hint="look at what the other run does with flypast status, then send again: nothing goes out twice",
    )


def locked(manifest: str, who: str, *, hint: str = "") -> Locked:
    wait = "wait for it to end, or let this run wait with --lock-timeout"
    return Locked(f"another run of {manifest} holds the ledger: {who}", hint=wait + hint)


def held_by(*, pid: int, host: str, since: str, run: str) -> str:
    return f"pid {pid} on {host}, since {since}, run {run}"


def not_open(key: str) -> NoReturn:
    raise LedgerFault(f"the message {key} has no open intent of this run, so its outcome was not recorded")


def not_sendable(key: str, held: State | None) -> NoReturn:
    stands = "named twice in one commit" if held is None else f"{held} already"
    raise NotSendable(f"the message {key} is {stands}: it is not sent", hint="plan again")


def _moment(text: str) -> datetime | None:
    """RFC 3339 as a moment in UTC; without a zone it is taken for UTC, as SQLite does."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
