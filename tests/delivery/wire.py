"""A simulated network for delivery: a script answers, and every POST is remembered."""

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable

from runner.delivery.ports import Clock, Reply
from runner.model import Channel, Message, Rate

CHANNEL = Channel(
    name="sms-us",
    workspace_id="5a0c8c1e-2f0e-4c0e-9d5d-0d6b1a1f7a11",
    channel_id="3f2c1f0a-7a44-4b0e-8f0c-2f3a9d1c5b22",
)
OTHER_CHANNEL = Channel(
    name="sms-ca",
    workspace_id=CHANNEL.workspace_id,
    channel_id="0b1f7f0e-54cb-4a4d-9c0e-7a2e6f1d3c33",
    rate=Rate(count=10, per_s=1),
)

# What a script gives: a reply, an exception to raise, or something to wait for that gives a reply.
Answer = Reply | Exception | Awaitable[Reply]


def message(number: int, channel: Channel = CHANNEL) -> Message:
    key = f"k{number:04}"
    body = {"body": {"text": {"text": f"Hello Robert {number}"}, "type": "text"}, "reference": f"fp1.{key}"}
    return Message(
        draft="announce",
        channel=channel,
        key=key,
        reference=f"fp1.{key}",
        address=f"phonenumber:+1415555{number:04}",
        payload_hash=f"hash-{number}",
        body=json.dumps(body, sort_keys=True, separators=(",", ":")).encode(),
        country="US",
        segments=1,
    )


def messages(count: int, channel: Channel = CHANNEL) -> list[Message]:
    return [message(number, channel) for number in range(count)]


def accepted(number: int = 0) -> Reply:
    return Reply(status=202, retry_after=None, body=b'{"id":"m-%d"}' % number)


def status(code: int, retry_after: str | None = None, /, **body: object) -> Reply:
    return Reply(status=code, retry_after=retry_after, body=json.dumps(body).encode())


class Wire:
    """A Transport. `script` gets the key and how often that key has been posted before."""

    def __init__(self, script: Callable[[str, int], Answer], clock: Clock, takes_s: float = 0.0) -> None:
        self._script = script
        self._clock = clock
        self._takes_s = takes_s
        self.posts: list[tuple[float, str]] = []
        self.in_flight = 0
        self.most_in_flight = 0

    @property
    def times_posted(self) -> Counter[str]:
        return Counter(key for _, key in self.posts)

    async def post(self, channel: Channel, body: bytes) -> Reply:
        del channel
        key = json.loads(body)["reference"].removeprefix("fp1.")
        before = self.times_posted[key] if len(self.posts) < 2000 else 0
        self.posts.append((self._clock.monotonic_s(), key))
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            await (self._clock.sleep(self._takes_s) if self._takes_s else asyncio.sleep(0))
            answer = self._script(key, before)
            if isinstance(answer, Exception):
                raise answer
            return answer if isinstance(answer, Reply) else await answer
        finally:
            self.in_flight -= 1
