"""Making intents and outcomes durable: one writer thread that commits, as fast as it can, all that has gathered."""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Self

from runner.ledger.seam import Claim, Intent, NotSendable, Settlement

from .rounds import Rounds

Told = Callable[[Exception | None], None]  # hears that it is durable (None), or why it is not


@dataclass(slots=True)
class _Gathered:
    """What the next commit will hold, and who waits for it."""

    settlements: list[Settlement] = field(default_factory=list)
    intents: list[Intent] = field(default_factory=list)
    settlers: list[Told] = field(default_factory=list)
    intenders: list["asyncio.Future[None]"] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.settlers) + len(self.intenders)


class Record:
    """Workers wait here until the ledger holds what they say. An async context manager.

    After a fault every waiter gets it and nothing more is written: without a ledger nothing may be sent. Leaving the
    context writes what has gathered.
    """

    LINGER_S = 0.005
    WRITING = "flypast-ledger"  # the name of the task and the thread that write

    def __init__(self, claim: Claim, *, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        """`monotonic_s`: uvloop's own time is of whole milliseconds, and stands still while callbacks run."""
        self._claim = claim
        self._monotonic_s = monotonic_s
        self._rounds = Rounds(monotonic_s)
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix=self.WRITING)
        self._gathered = _Gathered()
        self._commit: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._fault: Exception | None = None
        self._is_hurried = False

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        return self

    async def __aexit__(self, *_: object) -> None:
        try:
            await self.written()
        finally:
            self._writer.shutdown(wait=True)

    async def intend(self, *intents: Intent) -> None:
        """Returns when the intents of a request are durable: only then may it go out. Raises LedgerFault."""
        self._raise_fault()
        done = self._loop.create_future()
        self._gathered.intents.extend(intents)
        self._gathered.intenders.append(done)
        self._start()
        await done

    async def settle(self, *settlements: Settlement, may_linger: bool = False) -> None:
        """Returns when the outcomes of a request are durable. Raises LedgerFault.

        Once it waits they are written, even if it is cancelled.
        `may_linger`: another worker's intent is sure to come soon; both then share a commit.
        """
        done = self._loop.create_future()
        self._take_in(settlements, partial(_wake, done), may_linger=may_linger)
        await done

    def hand_in(self, settlement: Settlement, told: Told, *, may_linger: bool = False) -> None:
        """As `settle`, without waiting: `told` is called when it is durable, or will never be, and must raise nothing.

        An intent that is written after this call is durable no sooner than this outcome.
        """
        self._take_in((settlement,), told, may_linger=may_linger)

    def _take_in(self, settlements: Sequence[Settlement], told: Told, *, may_linger: bool) -> None:
        if self._fault is not None and not isinstance(self._fault, NotSendable):
            told(self._fault)
            return
        for settlement in settlements:
            self._rounds.came_back(settlement.key)
        self._gathered.settlements.extend(settlements)
        self._gathered.settlers.append(told)
        if not may_linger:
            self._start()
        elif self._timer is None and self._commit is None:
            self._timer = self._loop.call_later(self.LINGER_S, self._start)

    async def written(self) -> None:
        """Returns when nothing waits any more; whatever was told by then has been told."""
        self._start()
        if self._commit is not None:
            await asyncio.shield(self._commit)

    def hurry(self) -> None:
        """No more intents will come: what lingers is written now."""
        self._is_hurried = True
        self._start()

    def _raise_fault(self) -> None:
        if self._fault is not None:
            raise self._fault

    def _start(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._commit is None and len(self._gathered):
            # A task starts after all that are ready now have had their say: one commit for all of them.
            self._commit = self._loop.create_task(self._write(), name=self.WRITING)

    async def _write(self) -> None:
        while len(self._gathered):
            self._rounds.begins()
            while not self._is_hurried and self._rounds.waits(len(self._gathered)):  # noqa: ASYNC110 (a nap gathers)
                await asyncio.sleep(self._rounds.nap_s)
            batch, self._gathered = self._gathered, _Gathered()
            since_s = self._monotonic_s()
            try:
                await self._loop.run_in_executor(self._writer, self._claim.commit, batch.settlements, batch.intents)
            except Exception as fault:  # noqa: BLE001 (every waiter raises it)
                self._fault = fault
                self._give_up(batch)
            else:
                self._rounds.committed(batch.intents, took_s=self._monotonic_s() - since_s)
                _wake_all(batch)
        self._commit = None

    def _give_up(self, batch: _Gathered) -> None:
        """No intent goes any more; outcomes do once more where only an intent was at fault."""
        _fail([*batch.intenders, *self._gathered.intenders], self._fault)
        rest, self._gathered = self._gathered, _Gathered()
        if isinstance(self._fault, NotSendable) and batch.intents:
            self._gathered.settlements = batch.settlements + rest.settlements
            self._gathered.settlers = batch.settlers + rest.settlers
        else:
            for told in (*batch.settlers, *rest.settlers):
                told(self._fault)


def _wake_all(batch: _Gathered) -> None:
    """Outcomes first: what they mean for the run is known before anybody goes on."""
    for told in batch.settlers:
        told(None)
    for waiter in batch.intenders:
        _wake(waiter, None)


def _fail(waiters: Iterable["asyncio.Future[None]"], fault: Exception | None) -> None:
    for waiter in waiters:
        _wake(waiter, fault)


def _wake(waiter: "asyncio.Future[None]", fault: Exception | None) -> None:
    if waiter.done():
        return
    if fault is None:
        waiter.set_result(None)
    else:
        waiter.set_exception(fault)
        waiter.exception()  # its worker may have left: then nobody is to be told of it
