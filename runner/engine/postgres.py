"""Procrastinate, a queue in PostgreSQL, as the engine: its tables lie beside the ledger, in a schema of their own."""

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

import psycopg
from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued, ProcrastinateException
from procrastinate.jobs import DeleteJobCondition, Job, Status
from psycopg_pool import AsyncConnectionPool

from runner.errors import LedgerFault, Refused

from .seam import TASK_VERSION, Handler, Task

T = TypeVar("T")

for _name in ("procrastinate", "psycopg.pool"):  # their warnings name hosts and users: ours tell enough
    logging.getLogger(_name).addHandler(logging.NullHandler())
    logging.getLogger(_name).propagate = False

SCHEMA = "flypast_engine"
_QUEUE = "shards"
_BLOCK = 1000
_POLL_S = 0.5
_DEAD_S = 30.0
_PATIENCE_S = 5.0
_TROUBLE = (ProcrastinateException, psycopg.Error)


class PostgresEngine:
    """See `seam.Engine`. Nothing here decides who may send: a job that is offered twice or lost is harmless."""

    def __init__(self, conninfo: str, *, where: str) -> None:
        self._conninfo = conninfo
        self._where = where

    async def make(self) -> bool:
        async with self._open(is_there=False) as app:
            if await _is_made(app):
                return False
            await app.connector.execute_query_async(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
            await app.schema_manager.apply_schema_async()
            return True

    async def submit(self, tasks: Sequence[Task]) -> None:
        await _whole(self._submit(tasks))

    async def backlog(self) -> int:
        return await _whole(self._backlog())

    async def _submit(self, tasks: Sequence[Task]) -> None:
        async with self._open() as app:
            for at in range(0, len(tasks), _BLOCK):
                await _submit(app, tasks[at : at + _BLOCK])

    async def _backlog(self) -> int:
        async with self._open() as app:
            [told] = await app.connector.execute_query_all_async(
                "SELECT count(*) AS waiting FROM procrastinate_jobs WHERE status = 'todo'"
            )
            return int(told["waiting"])

    async def work(self, handle: Handler, *, slots: int, stop: asyncio.Event) -> None:
        while not stop.is_set():
            with suppress(*_TROUBLE, LedgerFault):
                async with self._open(handle) as app:
                    await _work(app, slots, stop)
            if not stop.is_set():  # the server is away
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), _POLL_S)

    @asynccontextmanager
    async def _open(self, handle: Handler | None = None, *, is_there: bool = True) -> AsyncIterator[App]:
        connector = PsycopgConnector(
            pool_factory=_Pool,
            conninfo=self._conninfo,
            min_size=1,
            max_size=2,
            timeout=_PATIENCE_S,
            configure=_configure,
            kwargs=_CONNECTING,
        )
        app = App(connector=connector)
        app.task(name="shard", queue=_QUEUE)(_handling(handle))
        try:
            async with app.open_async():
                if is_there and not await _is_made(app):
                    raise Refused(
                        f"the engine's tables are missing at {self._where}",
                        hint="make them once with: flypast ledger init --engine postgres, with the same --ledger",
                    )
                yield app
        except _TROUBLE as error:
            raise LedgerFault(
                f"the engine at {self._where} can't be reached", hint="nothing goes out twice: try again"
            ) from error


class _Pool(AsyncConnectionPool):
    """Gives up on a server that is away, instead of trying for half a minute."""

    async def open(self, wait: bool = False, timeout: float = _PATIENCE_S) -> None:  # noqa: ASYNC109 (its signature)
        await super().open(wait=wait, timeout=timeout)


async def _whole(doing: Coroutine[Any, Any, T]) -> T:
    """To its end, though nobody wants it any more: half a pool of connections would never end."""
    task = asyncio.ensure_future(doing)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


def _handling(handle: Handler | None) -> Any:
    async def shard(run: str, shard: int, plan: str, v: int) -> None:
        if v > TASK_VERSION or handle is None:
            raise ValueError(f"a task of version {v}, which a newer flypast has submitted")
        await handle(Task(run, shard, plan, v))

    return shard


async def _work(app: App, slots: int, stop: asyncio.Event) -> None:
    """Until `stop`; what was taken is waited for."""
    working = asyncio.create_task(
        app.run_worker_async(
            queues=[_QUEUE],
            concurrency=slots,
            fetch_job_polling_interval=_POLL_S,
            listen_notify=False,  # it needs a session of its own, and one commit at a time
            delete_jobs=DeleteJobCondition.ALWAYS,
            install_signal_handlers=False,
            stalled_worker_timeout=_DEAD_S,
        )
    )
    stopping = asyncio.create_task(stop.wait())
    tidying = asyncio.create_task(_tidy(app))
    try:
        await asyncio.wait((working, stopping), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (working, stopping, tidying):
            task.cancel()  # Procrastinate's worker then waits for what it has taken
        await asyncio.gather(working, stopping, tidying, return_exceptions=True)
    if not working.cancelled():
        working.result()  # what ended it before its time


async def _tidy(app: App) -> None:
    """Drops the jobs that dead workers had: the ledger knows what is left to do, and is asked for it."""
    while True:
        with suppress(*_TROUBLE):
            for job in await app.job_manager.get_stalled_jobs(queue=_QUEUE, seconds_since_heartbeat=_DEAD_S):
                await app.job_manager.finish_job(job, status=Status.FAILED, delete_job=True)
        await asyncio.sleep(_DEAD_S)


async def _submit(app: App, tasks: Sequence[Task]) -> None:
    jobs = [_job(app, task) for task in tasks]
    try:
        await app.job_manager.batch_defer_jobs_async(jobs)
    except AlreadyEnqueued:
        for job in jobs:
            with suppress(AlreadyEnqueued):
                await app.job_manager.batch_defer_jobs_async([job])


def _job(app: App, task: Task) -> Job:
    deferrer = app.tasks["shard"].configure(queueing_lock=f"{task.run}/{task.shard}")
    return deferrer.make_new_job(**task._asdict())


async def _is_made(app: App) -> bool:
    [told] = await app.connector.execute_query_all_async(
        f"SELECT to_regclass('{SCHEMA}.procrastinate_jobs') IS NOT NULL AS is_made"
    )
    return bool(told["is_made"])


async def _configure(connection: "psycopg.AsyncConnection[Any]") -> None:
    await connection.set_autocommit(True)
    await connection.execute(f"SET search_path TO {SCHEMA}")


_CONNECTING = {"prepare_threshold": None, "connect_timeout": 5, "application_name": "flypast-engine"}
