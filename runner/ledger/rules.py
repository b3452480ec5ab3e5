"""What must hold of every message of every ledger, in words that show nobody's data."""

import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta

from runner.model import State

from .deliveries import OTHER, STATUSES
from .identity import reference_of
from .moves import LONGEST
from .seam import Entry

is_key = re.compile(r"[A-Z2-7]{32}").fullmatch
_is_hash = re.compile(r"[0-9a-f]{64}").fullmatch
is_manifest_name = re.compile(r"[a-z0-9][a-z0-9-]{0,62}").fullmatch
is_own_name = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}").fullmatch
_is_uuid = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}").fullmatch
_is_country = re.compile(r"[A-Z]{2}").fullmatch
_is_cost = re.compile(r"[0-9]+(\.[0-9]+)?").fullmatch
_is_currency = re.compile(r"[A-Z]{3}").fullmatch
_is_message_id = re.compile(r"[ -~]{1,128}").fullmatch
_is_code_of_planned = re.compile(r"HTTP [0-9]{3}").fullmatch
_is_time = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(\.[0-9]+)?(Z|[+-][0-9:]{5})").fullmatch
_is_purged_reference = re.compile(r"sha256:[0-9a-f]{64}").fullmatch
_is_email = re.compile(r"[^@\s]+@[^@\s]+").fullmatch
_is_word = re.compile(r"[A-Za-z0-9_.:-]{1,64}").fullmatch
_is_source = re.compile(r"[A-Za-z0-9_.:-]{1,64}( [A-Za-z0-9_.:-]{1,64})?").fullmatch
_has_control = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]").search
_NEVER_EMPTY = ("manifest", "edition", "message", "workspace_id", "channel_id", "run")
_UNDECIDED_CODES = (None, "double")  # the second: Bird has several messages with its reference
_MAY_HAVE_ID = frozenset({State.ACCEPTED, State.REJECTED})
_SAYS_WHY = frozenset({State.PLANNED, State.REJECTED, State.IN_DOUBT, State.ABSENT, State.DROPPED})
_FAR_AHEAD = timedelta(days=1)


def faults(entry: Entry) -> Iterator[str]:
    """What can't be: no run of flypast writes it."""
    if not is_key(entry.key):
        yield "its key is not 32 letters of base32"
    yield from (f"it has no {name.replace('_', ' ')}" for name in _NEVER_EMPTY if not getattr(entry, name))
    yield from _name_faults(entry)
    yield from _reference_faults(entry)
    yield from _person_faults(entry)
    yield from _count_faults(entry)
    yield from _cost_faults(entry)
    yield from (f"the time of its {name} is not RFC 3339 with a zone" for name, time in _times(entry) if time is None)
    yield from _state_faults(entry)
    yield from _outcome_faults(entry)
    yield from _delivery_faults(entry)


def oddities(entry: Entry, now: datetime) -> Iterator[str]:
    """What can be, and deserves a look."""
    intended_at, at = moment(entry.intended_at), moment(entry.at)
    if intended_at is not None and at is not None and at < intended_at:
        yield "its last change is older than its intent: the clock was set back, or a run waited for the lock"
    for name, time in _times(entry):
        if time is not None and time > now + _FAR_AHEAD:
            yield f"the time of its {name} is more than a day ahead of this machine's clock"


def moment(text: str) -> datetime | None:
    """RFC 3339 with its zone as a moment; None for what is none."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None and _is_time(text) else None


def _times(entry: Entry) -> Iterator[tuple[str, datetime | None]]:
    """Each time that it says, None where that is none."""
    yield "intent", moment(entry.intended_at)
    yield "last change", moment(entry.at)
    if entry.looked_at is not None:
        yield "look at Bird", moment(entry.looked_at)
    if entry.told is not None:
        yield "delivery status", moment(entry.told.at)
        yield "last look-up", moment(entry.told.looked_at)


def _name_faults(entry: Entry) -> Iterator[str]:
    if entry.manifest and not is_manifest_name(entry.manifest):
        yield "its manifest's name is none that a manifest can have"
    if entry.message and not is_own_name(entry.message):
        yield "its message's name is none that a message can have"
    for name in ("workspace_id", "channel_id"):
        if getattr(entry, name) and not _is_uuid(getattr(entry, name)):
            yield f"its {name.replace('_', ' ')} is not a UUID"
    if not _is_hash(entry.payload_hash):
        yield "its payload hash is not a SHA-256 in hex"


def _reference_faults(entry: Entry) -> Iterator[str]:
    if entry.reference == reference_of(entry.key):
        return
    if not entry.reference:
        yield "it has no reference"
    elif not entry.address and not _is_purged_reference(entry.reference):
        yield "it was purged, but not its own reference"
    elif entry.reference.startswith(reference_of("")):
        yield "its reference begins as those of flypast do, but is not that of its key"


def _person_faults(entry: Entry) -> Iterator[str]:
    if not entry.address and entry.words is not None:
        yield "it was purged, but not its words"
    if not entry.address and entry.text_hash is not None:
        yield "it was purged, but not the hash of its text"
    if not entry.address and entry.state in (State.SENDING, State.IN_DOUBT, State.ABSENT):
        yield f"it is {entry.state} without an address"
    if entry.address and not _is_address(entry.address):
        yield "its address is of a form that no list and no receiver gives"
    if entry.country is not None and not _is_country(entry.country):
        yield "its country is none"


def _is_address(text: str) -> bool:
    """`identifierKey:value`, `id:…`, or the contacts of a written receiver as JSON."""
    if text.startswith("["):
        return _is_contacts(text)
    key, _, value = text.partition(":")
    if key == "id":
        return bool(value)
    if key == "emailaddress":
        return _is_email(value) is not None and not _has_control(value)
    return bool(key) and bool(value.strip()) and not _has_control(value)


def _is_contacts(text: str) -> bool:
    try:
        contacts = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return bool(contacts) and all(isinstance(contact, dict) for contact in contacts)


def _count_faults(entry: Entry) -> Iterator[str]:
    if entry.attempts < 1:
        yield f"it has {entry.attempts} attempts, but at least one was begun"
    for name, count in (("segments", entry.segments), ("times sent again", entry.resent)):
        if count < 0:
            yield f"it has {count} {name}"
    if entry.resent > max(entry.attempts, 0):
        yield f"it was sent again {entry.resent} times, of {entry.attempts} attempts in all"


def _cost_faults(entry: Entry) -> Iterator[str]:
    if (entry.cost is None) != (entry.currency is None):
        yield "it has a cost without a currency, or a currency without a cost"
    elif entry.cost is not None and not _is_cost(entry.cost):
        yield "its cost is no plain decimal"
    if entry.currency is not None and not _is_currency(entry.currency):
        yield "its currency is not three letters"
    if entry.text_hash is not None and not _is_hash(entry.text_hash):
        yield "the hash of its text is not a SHA-256 in hex"


def _state_faults(entry: Entry) -> Iterator[str]:
    state = entry.state
    if state is State.SENDING and (entry.message_id is not None or entry.code is not None or entry.words is not None):
        yield "it is sending, and yet has an outcome"
    elif entry.message_id is not None and state not in _MAY_HAVE_ID:
        yield f"it is {state}, and yet has a message id of Bird's"
    if state is State.ACCEPTED and entry.code is not None:
        yield "it is accepted, and yet has the code of a refusal"
    if state is State.ACCEPTED and entry.words is not None:
        yield "it is accepted, and yet has the words of another outcome"
    if state is State.REJECTED and not entry.code:
        yield "it is rejected without a code"
    if state is State.ABSENT and entry.looked_at is None:
        yield "it is absent, but nobody looked for it"
    if entry.looked_at is not None and state in (State.SENDING, State.ACCEPTED, State.REJECTED):
        yield f"it is {state}, and yet was looked for in vain since"
    if entry.address and entry.words is None and state in _SAYS_WHY:
        yield f"it is {state}, and nothing says why"


def _outcome_faults(entry: Entry) -> Iterator[str]:
    state, code = entry.state, entry.code
    if (state in (State.IN_DOUBT, State.DROPPED) and code not in _UNDECIDED_CODES) or (
        state is State.ABSENT and code is not None
    ):
        yield f"it is {state}, and yet has the code of a refusal"
    if state is State.PLANNED and code not in _UNDECIDED_CODES and not _is_code_of_planned(code or ""):
        yield "it is planned, and yet has the code of a refusal"
    if entry.message_id is not None and not _is_message_id(entry.message_id):
        yield "its message id is none that Bird gives: empty, too long, or with a control character"
    for name, text in (("code is", code), ("words are", entry.words)):
        if text is not None and len(text) > LONGEST:
            yield f"its {name} longer than {LONGEST} characters"


def _delivery_faults(entry: Entry) -> Iterator[str]:
    told = entry.told
    if told is None:
        return
    if not _is_message_id(told.message_id):
        yield "the message id of its delivery status is none that Bird gives"
    if not 0 < len(told.status) <= LONGEST or _has_control(told.status):
        yield "its delivery status is no word"
    elif not entry.address and told.status not in (*STATUSES, OTHER):
        yield "it was purged, but not the unknown word of its delivery status"
    if (told.code is not None and not _is_word(told.code)) or (told.source is not None and not _is_source(told.source)):
        yield "the code of its delivery status is none"
