"""What happens to one POST: one decision, one line in the record, one reply (or none)."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from aiohttp import web

from . import wire
from .batches import items_of, kept_of
from .channels import Channels, SandboxChannel
from .checking import MAX_BODY_BYTES, Checker, Parsed, parse
from .clock import Clock, timestamp
from .door import Door
from .faults import KINDS, Dice, Moment
from .messages import Failure, Messages, contacts_of, refused_by_preprocessing
from .record import ACCEPTED, BUSY_LATER, REJECTED, REJECTED_LATER, THROTTLED, UNLISTED, Arrival, Record
from .replies import STATUS_CODES, Reply, request_error, validation_error


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """One POST as it arrived. `host` is its Host header; `parsed` is None where the body was over the size limit."""

    workspace_id: str
    channel_id: str
    authorization: str | None
    host: str
    parsed: Parsed | None

    @property
    def document(self) -> Any:
        return self.parsed.document if self.parsed else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What became of a POST. `reply` is None where the connection is reset."""

    word: str
    reply: Reply | None
    message_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Batched:
    """What became of a batch: of the request as a whole, and of each message, with its own request."""

    whole: Decision
    each: Sequence[tuple[Any, Decision]]
    batch_id: str


class Posting:
    """Takes the POSTs of one sandbox."""

    def __init__(
        self, *, channels: Channels, messages: Messages, record: Record, dice: Dice, door: Door, clock: Clock
    ) -> None:
        self._channels = channels
        self._messages = messages
        self._record = record
        self._dice = dice
        self._door = door
        self._clock = clock
        self._checker = Checker()
        self._n = 0

    async def take(self, request: web.Request) -> web.StreamResponse:
        return await self._take(request, is_batch=False)

    async def take_batch(self, request: web.Request) -> web.StreamResponse:
        """Several messages in one request: each of them is judged after it was taken."""
        return await self._take(request, is_batch=True)

    async def _take(self, request: web.Request, *, is_batch: bool) -> web.StreamResponse:
        # The number and the fate are drawn together, before anything is awaited: they follow the order of arrival.
        self._n += 1
        n, drawn = self._n, self._dice.draw(is_batch=is_batch)
        try:
            posted = await _read(request)
        except ConnectionError:
            return web.Response()  # never written: the sender left before its request was whole, so none arrived
        decided = self._decide(n, posted, drawn.fault, is_batch=is_batch)
        decision = self._note(n, posted, decided)
        if drawn.delay_s:
            await self._clock.sleep(drawn.delay_s)
        return _finish(request, decision)

    def _decide(self, n: int, posted: Posted, fault: str | None, *, is_batch: bool) -> Decision | Batched:
        """The order is that of a real service: the door, the channel, the pace, the request, the message."""
        if refusal := self._door.refuse(posted.authorization):
            return Decision(word=REJECTED, reply=refusal)
        channel = self._channels.find(posted.workspace_id, posted.channel_id)
        if channel is None:
            return Decision(word=REJECTED, reply=request_error(404, "no such channel in this workspace"))
        if throttled := self._door.throttle("POST", posted.workspace_id):
            return Decision(word=THROTTLED, reply=throttled)
        if fault is not None and KINDS[fault].moment is Moment.BEFORE:
            return Decision(word=fault, reply=_refusal(fault, posted))
        if refusal := self._malformed(posted, is_batch=is_batch):
            return Decision(word=REJECTED, reply=refusal)
        if is_batch:
            return self._accept_all(n, channel, items_of(posted.document), fault)
        return self._accept(channel, posted.document, fault)

    def _malformed(self, posted: Posted, *, is_batch: bool) -> Reply | None:
        if posted.parsed is None:
            return request_error(413, f"the request is larger than {MAX_BODY_BYTES // 1024} KB")
        if posted.parsed.problem is not None:
            return validation_error({".": [posted.parsed.problem]})
        if is_batch:
            wrong = items_of(posted.document)
            return validation_error(wrong) if isinstance(wrong, dict) else None
        problems = self._checker.problems(posted.document, self._clock.wall_s())
        return validation_error(problems) if problems else None

    def _accept_all(self, n: int, channel: SandboxChannel, items: Any, fault: str | None) -> Batched:
        """What is wrong with a message fails that message, after the 202 for all of them."""
        batch_id = self._messages.new_batch_id()
        each = []
        for item, own in zip(items, self._dice.draw_each(n, len(items)), strict=True):
            problems = self._checker.problems(item, self._clock.wall_s())
            each.append((item, self._accept_one(channel, item, fault or own, batch_id, problems)))
        shown = {"id": batch_id, "messages": [{"id": decision.message_id} for _, decision in each]}
        accepted = Reply(status=202, document=shown)
        whole = Decision(word=fault or ACCEPTED, reply=_after(fault, accepted) if fault else accepted)
        return Batched(whole=whole, each=each, batch_id=batch_id)

    def _accept_one(
        self, channel: SandboxChannel, item: Any, fault: str | None, batch_id: str, problems: Mapping[str, list[str]]
    ) -> Decision:
        if not problems:
            return self._accept(channel, item, fault, batch_id=batch_id)
        words = "; ".join(f"{place}: {', '.join(said)}" for place, said in problems.items())
        failure = refused_by_preprocessing(11002, "INVALID_INPUT", words)
        stored = self._messages.add(channel, kept_of(item), failure=failure, batch_id=batch_id)
        return Decision(word=REJECTED_LATER, reply=None, message_id=stored.id)

    def _accept(
        self, channel: SandboxChannel, request: Any, fault: str | None, *, batch_id: str | None = None
    ) -> Decision:
        failure = _refused_later(channel, request, fault)
        is_listed = fault != UNLISTED
        stored = self._messages.add(channel, request, failure=failure, batch_id=batch_id, is_listed=is_listed)
        accepted = Decision(
            word=ACCEPTED if failure is None else REJECTED_LATER,
            reply=Reply(status=202, document=self._messages.document(stored)),
            message_id=stored.id,
        )
        if fault is None or failure is not None:
            return accepted
        return replace(accepted, word=fault, reply=_after(fault, accepted.reply))

    def _note(self, n: int, posted: Posted, decided: Decision | Batched) -> Decision:
        """Gives what the sender is told."""
        if isinstance(decided, Decision):
            self._add(n, posted, posted.document, decided, decided)
            return decided
        for item, decision in decided.each:
            self._add(n, posted, item, decision, decided.whole, batch_id=decided.batch_id)
        return decided.whole

    def _add(
        self,
        n: int,
        posted: Posted,
        document: Any,
        decision: Decision,
        whole: Decision,
        *,
        batch_id: str | None = None,
    ) -> None:
        self._record.add(
            Arrival(
                n=n,
                at=timestamp(self._clock.wall_s()),
                workspace_id=posted.workspace_id,
                channel_id=posted.channel_id,
                reference=_reference(document),
                recipients=tuple(_recipients(document)),
                request=document,
                decision=decision.word,
                status=whole.reply.status if whole.reply else None,
                message_id=decision.message_id,
                replied=whole.reply is not None and whole.word not in _BROKEN_OFF,
                batch_id=batch_id,
            )
        )


_BROKEN_OFF = ("garbled", "cut")


async def _read(request: web.Request) -> Posted:
    try:
        parsed = parse(await request.read(), request.content_type)
    except web.HTTPRequestEntityTooLarge:
        parsed = None
    return Posted(
        workspace_id=request.match_info["workspace"],
        channel_id=request.match_info["channel"],
        authorization=request.headers.get("Authorization"),
        host=request.host,
        parsed=parsed,
    )


def _refusal(fault: str, posted: Posted) -> Reply | None:
    """The reply of a fault that strikes before the request is processed."""
    if fault == "reset-before":
        return None
    if fault == "redirect":
        return request_error(307, "this is a redirect on demand", headers={"Location": _elsewhere(posted)})
    words = f"this is a {fault} {STATUS_CODES[int(fault)]} on demand"
    return validation_error({".": [words]}) if fault == "422" else request_error(int(fault), words)


def _elsewhere(posted: Posted) -> str:
    """The same server under another name: another host to any client, and we see who follows."""
    port = posted.host.rpartition(":")[2]
    return f"http://localhost:{port}/_sandbox/elsewhere/{posted.workspace_id}/{posted.channel_id}"


def _after(fault: str, accepted: Reply | None) -> Reply | None:
    """The reply of a fault that strikes once the message is accepted."""
    if fault == "500-after":
        return request_error(500, "this is a 500 on demand: the message was accepted")
    return None if fault == "reset-after" else accepted


def _refused_later(channel: SandboxChannel, request: Any, fault: str | None) -> Failure | None:
    """Why a valid request becomes a `rejected` message: on demand, or what Bird checks after its 202."""
    if fault == BUSY_LATER:
        return refused_by_preprocessing(12001, "DEPENDENCY_ERROR", "this is a rejection on demand that can pass")
    if fault == REJECTED_LATER:
        return refused_by_preprocessing(12003, "UNSUPPORTED_DESTINATION", "this is a rejection on demand")
    if channel.status != "active":
        return refused_by_preprocessing(11001, "INVALID_CHANNEL_CONFIGURATION", f"the channel is {channel.status}")
    contacts = contacts_of(request)
    by_phone = all(contact.get("identifierKey", "phonenumber") == "phonenumber" for contact in contacts)
    if len(contacts) > 1 and by_phone and channel.platform == "sms":
        return refused_by_preprocessing(
            11001, "INVALID_CHANNEL_CONFIGURATION", "multiple receivers for SMS messages are not supported"
        )
    return None


def _reference(document: Any) -> str | None:
    reference = document.get("reference") if isinstance(document, dict) else None
    return reference if isinstance(reference, str) else None


def _recipients(document: Any) -> Sequence[str]:
    """Who a request is for, as far as it says so: it may not have been judged yet."""
    receiver = document.get("receiver") if isinstance(document, dict) else None
    contacts = receiver.get("contacts") if isinstance(receiver, dict) else None
    people = [contact for contact in contacts or () if isinstance(contact, dict)] if isinstance(contacts, list) else []
    return [str(person.get("identifierValue") or f"id:{person.get('id')}") for person in people]


def _finish(request: web.Request, decision: Decision) -> web.StreamResponse:
    transport = request.transport
    broken_off = decision.reply is None or decision.word in _BROKEN_OFF
    if transport is None or not broken_off:
        return wire.whole(decision.reply) if decision.reply else web.Response()
    _break_off(transport, decision)
    return web.Response()  # never written: the connection is closing


def _break_off(transport: asyncio.Transport, decision: Decision) -> None:
    if decision.reply is None:
        wire.reset(transport)
    elif decision.word == "garbled":
        wire.garble(transport)
    else:
        wire.cut(transport, decision.reply)
