"""From messages and outcomes to what the ledger records."""

import json
from typing import assert_never

from runner.bird.replies import conceal
from runner.bird.requests import personal_texts, said
from runner.ledger.identity import text_hash
from runner.ledger.seam import Intent, Settlement
from runner.model import Accepted, InDoubt, Message, NotSent, Outcome, RefusedByBird, Rejected, State, Throttled

# What we know of a message by ourselves, alone or in a batch.
UNRECORDED = InDoubt(words="what became of this message could not be recorded")
UNPOSTED = NotSent(words="the run stopped before this message was posted")
LEFT_IN_FLIGHT = InDoubt(words="the run was left while this message was in flight")
OUR_MISTAKE = InDoubt(words="flypast itself failed while this message was in flight")
UNANSWERED = InDoubt(words="the run ended before a reply came")  # our own doing: no sign of trouble at Bird

# What 401, 402, 403 and 404 are about (Bird, "Common API usage"; api errors seen in practice).
REFUSED_OVER = {
    401: "the access key",
    402: "for want of credit",
    403: "permission to send through {channel}",
    404: "the workspace or channel of {channel}: it knows none of these ids",
}


def intent(message: Message, *, edition: str, at: str, from_doubt: bool = False) -> Intent:
    """What is written before the first byte of a request."""
    draft, channel, key, reference, address, payload_hash, body, country, segments, _, cost, currency, hashed, *_ = (
        message
    )
    # By place, as one is made for every request.
    return Intent(
        edition, draft, channel.workspace_id, channel.channel_id, key, reference, address, payload_hash, country,
        segments, at, hashed or text_hash(address, said(body)), 0, cost, currency, from_doubt,
    )  # fmt: skip


def settlement(message: Message, outcome: Outcome, *, at: str) -> Settlement:
    """What became of it. The ledger never holds a text: Bird's words lose what they quote of the message."""
    key = message.key
    match outcome:
        case Accepted(message_id=message_id):
            return Settlement(key, State.ACCEPTED, at, message_id)
        case Rejected(code=code, words=words, message_id=message_id):
            code, words = without_texts(message, code), without_texts(message, words)
            return Settlement(key=key, state=State.REJECTED, at=at, message_id=message_id, code=code, words=words)
        case InDoubt(words=words):
            return Settlement(key=key, state=State.IN_DOUBT, at=at, words=words)
        case RefusedByBird(status=status, words=words):
            words = without_texts(message, words)
            return Settlement(key=key, state=State.PLANNED, at=at, code=f"HTTP {status}", words=words)
        case Throttled():
            return Settlement(key=key, state=State.PLANNED, at=at, code="HTTP 429", words="Bird asked to wait")
        case NotSent(words=words):
            return Settlement(key=key, state=State.PLANNED, at=at, words=words)
        case _:
            assert_never(outcome)


def without_texts(message: Message, words: str) -> str:
    """Bird's words without the texts and values of the message they are about."""
    quoted = {*personal_texts(json.loads(message.body)), *message.values}
    return conceal(words, sorted(quoted, key=lambda text: (-len(text), text)))
