"""What Bird shows of channels and templates, as far as a send depends on it. Pure: no I/O, no clock.

Bird adds keys and renames them ("Programmable SMS" disagrees with its own sample twice), so unknown keys are let pass
and every value may be missing or of any type.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from runner.model import Json

from .replies import PageFault

_MAX_TOKEN = 8000
_LONGEST = 80  # of a value that is shown
_LEVELS = (("capabilities", "messaging", "messaging"), ("capabilities", "messaging"))
_INCOMING = ("incoming", "inbound")


@dataclass(frozen=True, slots=True, kw_only=True)
class Capability:
    """A capability at its place in Bird's channel: `path` as a reader finds it there. Missing: `value` is None."""

    path: str
    value: Mapping[str, Json] | None

    @property
    def status(self) -> str:
        """`is missing`, `is "inactive"`: for a sentence."""
        return said(self.value, "status")

    @property
    def is_active(self) -> bool:
        return self.value is not None and self.value.get("status") == "active"

    @property
    def is_paused(self) -> bool:
        """Anything but false stops us: to send what is paused costs more than to ask."""
        return self.value is not None and self.value.get("paused") not in (None, False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelSeen:
    """A channel as Bird shows it."""

    fields: Mapping[str, Json]

    def text(self, name: str) -> str | None:
        value = self.fields.get(name)
        return value[:_LONGEST] if isinstance(value, str) and value else None

    @property
    def is_active(self) -> bool:
        return self.fields.get("status") == "active"

    def mms(self, *ways: str) -> Capability:
        """The MMS capability of the first of `ways` that has one; the doubled level comes first."""
        for level in _LEVELS:
            for way in ways:
                if (found := _at(self.fields, (*level, way, "mms"))) is not None:
                    return Capability(path=".".join((*level, way, "mms")), value=found)
        return Capability(path=".".join((*_LEVELS[1], ways[0], "mms")), value=None)

    @property
    def outgoing_mms(self) -> Capability:
        return self.mms("outgoing")

    @property
    def incoming_mms(self) -> Capability:
        return self.mms(*_INCOMING)

    def expiries(self, *, with_mms: bool) -> Iterator[tuple[str, Json]]:
        """Each `expiresAt` that stands above or at what is sent with, by its path."""
        ways = [("outgoing",), *([("outgoing", "mms"), *((way, "mms") for way in _INCOMING)] if with_mms else [])]
        for level in _LEVELS:
            for way in [(), *ways]:
                value = (_at(self.fields, (*level, *way)) or {}).get("expiresAt")
                if value is not None:
                    yield ".".join((*level, *way, "expiresAt")), value


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateSeen:
    """One version of a template in a Studio project; what can't be read is None or left out."""

    version: str | None
    status: str | None
    locales: Mapping[str, str]
    default_locale: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemPage:
    """A page of a list; `next_token` None is the last one."""

    items: Sequence[Mapping[str, Json]]
    next_token: str | None


def read_channel(body: bytes) -> ChannelSeen:
    """Raises PageFault where it is no channel."""
    value = _json(body)
    if not isinstance(value, dict):
        raise PageFault("Bird's reply is no channel")
    return ChannelSeen(fields=value)


def read_items(body: bytes) -> ItemPage:
    """A page of channels or templates. Raises PageFault where it is none."""
    page = _json(body)
    results = page.get("results") if isinstance(page, dict) else None
    if not isinstance(results, list) or not all(isinstance(item, dict) for item in results):
        raise PageFault("a page of Bird's list has no results that can be read")
    token = page.get("nextPageToken")
    if token is not None and (not isinstance(token, str) or len(token) > _MAX_TOKEN):
        raise PageFault("Bird's list goes on with a page token that is none")
    return ItemPage(items=results, next_token=token or None)


def template_of(item: Mapping[str, Json]) -> TemplateSeen:
    locales = item.get("localeStatuses")
    return TemplateSeen(
        version=_text(item.get("id")),
        status=_text(item.get("status")),
        locales={
            name: status
            for name, status in (locales.items() if isinstance(locales, dict) else ())
            if isinstance(status, str)
        },
        default_locale=_text(item.get("defaultLocale")),
    )


def said(fields: Mapping[str, Json] | None, name: str) -> str:
    """`is missing`, `is "inactive"`, `is 7`: what stands there, cut, for a sentence."""
    if fields is None or fields.get(name) is None:
        return "is missing"
    return f"is {shown(fields[name])}"


def shown(value: Json) -> str:
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (ValueError, RecursionError):  # an integer of 5,000 digits; 900 brackets
        return "something that can't be read"
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def instant(value: Json) -> datetime | None:
    """An RFC 3339 time; None for anything else. One without a zone is taken as UTC."""
    if not isinstance(value, str) or len(value) > 64:
        return None
    try:
        at = datetime.fromisoformat(value)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _json(body: bytes) -> Json:
    try:
        return json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        raise PageFault("Bird's reply can't be read: it is no JSON") from None


def _text(value: Json) -> str | None:
    return value[:_LONGEST] if isinstance(value, str) and value else None


def _at(fields: Mapping[str, Json], path: Sequence[str]) -> Mapping[str, Json] | None:
    found: Json = fields
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else None
