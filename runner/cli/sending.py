"""A send, from the manifest to the last line: load, plan, guard, ask, dispatch, report."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from runner.bird.replies import may_pass
from runner.bird.requests import AccessKey
from runner.delivery.control import Control
from runner.delivery.dispatch import Settings
from runner.delivery.spool import Spool, SpoolWriter
from runner.delivery.tally import RunResult
from runner.errors import FlypastError, LedgerFault, Locked, Refused
from runner.guards import check_digest, drifted, expected_digest, not_judged, over_limits
from runner.ledger.seam import Entry
from runner.model import Delivery, State
from runner.output.masking import in_words
from runner.output.plan_told import PlanTold
from runner.output.send_text import doubts, question, rejections, summary
from runner.output.sheet import Sheet
from runner.output.sizes import run_cost
from runner.output.words import joined
from runner.pipeline import Planned
from runner.pipeline.ledgers import LedgerChoice
from runner.pipeline.listfiles import suppress_moved
from runner.pipeline.reviewing import check_known
from runner.pipeline.running import run
from runner.pipeline.sending import Sent, standing
from runner.pipeline.sending import send as dispatch_spool

from .consent import ask
from .drawing import Drawing, outputs_of, templates_not_looked_up, told_of
from .engines import Workers, follow, tell_handed, workers_of
from .interrupts import INTERRUPTS
from .ledgers import Held, send_ledger
from .online import check_before_sending
from .options import PlanOptions
from .progress import Shown
from .showing import show_warnings
from .steering import steered
from .steps import as_given, go_on, say_what_to_do_about_doubts
from .summary import Report
from .terminal import TERMINAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """A send's own options. `may_retry`: only what was rejected with such codes goes out.

    `engine`: workers send, and this command stays until they have where it is `is_followed`.
    """

    yes: bool = False
    is_persisted: bool = False
    lock_timeout_s: float = 0.0
    pause_s: float = 0.0
    skips_channel_check: bool = False
    may_retry: Callable[[str], bool] | None = None
    engine: str | None = None
    is_followed: bool = False


def send(path: Path, options: PlanOptions, key: AccessKey | None, report: Report, consent: Consent) -> int:
    """Everything after the options. `key` None is the embedded sandbox. Gives the exit code."""
    if options.expect is not None:
        expected_digest(options.expect)
    drawing = Drawing.of(path, options, may_retry=consent.may_retry)
    choice = LedgerChoice.of(options.ledger_url, options.api_url, drawing.order.path) if key is not None else None
    report.telling.spare((*drawing.loaded.to_read(), *(choice.place.files if choice is not None else ())))
    manifest = drawing.loaded.manifest
    if manifest is None or drawing.findings.has_errors:
        drawing.plan(None, None)
        report.telling.spare(drawing.loaded.to_read())
        return report.end_with_findings(drawing.found())
    try:
        check_known(drawing.loaded, drawing.order.path, is_required=manifest.policy.is_lock_required)
        with (
            workers_of(consent.engine, choice, manifest.policy) as workers,
            send_ledger(
                manifest, choice, is_persisted=consent.is_persisted, lock_timeout_s=consent.lock_timeout_s
            ) as held,
        ):
            return _send_held(drawing, held, key, report, consent, workers=workers)
    except (Refused, Locked):
        _count_all_the_same(drawing, choice, report)
        raise


def _count_all_the_same(drawing: Drawing, choice: LedgerChoice | None, report: Report) -> None:
    """Where the ledger was refused, the summary still says where everything stands by what can be read."""
    if not report.is_read or report.has_totals or choice is None:
        return
    try:
        ledger = choice.place.open(origin=None)
    except FlypastError:
        return
    planned = drawing.plan(ledger, None)
    if ledger is not None:
        ledger.close()
    if planned is not None and not drawing.findings.has_errors:
        _note_plan(drawing, planned, report, drawing.not_checked)


def _send_held(
    drawing: Drawing, held: Held, key: AccessKey | None, report: Report, consent: Consent, *, workers: Workers | None
) -> int:
    """The run's own part: this manifest's claim is ours from here on."""

    writer = SpoolWriter()
    planned = drawing.plan(held.ledger, writer)
    report.telling.spare(drawing.loaded.to_read())
    with writer.finish() as spool:
        if planned is None or drawing.findings.has_errors:
            return report.end_with_findings(drawing.found())
        _show_plan(drawing, planned, report, held)
        if consent.pause_s and not planned.manifest.policy.waves:
            TERMINAL.say("the manifest has no policy.waves: --pause-between changes nothing")
        _guard(drawing, planned)
        result = None
        if len(spool):
            look = partial(check_before_sending, planned, held, key or held.key, skips=consent.skips_channel_check)
            ask(_question(planned, held), yes=consent.yes or held.is_sandbox, look_first=look)
            _guard_suppress(drawing)
        INTERRUPTS.defer()  # from here on what was done is told, whatever comes
        if len(spool):
            settings = _settings(planned, drawing.options, consent, total=len(spool))
            if workers is not None:
                handed = workers.hand_over(planned, held, spool, settings)
                if not consent.is_followed:
                    return tell_handed(handed, report)
                result = follow(workers, handed, report)
            else:
                result = run(_run(planned, held, key, spool, settings))
        doubts = _in_doubt_after(result, held, planned)
        sent = standing(planned.plan, result, in_doubt=doubts or 0)
    _summarise(planned, held, sent, report, doubts)
    _say_next(sent, is_in_doubt=bool(doubts or sent.totals["inDoubt"]))
    return sent.exit_code


def _in_doubt_after(result: RunResult | None, held: Held, planned: Planned) -> int | None:
    """None where the ledger stopped the run and can't be read either: what the run did is told all the same."""
    if result is None:
        return planned.undecided  # nothing moved since, and to count them takes all rows
    try:
        return in_doubt(held, planned.manifest.name)
    except LedgerFault:
        if result is None or result.stopped is None or result.stopped.kind != "ledger":
            raise
        return None


def _show_plan(drawing: Drawing, planned: Planned, report: Report, held: Held) -> None:
    """The plan as talk: what is sent is said before it is sent."""
    not_checked = [
        *_new_ledger(planned, held),
        *drawing.not_checked,
        *([] if held.is_sandbox else templates_not_looked_up(planned, "plan --online does")),
        *not_judged(planned.plan, planned.manifest.policy),
    ]
    told = _note_plan(drawing, planned, report, not_checked)
    show_warnings(report.telling.found.findings, drawing.loaded.sources)
    TERMINAL.say(told.text(TERMINAL.err) + "\n")


def _note_plan(drawing: Drawing, planned: Planned, report: Report, not_checked: Sequence[str]) -> PlanTold:
    """From here on whatever ends the run tells of its plan too."""
    report.telling.found = drawing.found()
    told = told_of(drawing, planned, report.telling, not_checked)
    report.planned(planned, told, outputs_of(planned))
    return told


def _new_ledger(planned: Planned, held: Held) -> list[str]:
    return [f"{held.no_ledger}: all {planned.plan.totals.new:,} count as new"] if held.no_ledger else []


def _question(planned: Planned, held: Held) -> str:
    asked = question(planned.plan, api_host=held.api_words, ledger=held.words)
    return "; ".join([asked, *_new_ledger(planned, held)])


def _guard(drawing: Drawing, planned: Planned) -> None:
    """Everything that refuses (exit 4) before the question."""

    options = drawing.options
    refusals = list(
        over_limits(
            planned.plan,
            planned.manifest.policy,
            max_messages=options.max_messages,
            allow_empty=options.allow_empty,
        )
    )
    drift = drifted(planned.plan, options.accept_drift)
    if drift is not None:
        refusals.append(drift)
    if refusals:
        raise Refused("; ".join(refusals), hint="nothing was sent")
    check_digest(planned.plan, drawing.loaded.inputs, options.expect)
    drawing.standing(planned).check(is_required=planned.manifest.policy.is_lock_required)


def _guard_suppress(drawing: Drawing) -> None:
    """Planning and a question take their time: who was added to a suppress file meanwhile must be left out too."""
    if moved := suppress_moved(drawing.loaded):
        raise Refused(
            f"policy.suppress: {joined(moved)} changed since this send read it",
            hint="nothing was sent: run it again, and it is read anew",
        )


def _settings(planned: Planned, options: PlanOptions, consent: Consent, *, total: int) -> Settings:
    policy = planned.manifest.policy
    return Settings(
        concurrency=options.concurrency or policy.concurrency,
        batch=policy.batch,
        workspace_rate=options.pace(policy.rate),
        stop_after=policy.stop_after,
        waves=policy.wave_ends(total),
        pause_s=consent.pause_s,
        is_at_least_once=policy.delivery is Delivery.AT_LEAST_ONCE,
        quiet_hours=policy.quiet_hours,
    )


async def _run(planned: Planned, held: Held, key: AccessKey | None, spool: Spool, settings: Settings) -> RunResult:
    control = Control()
    shown = Shown(len(spool), control)
    async with held.api(planned.manifest) as api, shown.running():
        with steered(control, drain_s=settings.drain_s, hurry=held.claim.hurry, tell=shown.tell):
            return await dispatch_spool(
                spool,
                edition=planned.manifest.edition,
                claim=held.claim,
                api=api,
                key=key or held.key,
                settings=settings,
                control=control,
                observe=shown.observe,
                paces=held.ledger.paces(),
            )


def _summarise(planned: Planned, held: Held, sent: Sent, report: Report, total: int | None) -> None:
    """`total` is in doubt, None where the ledger can't be read."""
    if report.is_text:
        TERMINAL.data(_words(sent, TERMINAL.out))
    report.words = _words(sent, Sheet())
    report.sent(sent)
    if not report.is_text and not report.is_json:
        TERMINAL.say(_words(sent, TERMINAL.err))
    name = planned.manifest.name
    if total is None:
        return
    if sent.run["rejected"]:
        for line in rejections(_rejected(held, name), TERMINAL.err):
            TERMINAL.insist(line)
        if passing := sum(may_pass(entry.code or "") for entry in _rejected(held, name)):
            words = f"{passing:,} for a reason that can pass; send again later"
            TERMINAL.insist(TERMINAL.err.step(words, f"flypast retry{as_given()}"))
    if total:
        entries = held.ledger.entries(name, states=[State.IN_DOUBT, State.ABSENT])
        for line in doubts(entries, total, in_words, TERMINAL.err):
            TERMINAL.insist(line)


def _words(sent: Sent, sheet: Sheet) -> str:
    cost = run_cost(**asdict(sent.cost)) if sent.cost is not None and any(sent.run.values()) else None
    return summary(
        sent.totals,
        sent.run,
        sent.stopped,
        sheet,
        doubles=sent.doubles,
        deferred=sent.deferred,
        kept=sent.kept,
        cost=cost,
    )


def _rejected(held: Held, name: str) -> Iterator[Entry]:
    """What this run saw rejected."""
    return (entry for entry in held.ledger.entries(name, states=[State.REJECTED]) if entry.run == held.claim.run)


def in_doubt(held: Held, name: str) -> int:
    """Of all editions, and of messages that the plan no longer holds too: nobody has decided about them."""
    counts = held.ledger.counts(name)
    return sum(counts.get(state, 0) for state in (State.IN_DOUBT, State.ABSENT))


def _say_next(sent: Sent, *, is_in_doubt: bool) -> None:
    """After a stop the last line is the command to go on with."""
    if is_in_doubt:
        say_what_to_do_about_doubts()
    if sent.stopped is not None:
        TERMINAL.insist(go_on())
