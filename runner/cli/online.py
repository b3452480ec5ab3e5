"""Looking things up at Bird: run, heeding signals, and told."""

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from random import SystemRandom
from typing import TypeVar

from runner.bird.requests import AccessKey
from runner.delivery.clock import SystemClock
from runner.errors import NotReady
from runner.manifest.build import Manifest
from runner.model import Check, Draft
from runner.output.neutral import neutral
from runner.pipeline import Planned
from runner.pipeline.online import look_up
from runner.pipeline.wanted import MOST_TEMPLATES, Looked, Templates, Wanted, channel_needs

from .interrupts import INTERRUPTS
from .ledgers import Held
from .steering import told
from .terminal import TERMINAL

T = TypeVar("T")
SKIPPED = "not looked up, as --skip-channel-check says"


@dataclass(slots=True, kw_only=True)
class Online:
    """The part of `plan --online` that goes beyond a plan."""

    key: AccessKey
    skips_channels: bool = False
    _drafts: list[Draft] = field(default_factory=list)
    _templates: Templates = field(default_factory=lambda: Templates(()))

    def spool(self, manifest: Manifest, only: Sequence[str]) -> Templates:
        """What takes the messages of the plan. `only` are those that were chosen; none are all."""
        self._drafts = [draft for draft in manifest.drafts if not only or draft.name in only]
        self._templates = Templates(self._drafts)
        return self._templates

    def looked(self, planned: Planned, api: str) -> Looked:
        """All channels that the chosen messages name, and their templates."""
        channels = [] if self.skips_channels else channel_needs(self._drafts, planned.plan.sent_of)
        return look(Wanted(channels=channels, templates=self._templates.needs_of(planned.plan.sent_of)), api, self.key)

    def not_checked(self, planned: Planned, looked: Looked) -> list[str]:
        skipped = dict.fromkeys(draft.channel.name for draft in self._drafts if self.skips_channels)
        words = [f"channel {name} {SKIPPED}" for name in skipped]
        words += [check.words for check in looked.checks if check.status == "unknown"]
        if self._templates.too_many:
            words.append(f"templates beyond {MOST_TEMPLATES}, of those that are rendered for each person")
        words += [
            f"template of {draft.name}: nobody new gets it"
            for draft in self._drafts
            if "template" in draft.fields and not planned.plan.sent_of.get(draft.name)
        ]
        return words


def run_looking(looking: Coroutine[object, object, T]) -> T:
    """What it gives. A signal ends it and raises KeyboardInterrupt."""

    async def heeding() -> T:
        task = asyncio.ensure_future(looking)
        with told(lambda _number: task.cancel()):
            return await task

    try:
        return asyncio.run(heeding())
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
    finally:
        INTERRUPTS.heed()


def look(wanted: Wanted, api: str, key: AccessKey) -> Looked:
    return run_looking(look_up(wanted, api, key, clock=SystemClock(), rng=SystemRandom()))


def check_before_sending(planned: Planned, held: Held, key: AccessKey, *, skips: bool) -> None:
    """The channels that this run sends through. Raises NotReady before anything is sent; warnings are said."""
    sent_of = planned.plan.sent_of
    drafts = [draft for draft in planned.manifest.drafts if sent_of.get(draft.name)]
    needs = channel_needs(drafts, sent_of)
    if skips:
        for need in needs:
            TERMINAL.say(f"{need.name} {SKIPPED}")
        return

    async def looking() -> Looked:
        async with held.api(planned.manifest) as api:
            return await look_up(Wanted(channels=needs), api, key, clock=SystemClock(), rng=SystemRandom())

    heed(run_looking(looking()))


def heed(looked: Looked) -> None:
    """Says the warnings, and raises NotReady for what must not be."""
    warn(looked.checks)
    if not looked.failed:
        return
    advice = dict.fromkeys(check.advice for check in looked.failed if check.advice)
    raise NotReady(
        "; ".join(check.words for check in looked.failed),
        hint="; ".join(("nothing was sent", *advice)),
        exit_code=looked.exit_code,
    )


def warn(checks: Sequence[Check]) -> None:
    for check in checks:
        if check.status == "warn":
            advice = f" ({check.advice})" if check.advice else ""
            TERMINAL.insist(f"{TERMINAL.err.yellow('warning')}: {neutral(check.words + advice)}")
