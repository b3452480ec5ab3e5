"""What another process does at the worst moment: between two system calls of this one."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_acts: dict[str, Callable[[], object]] = {}


def _hear(event: str, _: object) -> None:
    if _acts and (act := _acts.pop(event, None)) is not None:
        act()


sys.addaudithook(_hear)


@contextmanager
def just_before(event: str, act: Callable[[], object]) -> Iterator[None]:
    """`act` once, right before the next call that Python tells of as this audit event, such as `fcntl.flock`."""
    _acts[event] = act
    yield
    assert event not in _acts, f"nothing called {event}"
