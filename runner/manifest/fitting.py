"""Whether a message fits its channel: what an SMS channel takes, as far as the manifest alone can tell."""

from collections.abc import Mapping

from runner.bird.requests import ATTACHMENT_PATHS, value_at
from runner.findings import Findings
from runner.model import Channel, Json

from .include import Origin

SENDABLE_ON_SMS = ("text", "image", "file")
NEEDS_MMS = ("image", "file")
MOST_MEDIA = 10  # of an MMS (Bird: Sending SMS messages)


def check_fit(message: Origin, channel: Channel, findings: Findings) -> None:
    """CHN702: a body of another platform; CHN710: media without `mms: true`; CHN711: buttons."""
    if channel.platform != "sms":
        return
    _check_attachments(message, channel, findings)
    body = message.value.get("body")
    kind = body.get("type") if isinstance(body, Mapping) else None
    if not isinstance(kind, str):
        return
    if kind not in SENDABLE_ON_SMS:
        findings.error(
            "CHN702",
            f'an SMS channel can\'t take a body of type "{kind}"',
            message.place("body", "type"),
            hint=f"use {', '.join(SENDABLE_ON_SMS)}, or a template",
        )
        return
    if kind in NEEDS_MMS and not channel.mms:
        findings.error(
            "CHN710",
            f'a body of type "{kind}" goes out as MMS, and channel "{channel.name}" doesn\'t say that it can',
            message.place("body", "type"),
            hint="write mms: true in the channel, if its number can send MMS",
            cause=channel.name,
        )
    if _has_actions(body, kind):
        findings.error(
            "CHN711",
            "an SMS has no buttons: how Bird would show actions there is not documented",
            message.place("body", kind, "actions", of_key=True),
            hint="remove them, or write the link into the text",
        )


def _check_attachments(message: Origin, channel: Channel, findings: Findings) -> None:
    """What a text or a template carries makes an MMS of it, as a body of media is one."""
    for path in ATTACHMENT_PATHS:
        held = value_at(message.value, path)
        if held and not channel.mms:
            findings.error(
                "CHN710",
                f'what carries attachments goes out as MMS, and channel "{channel.name}" doesn\'t say that it can',
                message.place(*path, of_key=True),
                hint="write mms: true in the channel, if its number can send MMS",
                cause=channel.name,
            )
        if isinstance(held, list) and len(held) > MOST_MEDIA:
            findings.error(
                "SCH207",
                f'"attachments" may have at most {MOST_MEDIA} items on an SMS channel; there are {len(held)}',
                message.place(*path, MOST_MEDIA),
            )


def _has_actions(body: Json, kind: str) -> bool:
    """An empty list is as good as none."""
    content = body.get(kind)
    return isinstance(content, Mapping) and bool(content.get("actions"))
