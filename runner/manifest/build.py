"""From what files declare to the model: channels, lists, drafts and policy, with every reference checked."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from runner.findings import Findings, did_you_mean
from runner.judge import Steps, judge
from runner.model import Channel, Draft, Json, Policy, RecipientList

from .documents import Document
from .explain import mistakes
from .fitting import check_fit
from .include import Gathered, Origin
from .lists import check_quoted, declared_lists
from .parameters import Parameters
from .policy import build_policy, parse_rate
from .site import Site

OURS = frozenset({"channel", "to", "exclude", "when", "parameters", "distinct", "receiver"})


_NO_CHANNEL = Channel(name="", workspace_id="", channel_id="")  # of a message that can't be composed


class Evaluate(Protocol):
    """Renders a manifest's own string over manifest parameters; None after a finding, or where a value is missing."""

    def __call__(self, text: str, site: Site, *, as_text: bool) -> Json: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A manifest and its includes, checked. `document` gives places.

    `unsound` are messages that can't be composed, for which there are findings; `mistaken` are the paths in `document`
    of values that have a finding, so that they get no second one, and `uncertain` the sections that may hold more.
    """

    document: Document
    name: str
    edition: str
    parameters: Parameters
    channels: Mapping[str, Channel]
    lists: Mapping[str, RecipientList]
    drafts: tuple[Draft, ...]
    policy: Policy
    suppress: tuple[tuple[str, Origin], ...]
    prices: tuple[str, Origin] | None
    quiet_hours: Origin | None
    list_documents: Mapping[str, Document]
    unsound: tuple[Draft, ...] = ()
    mistaken: frozenset[tuple[str | int, ...]] = frozenset()
    uncertain: frozenset[str] = frozenset()


def is_library(document: Document) -> bool:
    """A manifest without messages: for includes, checked by its schema alone."""
    return isinstance(document.data, dict) and not document.data.get("messages")


def build(
    gathered: Gathered,
    parameters: Parameters,
    evaluate: Evaluate,
    findings: Findings,
    *,
    concurrency: int | None = None,
) -> Manifest:
    """Items that the schema refused are left out; references to them are no second mistake.

    `concurrency` is the operator's.
    """
    data = gathered.main.data
    channels = dict(_channels(gathered, evaluate, findings))
    drafts = list(_drafts(gathered, channels, findings))
    return Manifest(
        document=gathered.main,
        name=data["name"] if isinstance(data.get("name"), str) else "",
        edition=_edition(gathered.main, evaluate, findings),
        parameters=parameters,
        channels=channels,
        lists=dict(declared_lists(gathered, partial(_text, evaluate), findings)),
        drafts=tuple(draft for draft, is_sound in drafts if is_sound),
        policy=_policy(gathered, findings, concurrency),
        suppress=tuple(_suppress(gathered)),
        prices=_prices(gathered),
        quiet_hours=gathered.sections["policy"].get("quietHours"),
        list_documents={name: origin.document for name, origin in gathered.sections["recipients"].items()},
        unsound=tuple(draft for draft, is_sound in drafts if not is_sound),
        mistaken=gathered.mistaken,
        uncertain=gathered.uncertain,
    )


def _channels(gathered: Gathered, evaluate: Evaluate, findings: Findings) -> Iterator[tuple[str, Channel]]:
    for name, origin in gathered.sections["channels"].items():
        if ("channels", name) in gathered.broken:
            continue
        fields = {key: _evaluated(origin, (key,), value, evaluate) for key, value in origin.value.items()}
        if None in fields.values() or not _stands(name, fields, origin, findings):
            continue
        yield (
            name,
            Channel(
                name=name,
                workspace_id=fields["workspaceId"].lower(),
                channel_id=fields["channelId"].lower(),
                platform=fields.get("platform", "sms"),
                mms=fields.get("mms", False),
                rate=parse_rate(fields["rate"]) if "rate" in fields else None,
            ),
        )


def _stands(name: str, fields: dict[str, Json], origin: Origin, findings: Findings) -> bool:
    """Whether what expressions gave is what the schema wants."""
    if fields.get("mms") in ("true", "false"):
        fields["mms"] = fields["mms"] == "true"
    rendered = {"apiVersion": "flypast/v1", "channels": {name: fields}}
    found = {
        str(mistake.path[-1]): mistake.message for mistake in mistakes(judge("manifest").errors(rendered), rendered)
    }
    # The manifest's schema lets an expression pass, and here one can't be left.
    left = {key for key, value in fields.items() if isinstance(value, str) and "{" in value}
    found |= {key: f'"{key}" still holds an expression' for key in left - found.keys()}
    for key, words in found.items():
        findings.error(
            "CHN701",
            f'channel "{name}", once rendered: {words}',
            origin.place(key),
            hint="look at the parameters it is made of",
            cause=f"{words} {origin.value[key]}",
        )
    return not found


def _evaluated(origin: Origin, path: tuple[str, ...], value: Json, evaluate: Evaluate) -> Json:
    if not isinstance(value, str):
        return value
    return evaluate(value, Site(document=origin.document, path=(*origin.path, *path)), as_text=False)


def _edition(document: Document, evaluate: Evaluate, findings: Findings) -> str:
    written = document.data.get("edition", "1")
    if not isinstance(written, str) or not written:
        return "1"
    site = Site(document=document, path=("edition",))
    rendered = _text(evaluate, written, site)
    if rendered is not None and not rendered.strip():
        hint = "give the parameters it is made of a value"
        findings.error("REF313", "the edition renders to nothing", site.place(), hint=hint)
    return rendered or ""


def _text(evaluate: Evaluate, written: str, site: Site) -> str | None:
    rendered = evaluate(written, site, as_text=True)
    return rendered if isinstance(rendered, str) else None


def _drafts(gathered: Gathered, channels: Mapping[str, Channel], findings: Findings) -> Iterator[tuple[Draft, bool]]:
    """Each with whether it can be composed; of the others too the expressions and lists are looked at."""
    document = gathered.main
    written = document.data.get("messages")
    for name, message in written.items() if isinstance(written, dict) else ():
        if not isinstance(message, dict):
            continue
        origin = Origin(document=document, path=("messages", name))
        is_sound = _references_hold(origin, gathered, findings) and ("messages", name) not in gathered.broken
        channel = channels.get(message["channel"]) if isinstance(message.get("channel"), str) else None
        _check_quoted_receiver(origin, findings)
        if is_sound and channel is not None:
            check_fit(origin, channel, findings)
        yield _draft(origin, name, channel or _NO_CHANNEL), is_sound and channel is not None


def _draft(origin: Origin, name: str, channel: Channel) -> Draft:
    """Also of what the schema refused: what is of no use in it is left out."""
    written: Mapping[str, Json] = origin.value
    receiver, parameters, when = written.get("receiver"), written.get("parameters"), written.get("when")
    return Draft(
        name=name,
        channel=channel,
        fields={key: value for key, value in written.items() if key not in OURS},
        to=_names(written.get("to")),
        exclude=_names(written.get("exclude")),
        receiver=receiver if isinstance(receiver, dict) else None,
        when=when if isinstance(when, str) else None,
        parameters=parameters if isinstance(parameters, dict) else {},
        distinct=_names(written.get("distinct")),
    )


def _names(written: Json) -> tuple[str, ...]:
    names = [written] if isinstance(written, str) else written if isinstance(written, list) else ()
    return tuple(dict.fromkeys(name for name in names if isinstance(name, str)))


def _check_quoted_receiver(origin: Origin, findings: Findings) -> None:
    if isinstance(origin.value.get("receiver"), dict):
        receiver = Origin(document=origin.document, path=(*origin.path, "receiver"))
        check_quoted(receiver, "contacts", findings)


def _references_hold(origin: Origin, gathered: Gathered, findings: Findings) -> bool:
    missing = [each for each in _references(origin.value) if each[1] not in gathered.sections[each[0]]]
    for section, name, path in missing:
        if section in gathered.uncertain or (*origin.path, *path) in gathered.mistaken:
            continue  # it may stand where a mistake is already told
        code, kind = ("REF310", "channel") if section == "channels" else ("REF311", "recipient list")
        known = gathered.sections[section]
        hint = did_you_mean(name, known) or f"declare it under {section}, here or in an included file"
        cause = name if known else "all"  # where nothing is declared, all names lack the same
        findings.error(code, f'no {kind} is called "{name}"', origin.place(*path), hint=hint, cause=cause)
    return not missing


def _references(written: Mapping[str, Json]) -> Iterator[tuple[str, str, Steps]]:
    """Section, name and path of each name that a message refers to, also where the schema refused something else."""
    if isinstance(channel := written.get("channel"), str):
        yield "channels", channel, ("channel",)
    for key in ("to", "exclude"):
        value = written.get(key)
        if isinstance(value, str):
            yield "recipients", value, (key,)
        for index, name in enumerate(value if isinstance(value, list) else ()):
            if isinstance(name, str):
                yield "recipients", name, (key, index)


def _policy(gathered: Gathered, findings: Findings, concurrency: int | None) -> Policy:
    section = gathered.sections["policy"]
    keys = {name: origin for name, origin in section.items() if ("policy", name) not in gathered.broken}
    refused = {name for section_name, name in gathered.broken if section_name == "policy"}
    return build_policy(keys, findings, refused=refused, concurrency=concurrency)


def _suppress(gathered: Gathered) -> Iterator[tuple[str, Origin]]:
    origin = gathered.sections["policy"].get("suppress")
    if origin is None or ("policy", "suppress") in gathered.broken:
        return
    if isinstance(origin.value, str):
        yield origin.value, origin
        return
    for index, path in enumerate(origin.value):
        yield path, Origin(document=origin.document, path=(*origin.path, index))


def _prices(gathered: Gathered) -> tuple[str, Origin] | None:
    origin = gathered.sections["policy"].get("prices")
    is_there = origin is not None and origin.value is not None and ("policy", "prices") not in gathered.broken
    return (origin.value, origin) if origin is not None and is_there else None
