"""What Bird's replies prove about a message. Pure: no I/O, no clock."""

import json
import re
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime

from runner.model import Accepted, InDoubt, Json, Outcome, RefusedByBird, Rejected, Throttled

MAX_RETRY_AFTER_S = 600.0
_MAX_WORDS = 500
_MAX_ID = 128
_MAX_TOKEN = 8000

_JUDGED = frozenset({400, 413, 422})  # Bird read the message and refused it
_REFUSED = frozenset({401, 402, 403, 404})  # Bird refused us: key, credit, permission or channel

# Failures of Bird's own that may be gone later: service errors and platform errors, less those that name something
# lasting (Bird, "Message Failure Codes": an unsupported type or destination, an unknown subscriber).
_PASSING = (range(12_000, 13_000), range(15_000, 16_000))
_LASTING = frozenset({12_002, 12_003, 15_005})

_UUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_MAIL = r"[^\s@\"'<>,;:()\[\]]{1,256}@[^\s@\"'<>,;:()\[\]]{1,256}"
_PHONE = r"\+?(?:\d[\s().\-/\u2010-\u2015]{0,3}){6,}\d"
_ADDRESS = re.compile(f"(?P<kept>{_UUID})|(?P<mail>{_MAIL})|(?P<phone>{_PHONE})")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A reply whose status line and headers parsed. `body` is None where it was cut, too long or encoded.

    `date` is the server's clock.
    """

    status: int
    retry_after: str | None
    body: bytes | None
    date: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A message of ours as Bird lists it: it was taken, and perhaps refused after."""

    reference: str
    message_id: str
    outcome: Accepted | Rejected


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page of Bird's list: those of its messages that were looked for. `next_token` None is the last page."""

    messages: tuple[Listed, ...]
    next_token: str | None


class PageFault(Exception):
    """What came is no whole page of a list, so nothing follows from what is not in it."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words = words


class NoConnection(Exception):
    """No connection was acquired: nothing went out."""

    def __init__(self, words: str, *, is_certificate: bool = False) -> None:
        super().__init__(words)
        self.words = words
        self.is_certificate = is_certificate


class ReplyLost(Exception):
    """A connection was acquired and no whole reply came: it may have gone out."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words = words


def classify(reply: Reply, wall_s: float) -> Outcome:
    """What a reply proves. `wall_s` is Unix time, to read a `Retry-After` date."""
    status = reply.status
    if status == 202:
        return _accepted(_object(reply.body))
    if status == 429:
        return Throttled(retry_after_s=_retry_after_s(reply.retry_after, wall_s))
    if status in _JUDGED:
        return _rejected(status, _object(reply.body))
    if status in _REFUSED:
        return RefusedByBird(status=status, words=_words(_object(reply.body)) or "no reason given")
    if 300 <= status < 400:
        return InDoubt(words=f"Bird answered with a redirect (HTTP {status}), which is not followed", stops=True)
    return InDoubt(words=f"Bird answered with HTTP {status}, which proves nothing")


def classify_batch(reply: Reply, wall_s: float) -> Outcome | None:
    """What a reply proves of each message of a batch; None: Bird took them all, and judges each one later.

    Rejected is the batch as a whole, for something about it: nothing of it was taken. Of a single bad message Bird says
    nothing here ("Send batch messages": accepted to be validated asynchronously); it stands in the list, as rejected.
    """
    return None if reply.status == 202 else classify(reply, wall_s)


def may_pass(code: str) -> bool:
    """Whether a message that was rejected with this code may be accepted when it is sent again as it is."""
    number = int(code) if re.fullmatch(r"[0-9]{5}", code) else 0
    return any(number in codes for codes in _PASSING) and number not in _LASTING


def read_page(body: bytes, references: Container[str]) -> Page:
    """The messages of a page that have one of these references; those of others are let pass. Raises PageFault."""
    results, next_token = results_of(body)
    return Page(
        messages=tuple(listed for item in results if (listed := _listed(item, references)) is not None),
        next_token=next_token,
    )


def results_of(body: bytes) -> tuple[list[Json], str | None]:
    """What a page of a list holds, and the token of the next; None is the last page. Raises PageFault."""
    try:
        page = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        raise PageFault("a page of Bird's list is no JSON") from None
    results = page.get("results") if isinstance(page, dict) else None
    if not isinstance(results, list):
        raise PageFault("a page of Bird's list has no results")
    return results, _token_of(page.get("nextPageToken"))


def off_by_s(date: str | None, wall_s: float) -> float | None:
    """How far the server's clock is ahead of ours; None where it says no date that can be read."""
    return None if date is None else _date_s(date, wall_s)


def conceal(words: str, texts: Iterable[str]) -> str:
    """`words` without the texts of a request, which Bird may quote back; the longest of them come first.

    One or two characters are hidden where they stand as a word: elsewhere they would punch holes into every word.
    """
    for text in texts:
        if len(text) > 2:
            words = words.replace(text, "***")
        elif text:
            words = re.sub(rf"(?<!\w){re.escape(text)}(?!\w)", "***", words)
    return words


def mask_addresses(words: str) -> str:
    """`words` with each phone number cut to its last two digits and each e-mail address to nothing."""
    return _ADDRESS.sub(_mask, words)


def _mask(match: re.Match[str]) -> str:
    if match["kept"] is not None:
        return match["kept"]
    return "***" if match["mail"] is not None else f"***{match['phone'][-2:]}"


def _accepted(message: Mapping[str, Json]) -> Accepted | Rejected:
    message_id = message_id_of(message.get("id"))
    if message.get("status") != "rejected":
        return Accepted(message_id=message_id)
    failure = message.get("failure")
    failure = failure if isinstance(failure, Mapping) else {}
    said = (failure.get("description"), message.get("reason"), message.get("details"))
    words = "; ".join(dict.fromkeys(text for text in said if isinstance(text, str) and text))
    return Rejected(
        code=code_of(failure.get("code")) or "rejected",
        words=clean(words) or "rejected by Bird without a reason",
        message_id=message_id,
    )


def _listed(item: Json, references: Container[str]) -> Listed | None:
    if not isinstance(item, dict):
        raise PageFault("a page of Bird's list holds something that is no message")
    reference = item.get("reference")
    if not isinstance(reference, str) or reference not in references:
        return None
    outcome = _accepted(item)
    if outcome.message_id is None:
        raise PageFault("Bird lists a message of ours without an id")
    return Listed(reference=reference, message_id=outcome.message_id, outcome=outcome)


def _token_of(value: Json) -> str | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str) or len(value) > _MAX_TOKEN:
        raise PageFault("Bird's list goes on with a page token that is none")
    return value


def _rejected(status: int, error: Mapping[str, Json]) -> Rejected:
    return Rejected(
        code=code_of(error.get("code")) or f"HTTP {status}",
        words=_words(error) or "no reason given",
    )


def _words(error: Mapping[str, Json]) -> str:
    """Bird's `message` and `details` as one line, each detail behind the field it is about."""
    message, details = error.get("message"), error.get("details")
    parts = [message] if isinstance(message, str) and message else []
    if isinstance(details, Mapping):
        parts += [f"{path}: {_one_line(reasons)}" for path, reasons in details.items()]
    elif isinstance(details, str | list):
        parts.append(_one_line(details))
    return clean("; ".join(parts))


def _one_line(reasons: Json) -> str:
    several = reasons if isinstance(reasons, list) else [reasons]
    return ", ".join(reason for reason in several if isinstance(reason, str))


def clean(text: str) -> str:
    """At most 500 characters, addresses masked, on one line, and such that any file or database takes it."""
    text = text[: 8 * _MAX_WORDS].encode("utf-8", "replace").decode("utf-8")
    text = mask_addresses(_CONTROL.sub(" ", text)).strip()
    return text if len(text) <= _MAX_WORDS else f"{text[: _MAX_WORDS - 1]}…"


def code_of(value: Json) -> str | None:
    """Bird's code: a word in errors, a number in failures; what is neither may quote anything, so it is none."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    code = mask_addresses(str(value)[:1000])
    return code if re.fullmatch(r"[A-Za-z0-9_.:-]{1,64}", code) else None


def message_id_of(value: Json) -> str | None:
    is_id = isinstance(value, str) and 0 < len(value) <= _MAX_ID and value.isascii() and value.isprintable()
    return value if is_id else None


def _object(body: bytes | None) -> Mapping[str, Json]:
    """The JSON object in a body of at most 64 KiB; empty for whatever else stands there."""
    try:
        value = json.loads(body.decode("utf-8")) if body else None
    except (ValueError, RecursionError):  # not JSON, not UTF-8, a number of 5,000 digits; 60,000 brackets
        return {}
    return value if isinstance(value, dict) else {}


def _retry_after_s(header: str | None, wall_s: float) -> float | None:
    """Seconds from a number or a date; None for what makes no sense or is longer than ten minutes."""
    text = (header or "").strip()
    seconds = float(text) if re.fullmatch(r"[0-9]{1,9}", text) else _date_s(text, wall_s)
    return seconds if seconds is not None and 0 <= seconds <= MAX_RETRY_AFTER_S else None


def _date_s(text: str, wall_s: float) -> float | None:
    try:
        date = parsedate_to_datetime(text)
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - wall_s
    except (ValueError, TypeError, OverflowError, IndexError):  # the parser lets more than its ValueError out
        return None
