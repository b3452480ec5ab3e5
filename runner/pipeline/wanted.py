"""What a run wants looked up at Bird, and what was seen. It imports no client: a plan without a key needs none."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from runner.bird.requests import carries_media
from runner.delivery.preflight import Need
from runner.delivery.templates import TemplateNeed
from runner.errors import Exit
from runner.model import Channel, Check, Draft, Json, Message

MOST_TEMPLATES = 50  # that are rendered for each person; so many tell enough
_EXPRESSIONS = ("{{", "{%", "{#")
_NAMED = ("projectId", "version", "locale")


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What was seen. `ahead_s` is how far Bird's clock is ahead of ours; None where it was not told.

    `statuses` are the HTTP statuses that came, but those of another try.
    """

    checks: tuple[Check, ...] = ()
    ahead_s: float | None = None
    statuses: frozenset[int] = frozenset()

    @property
    def failed(self) -> list[Check]:
        return [check for check in self.checks if check.status == "fail"]

    @property
    def exit_code(self) -> Exit:
        """Of the first of 7, 11 and 4 that some fail has."""
        codes = {check.exit_code for check in self.failed}
        return next((code for code in (Exit.BIRD_REFUSED, Exit.STOPPED, Exit.REFUSED) if code in codes), Exit.DONE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What to look up."""

    channels: Sequence[Need] = ()
    templates: Sequence[TemplateNeed] = ()


def channel_needs(drafts: Iterable[Draft], sent_of: Mapping[str, int]) -> list[Need]:
    """What the messages want of each channel they name; `sent_of` counts those of each that are to go out."""
    drafts = list(drafts)
    return [
        Need(
            channel=channel,
            count=sum(sent_of.get(draft.name, 0) for draft in drafts if draft.channel == channel),
            has_media=any(
                carries_media(draft.fields) for draft in drafts if draft.channel == channel and sent_of.get(draft.name)
            ),
        )
        for channel in dict.fromkeys(draft.channel for draft in drafts)
    ]


class Templates:
    """The templates that messages name. A `Spool` of runner.plan: those rendered for each person it notes as they come.

    `too_many` where there were more of these than are looked up.
    """

    def __init__(self, drafts: Iterable[Draft]) -> None:
        self._noted: dict[tuple[str, ...], TemplateNeed] = {}
        self._users: dict[tuple[str, ...], set[str]] = {}
        self._rendered: set[str] = set()
        self.too_many = False
        for draft in drafts:
            template = draft.fields.get("template")
            if isinstance(template, Mapping):
                if any(_is_rendered(template.get(key)) for key in _NAMED):
                    self._rendered.add(draft.name)
                else:
                    self._note(draft.name, draft.channel, template)

    @property
    def needs(self) -> list[TemplateNeed]:
        return list(self._noted.values())

    def needs_of(self, sent_of: Mapping[str, int]) -> list[TemplateNeed]:
        """Those of messages that somebody new gets."""
        return [need for named, need in self._noted.items() if any(map(sent_of.get, self._users[named]))]

    @property
    def rendered(self) -> list[str]:
        """The messages whose template is not known before they are rendered."""
        return sorted(self._rendered)

    def add(self, message: Message) -> None:
        if message.draft in self._rendered and not self.too_many:
            self._note(message.draft, message.channel, json.loads(message.body)["template"])

    def _note(self, message: str, channel: Channel, template: Mapping[str, Json]) -> None:
        project, version, locale = (_text(template.get(key)) for key in _NAMED)
        named = (channel.workspace_id, project or "", version or "", locale or "")
        if named in self._noted:
            self._users[named].add(message)
            return
        if message in self._rendered and len(self._noted) >= MOST_TEMPLATES:
            self.too_many = True
            return
        self._users[named] = {message}
        self._noted[named] = TemplateNeed(
            message=message,
            workspace_id=channel.workspace_id,
            project_id=project,
            version=version,
            locale=locale,
        )


def _is_rendered(value: Json) -> bool:
    return isinstance(value, str) and any(mark in value for mark in _EXPRESSIONS)


def _text(value: Json) -> str | None:
    return value if isinstance(value, str) and value else None
