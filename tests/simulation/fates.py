"""What may become of one request: at the server, and as its sender sees it.

`proves` is what the sender may conclude, written down here by hand from the contract, not taken from the code.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from email.utils import formatdate
from random import Random
from typing import Literal

from runner.model import State

from .looks import LATEST_S

Loss = Literal["unconnected", "certificate", "lost", "bug"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """`is_taken`: the server has it in its record. `hold_s`: for how long a 429 surely asks to wait, from its
    reply on (a date: from its request on).

    `ends`: why nothing more may be posted after it. A `loss` comes instead of a reply. What was sent may arrive
    `arrives_s` later, and somebody on the way may deliver it several `times`.
    """

    kind: str
    proves: State
    is_taken: bool = False
    status: int = 0
    body: bytes | None = b""
    retry_after: str | None = None
    hold_s: float = 0.0
    loss: Loss | None = None
    ends: str | None = None
    connect_s: float = 0.0
    takes_s: float = 0.0
    arrives_s: float = 0.0
    times: int = 1

    @property
    def is_rejected_on_arrival(self) -> bool:
        """In the server's record, as refused by status."""
        return self.status == 202 and self.proves is State.REJECTED


Maker = Callable[[Random, float], Fate]  # chance, and the server's Unix time

_ODD = (None, b"{}", b"", b"<html>ok</html>", b'{"id":"m-1', b"[]", b"\xff\xfe", b'{"id":7}', b"[" * 3000, b"null")
PASSING_CODES = frozenset({"12001", "15001"})  # a service and the platform had a bad moment
_REJECTED = (
    b'{"id":"m-1","status":"rejected"}',
    *(
        b'{"status":"rejected","failure":{"code":%d,"description":"no"}}' % code
        for code in (7, 12001, 12003, 15001, 15005, 120010)
    ),
)
_WAITS: tuple[tuple[str | None, float], ...] = (
    *((text, 0.0) for text in (None, "0", "-5", "1e3", "soon", "601", "99999999999", "", "1.5", "١")),
    ("1", 1.0), ("2", 2.0), (" 5 ", 5.0), ("30", 30.0), ("007", 7.0),
)  # fmt: skip


def _accepted(rng: Random, _: float) -> Fate:
    body = b'{"id":"m-%d","status":"accepted"}' % rng.randrange(10**6)
    return Fate(kind="202", proves=State.ACCEPTED, is_taken=True, status=202, body=body)


def _odd(rng: Random, _: float) -> Fate:
    return Fate(kind="202 odd", proves=State.ACCEPTED, is_taken=True, status=202, body=rng.choice(_ODD))


def _rejected(rng: Random, _: float) -> Fate:
    body = rng.choice(_REJECTED)
    return Fate(kind="202 rejected", proves=State.REJECTED, is_taken=True, status=202, body=body)


def _throttled(rng: Random, wall_s: float) -> Fate:
    if rng.random() < 0.2:  # a date has whole seconds: surely one second less, from now on
        asked_s = rng.choice((-3600.0, 4.0, 20.0))
        date = formatdate(wall_s + asked_s, usegmt=True)
        return Fate(kind="429 date", proves=State.PLANNED, status=429, retry_after=date, hold_s=max(0.0, asked_s - 1))
    text, hold_s = rng.choice(_WAITS)
    return Fate(kind="429", proves=State.PLANNED, status=429, retry_after=text, hold_s=hold_s)


def _unproven(*statuses: int) -> Maker:
    """The server may have taken it, or not."""

    def make(rng: Random, _: float) -> Fate:
        status = rng.choice(statuses)
        taken = rng.random() < 0.5
        ends = "redirect" if 300 <= status < 400 else None
        kind = f"{status} {'after' if taken else 'before'} taking"
        body = rng.choice((b"", b'{"message":"oops"}', None))
        return Fate(kind=kind, proves=State.IN_DOUBT, is_taken=taken, status=status, body=body, ends=ends)

    return make


def _judged(rng: Random, _: float) -> Fate:
    status = rng.choice((400, 413, 422))
    body = rng.choice((b'{"code":"Invalid","message":"no","details":{"a":["b"]}}', b"", None, b"<html>", b"[1]"))
    return Fate(kind=str(status), proves=State.REJECTED, status=status, body=body)


def _refused(rng: Random, _: float) -> Fate:
    status = rng.choice((401, 402, 403, 404))
    return Fate(kind=str(status), proves=State.PLANNED, status=status, ends="refused")


def _unconnected(rng: Random, _: float) -> Fate:
    took_s = rng.choice((0.0, 0.01, 5.0))
    return Fate(kind="unconnected", proves=State.PLANNED, loss="unconnected", connect_s=took_s)


def _certificate(_rng: Random, _: float) -> Fate:
    return Fate(kind="certificate", proves=State.PLANNED, loss="certificate", ends="certificate")


def _lost(rng: Random, _: float) -> Fate:
    taken = rng.random() < 0.5
    kind = f"lost {'after' if taken else 'before'} taking"
    return Fate(kind=kind, proves=State.IN_DOUBT, is_taken=taken, loss="lost")


def _timeout(rng: Random, wall_s: float) -> Fate:
    return replace(_lost(rng, wall_s), kind="timeout", takes_s=20.0)


def _late(rng: Random, _: float) -> Fate:
    """The sender is told that the connection broke, and the request is still on its way."""
    return Fate(kind="late", proves=State.IN_DOUBT, is_taken=True, loss="lost", arrives_s=rng.random() * LATEST_S)


def _doubled(_rng: Random, _: float) -> Fate:
    """A proxy hears no reply and asks again: Bird has it twice, by nobody's leave."""
    return Fate(kind="doubled", proves=State.IN_DOUBT, is_taken=True, status=504, times=2)


def _stale(_rng: Random, _: float) -> Fate:
    """An old reply came twice and lay on the connection: the client sees that and hangs up."""
    return Fate(kind="stale reply", proves=State.IN_DOUBT, loss="lost")


def _bug(_rng: Random, _: float) -> Fate:
    return Fate(kind="bug", proves=State.IN_DOUBT, is_taken=True, loss="bug", ends="bug")


FINE: Maker = _accepted
TROUBLE: dict[str, Maker] = {
    "odd 202": _odd,
    "rejected 202": _rejected,
    "429": _throttled,
    "5xx": _unproven(500, 502, 503, 504, 520, 599),
    "408 and 409": _unproven(408, 409),
    "other 2xx": _unproven(200, 201, 204, 206),
    "redirect": _unproven(301, 302, 303, 307, 308),
    "other 4xx": _unproven(405, 410, 418, 423, 451),
    "judged": _judged,
    "refused": _refused,
    "unconnected": _unconnected,
    "certificate": _certificate,
    "lost": _lost,
    "timeout": _timeout,
    "late": _late,
    "doubled": _doubled,
    "stale": _stale,
    "bug": _bug,
}
ENDING = frozenset({"redirect", "refused", "certificate", "bug"})  # one of them is enough to end a run
