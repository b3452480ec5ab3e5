"""Drafts made ready for people: every expression compiled once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from runner.bird.requests import TEXT_PATHS, carries_media, value_at
from runner.judge import Steps, judge
from runner.ledger.identity import KeyMaker
from runner.manifest.build import Manifest
from runner.manifest.site import Site
from runner.model import Draft, Json
from runner.rendering.drafts import CompiledDraft, DraftFault, Finish, Path, compile_draft
from runner.rendering.faults import ExpressionFault
from runner.rendering.language import Condition, Language, Template
from runner.sms import plainer

from .faults import Faults
from .nested import Given, Nested
from .wire import Wire

_BROKEN = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A draft whose expressions compiled. One that `is_whole` is ready for people; of another the names are known."""

    draft: Draft
    site: Site
    compiled: CompiledDraft
    when: Condition | None
    parameters: Mapping[str, Given]
    keys: KeyMaker
    is_whole: bool
    text_paths: tuple[tuple[str, ...], ...]  # where it has a body's text
    is_sms: bool  # see `is_sms`
    is_smart: bool  # its SMS text is written plainly where that keeps it in GSM-7
    wire: Wire
    printed: tuple[str, ...]  # the names that its expressions could print, in a fixed order
    refused: Sequence[tuple[Site, frozenset[str]]]  # what can't be compiled, with the names that it needs

    @property
    def names(self) -> frozenset[str]:
        """Every name that some expression of this draft needs, its own parameters left out."""
        needed = set(self.compiled.names - self.compiled.guarded) - self.parameters.keys()
        needed |= {name for site, names in self.refused for name in names if not self._has_own(site, name)}
        if self.when is not None:
            needed |= (self.when.names - self.when.guarded) - self.parameters.keys()
        for template in self.parameters.values():
            if isinstance(template, Template | Nested):
                needed |= template.names - template.guarded
        return frozenset(needed)

    def is_same_for_all(self, path: tuple[str, ...]) -> bool:
        """Whether the text at `path` has no expression that a person's data could change."""
        return not any(path == at and template.names for at, template in self.compiled.slots)

    def names_at(self, path: Steps) -> list[str]:
        """The names in the expressions that gave the value at `path`."""
        given = (template.names for at, template in self.compiled.slots if path[: len(at)] == at)
        return sorted(frozenset().union(*given))

    def site_of(self, name: str) -> Site:
        """The first place that needs a name."""
        for path, template in self.compiled.slots:
            if name in template.names:
                return self.site.below(*path)
        for own, value in self.parameters.items():
            if isinstance(value, Template | Nested) and name in value.names:
                return self.site.below("parameters", own)
        refused = (site for site, names in self.refused if name in names and not self._has_own(site, name))
        return next(refused, self.site.below("when"))

    def _has_own(self, site: Site, name: str) -> bool:
        """Whether the message's own parameters, which can't use one another, give a name to the text there."""
        return name in self.parameters and site.path[: len(self.site.path) + 1] != (*self.site.path, "parameters")


class Refusals:
    """Tells what can't be compiled, and remembers which names it needs: those may be unknown besides."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self.met: list[tuple[Site, frozenset[str]]] = []

    def tell(self, site: Site, fault: ExpressionFault) -> None:
        self._faults.at_once(site, fault)
        if fault.names:
            self.met.append((site, fault.names))


def prepare(draft: Draft, manifest: Manifest, language: Language, faults: Faults) -> Prepared:
    """Compiles a draft; what can't be is in the findings and left out."""
    site = Site(document=manifest.document, path=("messages", draft.name))
    language = language.on_sms() if draft.channel.platform == "sms" else language
    is_smart = manifest.policy.smart_encoding and is_sms(draft)
    refusals = Refusals(faults)
    compiled, is_whole = _compiled(draft, language, site, refusals, {TEXT_PATHS[0]: plainer} if is_smart else {})
    when = _condition(draft, language, site, refusals)
    parameters = {
        name: _parameter(value, site.below("parameters", name), language, refusals)
        for name, value in draft.parameters.items()
    }
    return Prepared(
        draft=draft,
        site=site,
        compiled=compiled,
        when=when,
        parameters=parameters,
        keys=KeyMaker(
            workspace_id=draft.channel.workspace_id, name=manifest.name, edition=manifest.edition, message=draft.name
        ),
        is_whole=is_whole and (draft.when is None or when is not None) and _BROKEN not in parameters.values(),
        text_paths=tuple(path for path in TEXT_PATHS if value_at(draft.fields, path) is not None),
        is_sms=is_sms(draft),
        is_smart=is_smart,
        wire=Wire(compiled),
        refused=refusals.met,
        printed=(*sorted(compiled.names - {"recipient"}), *sorted(compiled.names & {"recipient"})),
    )


def has_gap(prepared: Prepared, row: Mapping[str, Json]) -> bool:
    """Whether a column is empty that some expression of the draft names."""
    return any(name in row and row[name] in (None, "") for name in prepared.printed)


def is_sms(draft: Draft) -> bool:
    """Whether its text goes out as an SMS, split and paid for by segments. What goes with media does not."""
    is_text = draft.channel.platform == "sms" and value_at(draft.fields, ("body", "type")) == TEXT_PATHS[0][1]
    return is_text and not carries_media(draft.fields)


def _compiled(
    draft: Draft, language: Language, site: Site, refusals: Refusals, finish: Mapping[Path, Finish]
) -> tuple[CompiledDraft, bool]:
    """Also whether all of it could be compiled."""
    fields = draft.fields
    is_whole = True
    while True:
        try:
            judged = judge("request")
            return compile_draft(fields, language, judged.errors, finish, judged.wants_text), is_whole
        except DraftFault as failed:
            is_whole = False
            for path, fault in failed.faults:
                refusals.tell(site.below(*path), fault)
                fields = _without(fields, path)


def _without(fields: Json, path: tuple[str | int, ...]) -> Json:
    """A copy whose value at `path` is an empty text: that compiles."""
    if not path:
        return ""
    step, *rest = path
    copy = dict(fields) if isinstance(fields, Mapping) else list(fields)
    copy[step] = _without(copy[step], tuple(rest))  # type: ignore[index]  # a map's key or a list's number
    return copy


def _condition(draft: Draft, language: Language, site: Site, refusals: Refusals) -> Condition | None:
    if draft.when is None:
        return None
    try:
        return language.condition(draft.when)
    except ExpressionFault as fault:
        refusals.tell(site.below("when"), fault)
        return None


def _parameter(value: Json, site: Site, language: Language, refusals: Refusals) -> Given:
    if isinstance(value, Mapping | list):
        steps = list(value) if isinstance(value, Mapping) else range(len(value))
        inner = [_parameter(value[step], site.below(step), language, refusals) for step in steps]
        if _BROKEN in inner:
            return _BROKEN
        if not any(isinstance(each, Template | Nested) for each in inner):
            return value
        return Nested.of(dict(zip(value, inner, strict=True)) if isinstance(value, Mapping) else inner)
    if not isinstance(value, str):
        return value
    try:
        template = language.template(value)
    except ExpressionFault as fault:
        refusals.tell(site, fault)
        return _BROKEN
    return template if template.has_expressions else value
