"""The messages that were accepted, and how each moves on with time.

A message's whole course is fixed when it is accepted; its status is read off the clock when somebody asks, so
nothing runs in the background. A number that ends in 0199 ends as `delivery_failed`, with Bird's failure 15005.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .channels import SandboxChannel, derived_id
from .clock import Clock, read_timestamp, timestamp

STATUSES = (
    "accepted",
    "rejected",
    "processing",
    "scheduled",
    "sent",
    "sending_failed",
    "delivered",
    "delivery_failed",
    "deleted",
    "skipped",
)
UNDELIVERABLE_SUFFIX = "0199"
_ECHOED = ("meta", "reference", "replyTo", "shortLinks", "scheduledFor", "template", "body")


@dataclass(frozen=True, slots=True, kw_only=True)
class Delays:
    """Seconds after acceptance (or after `scheduledFor`) at which a message reaches each status."""

    processing_s: float = 0.2
    sent_s: float = 0.4
    delivered_s: float = 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a message failed: Bird's numeric code and words, and who says so with which code of their own."""

    code: int
    description: str
    reason: str
    details: str
    source_name: str
    source_code: str


UNKNOWN_SUBSCRIBER = Failure(
    code=15005,
    description="UNDELIVERABLE",
    reason="details: unknown subscriber; reason: unknown_subscriber; code: 1",
    details="unknown_subscriber",
    source_name="sms-messagebird",
    source_code="1",
)


def refused_by_preprocessing(code: int, description: str, words: str) -> Failure:
    """A failure of Bird's own check after the 202: the message is `rejected` and never goes out."""
    return Failure(
        code=code,
        description=description,
        reason=words,
        details=words,
        source_name="pre-processing",
        source_code=str(code),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """From `after_s` seconds after acceptance on, the message has this status."""

    after_s: float
    status: str
    failure: Failure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """One accepted message. `number` grows in the order of acceptance and anchors the pages of a list."""

    number: int
    id: str
    channel: SandboxChannel
    request: Mapping[str, Any]
    accepted_s: float
    created_unix_s: float
    course: Sequence[Step]
    batch_id: str | None = None


class Messages:
    """Holds every message for as long as the sandbox runs."""

    def __init__(self, *, clock: Clock, delays: Delays, new_id: Callable[[], str]) -> None:
        self._clock = clock
        self._delays = delays
        self._new_id = new_id
        self._by_id: dict[str, Stored] = {}
        self._by_place: defaultdict[tuple[str, ...], list[Stored]] = defaultdict(list)

    def __len__(self) -> int:
        return len(self._by_id)

    def new_batch_id(self) -> str:
        return self._new_id()

    def add(
        self,
        channel: SandboxChannel,
        request: Mapping[str, Any],
        *,
        failure: Failure | None,
        batch_id: str | None = None,
        is_listed: bool = True,
    ) -> Stored:
        """Accepts a valid request; with a `failure` the message is `rejected` from the start.

        One that is not listed is found by its id alone.
        """
        wall_s = self._clock.wall_s()
        stored = Stored(
            number=len(self._by_id) + 1,
            id=self._new_id(),
            channel=channel,
            request=request,
            accepted_s=self._clock.monotonic_s(),
            created_unix_s=wall_s,
            course=_course(request, self._delays, wall_s, failure),
            batch_id=batch_id,
        )
        self._by_id[stored.id] = stored
        if not is_listed:
            return stored
        self._by_place[channel.workspace_id,].append(stored)
        self._by_place[channel.workspace_id, channel.channel_id].append(stored)
        return stored

    def find(self, channel: SandboxChannel, message_id: str) -> Stored | None:
        stored = self._by_id.get(message_id.lower())
        return stored if stored is not None and stored.channel == channel else None

    def get(self, message_id: str) -> Stored | None:
        """By its id as it was given, whatever its channel."""
        return self._by_id.get(message_id)

    def walk(self, *place: str, oldest_first: bool, beyond: int | None) -> Iterator[Stored]:
        """The messages of a workspace, or of a channel in it, on from the one numbered `beyond`.

        Messages that arrive during a walk through pages, newest first, lie before its start: they disturb no page.
        """
        held = self._by_place.get(place, [])
        if oldest_first:
            start = 0 if beyond is None else bisect_right(held, beyond, key=_number)
            return (held[index] for index in range(start, len(held)))
        end = len(held) if beyond is None else bisect_left(held, beyond, key=_number)
        return (held[index] for index in range(end - 1, -1, -1))

    def step(self, stored: Stored) -> Step:
        """Where the message is now."""
        elapsed_s = self._clock.monotonic_s() - stored.accepted_s
        reached = stored.course[0]
        for step in stored.course[1:]:
            if step.after_s > elapsed_s:
                break
            reached = step
        return reached

    def document(self, stored: Stored) -> dict[str, Any]:
        """The message in the shape of Bird's `Message`, with the status it has now."""
        step = self.step(stored)
        request = stored.request
        status_at = timestamp(stored.created_unix_s + step.after_s)
        return {
            "id": stored.id,
            "channelId": stored.channel.channel_id,
            "sender": _sender(stored.channel, request),
            "receiver": {"contacts": [_contact(stored.channel, contact) for contact in contacts_of(request)]},
            "parts": [{"platformReference": stored.id}],
            "status": step.status,
            "reason": step.failure.reason if step.failure else "",
            "details": step.failure.details if step.failure else "",
            "direction": "outgoing",
            "lastStatusAt": status_at,
            "createdAt": timestamp(stored.created_unix_s),
            "updatedAt": status_at,
            "batchId": stored.batch_id,
            "tags": [tag.lower() for tag in request.get("tags") or ()],
            **({"failure": _failure(step.failure)} if step.failure else {}),
            **{name: request[name] for name in _ECHOED if request.get(name) is not None},
        }


def contacts_of(request: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    contacts: Sequence[Mapping[str, Any]] = request["receiver"].get("contacts") or ()
    return contacts


def _number(stored: Stored) -> int:
    return stored.number


def _course(request: Mapping[str, Any], delays: Delays, wall_s: float, failure: Failure | None) -> tuple[Step, ...]:
    if failure is not None:
        return (Step(after_s=0, status="rejected", failure=failure),)
    due = read_timestamp(request.get("scheduledFor") or "")
    wait_s = 0.0 if due is None else max(0.0, due - wall_s)
    fails = any(contact.get("identifierValue", "").endswith(UNDELIVERABLE_SUFFIX) for contact in contacts_of(request))
    last = (
        Step(after_s=wait_s + delays.delivered_s, status="delivery_failed", failure=UNKNOWN_SUBSCRIBER)
        if fails
        else Step(after_s=wait_s + delays.delivered_s, status="delivered")
    )
    return (
        Step(after_s=0, status="scheduled" if wait_s else "accepted"),
        Step(after_s=wait_s + delays.processing_s, status="processing"),
        Step(after_s=wait_s + delays.sent_s, status="sent"),
        last,
    )


def _sender(channel: SandboxChannel, request: Mapping[str, Any]) -> dict[str, Any]:
    asked = (request.get("sender") or {}).get("connector") or {}
    return {
        "connector": {
            "id": channel.connector_id,
            "identifierValue": asked.get("identifierValue", channel.identifier),
            "annotations": asked.get("annotations") or {"name": channel.name},
            "types": [channel.platform],
        }
    }


def _contact(channel: SandboxChannel, asked: Mapping[str, Any]) -> dict[str, Any]:
    """The contact that Bird found or made: its id, and the address that the platform is given."""
    value = asked.get("identifierValue")
    if value is None:
        return dict(asked)
    key = asked.get("identifierKey", "phonenumber")
    found = {"id": derived_id("contact", channel.workspace_id, key, value), "identifierKey": key}
    return {**found, "platformAddress": value, **asked}


def _failure(failure: Failure) -> dict[str, Any]:
    return {
        "code": failure.code,
        "description": failure.description,
        "source": {"code": failure.source_code, "name": failure.source_name},
    }
