"""The channels that the sandbox knows, and how Bird shows them."""

import re
import uuid
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from .clock import timestamp

_UUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
ANY_PLATFORM = "text"  # as Bird's own sample of a channel has it
_PLATFORM_IDS = {"sms": "sms-messagebird", "email": "email-messagebird"}
_NAMES = uuid.UUID("6f1d1f5a-3a51-4b8e-9d0a-0f8b1c6f2e11")  # the ids we make up are derived from what they stand for

TemplatesByProject = Mapping[tuple[str, str], Sequence[Mapping[str, Any]]]  # by workspace and project, in lower case


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxChannel:
    """One channel. `platform_id` is Bird's own word for the platform; by default it follows from `platform`.

    `shows` is merged into what a look-up shows (RFC 7396: null takes a key away; what is no object stands for all of
    it). Where `is_doubled` is False the capabilities are as Bird's text has them: one level, and `inbound`. `look_ups`
    are the statuses that the first look-ups get, one after the other; the last stays.
    """

    workspace_id: str
    channel_id: str
    name: str = "Sandbox"
    platform: str = "sms"
    mms: bool = False
    status: str = "active"
    identifier: str = "+12025550100"
    platform_id: str | None = None
    is_doubled: bool = True
    shows: Any = field(default_factory=dict, hash=False)
    look_ups: tuple[int, ...] = (200,)

    @property
    def connector_id(self) -> str:
        return derived_id("connector", self.channel_id)


@lru_cache(maxsize=4096)
def derived_id(*words: str) -> str:
    """A UUID that is always the same for the same words."""
    return str(uuid.uuid5(_NAMES, "\n".join(words)))


class Channels:
    """Which channels exist: those configured, or, when open, every pair of well-formed UUIDs.

    An open set lists the channels that were asked for so far, each with the same MMS capability, fit for any platform.
    """

    def __init__(self, known: Iterable[SandboxChannel], *, is_open: bool, mms: bool) -> None:
        self._is_open = is_open
        self._mms = mms
        self._known = {_key(channel.workspace_id, channel.channel_id): channel for channel in known}
        self._looked_at: Counter[tuple[str, str]] = Counter()

    @classmethod
    def open(cls, *, mms: bool = True) -> "Channels":
        return cls((), is_open=True, mms=mms)

    @classmethod
    def of(cls, channels: Iterable[SandboxChannel]) -> "Channels":
        """These and no others. Raises ValueError where an id is not a UUID or a channel is named twice."""
        listed = list(channels)
        for channel in listed:
            for what, value in (("workspaceId", channel.workspace_id), ("channelId", channel.channel_id)):
                if not _is_uuid(value):
                    raise ValueError(f"{what} {value!r} of channel {channel.name!r} is not a UUID")
        made = cls(listed, is_open=False, mms=False)
        if len(made._known) < len(listed):
            raise ValueError("a channel is configured twice: each pair of workspaceId and channelId may stand once")
        return made

    def find(self, workspace_id: str, channel_id: str) -> SandboxChannel | None:
        key = _key(workspace_id, channel_id)
        known = self._known.get(key)
        if known is None and self._is_open and _is_uuid(workspace_id) and _is_uuid(channel_id):
            known = self._known[key] = SandboxChannel(
                workspace_id=key[0], channel_id=key[1], mms=self._mms, platform_id=ANY_PLATFORM
            )
        return known

    def look_up_status(self, channel: SandboxChannel) -> int:
        """What this look-up gets."""
        key = _key(channel.workspace_id, channel.channel_id)
        self._looked_at[key] += 1
        return channel.look_ups[min(self._looked_at[key], len(channel.look_ups)) - 1]

    def in_workspace(self, workspace_id: str) -> list[SandboxChannel] | None:
        """Its channels, in the order they became known; None where there is no such workspace."""
        wanted = workspace_id.lower()
        found = [channel for (workspace, _), channel in self._known.items() if workspace == wanted]
        return found if found or (self._is_open and _is_uuid(workspace_id)) else None


def _key(workspace_id: str, channel_id: str) -> tuple[str, str]:
    return workspace_id.lower(), channel_id.lower()


def _is_uuid(text: str) -> bool:
    return _UUID.fullmatch(text.lower()) is not None


def channel_json(channel: SandboxChannel, *, made_at_s: float) -> Any:
    """The channel in the shape of Bird's GET channel."""
    at = timestamp(made_at_s)
    shown = {
        "id": channel.channel_id,
        "platformId": channel.platform_id or _PLATFORM_IDS.get(channel.platform, channel.platform),
        "name": channel.name,
        "connectorId": channel.connector_id,
        "identifier": channel.identifier,
        "status": channel.status,
        "capabilities": {"messaging": _messaging(channel, at)},
        "settings": [],
        "connectionParams": [],
        "preferences": {
            "disableProfileFetching": False,
            "explicitMarketingOptOut": False,
            "trackAdInitiatedThreads": None,
            "ignoreSuppressionChecks": False,
            "isPrivate": False,
            "useMmLite": False,
        },
        "useCaseType": "transactional",
        "channelMessageType": "transactional",
        "suites": [],
        "resourceOwners": {},
        "createdAt": at,
        "updatedAt": at,
    }
    return merged(shown, channel.shows)


def merged(document: Any, patch: Any) -> Any:
    """RFC 7396."""
    if not isinstance(patch, dict):
        return patch
    made = dict(document) if isinstance(document, dict) else {}
    for key, value in patch.items():
        if value is None:
            made.pop(key, None)
        else:
            made[key] = merged(made.get(key), value)
    return made


def _messaging(channel: SandboxChannel, at: str) -> dict[str, Any]:
    mms = {**_capability("mms", "active" if channel.mms else "inactive", at), "paused": False}
    ways = ("outgoing", "incoming" if channel.is_doubled else "inbound")
    held = {
        **_capability("messaging", "active", at),
        **{way: {**_capability(way, "active", at), "mms": mms} for way in ways},
    }
    return {"messaging": held} if channel.is_doubled else held


def _capability(name: str, status: str, at: str) -> dict[str, Any]:
    return {"displayName": name, "status": status, "name": name, "version": 1, "updatedAt": at, "createdAt": at}
