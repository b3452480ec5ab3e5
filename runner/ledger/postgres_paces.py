"""Limits that all who send with a PostgreSQL ledger keep to together: a row each, on the server's clock."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from runner.errors import LedgerFault

from . import postgres_pace_tables as tables
from .paces import Block, Limit, Share
from .postgres_errors import Unreachable, Unsure
from .postgres_lease import steady_s
from .postgres_link import Link, Row

T = TypeVar("T")
_POLL_S = 0.2


class PostgresPaces:
    """See `paces.Paces`. Made by `PostgresLedger.paces`."""

    def __init__(self, link: Link, *, patience_s: float) -> None:
        self._link = link
        self._patience_s = patience_s
        self._is_closed = False

    def take(self, shares: Sequence[Share], *, wanted: int, block_s: float) -> Block:
        scopes = [share.scope for share in shares]
        asked = {"scopes": scopes, "rates": [share.per_second for share in shares], "workspace": scopes[0]}
        _, slots, wait_s, at_s, start_s, slowest_s, fastest_s = self._taken(
            {**asked, "wanted": wanted, "block_s": block_s}, len(scopes)
        )
        return Block(
            slots=slots,
            wait_s=wait_s or 0.0,
            at_s=at_s,
            start_s=start_s,
            spacing_s=slowest_s,
            jitter_s=max(0, slots - 1) * (slowest_s - fastest_s),
        )

    def hold(self, share: Share, *, for_s: float, sent_at_s: float) -> None:
        values = {"scope": share.scope, "per_s": share.per_second, "for_s": for_s, "sent_at": sent_at_s}
        self._patiently(lambda: self._link.at_once(tables.HOLD, values))

    def set_limit(self, scope: str, per_second: float | None) -> bool:
        [(was_known,)] = self._link.at_once(tables.SET, {"scope": scope, "per_s": per_second})
        return bool(was_known)

    def limits(self) -> Sequence[Limit]:
        return [
            Limit(
                scope=scope,
                set_per_s=set_per_s,
                asked_per_s=asked_per_s,
                now_per_s=now_per_s,
                held_s=held_s,
                idle_s=idle_s,
            )
            for scope, set_per_s, asked_per_s, now_per_s, held_s, idle_s in self._link.read(tables.LIMITS)
        ]

    def close(self) -> None:
        """Also while a thread still asks: it makes no new connection."""
        self._is_closed = True
        self._link.close()

    def _taken(self, values: Mapping[str, Any], scopes: int) -> Row:
        rows = self._patiently(lambda: self._link.at_once(tables.TAKE, values))
        if rows and rows[0][0] == scopes:
            return rows[0]
        self._patiently(lambda: self._link.at_once(tables.MAKE, values))  # the first who ever sends there
        [row] = self._patiently(lambda: self._link.at_once(tables.TAKE, values))
        return row

    def _patiently(self, act: Callable[[], T]) -> T:
        """Again where the server is away: what may have been taken then is only lost."""
        since_s = steady_s()
        while True:
            try:
                with self._link.turn:
                    if self._is_closed:
                        raise LedgerFault("the ledger was closed")
                    return act()
            except (Unreachable, Unsure):
                if self._link.hurried.is_set() or steady_s() - since_s > self._patience_s:
                    raise
                self._link.hurried.wait(_POLL_S)
