"""Bird's list of one channel as a simulated network: pages of what it holds, and what a script does instead."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from runner.delivery.ports import Reply
from runner.ledger.seam import Entry
from runner.model import Channel, State

from .wire import CHANNEL

ORIGIN_S = 1_772_355_600.0  # 2026-03-01T09:00:00Z
Instead = Callable[[int, Mapping[str, str]], Reply | Exception | None]


def listed(reference: str, number: int = 1, status: str = "delivered") -> dict[str, Any]:
    return {"id": f"m-{reference}-{number}", "reference": reference, "status": status}


class BirdList:
    """The pages of `items`, `size` at a time. `instead` is asked first, with the number of the GET (from 1)."""

    def __init__(
        self, items: list[dict[str, Any]], *, size: int = 100, instead: Instead = lambda _n, _query: None
    ) -> None:
        self.items = items
        self.size = size
        self.instead = instead
        self.queries: list[dict[str, str]] = []

    async def page(self, channel: Channel, query: Mapping[str, str]) -> Reply:
        assert channel.channel_id == CHANNEL.channel_id
        self.queries.append(dict(query))
        answer = self.instead(len(self.queries), query)
        if isinstance(answer, Exception):
            raise answer
        if answer is not None:
            return answer
        start = int(query.get("pageToken", "0"))
        body: dict[str, Any] = {"results": self.items[start : start + self.size]}
        if start + self.size < len(self.items):
            body["nextPageToken"] = str(start + self.size)
        return ok(body)


def ok(body: Any, **more: Any) -> Reply:
    return Reply(status=200, retry_after=None, body=json.dumps(body).encode(), **more)


def status(code: int, retry_after: str | None = None) -> Reply:
    return Reply(status=code, retry_after=retry_after, body=b'{"code":"X","message":"because"}')


def entry(key: str, *, state: State = State.IN_DOUBT, reference: str | None = None, **more: Any) -> Entry:
    return Entry(
        **{
            "key": key,
            "manifest": "spring",
            "edition": "1",
            "message": "announce",
            "workspace_id": CHANNEL.workspace_id,
            "channel_id": CHANNEL.channel_id,
            "reference": reference or f"fp1.{key}",
            "address": "phonenumber:+14155550100",
            "payload_hash": "aa",
            "country": "US",
            "segments": 1,
            "state": state,
            "attempts": 1,
            "run": "r1",
            "intended_at": "2026-03-01T09:00:00.000Z",
            "at": "2026-03-01T09:00:01.000Z",
            "message_id": None,
            "code": None,
            "words": "the reply was lost",
            **more,
        }
    )
