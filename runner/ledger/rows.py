"""What the stores' statements give and take, as the seam's values: the columns stand in one order in every store."""

from typing import Any

from runner.model import State

from .deliveries import delivery
from .moves import fitted
from .seam import Entry, Known, Verdict

_STATES = {state.value: state for state in State}


def verdict_values(found: Verdict, manifest: str) -> dict[str, Any]:
    return {
        "state": found.state,
        "at": found.at,
        "message_id": fitted(found.message_id),
        "code": fitted(found.code),
        "words": fitted(found.words),
        "looked_at": found.looked_at,
        "key": found.key,
        "manifest": manifest,
    }


def known(row: tuple[Any, ...]) -> Known:
    """A row of LOOKUP."""
    _, state, payload_hash, channel_id, code, resent = row
    return Known(_STATES[state], payload_hash, channel_id, code, resent)


def entry(row: tuple[Any, ...]) -> Entry:
    (_, key, manifest, edition, message, workspace_id, channel_id, reference, address, payload_hash, country,
     segments, state, attempts, run, intended_at, at, message_id, code, words, looked_at, resent,
     cost, currency, text_hash, *told) = row  # fmt: skip
    return Entry(
        key=key,
        manifest=manifest,
        edition=edition,
        message=message,
        workspace_id=workspace_id,
        channel_id=channel_id,
        reference=reference,
        address=address,
        payload_hash=payload_hash,
        country=country,
        segments=segments,
        state=State(state),
        attempts=attempts,
        run=run,
        intended_at=intended_at,
        at=at,
        message_id=message_id,
        code=code,
        words=words,
        looked_at=looked_at,
        resent=resent,
        cost=cost,
        currency=currency,
        text_hash=text_hash,
        told=delivery(told),
    )
