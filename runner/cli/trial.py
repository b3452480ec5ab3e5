"""`flypast send --test-to`: one real request with one row's data, to one's own phone."""

import asyncio
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from runner.bird.client import BirdClient
from runner.bird.replies import NoConnection, ReplyLost, classify
from runner.bird.requests import AccessKey, carries_media
from runner.canonical import canonical
from runner.delivery.outcomes import REFUSED_OVER, without_texts
from runner.delivery.preflight import Need
from runner.errors import Exit, UsageError
from runner.ledger.identity import message_key, reference_of
from runner.manifest.build import Manifest
from runner.model import (
    Accepted,
    InDoubt,
    Message,
    NotSent,
    Outcome,
    RefusedByBird,
    Rejected,
    Throttled,
)
from runner.output.neutral import neutral
from runner.pipeline import composed
from runner.pipeline.ledgers import LedgerChoice
from runner.pipeline.reviewing import check_known, standing_of
from runner.pipeline.wanted import Wanted
from runner.plan import Composed, Planner, Skipped
from runner.recipients.phones import mask, normalise_phone

from .consent import ask
from .drawing import Drawing
from .interrupts import INTERRUPTS
from .online import heed, look
from .options import PlanOptions
from .sandboxes import embedded
from .steering import told
from .summary import Report
from .terminal import TERMINAL

INTERRUPTED = "the run was interrupted before a reply came"
MARK = "flypast-test"  # in place of the manifest's name in the key: nobody's state is touched


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """To whom, with whose data (None: the first row's), and what was consented to."""

    to: str
    row: str | None
    yes: bool
    skips_channel_check: bool


def send_trial(path: Path, options: PlanOptions, key: AccessKey | None, asked: Trial, report: Report) -> int:
    """Sends one message and says what Bird said. The ledger is neither read nor written."""
    number, row = _number(asked.to), asked.row
    drawing = Drawing.of(path, options)
    message, manifest = _first(drawing, row), drawing.loaded.manifest
    if message is None or manifest is None or drawing.findings.has_errors:
        return report.end_with_findings(drawing.found())
    trial = _for(message, number, manifest)
    act = _act(trial, number, options, is_sandbox=key is None)
    ask(act, yes=asked.yes or key is None, look_first=lambda: _check_channel(trial, key, options, asked))
    INTERRUPTS.defer()  # from here on a signal is told by what it did to the message
    outcome = asyncio.run(_post(trial, options, key, manifest))
    end = _told(outcome, trial)
    _show(end, trial, number, report)
    return end.code


def _check_channel(trial: Message, key: AccessKey | None, options: PlanOptions, asked: Trial) -> None:
    if key is None or asked.skips_channel_check:
        return
    need = Need(channel=trial.channel, count=1, has_media=carries_media(json.loads(trial.body)))
    api = LedgerChoice.of(None, options.api_url, Path.cwd()).api
    heed(look(Wanted(channels=[need]), api, key))


def _number(written: str) -> str:
    number = normalise_phone(written, None)
    if not isinstance(number, str):
        raise UsageError(f"--test-to: {number.words}", hint=number.hint or "write it as +14155550100")
    return number


def _first(drawing: Drawing, row: str | None) -> Message | None:
    """The message of that row, or the first one. All is composed, so that a finding anywhere stops it."""

    chosen: Message | None = None
    for item in _messages(_reviewed(drawing)):
        is_wanted = not drawing.options.only or item.message.draft in drawing.options.only
        if chosen is None and is_wanted and (row is None or item.row == row):
            chosen = item.message
    if chosen is None and not drawing.findings.has_errors:
        raise UsageError(
            f"no message goes to {row}" if row else "there is no row to take data from",
            hint="see them with: flypast render MANIFEST",
        )
    return chosen


def _reviewed(drawing: Drawing) -> Iterator[Composed | Skipped]:
    """Everything, composed; where the policy wants a review, only once the lock is known to have it.

    Without `requireLock` this is the way to look at a draft that nobody has reviewed yet.
    """
    items = composed(drawing.loaded, drawing.order, drawing.findings, drawing.not_checked)
    manifest = drawing.loaded.manifest
    if manifest is None or not manifest.policy.is_lock_required:
        yield from items
        return
    check_known(drawing.loaded, drawing.order.path, is_required=True)
    digester = Planner(spool=None, drafts=(), mask=mask, on_scheduled=lambda _item: None)
    for item in items:
        digester.take_all([item])
        yield item
    digest = digester.finish(manifest.policy).digest
    if not drawing.findings.has_errors:
        standing_of(drawing.loaded, drawing.order.path, digest).check(is_required=True)


def _messages(items: Iterator[Composed | Skipped]) -> Iterator[Composed]:
    return (item for item in items if isinstance(item, Composed))


def _for(message: Message, number: str, manifest: Manifest) -> Message:

    if message.channel.platform != "sms":
        raise UsageError(f"message {message.draft} does not go to a phone: --test-to can't send it")
    request = json.loads(message.body)
    address = f"phonenumber:{number}"
    key = message_key(
        workspace_id=message.channel.workspace_id,
        name=MARK,
        edition=manifest.name,
        message=message.draft,
        address=address,
    )
    request |= {
        "receiver": {"contacts": [{"identifierKey": "phonenumber", "identifierValue": number}]},
        "reference": reference_of(key),
    }
    return message._replace(key=key, reference=request["reference"], address=address, body=canonical(request))


def _act(trial: Message, number: str, options: PlanOptions, *, is_sandbox: bool) -> str:
    host = "the sandbox" if is_sandbox else urlsplit(LedgerChoice.of(None, options.api_url, Path.cwd()).api).netloc
    return f"Send 1 test message ({trial.draft}) to {mask(number)} through {trial.channel.name} at {host}"


async def _post(trial: Message, options: PlanOptions, key: AccessKey | None, manifest: Manifest) -> Outcome:
    if key is None:
        async with (
            embedded(manifest) as sandbox,
            BirdClient(sandbox.url, AccessKey("sandbox"), concurrency=1) as client,
        ):
            return await _outcome(client, trial)
    api = LedgerChoice.of(None, options.api_url, Path.cwd()).api
    async with BirdClient(api, key, concurrency=1) as client:
        return await _outcome(client, trial)


async def _outcome(client: BirdClient, trial: Message) -> Outcome:
    posting = asyncio.ensure_future(client.post(trial.channel, trial.body))
    try:
        with told(lambda _number: posting.cancel()):
            return classify(await posting, time.time())
    except asyncio.CancelledError:
        return InDoubt(words=INTERRUPTED)
    except NoConnection as never:
        return NotSent(words=never.words, is_final=never.is_certificate)
    except ReplyLost as lost:
        return InDoubt(words=lost.words)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """An outcome for people, its exit code, its counts, and why it counts as a stopped run."""

    words: str
    code: Exit
    run: dict[str, int]
    is_stop: bool = False


def _told(outcome: Outcome, trial: Message) -> _Told:
    run = {"accepted": 0, "rejected": 0, "inDoubt": 0}
    match outcome:
        case Accepted(message_id=message_id):
            words = f"accepted{f', id {message_id}' if message_id else ''}"
            return _Told(words=words, code=Exit.DONE, run=run | {"accepted": 1})
        case Rejected(code=reason, words=said):
            words = f"rejected: {reason} {without_texts(trial, said)}"
            return _Told(words=words, code=Exit.REJECTED, run=run | {"rejected": 1})
        case Throttled():
            words = "not sent: Bird is busy (429), try again later"
            return _Told(words=words, code=Exit.STOPPED, run=run, is_stop=True)
        case NotSent(words=said):
            return _Told(words=f"not sent: {said}", code=Exit.STOPPED, run=run, is_stop=True)
        case RefusedByBird(status=status, words=said):
            over = REFUSED_OVER[status].format(channel=trial.channel.name)
            words = f"Bird refuses {over} (HTTP {status}): {without_texts(trial, said)}"
            return _Told(words=words, code=Exit.BIRD_REFUSED, run=run, is_stop=True)
        case InDoubt(words=said, stops=stops):
            code = Exit.INTERRUPTED if said == INTERRUPTED else Exit.STOPPED if stops else Exit.IN_DOUBT
            is_stop = code is not Exit.IN_DOUBT
            return _Told(words=f"in doubt: {said}", code=code, run=run | {"inDoubt": 1}, is_stop=is_stop)


def _show(told: _Told, trial: Message, number: str, report: Report) -> None:
    """The JSON has the keys of every send; nobody's state changes, so there are no totals."""
    report.words = f"test message to {mask(number)}: {neutral(told.words)}"
    if report.is_text:
        TERMINAL.data(report.words)
    report.add(run=told.run, test={"message": trial.draft, "recipient": mask(number), "outcome": told.words})
    report.ended(told.words if told.is_stop else None, told.code)
