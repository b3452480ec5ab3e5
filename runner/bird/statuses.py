"""What Bird's list says became of messages. Pure: no I/O, no clock.

Bird's enum of statuses may grow, and its text is foreign: a word is kept as it is said, on one line and not for long.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from runner.model import Json

from .replies import PageFault, clean, code_of, message_id_of, results_of

LONGEST_WORD = 64
_PLAIN = re.compile(r"[a-z_]{1,64}").fullmatch


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """A listed message. `at` is what Bird says of when, unread; `code` and `source` are those of a failure."""

    message_id: str
    reference: str | None
    status: str
    at: str | None
    code: str | None
    source: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusPage:
    """`next_token` None is the last page."""

    statuses: tuple[Status, ...]
    next_token: str | None


def read_statuses(body: bytes) -> StatusPage:
    """All messages of a page that have an id and a status; nothing follows from others. Raises PageFault."""
    results, next_token = results_of(body)
    return StatusPage(statuses=tuple(_statuses(results)), next_token=next_token)


def _statuses(results: list[Json]) -> Iterator[Status]:
    for item in results:
        if not isinstance(item, dict):
            raise PageFault("a page of Bird's list holds something that is no message")
        message_id, status = message_id_of(item.get("id")), item.get("status")
        word = _word(status) if isinstance(status, str) else ""
        if message_id is not None and word:
            reference, at, failure = item.get("reference"), item.get("lastStatusAt"), item.get("failure")
            code, source = _failure(failure) if isinstance(failure, dict) else (None, None)
            yield Status(
                message_id=message_id,
                reference=reference if isinstance(reference, str) else None,
                status=word,
                at=at if isinstance(at, str) and len(at) <= LONGEST_WORD else None,
                code=code,
                source=source,
            )


@lru_cache(maxsize=256)
def _word(text: str) -> str:
    """Bird's word as it is; of one that is none what can be shown, with addresses masked."""
    if _PLAIN(text):
        return text
    word = " ".join(clean(text).split())
    return word if len(word) <= LONGEST_WORD else f"{word[: LONGEST_WORD - 1]}…"


def _failure(failure: Mapping[str, Json]) -> tuple[str | None, str | None]:
    """Bird's code, and who says so with the code of their own: `sms-messagebird 34`. What is neither is left out."""
    source = failure.get("source")
    named = (code_of(source.get(part)) for part in ("name", "code")) if isinstance(source, dict) else ()
    return code_of(failure.get("code")), " ".join(filter(None, named)) or None
