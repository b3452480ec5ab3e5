"""Faults that the simulator must find: mistakes that a sender could have, each planted in the real code."""

from dataclasses import dataclass
from itertools import chain
from typing import Any

from runner import plan
from runner.bird import replies
from runner.delivery import dispatch, gate, pacing, record, retry, stopping, tally
from runner.ledger import memory

from .corners import CORNERS
from .planting import Edit, planted
from .universe import draw
from .voyage import Voyage

_RUN = dispatch._Run
_STOPPING = stopping.Stopping
_INTEND = "await self.record.intend(told)"
_SETTLE = "    await self._settle(message, outcome)\n    return outcome"
_NOW = "now_s = self._clock.monotonic_s()"
_WALL = "now_s = self._clock.wall_s()"


def _edit(owner: Any, name: str, *swaps: tuple[str, str]) -> Edit:
    return Edit(owner=owner, name=name, swaps=swaps)


def _classify(condition: str, taken_for: str) -> tuple[Edit, ...]:
    """Replies of which the condition holds are taken for something that they do not prove."""
    reading = (
        f"from runner.model import NotSent\n    if {condition}:\n        return {taken_for}\n    if status == 202:"
    )
    return (_edit(dispatch, "classify", ("if status == 202:", reading)),)


def _conclusions() -> dict[str, tuple[Edit, ...]]:
    return {
        "a 5xx is tried again": _classify("status >= 500", 'NotSent(words="")'),
        "a 408 is tried again": _classify("status == 408", 'NotSent(words="")'),
        "a 409 is a rejection": _classify("status == 409", 'Rejected(code="409", words="")'),
        "any 2xx is accepted": _classify("200 <= status < 300", "Accepted(message_id=None)"),
        "a refusal of us is a rejection of the message": _classify("status in _REFUSED", 'Rejected(code="", words="")'),
        "a 202 that can't be read is in doubt": _classify(
            "status == 202 and not _object(reply.body)", 'InDoubt(words="")'
        ),
        "a 202 that says rejected is accepted": (
            _edit(replies, "_accepted", ('message.get("status") != "rejected"', "True")),
        ),
        "a 429 is in doubt": _classify("status == 429", 'InDoubt(words="")'),
        "a redirect is gone on from": (_edit(dispatch, "classify", (", stops=True)", ")")),),
        "a certificate error is gone on from": (_edit(_RUN, "_react", ("is_final=True", "is_final=None")),),
        "a garbled reply is a rejection": (
            _edit(
                _RUN,
                "_post",
                (
                    "outcome = InDoubt(words=error.words)",
                    'from runner.model import Rejected\n            outcome = Rejected(code="", words="")',
                ),
            ),
        ),
        "a lost reply is tried again": (
            _edit(_RUN, "_post", ("outcome = InDoubt(words=error.words)", "outcome = NotSent(words=error.words)")),
        ),
    }


def _order() -> dict[str, tuple[Edit, ...]]:
    return {
        "the intent is written after the request": (
            _edit(_RUN, "_attempt", (_INTEND, "pass"), (_SETTLE, f"    {_INTEND}\n{_SETTLE}")),
        ),
        "the intent is not waited for": (_edit(_RUN, "_attempt", (_INTEND, f"self.loose = {_later(_INTEND)}")),),
        "the outcome is settled before the reply": (
            _edit(
                _RUN,
                "_attempt",
                (
                    "outcome = await self._post(message)",
                    f"{_SETTLED_EARLY}\n            outcome = await self._post(message)",
                ),
                (_SETTLE, "    self._count(message, outcome)\n    return outcome"),
            ),
        ),
        "intents are taken a batch ahead": (
            _edit(_RUN, "_work", (_ONE, _BATCH)),
            _edit(_RUN, "_attempt", (_INTEND, _UNLESS_AHEAD)),
        ),
        "waiters are woken before the commit": (
            _edit(
                record.Record,
                "_write",
                ("_Gathered()\n", "_Gathered()\n        _wake([*batch.settlers, *batch.intenders])\n"),
            ),
        ),
        "a failed commit is taken for a good one": (
            _edit(
                record.Record,
                "_write",
                ("self._fault = fault\n            self._give_up(batch)", "_wake([*batch.settlers, *batch.intenders])"),
            ),
        ),
        "one worker too many": (
            _edit(_RUN, "_all_waves", ("range(self.settings.concurrency)", "range(self.settings.concurrency + 1)")),
        ),
    }


def _later(call: str) -> str:
    return f"asyncio.ensure_future({call.removeprefix('await ')})"


_SETTLED_EARLY = (
    "from runner.model import Accepted; "
    "await self.record.settle(settlement(message, Accepted(message_id=None), at=self.clock.now()))"
)
_ONE = "self._budget.start()\n            await self._deliver(message)"
_ALL_WORKERS = 'for task in [each for each in asyncio.all_tasks() if each.get_name() == "flypast-worker"]:'
_UNLESS_AHEAD = f"if message.key not in self.ahead:\n            {_INTEND}\n        self.ahead.discard(message.key)"
_BATCH = """\
self.ahead = getattr(self, "ahead", set())
            batch = [message, *(each for _, each in zip(range(3), self._feed))]
            self._taken += len(batch) - 1
            for message in batch:
                await self.record.intend(intent(message, edition=self.edition, at=self.clock.now()))
                self.ahead.add(message.key)
            for message in batch:
                self._budget.start()
                await self._deliver(message)"""


def _stops() -> dict[str, tuple[Edit, ...]]:
    return {
        "stopAfter is ignored": (
            _edit(
                tally.Tally,
                "over",
                ("if stop_after.rejected.reached(", "if False and stop_after.rejected.reached("),
                ("if stop_after.in_doubt.reached(", "if False and stop_after.in_doubt.reached("),
            ),
        ),
        "the breaker is off": (_edit(retry.Breaker, "is_open", ("self._outcomes >= self.FEWEST", "False")),),
        "retries have no budget": (
            _edit(retry.RetryBudget, "spend", ("if self._spent >=", "if False and self._spent >=")),
        ),
        "a message is tried without end": (_edit(_RUN, "_tries_again", ("failures == MAX_ATTEMPTS or ", "")),),
        "patience with 429s has no end": (
            _edit(
                retry.Throttling,
                "hold_until_s",
                ("if waited_s >= self._patience_s", "if waited_s >= 1e9"),
                ("(retry_after_s or 0.0) > self._patience_s", "0.0 > 1e9"),
            ),
        ),
        "a message goes out although the run stopped": (
            _edit(_RUN, "_attempt", ("if self._stopping.is_on:  # while", "if False:  # while")),
        ),
        "who waits is not woken by a stop": (
            _edit(_STOPPING, "stop_work", ("            task.cancel()", "            pass")),
        ),
        "draining has no end": (_edit(_STOPPING, "_on_drain", ("for task in self._posting:", "for task in ():")),),
        "what is given up when draining is planned again": (
            _edit(_RUN, "_post", ('return InDoubt(words="the run ended', 'return NotSent(words="the run ended')),
        ),
        "leaving overhears the ledger": (_edit(_STOPPING, "_on_leave", ("for task in self._posting:", _ALL_WORKERS)),),
        "leaving has no cause": (
            _edit(_STOPPING, "_on_leave", ('self.halt("interrupted", "the run was interrupted")', "self.stop_work()")),
        ),
        "after a mistake of ours the others go on": (_edit(_RUN, "_attempt", ("self._stopping.stop_work()", "pass")),),
    }


def _pace() -> dict[str, tuple[Edit, ...]]:
    return {
        "the pace follows the wall clock": (
            _edit(gate.Gate, "opens", (_NOW, _WALL)),
            _edit(
                gate.Gate,
                "enter",
                (f"async with lane.turn:\n        {_NOW}", f"async with lane.turn:\n        {_WALL}"),
                (f"_NAP_S))\n            {_NOW}", f"_NAP_S))\n            {_WALL}"),
            ),
            _edit(gate.Gate, "throttle", (_NOW, _WALL)),
        ),
        "a burst is a second long": (_edit(pacing.Scope, "__init__", ("* BURST_S", "* 1.0")),),
        "a channel's own rate is ignored": (_edit(gate.Gate, "_new_lane", ("if channel.rate is None", "if True")),),
        "each channel has its workspace's whole rate": (
            _edit(gate.Gate, "_new_lane", ("setdefault(channel.workspace_id", "setdefault(channel.channel_id")),
        ),
        "a 429 holds nobody": (
            _edit(pacing.Pacer, "pause_until", ("max(self._paused_until_s, at_s)", "self._paused_until_s")),
        ),
    }


_NEW = """\
known is None or known.state is State.PLANNED:
        return "new\""""
_BEHIND_THE_CURSOR = """\
known is None:
        return "new"
    if known.state is State.PLANNED:
        return "accepted\""""


def _memory() -> dict[str, tuple[Edit, ...]]:
    return {
        "what is in doubt is sent again by the next run": (
            _edit(
                plan,
                "_status",
                ("known.state is State.PLANNED:", "known.state in (State.PLANNED, State.IN_DOUBT, State.SENDING):"),
            ),
            _edit(memory.MemoryClaim, "_intended", ("from_doubt=intent.from_doubt", "from_doubt=True")),
        ),
        "what a dead run left is planned again": (
            _edit(memory.MemoryLedger, "leave", ("state=State.IN_DOUBT", "state=State.PLANNED")),
        ),
        "a cursor instead of states": (_edit(plan, "_status", (_NEW, _BEHIND_THE_CURSOR)),),
        "a changed text goes out again": (_edit(plan, "_status", ('return "drift"', 'return "new"')),),
        "a rejection goes out again": (_edit(plan, "_status", ('return "rejected" if', 'return "new" if')),),
        "an older claim may still write": (_edit(memory.MemoryClaim, "_must_live", ("lost(self.manifest)", "pass")),),
        "a second run gets the claim too": (
            _edit(
                memory.MemoryLedger,
                "claim",
                ("if not self.changed.wait_for(lambda: manifest not in self.living, timeout_s):", "if False:"),
            ),
        ),
    }


MUTANTS: dict[str, tuple[Edit, ...]] = {**_conclusions(), **_order(), **_stops(), **_pace(), **_memory()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Hunt:
    """How a planted fault fared: `universes` until it was seen, and as what; None: it was not."""

    universes: int
    seen_as: str | None


def hunt(name: str, seeds: int) -> Hunt:
    """Plants one fault; plays so many seeds, then the universes made by hand, until something breaks."""
    by_hand = (universe for made in CORNERS.values() for universe in made())
    number = 0
    with planted(MUTANTS[name]):
        for number, universe in enumerate(chain(map(draw, range(seeds)), by_hand), 1):
            if (fault := Voyage(universe).play().fault) is not None:
                return Hunt(universes=number, seen_as=fault)
    return Hunt(universes=number, seen_as=None)
