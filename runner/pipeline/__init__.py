"""The order of the program: load, validate, resolve, render, check, plan, dispatch, report.

`validate` runs the first five, `plan` the first six, `send` all. A dry run is the same code stopped earlier.
"""

from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.findings import Findings
from runner.manifest.build import Manifest
from runner.manifest.site import Site
from runner.model import Draft, State
from runner.plan import Composed, Hours, Plan, Planner, Sheaf, Skipped, one_by_one
from runner.prices import RateCard
from runner.project import Project
from runner.recipients.phones import mask

from .audience import Audience
from .compose import Composer
from .faults import Faults
from .listfiles import ListFiles
from .loading import Inputs, Loaded, load
from .prepare import prepare
from .pricing import rate_card
from .receivers import check_receiver

if TYPE_CHECKING:
    from runner.ledger.seam import Ledger
    from runner.plan.album import Album

    from .sides import Reload

_DECIDED = (State.ACCEPTED, State.REJECTED, State.DROPPED)
_UNSURE = (State.IN_DOUBT, State.SENDING, State.ABSENT)
__all__ = ["Inputs", "Loaded", "Order", "Planned", "gathered", "load", "make_plan", "validate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One manifest and what the operator gives with it. `is_strict` where every value must be there to go on.

    `jobs` is how many processes compose.
    """

    path: Path
    source: bytes
    project: Project
    inputs: Inputs = field(default_factory=Inputs)
    is_strict: bool = True
    jobs: int = 1

    def load(self, findings: Findings) -> Loaded:
        return load(self.path, self.source, self.project, self.inputs, findings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A plan and what surrounds it. `gone` counts messages of this send that the ledger holds and the plan does not.

    `undecided` counts those of all editions that nobody knows enough about.
    """

    manifest: Manifest
    plan: Plan
    gone: Mapping[str, int]
    undecided: int


def validate(order: Order, findings: Findings, not_checked: list[str]) -> Loaded:
    """Everything that can be known without a ledger, a key or a network."""
    loaded = order.load(findings)
    card = rate_card(loaded, findings)
    for item in gathered(loaded, order, findings, not_checked, card, tells_countries=card is not None):
        if not isinstance(item, Skipped) and item.scheduled_for is not None and loaded.manifest is not None:
            from .schedule import time_of  # noqa: PLC0415 - few manifests schedule anything

            time_of(item, Site(document=loaded.manifest.document, path=("messages",)), findings)
    return loaded


def composed(
    loaded: Loaded, order: Order, findings: Findings, not_checked: list[str], card: RateCard | None = None
) -> Generator[Composed | Skipped, None, None]:
    """`gathered`, each message by itself."""
    items = gathered(loaded, order, findings, not_checked, card)
    with closing(items):
        yield from one_by_one(items)


def gathered(
    loaded: Loaded,
    order: Order,
    findings: Findings,
    not_checked: list[str],
    card: RateCard | None = None,
    *,
    tells_countries: bool = True,
) -> Generator[Composed | Skipped | Sheaf, None, None]:
    """Resolve, render and check: every message of the manifest in plan order. What is wrong is in `findings`.

    Who stops early closes it: then what was met so far is told. Messages have a cost where there is a rate card.
    Who counts no countries and has no rate card spares itself asking the numbering plans.
    """
    manifest = loaded.manifest
    if manifest is None:
        return
    _missing_parameters(manifest, order, findings, not_checked)
    faults = Faults(
        findings,
        manifest.mistaken,
        is_certain="parameters" not in manifest.uncertain,
        parameters=manifest.parameters.values.keys(),
    )
    reload = _reload(loaded, order) if order.jobs != 1 else None
    composer = Composer(
        manifest=manifest, findings=findings, faults=faults, card=card, reload=reload, tells_countries=tells_countries
    )
    with ListFiles(
        loaded=loaded,
        manifest=manifest,
        given=order.inputs,
        is_strict=order.is_strict,
        findings=findings,
        not_checked=not_checked,
    ) as lists:
        audience = Audience(manifest=manifest, lists=lists, language=loaded.language, findings=findings, faults=faults)
        try:
            for draft in manifest.drafts:
                yield from _messages(draft, manifest, loaded, composer, audience, jobs=order.jobs)
            for draft in manifest.unsound:
                _look_through(draft, manifest, loaded, audience, faults)
            if not order.is_strict:
                audience.read_unused()
        finally:
            faults.report(lists.cell)
            composer.report()


def _reload(loaded: Loaded, order: Order) -> "Reload":
    from .sides import Reload  # noqa: PLC0415 - only where there may be more than one process

    return Reload(load=order.load, inputs=dict(loaded.inputs))


def _messages(
    draft: Draft, manifest: Manifest, loaded: Loaded, composer: Composer, audience: Audience, *, jobs: int
) -> Iterator[Composed | Skipped | Sheaf]:
    site = Site(document=manifest.document, path=("messages", draft.name))
    check_receiver(draft, site, composer.findings)
    prepared = prepare(draft, manifest, loaded.language, composer.faults)
    composer.check_words(prepared)
    composer.content.look(prepared)
    if audience.can_name(prepared) and prepared.is_whole:
        yield from composer.compose(prepared, audience.people(draft), jobs=jobs)
    else:
        audience.read_only(draft)


def _look_through(draft: Draft, manifest: Manifest, loaded: Loaded, audience: Audience, faults: Faults) -> None:
    """A message that can't be composed: what else is wrong with it, and with its lists."""
    prepared = prepare(draft, manifest, loaded.language, faults)
    site = ("messages", draft.name)
    are_names_known = not manifest.mistaken & {(*site, "to"), (*site, "parameters"), (*site, "receiver")}
    if are_names_known and (draft.to or draft.receiver) and all(name in manifest.lists for name in draft.to):
        audience.can_name(prepared)
    audience.read_only(draft)


def _missing_parameters(manifest: Manifest, order: Order, findings: Findings, not_checked: list[str]) -> None:
    for name in manifest.parameters.missing:
        if order.is_strict:
            findings.error(
                "REF309",
                f"parameter {name} has no value",
                manifest.parameters.locate[name](),
                hint=f"give one with --set {name}=… or in a file with --parameters",
            )
        else:
            not_checked.append(f"parameter {name}: no value given, so what needs it was not rendered")


def make_plan(
    loaded: Loaded,
    manifest: Manifest,
    order: Order,
    *,
    ledger: "Ledger | None",
    planner: Callable[..., Planner],
    now: datetime,
    findings: Findings,
    not_checked: list[str],
    album: "Album | None" = None,
) -> Planned:
    """Composes everything once and holds it against the ledger. The findings decide whether the plan counts.

    An `album` keeps all messages to look at.
    """
    from .repeats import others  # noqa: PLC0415 - `validate` needs none of what only a plan does
    from .schedule import Lateness, check_schedule, check_window  # noqa: PLC0415

    site = Site(document=manifest.document, path=("messages",))
    lateness = Lateness(now=now, messages=site, findings=findings)
    card = rate_card(loaded, findings)
    hours = manifest.policy.quiet_hours
    with others(manifest, ledger, now, not_checked) as repeats:
        chosen = planner(
            **_asked(ledger, manifest),
            drafts=[draft.name for draft in manifest.drafts],
            mask=mask,
            on_scheduled=lambda item: check_schedule(item, now, site, findings),
            on_timed=lateness.note,
            repeats=repeats,
            hours=Hours(hours, now) if hours is not None else None,
        )
        with closing(gathered(loaded, order, findings, not_checked, card)) as items:
            chosen.take_all(album.through(items) if album is not None else items)
        plan = chosen.finish(manifest.policy, currency=card.currency if card is not None else None)
    lateness.report()
    if plan.quiet is not None:
        check_window(plan.quiet, plan.pace.seconds, manifest, findings)
    held = _held(ledger, manifest, plan) if ledger is not None else {}
    return Planned(
        manifest=manifest, plan=plan, gone=_gone(held, plan), undecided=sum(held.get(state, 0) for state in _UNSURE)
    )


def _asked(ledger: "Ledger | None", manifest: Manifest) -> dict[str, Any]:
    if ledger is None:
        return {}
    from runner.ledger.ahead import Ahead  # noqa: PLC0415 - `validate` has no ledger

    return {"others": Ahead(ledger, manifest.name, manifest.edition).others}


def _held(ledger: "Ledger", manifest: Manifest, plan: Plan) -> Mapping[State, int]:
    """Where the messages of this send stand, and of its other editions those that are undecided.

    To count them takes all rows: not where the plan has met them all.
    """
    if ledger.size(manifest.name) == plan.matched.total():
        return plan.matched
    return ledger.standing(manifest.name, manifest.edition)


def _gone(held: Mapping[State, int], plan: Plan) -> Mapping[str, int]:
    """`held` is what the ledger has of this send."""
    matched = Counter(plan.matched)
    gone = Counter({state: held.get(state, 0) - matched[state] for state in _DECIDED})
    gone[State.IN_DOUBT] = sum(held.get(state, 0) - matched[state] for state in _UNSURE)
    return {state.value: count for state, count in sorted((+gone).items())}


def now_utc() -> datetime:
    return datetime.now(UTC)
