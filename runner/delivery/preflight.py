"""What must hold of a channel before anything goes through it (Bird, "Programmable SMS")."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from runner.bird.channels import Capability, ChannelSeen, instant, said, shown
from runner.errors import Exit
from runner.model import Channel, Check

DOCS_VALUE = "text"  # what stands for any text in Bird's own samples


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What a run wants of a channel. `count` messages go through it, and `has_media` of them some."""

    channel: Channel
    count: int
    has_media: bool

    @property
    def name(self) -> str:
        return f"channel {self.channel.name}"

    @property
    def needs_mms(self) -> bool:
        return self.channel.mms or (self.has_media and self.channel.platform == "sms")

    @property
    def why_mms(self) -> str:
        return "the manifest says mms: true" if self.channel.mms else "a message has media"


def refusal(need: Need, found: str, advice: str, exit_code: Exit = Exit.REFUSED) -> Check:
    """Where nothing goes through the channel, nothing is refused: it is worth a warning."""
    if need.count:
        return Check(status="fail", name=need.name, found=found, advice=advice, exit_code=exit_code)
    return Check(status="warn", name=need.name, found=f"{found} (nothing goes through it now)", advice=advice)


def judged(need: Need, seen: ChannelSeen, now: datetime) -> list[Check]:
    """All that is wrong with the channel, or that nothing is."""
    wrong = list(_faults(need, seen))
    found = [refusal(need, words, advice) for words, advice in wrong]
    found += [Check(status="warn", name=need.name, found=words, advice=advice) for words, advice in _doubts(need, seen)]
    found += [
        Check(status="warn", name=need.name, found=words, advice="renew it at Bird, or messages may be refused")
        for words in _expired(need, seen, now)
    ]
    return found if wrong else [Check(status="pass", name=need.name, found=described(seen)), *found]


def described(seen: ChannelSeen) -> str:
    """`active, sms-messagebird, +12025550100, MMS active`."""
    mms = mms_word(seen)
    parts = [seen.text("status"), seen.text("platformId"), seen.text("identifier"), mms and f"MMS {mms}"]
    return ", ".join(part for part in parts if part)


def mms_word(seen: ChannelSeen) -> str | None:
    """The status of outgoing MMS, or `paused`; None where the channel has no such capability."""
    mms = seen.outgoing_mms
    if mms.value is None:
        return None
    status = mms.value.get("status")
    return "paused" if mms.is_paused else status[:100] if isinstance(status, str) else "unknown"


def _faults(need: Need, seen: ChannelSeen) -> Iterator[tuple[str, str]]:
    """What is wrong, and what to do about it."""
    if not seen.is_active:
        yield f'status {said(seen.fields, "status")}, not "active"', "look at the channel in Bird, or name another"
    if not _fits(need.channel.platform, seen):
        yield (
            f"platformId {said(seen.fields, 'platformId')}, and the manifest says platform: {need.channel.platform}",
            "put channelId or platform right",
        )
    if need.needs_mms and (words := _not_capable(seen.outgoing_mms)):
        yield f"it can't send MMS, and {need.why_mms}: {words}", "use a channel that can send MMS, or send text"


def _not_capable(mms: Capability) -> str | None:
    if mms.value is None:
        return f"{mms.path} is missing"
    if not mms.is_active:
        return f'{mms.path}.status {mms.status}, not "active"'
    return f"{mms.path}.paused {said(mms.value, 'paused')}" if mms.is_paused else None


def _doubts(need: Need, seen: ChannelSeen) -> Iterator[tuple[str, str]]:
    incoming = seen.incoming_mms
    if need.needs_mms and not (incoming.is_active and not incoming.is_paused):
        words = _not_capable(incoming)
        yield f"it can't receive MMS: {words}", "sending does not need it; replies with pictures may be lost"


def _expired(need: Need, seen: ChannelSeen, now: datetime) -> Iterator[str]:
    for path, value in seen.expiries(with_mms=need.needs_mms):
        at = instant(value)
        if at is None:
            yield f"{path} is {shown(value)}, which is no time"
        elif at <= now.astimezone(UTC):
            yield f"{path} is past: {shown(value)}"


def _fits(platform: str, seen: ChannelSeen) -> bool:
    """By its beginning: `sms` is `sms-messagebird` at Bird. The value of Bird's own sample says nothing against any."""
    found = (seen.text("platformId") or "").lower()
    return found.startswith(platform) or found == DOCS_VALUE
