"""A plan drawn and shown: what `plan`, `send --dry-run` and the first half of `send` have in common."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from runner.bird.requests import api_origin, is_loopback
from runner.errors import Exit, FlypastError, UsageError
from runner.findings import Findings, did_you_mean
from runner.guards import check_digest, not_judged, over_limits
from runner.ledger.seam import Ledger
from runner.model import Check, Policy
from runner.output.formats.found import Found
from runner.output.lock import Lock
from runner.output.neutral import neutral
from runner.output.plan_told import PlanTold
from runner.pipeline import Loaded, Order, Planned, make_plan, now_utc
from runner.pipeline.ledgers import LedgerChoice
from runner.pipeline.lockfile import NAME as LOCK
from runner.pipeline.lockfile import write_lock
from runner.pipeline.reviewing import Standing, plan_of, standing_of
from runner.plan import Planner, Spool
from runner.project import near

from .changes import change_of
from .options import NO_LOCK, LockOptions, PlanOptions
from .orders import inputs_of, order_of
from .showing import show_found, show_warnings
from .steps import say_how_to_send
from .telling import Telling
from .terminal import TERMINAL

if TYPE_CHECKING:
    from runner.pipeline.wanted import Looked

    from .online import Online


@dataclass(slots=True, kw_only=True)
class Drawing:
    """One manifest on its way to a plan: what was found and what could not be checked."""

    order: Order
    options: PlanOptions
    findings: Findings
    not_checked: list[str]
    loaded: Loaded
    may_retry: Callable[[str], bool] | None = None

    @classmethod
    def of(cls, manifest: Path, options: PlanOptions, *, may_retry: Callable[[str], bool] | None = None) -> "Drawing":
        """`may_retry`: of what was rejected, that with such codes is to be sent, and nothing else."""
        given = inputs_of(
            options.parameter_files, options.sets, options.recipient_files, concurrency=options.concurrency
        )
        order = order_of(manifest, given, jobs=options.jobs)
        findings = Findings()
        loaded = order.load(findings)
        if loaded.manifest is not None:
            drafts = (*loaded.manifest.drafts, *loaded.manifest.unsound)
            _check_only(options.only, [draft.name for draft in drafts], order)
            _check_concurrency(options.concurrency, loaded.manifest.policy)
        elif not findings.has_errors:
            raise UsageError(f"{manifest} has no messages: it is a library for other manifests to include")
        return cls(order=order, options=options, findings=findings, not_checked=[], loaded=loaded, may_retry=may_retry)

    def plan(self, ledger: Ledger | None, spool: Spool | None) -> Planned | None:
        """The plan, without a spool to look at it; None where the manifest could not be read at all.

        Findings decide whether it counts.
        """
        if self.loaded.manifest is None:
            return None
        planner = partial(
            Planner,
            spool=spool,
            only=frozenset(self.options.only),
            limit=self.options.limit,
            delivery=self.loaded.manifest.policy.delivery,
            may_retry=self.may_retry,
            rate=self.options.pace(self.loaded.manifest.policy.rate),
            concurrency=self.options.concurrency or self.loaded.manifest.policy.concurrency,
        )
        return make_plan(
            self.loaded,
            self.loaded.manifest,
            self.order,
            ledger=ledger,
            planner=planner,
            now=now_utc(),
            findings=self.findings,
            not_checked=self.not_checked,
        )

    def standing(self, planned: Planned) -> Standing:
        """Where the plan stands in `flypast.lock`."""
        return standing_of(self.loaded, self.order.path, planned.plan.digest)

    def lock(self, planned: Planned) -> Lock:
        """The same for outputs."""
        standing = self.standing(planned)
        return Lock(state=standing.state, words=standing.why, moved=standing.moved)

    def found(self, stopped: str = "") -> Found:
        """What was found so far, and why the command goes no further where that is no finding."""
        return Found(
            findings=self.findings.sorted(),
            manifests=[self.order.project.shown(self.order.path)],
            not_checked=tuple(self.not_checked),
            ignored=self.findings.ignored,
            sources=self.loaded.sources,
            stopped=stopped,
        )

    def show_findings(self, telling: Telling) -> int:
        """They are all that there is to tell."""
        telling.found = self.found()
        show_found(telling.found, telling.output_format)
        return Exit.FINDINGS


def _check_only(only: tuple[str, ...], drafts: list[str], order: Order) -> None:
    for name in only:
        if name not in drafts:
            raise UsageError(
                f'{order.project.shown(order.path)} has no message "{name}"', hint=did_you_mean(name, drafts)
            )


def _check_concurrency(concurrency: int | None, policy: Policy) -> None:
    """Where the manifest's own does not hold a batch, that is a finding."""
    if concurrency is not None and concurrency < policy.batch <= policy.concurrency:
        raise UsageError(
            f"--concurrency {concurrency} is less than policy.batch, which is {policy.batch}",
            hint=f"so many messages are in flight with each POST: give --concurrency {policy.batch} or more",
        )


def plan(
    manifest: Path,
    options: PlanOptions,
    telling: Telling,
    *,
    may_retry: Callable[[str], bool] | None = None,
    online: "Online | None" = None,
    lock: LockOptions = NO_LOCK,
) -> int:
    """Draws the plan and shows it; `online` is given where channels and templates are looked up too."""
    return telling.of(lambda: _plan(manifest, options, telling, may_retry=may_retry, online=online, lock=lock))


def _plan(
    manifest: Path,
    options: PlanOptions,
    telling: Telling,
    *,
    may_retry: Callable[[str], bool] | None,
    online: "Online | None",
    lock: LockOptions,
) -> int:
    drawing = Drawing.of(manifest, options, may_retry=may_retry)
    choice = LedgerChoice.of(options.ledger_url, options.api_url, drawing.order.path)
    telling.spare((*drawing.loaded.to_read(), *choice.place.files, drawing.order.project.root / LOCK))
    ledger = _readable(choice, drawing)
    is_empty = ledger is not None and not ledger.manifests()
    spool: Spool | None = None
    if online is not None and drawing.loaded.manifest is not None:
        spool = online.spool(drawing.loaded.manifest, options.only)
    try:
        planned = drawing.plan(ledger, spool)
    finally:
        if ledger is not None:
            ledger.close()
    telling.spare(drawing.loaded.to_read())
    if planned is None or drawing.findings.has_errors:
        return drawing.show_findings(telling)
    _note_unchecked(drawing, planned, choice, ledger, is_empty=is_empty)
    refusals = list(
        over_limits(
            planned.plan, planned.manifest.policy, max_messages=options.max_messages, allow_empty=options.allow_empty
        )
    )
    looked = _looked_up(drawing, planned, online, choice.api)
    refusals += [check.words for check in looked.failed] if looked is not None else []
    if lock.is_written and not refusals:
        _lock(drawing, planned)
    stopped = _not_as_reviewed(drawing, planned, lock)
    show_plan(drawing, planned, refusals, telling, looked, stopped=stopped)
    if stopped is not None:
        raise stopped
    code = Exit.REFUSED if refusals else Exit.DONE
    return (looked.exit_code if looked is not None else None) or code


def _not_as_reviewed(drawing: Drawing, planned: Planned, lock: LockOptions) -> FlypastError | None:
    """What `--expect` and `--check-lock` say, for who reads the plan to see it there too."""
    try:
        check_digest(planned.plan, drawing.loaded.inputs, drawing.options.expect)
        if lock.is_checked:
            drawing.standing(planned).check(is_required=True)
    except FlypastError as refused:
        return refused
    return None


def _looked_up(drawing: Drawing, planned: Planned, online: "Online | None", api: str) -> "Looked | None":
    """What was seen at Bird; None where nobody is to look, which is told."""
    if online is None:
        _note_not_looked_up(drawing, planned)
        return None
    looked = online.looked(planned, api)
    drawing.not_checked += online.not_checked(planned, looked)
    return looked


def _note_not_looked_up(drawing: Drawing, planned: Planned) -> None:
    has_key = bool(os.environ.get("BIRD_ACCESS_KEY", "").strip())
    why = "plan --online does" if has_key else "no key"
    drawing.not_checked += [f"channel {name} not looked up: {why}" for name in planned.plan.channels]
    drawing.not_checked += templates_not_looked_up(planned, why)


def templates_not_looked_up(planned: Planned, why: str) -> list[str]:
    """Whether Bird has them, and active, is then not known."""
    return [
        f"template of {draft.name} not looked up: {why}"
        for draft in planned.manifest.drafts
        if draft.fields.get("template") is not None and planned.plan.messages.get(draft.name) is not None
    ]


def _lock(drawing: Drawing, planned: Planned) -> None:
    """Says what became of the lock: it is a file that somebody has to commit. Only a plan that was expected gets in."""
    check_digest(planned.plan, drawing.loaded.inputs, drawing.options.expect)
    root, path = drawing.order.project.root, drawing.order.path
    gone = write_lock(root, plan_of(drawing.loaded, path, planned.plan.digest))
    TERMINAL.say(f"{near(root / LOCK)} has this plan: commit it")
    for manifest in gone:
        TERMINAL.say(f"  {neutral(manifest)} is there no more: its entries were dropped")


def _readable(choice: LedgerChoice, drawing: Drawing) -> Ledger | None:
    """The ledger to hold the plan against; not one that the manifest's policy doesn't mean."""
    ledger = choice.open_to_read()
    manifest = drawing.loaded.manifest
    wanted = manifest.policy.ledger if manifest is not None else None
    if wanted is None or is_loopback(choice.api) or (ledger is not None and ledger.name == wanted):
        return ledger
    drawing.not_checked.append(f"ledger {wanted}")
    if ledger is not None:
        ledger.close()
    return None


def _note_unchecked(
    drawing: Drawing, planned: Planned, choice: LedgerChoice, ledger: Ledger | None, *, is_empty: bool
) -> None:
    all_new = f"all {planned.plan.totals.new:,} count as new"
    if ledger is None and planned.manifest.policy.ledger is None:
        drawing.not_checked.append(f"no ledger at {choice.place.near}: {all_new}")
    if ledger is not None and is_empty:
        drawing.not_checked.append(f"the ledger at {choice.place.near} holds nothing yet: {all_new}")
    if ledger is not None and ledger.origin != api_origin(choice.api):
        drawing.not_checked.append(
            f"the API: this ledger is bound to {ledger.origin}, and a send to {choice.api} would be refused"
        )
    drawing.not_checked += not_judged(planned.plan, planned.manifest.policy)


def show_plan(
    drawing: Drawing,
    planned: Planned,
    refusals: list[str],
    telling: Telling,
    looked: "Looked | None",
    *,
    stopped: FlypastError | None,
) -> None:
    online = None if looked is None else [check for check in looked.checks if check.status != "unknown"]
    told = told_of(drawing, planned, telling, drawing.not_checked, refusals=refusals, online=online)
    telling.found = drawing.found("; ".join([*refusals, *([stopped.message] if stopped is not None else [])]))
    telling.page = told.written
    telling.outputs = outputs_of(planned)
    if telling.output_format == "json":
        telling.show()
        return
    show_warnings(telling.found.findings, drawing.loaded.sources)
    if telling.output_format == "text":
        TERMINAL.data(told.text(TERMINAL.out))
        say_how_to_send(told, is_stopped=stopped is not None)
        return
    telling.show()
    if telling.output_format != "markdown":
        TERMINAL.say(told.text(TERMINAL.err))


def told_of(
    drawing: Drawing,
    planned: Planned,
    telling: Telling,
    not_checked: Sequence[str],
    *,
    refusals: Sequence[str] = (),
    online: Sequence[Check] | None = None,
) -> PlanTold:
    """The plan with what is said of it; what changed since the merge base is looked for where somebody reads of it."""
    change, unseen = change_of(drawing.order) if telling.wants("markdown") else (None, "")
    return PlanTold(
        plan=planned.plan,
        name=planned.manifest.name,
        edition=planned.manifest.edition,
        gone=dict(planned.gone),
        not_checked=tuple(not_checked),
        refusals=refusals,
        policy=planned.manifest.policy,
        lock=drawing.lock(planned),
        inputs=drawing.loaded.inputs,
        online=online,
        change=change,
        unseen=unseen,
    )


def outputs_of(planned: Planned) -> dict[str, object]:
    """Of a step in GitHub Actions: what a send with these options sends."""
    send = planned.plan.to_send
    return {
        "has_changes": "true" if send.messages else "false",
        "messages": send.messages,
        "segments": send.segments,
        "digest": planned.plan.digest,
    }
