"""A plain client of the sandbox, and the requests that its tests send."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from runner.sandbox.server import Sandbox

WORKSPACE = "5a0c8c1e-2f0e-4c0e-9d5d-0d6b1a1f7a11"
CHANNEL = "3f2c1f0a-7a44-4b0e-8f0c-2f3a9d1c5b22"
OTHER_CHANNEL = "0b1f7f0e-54cb-4a4d-9c0e-7a2e6f1d3c33"
NOBODYS = "11111111-2222-4333-8444-555555555555"
PATH = f"/workspaces/{WORKSPACE}/channels/{CHANNEL}/messages"
KEY = {"Authorization": "AccessKey any-will-do"}


def sms(reference: str | None = None, *, to: str = "+14155550100", **fields: Any) -> dict[str, Any]:
    request: dict[str, Any] = {
        "receiver": {"contacts": [{"identifierKey": "phonenumber", "identifierValue": to}]},
        "body": {"type": "text", "text": {"text": "Hi Robert"}},
        **fields,
    }
    return request if reference is None else {**request, "reference": reference}


class StoppedClock:
    """Time that moves when it is told to; sleeping takes none and is remembered."""

    def __init__(self) -> None:
        self.elapsed_s = 1000.0
        self.started_unix_s = 1_763_769_600.0  # 2025-11-22T00:00:00Z
        self.slept: list[float] = []

    def monotonic_s(self) -> float:
        return self.elapsed_s

    def wall_s(self) -> float:
        return self.started_unix_s + self.elapsed_s - 1000.0

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


@dataclass
class Answer:
    status: int
    document: Any
    headers: Mapping[str, str]


class Asker:
    """Asks one sandbox, over one real session."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self.session = session
        self.url = url

    async def post(self, request: Any, *, path: str = PATH, headers: Mapping[str, str] = KEY) -> Answer:
        async with self.session.post(self.url + path, json=request, headers=headers, allow_redirects=False) as reply:
            return Answer(reply.status, await reply.json(), reply.headers)

    async def post_bytes(self, body: bytes, *, content_type: str = "application/json") -> Answer:
        headers = {**KEY, "Content-Type": content_type}
        async with self.session.post(self.url + PATH, data=body, headers=headers) as reply:
            return Answer(reply.status, await reply.json(), reply.headers)

    async def get(self, path: str, /, **query: str | int) -> Answer:
        return await self.get_as(KEY, path, **query)

    async def get_as(self, headers: Mapping[str, str], path: str, /, **query: str | int) -> Answer:
        async with self.session.get(self.url + path, params=query, headers=headers) as reply:
            return Answer(reply.status, await reply.json(), reply.headers)

    async def all_pages(self, path: str, **query: str | int) -> list[list[dict[str, Any]]]:
        pages: list[list[dict[str, Any]]] = []
        token: dict[str, str] = {}
        while True:
            page = await self.get(path, **query, **token)
            assert page.status == 200
            pages.append(page.document["results"])
            if "nextPageToken" not in page.document:
                return pages
            token = {"pageToken": page.document["nextPageToken"]}


@asynccontextmanager
async def asking(sandbox: Sandbox) -> AsyncIterator[Asker]:
    """Starts the sandbox, and stops it at the end."""
    async with sandbox, aiohttp.ClientSession() as session:
        yield Asker(session, sandbox.url)
