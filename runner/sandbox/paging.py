"""Lists in pages: what a query may ask for, and tokens that lead from page to page."""

import hashlib
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

from .clock import read_timestamp
from .messages import STATUSES

DEFAULT_LIMIT = 10
MAX_LIMIT = 1000
MOST_TEMPLATES = 100  # Bird's own limit there
_DIRECTIONS = ("incoming", "outgoing")
_TOKEN = re.compile(r"([0-9]{1,15})\.([0-9a-f]{16})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A list's query, read. `beyond` is the number of the last item of the page before; times are Unix seconds."""

    scope: str
    limit: int = DEFAULT_LIMIT
    beyond: int | None = None
    is_reversed: bool = False
    direction: str | None = None
    status: str | None = None
    start_at: float | None = None
    end_at: float | None = None

    def token(self, last: int) -> str:
        """Leads to the page after item number `last` of this same list."""
        return urlsafe_b64encode(f"{last}.{self._mark()}".encode()).decode().rstrip("=")

    def _mark(self) -> str:
        asked = (self.scope, self.is_reversed, self.direction, self.status, self.start_at, self.end_at)
        return hashlib.sha256(repr(asked).encode()).hexdigest()[:16]

    def number_in(self, token: str) -> int | None:
        """The number in a token that this same list gave; None for any other text."""
        try:
            held = _TOKEN.fullmatch(urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode("ascii"))
        except ValueError:
            return None
        return int(held[1]) if held and held[2] == self._mark() else None


def read_query(scope: str, asked: Mapping[str, str], *, most: int = MAX_LIMIT) -> Query | dict[str, list[str]]:
    """The query of a list, or what is wrong with it by parameter. `scope` names the list, so no token leads astray.

    A limit above the maximum is refused, not cut: a client that counts on more than it gets has a fault to show.
    """
    wrong: dict[str, list[str]] = {}

    def read(name: str, reader: Callable[[str], Any], words: str) -> Any:
        if name not in asked:
            return None
        value = reader(asked[name])
        if value is None:
            wrong[f".{name}"] = [words]
        return value

    limit = read("limit", partial(_limit, most=most), f"must be a whole number from 1 to {most}")
    query = {
        "is_reversed": read("reverse", {"true": True, "false": False}.get, "must be true or false") or False,
        "direction": read("direction", _one_of(_DIRECTIONS), f"must be one of {', '.join(_DIRECTIONS)}"),
        "status": read("status", _one_of(STATUSES), f"must be one of {', '.join(STATUSES)}"),
        "start_at": read("startAt", read_timestamp, "must be an RFC 3339 date-time with a zone"),
        "end_at": read("endAt", read_timestamp, "must be an RFC 3339 date-time with a zone"),
    }
    first = Query(scope=scope, **query)
    beyond = read("pageToken", first.number_in, "is not a token that this list gave")
    return wrong or Query(scope=scope, limit=limit or DEFAULT_LIMIT, beyond=beyond, **query)


def _limit(text: str, *, most: int) -> int | None:
    return int(text) if re.fullmatch("[0-9]{1,4}", text) and 1 <= int(text) <= most else None


def _one_of(known: Iterable[str]) -> Callable[[str], str | None]:
    return {name: name for name in known}.get


def page_of(query: Query, items: Iterable[tuple[int, Any]], show: Callable[[Any], Any]) -> dict[str, Any]:
    """`{results, nextPageToken}`: the token is absent on the last page, even when that page is full.

    `items` are the numbered items of the list after `query.beyond`, in its order.
    """
    taken = list(islice(items, query.limit + 1))
    shown = taken[: query.limit]
    page: dict[str, Any] = {"results": [show(item) for _, item in shown]}
    if len(taken) > query.limit:
        page["nextPageToken"] = query.token(shown[-1][0])
    return page
