"""Faults in sending that the simulator must find: mistakes that a sender could have, planted in the real code."""

from runner import plan
from runner.bird import replies
from runner.delivery import dispatch, gate, pacing, record, retry, stopping, tally
from runner.ledger import memory
from runner.pipeline import sending

from . import judging
from .planting import Edit, edit

_RUN = dispatch._Run
_STOPPING = stopping.Stopping
_INTEND = "await self.record.intend(told)"
_SETTLE = "    await self._settle(message, outcome)\n    return outcome"
_NOW = "now_s = self._clock.monotonic_s()"
_WALL = "now_s = self._clock.wall_s()"


def _classify(condition: str, taken_for: str) -> tuple[Edit, ...]:
    """Replies of which the condition holds are taken for something that they do not prove."""
    reading = (
        f"from runner.model import NotSent\n    if {condition}:\n        return {taken_for}\n    if status == 202:"
    )
    return (edit(dispatch, "classify", ("if status == 202:", reading)),)


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
            edit(replies, "_accepted", ('message.get("status") != "rejected"', "True")),
        ),
        "a 429 is in doubt": _classify("status == 429", 'InDoubt(words="")'),
        "a redirect is gone on from": (edit(dispatch, "classify", (", stops=True)", ")")),),
        "a certificate error is gone on from": (edit(_RUN, "_react", ("is_final=True", "is_final=None")),),
        "a garbled reply is a rejection": (
            edit(
                _RUN,
                "_post",
                (
                    "outcome = InDoubt(words=error.words)",
                    'from runner.model import Rejected\n        outcome = Rejected(code="", words="")',
                ),
            ),
        ),
        "blind retry: a lost reply is tried again": (
            edit(_RUN, "_post", ("outcome = InDoubt(words=error.words)", "outcome = NotSent(words=error.words)")),
        ),
    }


def _order() -> dict[str, tuple[Edit, ...]]:
    return {
        "the intent is written after the request": (
            edit(_RUN, "_attempt", (_INTEND, "pass"), (_SETTLE, f"    {_INTEND}\n{_SETTLE}")),
        ),
        "the intent is not waited for": (edit(_RUN, "_attempt", (_INTEND, f"self.loose = {_later(_INTEND)}")),),
        "the outcome is settled before the reply": (
            edit(
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
            edit(_RUN, "_work", (_ONE, _BATCH)),
            edit(_RUN, "_attempt", (_INTEND, _UNLESS_AHEAD)),
        ),
        "an outcome is written after the next intent": (
            edit(
                _RUN,
                "_settle",
                ("self.record.hand_in(", "self.record._loop.call_later(0.5, self.record.hand_in, "),
                ("message, outcome), may_linger=may_linger)", "message, outcome))"),
            ),
        ),
        "what is handed in is not waited for": (edit(record.Record, "written", ("self._start()", "return")),),
        "waiters are woken before the commit": (
            edit(
                record.Record,
                "_write",
                ("_Gathered()\n", "_Gathered()\n        _wake_all(batch)\n"),
            ),
        ),
        "a failed commit is taken for a good one": (
            edit(
                record.Record,
                "_write",
                ("self._fault = fault\n            self._give_up(batch)", "_wake_all(batch)"),
            ),
        ),
        "one worker too many": (
            edit(
                _RUN,
                "_wave",
                ("range(self.settings.concurrency // self", "range(1 + self.settings.concurrency // self"),
            ),
        ),
    }


def _later(call: str) -> str:
    return f"asyncio.ensure_future({call.removeprefix('await ')})"


_SETTLED_EARLY = (
    "from runner.model import Accepted; "
    "await self.record.settle(settlement(message, Accepted(message_id=None), at=self.clock.now()))"
)
_ALL_WORKERS = 'for task in [each for each in asyncio.all_tasks() if each.get_name() == "flypast-worker"]:'
_ONE = "self._budget.start()\n            await self._deliver(message)"
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
            edit(
                tally.Tally,
                "over",
                ("if stop_after.rejected.reached(", "if False and stop_after.rejected.reached("),
                ("if stop_after.in_doubt.reached(", "if False and stop_after.in_doubt.reached("),
            ),
        ),
        "the breaker is off": (edit(retry.Breaker, "is_open", ("self._outcomes >= self.FEWEST", "False")),),
        "retries have no budget": (
            edit(retry.RetryBudget, "spend", ("if self._spent >=", "if False and self._spent >=")),
        ),
        "a message is tried without end": (edit(_RUN, "_tries_again", ("failures == MAX_ATTEMPTS or ", "")),),
        "patience with 429s has no end": (
            edit(
                retry.Throttling,
                "hold_until_s",
                ("if waited_s >= self._patience_s", "if waited_s >= 1e9"),
                ("(retry_after_s or 0.0) > self._patience_s", "0.0 > 1e9"),
            ),
        ),
        "a message goes out although the run stopped": (
            edit(_RUN, "_attempt", ("if self._stopping.is_on:  # while", "if False:  # while")),
        ),
        "who waits is not woken by a stop": (
            edit(_STOPPING, "stop_work", ("            task.cancel()", "            pass")),
        ),
        "draining has no end": (edit(_STOPPING, "_on_drain", ("for task in self._posting:", "for task in ():")),),
        "what is given up when draining is planned again": (
            edit(_RUN, "_post", ("return UNANSWERED", "return UNPOSTED")),
        ),
        "leaving overhears the ledger": (edit(_STOPPING, "_on_leave", ("for task in self._posting:", _ALL_WORKERS)),),
        "leaving has no cause": (
            edit(_STOPPING, "_on_leave", ('self.halt("interrupted", "the run was interrupted")', "self.stop_work()")),
        ),
        "after a mistake of ours the others go on": (edit(_RUN, "_attempt", ("self._stopping.stop_work()", "pass")),),
    }


def _pace() -> dict[str, tuple[Edit, ...]]:
    return {
        "the pace follows a clock that jumps": (
            edit(gate.Gate, "opens", (_NOW, _WALL)),
            edit(
                gate.Gate,
                "enter",
                (f"async with lane.turn:\n        {_NOW}", f"async with lane.turn:\n        {_WALL}"),
                (f"_NAP_S))\n            {_NOW}", f"_NAP_S))\n            {_WALL}"),
            ),
            edit(gate.Gate, "throttle", (_NOW, _WALL)),
        ),
        "a burst is a second long": (edit(pacing.Scope, "__init__", ("* BURST_S", "* 1.0")),),
        "a channel's own rate is ignored": (edit(gate.Gate, "_new_lane", ("if channel.rate is None", "if True")),),
        "each channel has its workspace's whole rate": (
            edit(gate.Gate, "_new_lane", ("setdefault(channel.workspace_id", "setdefault(channel.channel_id")),
        ),
        "a 429 holds nobody": (
            edit(pacing.Pacer, "pause_until", ("max(self._paused_until_s, at_s)", "self._paused_until_s")),
        ),
    }


_NEW = """\
known.state is State.PLANNED:
        return "new\""""
_BEHIND_THE_CURSOR = """\
known.state is State.PLANNED:
        return "accepted\""""


def _memory() -> dict[str, tuple[Edit, ...]]:
    return {
        "what is in doubt is sent again by the next run": (
            edit(
                plan,
                "status_of",
                ("known.state is State.PLANNED:", "known.state in (State.PLANNED, State.IN_DOUBT, State.SENDING):"),
            ),
            edit(memory.MemoryClaim, "_intended", ("from_doubt=intent.from_doubt", "from_doubt=True")),
        ),
        "what a dead run left is planned again": (
            edit(memory.MemoryLedger, "leave", ("state=State.IN_DOUBT", "state=State.PLANNED")),
        ),
        "a cursor instead of states": (edit(plan, "status_of", (_NEW, _BEHIND_THE_CURSOR)),),
        "a changed text goes out again": (edit(plan, "status_of", ('return "drift"', 'return "new"')),),
        "a rejection goes out again": (edit(plan, "status_of", ('return "rejected" if', 'return "new" if')),),
        "no epoch check: an older claim may still write": (
            edit(memory.MemoryClaim, "_must_live", ("lost(self.manifest)", "pass")),
        ),
        "a second run gets the claim too": (
            edit(
                memory.MemoryLedger,
                "claim",
                ("if not self.changed.wait_for(lambda: manifest not in self.living, timeout_s):", "if False:"),
            ),
        ),
    }


def _telling() -> dict[str, tuple[Edit, ...]]:
    return {
        "the exit code hides what is in doubt": (edit(sending, "_exit_code", ("if in_doubt:", "if False:")),),
        "a doubt hides why a run stopped": (edit(sending, "_exit_code", ("if stop is not None:", "if not in_doubt:")),),
        "the summary forgets what drifted": (edit(judging, "standing", (" + before.drift - plan.drift_in_doubt", "")),),
        "a message that is given up is not counted": (
            edit(_RUN, "_settle", ("self._count(message, outcome)", "pass")),
        ),
    }


SENDING = {**_conclusions(), **_order(), **_stops(), **_pace(), **_memory(), **_telling()}
