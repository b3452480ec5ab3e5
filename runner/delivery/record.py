"""Making intents and outcomes durable: one writer thread that commits, as fast as it can, all that has gathered."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Self

from runner.ledger.seam import Claim, Intent, NotSendable, Settlement


@dataclass(slots=True)
class _Gathered:
    """What the next commit will hold, and who waits for it."""

    settlements: list[Settlement] = field(default_factory=list)
    intents: list[Intent] = field(default_factory=list)
    settlers: list["asyncio.Future[None]"] = field(default_factory=list)
    intenders: list["asyncio.Future[None]"] = field(default_factory=list)


class Record:
    """Workers wait here until the ledger holds what they say. An async context manager.

    After a fault every waiter gets it and nothing more is written: without a ledger nothing may be sent. Leaving the
    context writes what has gathered.
    """

    LINGER_S = 0.005
    WRITING = "flypast-ledger"  # the name of the task and the thread that write

    def __init__(self, claim: Claim) -> None:
        self._claim = claim
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix=self.WRITING)
        self._gathered = _Gathered()
        self._commit: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._fault: Exception | None = None

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        return self

    async def __aexit__(self, *_: object) -> None:
        try:
            self._start()
            if self._commit is not None:
                await asyncio.shield(self._commit)
        finally:
            self._writer.shutdown(wait=True)

    async def intend(self, intent: Intent) -> None:
        """Returns when the intent is durable: only then may the request go out. Raises LedgerFault."""
        self._raise_fault()
        done = self._loop.create_future()
        self._gathered.intents.append(intent)
        self._gathered.intenders.append(done)
        self._start()
        await done

    async def settle(self, settlement: Settlement, *, may_linger: bool = False) -> None:
        """Returns when the outcome is durable. Raises LedgerFault. Once it waits it is written, even if cancelled.

        `may_linger`: another worker's intent is sure to come soon; both then share a commit.
        """
        if not isinstance(self._fault, NotSendable):  # that one is about an intent: the ledger itself is sound
            self._raise_fault()
        done = self._loop.create_future()
        self._gathered.settlements.append(settlement)
        self._gathered.settlers.append(done)
        if not may_linger:
            self._start()
        elif self._timer is None and self._commit is None:
            self._timer = self._loop.call_later(self.LINGER_S, self._start)
        await done

    def hurry(self) -> None:
        """No more intents will come: what lingers is written now."""
        self._start()

    def _raise_fault(self) -> None:
        if self._fault is not None:
            raise self._fault

    def _start(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._commit is None and (self._gathered.settlers or self._gathered.intenders):
            # A task starts after all that are ready now have had their say: one commit for all of them.
            self._commit = self._loop.create_task(self._write(), name=self.WRITING)

    async def _write(self) -> None:
        while self._gathered.settlers or self._gathered.intenders:
            batch, self._gathered = self._gathered, _Gathered()
            try:
                await self._loop.run_in_executor(self._writer, self._claim.commit, batch.settlements, batch.intents)
            except Exception as fault:  # noqa: BLE001 (every waiter raises it)
                self._fault = fault
                self._give_up(batch)
            else:
                _wake([*batch.settlers, *batch.intenders])
        self._commit = None

    def _give_up(self, batch: _Gathered) -> None:
        """No intent goes any more; outcomes do once more where only an intent was at fault."""
        self._fail([*batch.intenders, *self._gathered.intenders])
        rest, self._gathered = self._gathered, _Gathered()
        if isinstance(self._fault, NotSendable) and batch.intents:
            self._gathered.settlements = batch.settlements + rest.settlements
            self._gathered.settlers = batch.settlers + rest.settlers
        else:
            self._fail([*batch.settlers, *rest.settlers])

    def _fail(self, waiters: list["asyncio.Future[None]"]) -> None:
        for waiter in waiters:
            if self._fault is not None and not waiter.done():
                waiter.set_exception(self._fault)
                waiter.exception()  # its worker may have left: then nobody is to be told of it


def _wake(waiters: list["asyncio.Future[None]"]) -> None:
    for waiter in waiters:
        if not waiter.done():
            waiter.set_result(None)
