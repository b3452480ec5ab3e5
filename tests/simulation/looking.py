"""One look at Bird's list between two runs, as `reconcile` does it, and what must hold of its conclusions."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from random import Random

from runner.delivery.reconcile import Conclusion
from runner.delivery.scanning import MOST_SKEW_S
from runner.errors import LedgerFault
from runner.ledger.seam import Entry
from runner.model import Delivery, State
from runner.pipeline import reconciling
from runner.pipeline.reconciling import LookUp

from .bird import TRUE_WALL_S, SimClock
from .listing import Sight, SimPages
from .looks import Look
from .loop import SimLoop
from .process import World
from .store import NAME, SimClaim

_OPEN = (State.IN_DOUBT, State.ABSENT)
_SURELY_S = 5.0  # Bird's Date has whole seconds
_LONGEST_S = 3000.0


class Looker:
    """The process that looks. Raises Locked where a run lives."""

    def __init__(self, world: World, asked: Look) -> None:
        world.runs += 1
        universe = world.universe
        self.world = world
        self.asked = asked
        self.name = f"look-{world.runs}"
        self.clock = SimClock(world.time, jumped_s=world.jumped_s)
        self.claim: SimClaim = world.ledger.claimed(run=self.name, at=world.at(), faults=dict(asked.disk))
        self.before = dict(world.ledger.durable)
        self.pages = SimPages(
            world.bird, asked, world.trace, self.name, Random(f"{universe.seed} {self.name}"), self.clock.wall_s
        )
        self.loop = SimLoop(  # type: ignore[abstract]  # what nobody calls is not there
            world.time,
            Random(f"{universe.seed} {self.name} order"),
            order=universe.order,
            cpu_s=universe.cpu_s,
            lag=lambda: (0.0, 0.0),
            synced=self.claim.synced,
        )
        self.is_dead = False
        self.began_s = world.time.now_s
        world.trace.note(self.name, "looks", sum(entry.state in _OPEN for entry in self.before.values()))
        self.main: asyncio.Task[LookUp] = self.loop.create_task(
            reconciling.look(
                world.ledger,
                {NAME: self.claim},
                self.pages,
                settle_s=universe.settle_s,
                resends_absent=universe.delivery is Delivery.RESEND_ABSENT,
                clock=self.clock,
                rng=Random(f"{universe.seed} {self.name} chance"),
            ),
            name="look",
        )

    @property
    def is_over(self) -> bool:
        return self.is_dead or self.main.done()

    def kill(self, *, keeps: bool) -> None:
        self.world.trace.note(self.name, "killed", "amid a look")
        self.is_dead = self.pages.is_dead = True
        self.claim.crash(keeps=keeps)
        self.loop.die()

    def interrupt(self) -> None:
        """Ctrl-C: the claim is released, and what was found so far stays."""
        self.world.trace.note(self.name, "interrupted", "amid a look")
        self.main.cancel()

    def end(self) -> LookUp | None:
        """None where it was interrupted, or the disk failed."""
        while self.loop.is_ready:
            self.loop.step()
        self.claim.release()
        mistake = None if self.main.cancelled() else self.main.exception()
        self.world.trace.must(mistake is None or isinstance(mistake, LedgerFault), f"a look raised {mistake!r}")
        return None if self.main.cancelled() or mistake is not None else self.main.result()


def judge_look(looker: Looker, found: LookUp | None) -> None:
    """By what Bird's list showed: never absent too soon, found is accepted, a double is told, the rest stays."""
    world, must = looker.world, looker.world.trace.must
    took_s = world.time.now_s - looker.began_s
    must(took_s < _LONGEST_S, f"a look took {took_s:.0f} s")
    told = {each.entry.key: each for each in found.conclusions} if found is not None else None
    for key, before in looker.before.items():
        if not _is_looked_for(before):
            same = world.ledger.durable[key] == before
            must(same, f"a look moved {key} from {before.state} to {world.ledger.state(key)}")
            continue
        _Judged(looker, before, world.ledger.durable[key]).judge()
        if told is not None:
            must(key in told, f"a look says nothing of {key}, which is {before.state}")
    if found is not None:
        _judge_counts(looker, found)


def _is_looked_for(entry: Entry) -> bool:
    """In doubt or absent; or accepted in a reply that could not be read."""
    return entry.state in _OPEN or (entry.state is State.ACCEPTED and entry.message_id is None)


@dataclass(frozen=True, slots=True)
class _Judged:
    """One message before and after a look, and what the look was shown."""

    looker: Looker
    before: Entry
    after: Entry

    @property
    def sight(self) -> Sight | None:
        return self.looker.pages.sights.get(self.before.channel_id)

    def judge(self) -> None:
        ids = self.sight.shown.get(self.before.reference, set()) if self.sight is not None else set[str]()
        went = {each for each in ids if not self._is_rejected(each)}
        is_double = len(went) > 1 or (bool(ids) and self._is_shared)
        if self.after.state is not self.before.state:
            self._judge_move(went or ids, is_double=is_double)
        has_told = not (self.looker.is_dead or self.looker.claim.has_failed or self.looker.main.cancelled())
        if has_told:
            self._judge_what_was_shown(went, is_double=is_double)
        is_whole = self.sight is not None and self.sight.is_whole
        is_missed = is_whole and not went and not is_double and (not ids or self.before.attempts > 1)
        if is_missed and has_told and self.before.state is State.IN_DOUBT:
            self._judge_what_was_not()
        self._remember(is_missed)

    def _judge_move(self, ids: set[str], *, is_double: bool) -> None:
        world, key, state = self.looker.world, self.before.key, self.after.state
        must = world.trace.must
        match state:
            case State.ABSENT | State.PLANNED:
                must(not ids, f"{key} is in the list, and called {state}")
                self._must_be_settled()
            case State.ACCEPTED | State.REJECTED:
                is_one = len(ids) == 1 or state is State.REJECTED  # several attempts may have been rejected
                is_found = is_one and self.after.message_id in ids and not is_double
                must(is_found, f"{key} is {state} as {self.after.message_id}, and the list shows {sorted(ids)}")
                is_right = all(self._is_rejected(each) == (state is State.REJECTED) for each in ids)
                must(is_right, f"{key} is not {state} in the list")
                if state is State.REJECTED and self.before.attempts > 1:
                    self._must_be_settled()
            case _:
                must(is_double, f"a look made {key} {state}, which was {self.before.state}")
        if state is State.PLANNED:
            world.resent[key] += 1
            is_once = world.universe.delivery is Delivery.RESEND_ABSENT and world.resent[key] == 1
            must(is_once, f"{key} was absent, and is to go out for the {world.resent[key]}. time for that")

    def _must_be_settled(self) -> None:
        """Two whole looks, the second one begun `settle` after the first one's end, and no intent since."""
        if self.before.state is State.ABSENT:
            return
        world, sight = self.looker.world, self.sight
        first_s = world.first_look_s.get((self.before.key, self.before.attempts))
        is_whole = sight is not None and sight.is_whole
        world.trace.must(is_whole, f"{self.before.key} is {self.after.state} after a look that was not whole")
        world.trace.must(first_s is not None, f"{self.before.key} is {self.after.state} after one look")
        if first_s is not None and sight is not None:
            apart_s = sight.began_s - first_s
            enough = apart_s >= world.universe.settle_s - _SURELY_S
            world.trace.must(enough, f"{self.before.key} is {self.after.state} after two looks {apart_s:.0f} s apart")

    def _judge_what_was_shown(self, went: set[str], *, is_double: bool) -> None:
        must, key, state = self.looker.world.trace.must, self.before.key, self.after.state
        if is_double:
            is_told = self._told is None or self._told.ending == "double"
            was = self.before.state
            is_kept = state is (State.ACCEPTED if was is State.ACCEPTED else State.IN_DOUBT)
            must(is_told and is_kept, f"{key} is a double at Bird, and told as {state}")
        elif went:
            is_found = state is State.ACCEPTED and self.after.message_id in went
            must(is_found, f"{key} was seen at Bird as {sorted(went)}, and is {state} as {self.after.message_id}")

    def _judge_what_was_not(self) -> None:
        """A look is good for something: after a second whole one that does not show it, it is absent."""
        world, sight = self.looker.world, self.sight
        first_s = world.first_look_s.get((self.before.key, self.before.attempts))
        if first_s is None or sight is None:
            return
        if self._intended_s > min(TRUE_WALL_S + first_s, self.looker.clock.wall_s()):  # by a clock that was ahead
            return
        slack_s = _SURELY_S if world.universe.has_true_clocks else _SURELY_S + 2 * MOST_SKEW_S
        is_due = sight.began_s - first_s >= world.universe.settle_s + slack_s
        is_settled = self.after.state in (State.ABSENT, State.PLANNED, State.REJECTED)
        world.trace.must(
            not is_due or is_settled, f"{self.before.key} was not seen in two looks, and is still in doubt"
        )

    def _remember(self, was_looked_for: bool) -> None:
        sight = self.sight
        if sight is not None and was_looked_for and self.after.looked_at is not None:
            self.looker.world.first_look_s.setdefault((self.before.key, self.before.attempts), sight.ended_s)
        elif self.after.looked_at is None:
            self.looker.world.first_look_s.pop((self.before.key, self.before.attempts), None)

    def _is_rejected(self, message_id: str) -> bool:
        return any(each.is_rejected for each in self.looker.world.bird.records if each.message_id == message_id)

    @property
    def _intended_s(self) -> float:
        return datetime.fromisoformat(self.before.intended_at).timestamp()

    @property
    def _is_shared(self) -> bool:
        entries = self.looker.before.values()
        return sum(entry.reference == self.before.reference for entry in entries) > 1

    @property
    def _told(self) -> Conclusion | None:
        if self.looker.main.cancelled() or self.looker.main.exception() is not None:
            return None
        told = self.looker.main.result().conclusions
        return next((each for each in told if each.entry.key == self.before.key), None)


def _judge_counts(looker: Looker, found: LookUp) -> None:
    """What a look tells, and its exit code, is what the ledger holds."""
    must, ledger = looker.world.trace.must, looker.world.ledger
    undecided = [key for key, entry in looker.before.items() if _is_looked_for(entry)]
    told = {name: count for name, count in found.totals.items() if count}
    counted: dict[str, int] = {}
    doubles = {each.entry.key for each in found.conclusions if each.ending == "double"}
    for key in undecided:
        name = "double" if key in doubles else str(ledger.state(key))
        counted[name] = counted.get(name, 0) + 1
    must(told == counted, f"a look tells {told}, the ledger says {counted}")
    left = any(name in counted for name in ("inDoubt", "absent", "double"))
    stop = found.stop.kind if found.stop is not None else None
    is_told = stop == looker.pages.ended_by or (looker.pages.ended_by is None and stop in ("unreachable", "throttled"))
    must(is_told, f"a look was ended by {looker.pages.ended_by}, and tells {stop}")
    is_refused = stop == "refused" or bool(looker.pages.unknown)
    due = 7 if is_refused else 11 if stop is not None else 6 if left else 0
    must(found.exit_code == due, f"a look ends with {found.exit_code}, and {due} is due")


Drive = Callable[[Looker, int], None]


def take_look(world: World, asked: Look, drive: Drive, *, most_steps: int) -> Looker:
    """From the wait before it to its judgement; `drive` lets it run until so many steps."""
    world.time.now_s += asked.after_s
    if asked.skew_s is not None:
        world.jumped_s = asked.skew_s
        world.trace.note("world", "wall clock is set", asked.skew_s)
    looker = Looker(world, asked)
    if asked.ends_at is not None:
        drive(looker, asked.ends_at)
        if not looker.is_over:
            looker.kill(keeps=False) if asked.end == "kill" else looker.interrupt()
    drive(looker, most_steps)
    if not looker.is_over:  # a fault was found on the way
        looker.kill(keeps=True)
    judge_look(looker, None if looker.is_dead else looker.end())
    return looker
