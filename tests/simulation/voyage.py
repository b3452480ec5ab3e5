"""A universe from its first run to its last: who goes next, which blows fall, and who judges."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from runner.delivery.tally import RunResult
from runner.errors import Locked
from runner.model import Message, State

from .bird import SimBird
from .judging import judge_end, judge_ended, judge_killed, judge_world
from .looking import Looker, take_look
from .loop import SimLoop, Time
from .process import Process, World, undecided
from .store import SimLedger
from .trace import Trace
from .universe import Blow, Decision, Leg, Universe, draw

MOST_STEPS = 400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """How a universe went. `fault` is the first thing that must not happen; None is a good end."""

    universe: Universe
    trace: Trace
    steps: int

    @property
    def fault(self) -> str | None:
        return self.trace.fault


def play(seed: int) -> Played:
    """The same seed gives the same trace, to the last callback."""
    return Voyage(draw(seed)).play()


class Voyage:
    def __init__(self, universe: Universe) -> None:
        time = Time()
        trace = Trace(time)
        bird = SimBird(time, Random(f"{universe.seed} bird"), lag_s=universe.list_lag_s)
        bird.has_others(universe.channels, universe.foreign)
        self._world = World(universe, time, trace, SimLedger(trace), bird)
        self._late = Random(f"{universe.seed} late")
        self._steps = 0
        self._version = 0
        self._versions: dict[int, list[Message]] = {}

    def play(self) -> Played:
        world = self._world
        for leg in world.universe.legs:
            self._prepare(leg)
            process = Process(world, leg, self._messages())
            result = self._run(process, leg)
            judge_world(world)
            if leg is world.universe.legs[-1] and result is not None and world.trace.fault is None:
                judge_end(world, process, result)
            if world.trace.fault is not None:
                break
        world.trace.note("world", "ends", self._steps)
        return Played(universe=world.universe, trace=world.trace, steps=self._steps)

    def _prepare(self, leg: Leg) -> None:
        """What people do between two runs."""
        world = self._world
        self._version += leg.edits
        if leg is world.universe.legs[-1] and world.universe.batch > 1:
            world.bird.lag_s = 0.0  # a fine sky: the list shows what it has
        for asked in leg.looks:
            if world.trace.fault is None and undecided(world.ledger):
                take_look(world, asked, self._drive_one, most_steps=MOST_STEPS)
                judge_world(world)
        if leg.decides is not None and (doubtful := undecided(world.ledger)):
            self._decide(doubtful, leg.decides)

    def _decide(self, doubtful: Sequence[str], decides: Decision) -> None:
        world = self._world
        if decides == "absent":
            again = [key for key in doubtful if world.ledger.state(key) is State.ABSENT]
        else:
            went = [key for key in doubtful if world.bird.taken[key] or world.bird.rejected[key]]
            again = [key for key in doubtful if key not in went]
            world.ledger.decide(went, State.DROPPED, at=world.at())
        world.ledger.decide(again, State.PLANNED, at=world.at())
        world.trace.note("person", f"decides: {decides}", len(doubtful), len(again))

    def _messages(self) -> list[Message]:
        if self._version not in self._versions:
            self._versions[self._version] = self._world.universe.messages(self._version)
        return self._versions[self._version]

    def _run(self, process: Process, leg: Leg) -> RunResult | Exception | None:
        """To its end, through its blows. None when it was killed."""
        older: list[Process] = []
        wakes_at = 0
        for blow in leg.blows:
            self._drive([process], blow.step)
            if process.is_over or self._world.trace.fault is not None:
                break
            if blow.kind == "takeover":
                process.falls_asleep()
                older.append(process)
                process = Process(self._world, Leg(weather=leg.weather, retries=leg.retries), process.wanted)
                wakes_at = int(blow.amount)
            else:
                self._strike(process, blow)
        if older:
            self._wake(older, process, wakes_at)
        self._drive([process], MOST_STEPS)
        return self._ended(process)

    def _strike(self, process: Process, blow: Blow) -> None:
        match blow.kind:
            case "kill":
                process.kill(keeps=bool(blow.amount))
            case "signal":
                process.signal()
            case "jump":
                process.clock.jumped_s += blow.amount
                self._world.jumped_s += blow.amount
                self._world.trace.note(process.name, "wall clock jumps", blow.amount)
            case "freeze":
                process.freeze(blow.amount)
            case "disk":
                process.claim.faults[process.claim.calls + 1] = "bug" if blow.amount else "refused"
            case "rival":
                self._expect_locked(process)

    def _expect_locked(self, process: Process) -> None:
        world = self._world
        try:
            world.ledger.claimed(run="rival", at=world.at(), faults={})
        except Locked:
            world.trace.note("rival", "locked out")
        else:
            world.trace.broken(f"a second run got the claim of {process.name}, which lives")

    def _wake(self, older: Sequence[Process], heir: Process, wakes_at: int) -> None:
        """Two or more runs that all believe the claim is theirs: the older ones wake while the newest one sends."""
        self._drive([heir], wakes_at)
        for process in older:
            process.wakes()
        self._drive([*older, heir], MOST_STEPS)
        for process in older:
            self._ended(process, was_taken_over=True)

    def _ended(self, process: Process, *, was_taken_over: bool = False) -> RunResult | Exception | None:
        if process.is_dead:
            judge_killed(process)
            return None
        if not process.is_over:  # a fault was found on the way
            process.kill(keeps=True)
            return None
        self._steps += process.loop.steps
        result = process.end()
        judge_ended(process, result, was_taken_over=was_taken_over)
        return result

    # Who goes next

    def _drive_one(self, looker: Looker, until_step: int) -> None:
        self._drive([looker], until_step)

    def _drive(self, processes: Sequence[Process | Looker], until_step: int) -> None:
        """Until the last one of them has made so many steps, or all are over."""
        last, trace = processes[-1].loop, self._world.trace
        while trace.fault is None and last.steps < until_step:
            going = [process.loop for process in processes if not process.is_over]
            ready = [loop for loop in going if loop.is_ready]
            if ready:
                self._chosen(ready).step()
            elif going:
                self._pass_time(going)
            else:
                return
        if last.steps >= MOST_STEPS:
            trace.broken(f"the run does not end: {MOST_STEPS} steps, and still going")

    def _chosen(self, loops: Sequence[SimLoop]) -> SimLoop:
        return loops[0] if len(loops) == 1 else self._late.choice(loops)

    def _pass_time(self, loops: Sequence[SimLoop]) -> None:
        times = [at_s for at_s in (loop.next_timer_s() for loop in loops) if at_s is not None]
        if not times:
            self._world.trace.broken("everybody waits, and nothing will ever come")
            return
        time, late_s = self._world.time, self._world.universe.late_s
        time.now_s = max(time.now_s, min(times) + (self._late.random() * late_s if late_s else 0.0))
        for loop in loops:
            loop.idles += 1
            loop.wake_timers()
