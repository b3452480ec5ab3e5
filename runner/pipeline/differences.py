"""Two versions of a manifest held against each other: facts, texts as written, audience, size."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from difflib import unified_diff

from runner.model import Channel, Json
from runner.plan import Tally
from runner.plan.difference import Change, ManifestDiff, MessageDiff, People, Text
from runner.recipients.phones import mask
from runner.scratch import Kept

MOST_LINES = 4_000  # of a text that is compared line by line


@dataclass(slots=True, kw_only=True)
class Side:
    """One version, planned as far as it goes. `kept` holds who gets what: each address of each message once."""

    name: str = ""
    edition: str = ""
    digest: str | None = None
    currency: str | None = None
    drafts: dict[str, tuple[str, ...]] = field(default_factory=dict)
    tallies: Mapping[str, Tally] = field(default_factory=dict)
    policy: Mapping[str, Json] = field(default_factory=dict)
    channels: Mapping[str, Channel] = field(default_factory=dict)
    used: frozenset[str] = frozenset()
    inputs: Mapping[str, str] = field(default_factory=dict)
    included: dict[str, tuple[str, ...]] = field(default_factory=dict)
    mistakes: tuple[str, ...] = ()
    not_checked: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    same: Counter[str] = field(default_factory=Counter)
    kept: Kept = field(default_factory=Kept)

    @property
    def is_whole(self) -> bool:
        return self.digest is not None


def compared(path: str, before: Side | None, after: Side | None) -> ManifestDiff:
    was, now = before or Side(), after or Side()
    used = was.used | now.used
    inputs = sorted(
        name for name in was.inputs.keys() | now.inputs.keys() if was.inputs.get(name) != now.inputs.get(name)
    )
    made = ManifestDiff(
        path=path,
        kind="added" if before is None else "removed" if after is None else "changed",
        digests=(was.digest, now.digest),
        facts=_changes({"name": was.name, "edition": was.edition}, {"name": now.name, "edition": now.edition}),
        policy=_changes(was.policy, now.policy),
        channels=_changes(_flat(was, used), _flat(now, used)),
        inputs=tuple(inputs),
        messages=tuple(_messages(was, now)),
        included=tuple(text for text in _texts(was.included, now.included) if text.lines),
        currencies=(was.currency, now.currency),
        mistakes=tuple(("before", each) for each in was.mistakes) + tuple(("after", each) for each in now.mistakes),
        not_checked=tuple(("before", each) for each in was.not_checked)
        + tuple(("after", each) for each in now.not_checked),
    )
    return replace(made, kind="same") if made.kind == "changed" and _is_same(made, was, now) else made


def _is_same(made: ManifestDiff, was: Side, now: Side) -> bool:
    """By the digests where both sides were planned; what it does not cover must be the same too."""
    if any((made.facts, made.policy, made.channels, made.included, was.mistakes != now.mistakes)):
        return False
    if any(message.text.lines for message in made.messages):
        return False
    return was.digest == now.digest and (was.is_whole or not made.inputs)


def _messages(was: Side, now: Side) -> Iterator[MessageDiff]:
    is_planned = all(side.is_whole or not side.drafts for side in (was, now))
    for text in _texts(was.drafts, now.drafts):
        name = text.name
        same, before, after = now.same[name], was.counts[name], now.counts[name]
        yield MessageDiff(
            name=name,
            text=text,
            people=People(added=after - same, removed=before - same, same=same) if is_planned else None,
            before=was.tallies.get(name) if was.is_whole else None,
            after=now.tallies.get(name) if now.is_whole else None,
            is_new=name not in was.drafts,
            is_gone=name not in now.drafts,
        )


def _texts(was: Mapping[str, Sequence[str]], now: Mapping[str, Sequence[str]]) -> Iterator[Text]:
    """In the order of now, then what is there no more."""
    for name in (*now, *(name for name in was if name not in now)):
        yield Text(name=name, lines=tuple(_unified(was.get(name, ()), now.get(name, ()))))


def _unified(before: Sequence[str], after: Sequence[str]) -> Iterator[str]:
    if max(len(before), len(after)) > MOST_LINES:
        if before != after:
            yield f"  (more than {MOST_LINES:,} lines: they differ)"
        return
    lines = unified_diff(before, after, lineterm="")
    with suppress(StopIteration):
        next(lines)
        next(lines)
    yield from lines


def _changes(was: Mapping[str, Json], now: Mapping[str, Json]) -> tuple[Change, ...]:
    return tuple(
        Change(key=key, before=_said(was.get(key)), after=_said(now.get(key)))
        for key in sorted(was.keys() | now.keys())
        if _said(was.get(key)) != _said(now.get(key))
    )


def _said(value: Json) -> str | None:
    if value is None or value == "":
        return None
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


def _flat(side: Side, used: frozenset[str]) -> dict[str, Json]:
    return {
        f"{name}.{key}": value
        for name, channel in side.channels.items()
        if name in used
        for key, value in {
            "workspaceId": channel.workspace_id,
            "channelId": channel.channel_id,
            "platform": channel.platform,
            "mms": channel.mms,
            "rate": str(channel.rate) if channel.rate is not None else None,
        }.items()
    }


def written(message: Json) -> Iterator[str]:
    """A message as its author wrote it, a line for each value; the people of a written receiver are masked."""
    for key, value in message.items() if isinstance(message, Mapping) else ():
        if key != "receiver":
            yield from _lines(str(key), value)
            continue
        contacts = value.get("contacts") if isinstance(value, Mapping) else None
        for contact in contacts if isinstance(contacts, list) else ():
            address = contact.get("identifierValue") if isinstance(contact, Mapping) else None
            yield f"receiver: {mask(address) if isinstance(address, str) else '***'}"


def _lines(path: str, value: Json) -> Iterator[str]:
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _lines(f"{path}.{key}", inner)
    elif isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
        for index, inner in enumerate(value):
            yield from _lines(f"{path}[{index}]", inner)
    elif isinstance(value, str) and "\n" in value:
        yield f"{path}:"
        yield from (f"  {line}" for line in value.split("\n"))
    else:
        yield f"{path}: {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)}"
