"""How a run of asyncio is made fast: uvloop where it is installed, and garbage looked for less often."""

import asyncio
import gc
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

_Result = TypeVar("_Result")
_OBJECTS = 20_000  # new ones, before the youngest are looked through


def run(main: Coroutine[Any, Any, _Result]) -> _Result:
    """As asyncio.run, on uvloop's event loop where the extra `fast` is installed."""
    with asyncio.Runner(loop_factory=_loop_factory()) as runner, _rarely_collected():
        return runner.run(main)


def _loop_factory() -> Any:
    try:
        import uvloop  # noqa: PLC0415 - an extra, and only a send is worth its start
    except ImportError:
        return None
    return uvloop.new_event_loop


@contextmanager
def _rarely_collected() -> Iterator[None]:
    """What is there stays, so it is not looked through again and again; a request leaves next to no cycles."""
    thresholds = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(_OBJECTS, *thresholds[1:])
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        gc.unfreeze()
