"""What must hold of every message of every ledger, in words that show nobody's data."""

import re
from collections.abc import Iterator
from datetime import datetime

from runner.model import State

from .identity import reference_of
from .seam import Entry

is_key = re.compile(r"[A-Z2-7]{32}").fullmatch
_is_hash = re.compile(r"[0-9a-f]{64}").fullmatch
_is_country = re.compile(r"[A-Z0-9]{2,3}").fullmatch
_is_time = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(\.[0-9]+)?(Z|[+-][0-9:]{5})").fullmatch
_is_purged_reference = re.compile(r"sha256:[0-9a-f]{64}").fullmatch
_NEVER_EMPTY = ("manifest", "edition", "message", "workspace_id", "channel_id", "run")


def faults(entry: Entry) -> Iterator[str]:
    """What can't be: no run of flypast writes it."""
    if not is_key(entry.key):
        yield "its key is not 32 letters of base32"
    yield from (f"it has no {name.replace('_', ' ')}" for name in _NEVER_EMPTY if not getattr(entry, name))
    yield from _identity_faults(entry)
    yield from _count_faults(entry)
    for name, time in (("intent", entry.intended_at), ("last change", entry.at), ("look at Bird", entry.looked_at)):
        if time is not None and moment(time) is None:
            yield f"the time of its {name} is not RFC 3339 with a zone"
    yield from _state_faults(entry)


def oddities(entry: Entry) -> Iterator[str]:
    """What can be, and deserves a look."""
    intended_at, at = moment(entry.intended_at), moment(entry.at)
    if intended_at is not None and at is not None and at < intended_at:
        yield "its last change is older than its intent: the clock was set back, or a run waited for the lock"


def moment(text: str) -> datetime | None:
    """RFC 3339 with its zone as a moment; None for what is none."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None and _is_time(text) else None


def _identity_faults(entry: Entry) -> Iterator[str]:
    if not entry.reference:
        yield "it has no reference"
    elif not entry.address and entry.reference != reference_of(entry.key) and not _is_purged_reference(entry.reference):
        yield "it was purged, but not its own reference"
    if not entry.address and entry.words is not None:
        yield "it was purged, but not its words"
    if not entry.address and entry.state is State.SENDING:
        yield "it is sending without an address"
    if not _is_hash(entry.payload_hash):
        yield "its payload hash is not a SHA-256 in hex"
    if entry.country is not None and not _is_country(entry.country):
        yield "its country is none"


def _count_faults(entry: Entry) -> Iterator[str]:
    if entry.attempts < 1:
        yield f"it has {entry.attempts} attempts, but at least one was begun"
    for name, count in (("segments", entry.segments), ("times sent again", entry.resent)):
        if count < 0:
            yield f"it has {count} {name}"


def _state_faults(entry: Entry) -> Iterator[str]:
    state = entry.state
    if state is State.SENDING and (entry.message_id or entry.code):
        yield "it is sending, and yet has an outcome"
    if state is State.ACCEPTED and entry.code is not None:
        yield "it is accepted, and yet has the code of a refusal"
    if state is State.REJECTED and entry.code is None:
        yield "it is rejected without a code"
    if state is State.ABSENT and entry.looked_at is None:
        yield "it is absent, but nobody looked for it"
    if entry.looked_at is not None and state in (State.SENDING, State.ACCEPTED, State.REJECTED):
        yield f"it is {state}, and yet was looked for in vain since"
