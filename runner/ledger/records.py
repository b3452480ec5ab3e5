"""What a store says beside its messages' rows: which ledger it is, who claimed it, which rows there must be."""

from collections.abc import Iterable, Iterator
from ipaddress import ip_address
from re import fullmatch
from typing import Any
from urllib.parse import urlsplit

from .rules import is_key, is_manifest_name, is_own_name, moment

Rows = Iterable[tuple[Any, ...]]


def meta_faults(about: Rows) -> Iterator[str]:
    """Rows of identity, origin, name, time and version."""
    for identity, origin, name, created_at, version in about:
        if not fullmatch("[0-9a-f]{16}", identity):
            yield "meta: the ledger's identity is not 16 digits of hex"
        if not _is_origin(origin):
            yield "meta: the API that the ledger is for is neither https nor this machine"
        if name is not None and not is_own_name(name):
            yield "meta: the ledger's name is none that a ledger can have"
        if moment(created_at) is None:
            yield "meta: the time at which the ledger was made is not RFC 3339 with a zone"
        if not version:
            yield "meta: the version of flypast that made the ledger is missing"


def claims(claimed: Rows) -> Iterator[str]:
    """Rows of manifest, epoch, run, time and commits."""
    for manifest, epoch, run, since, commits in claimed:
        if not is_manifest_name(manifest):
            yield "claims: a name is none that a manifest can have"
            manifest = "***"  # noqa: PLW2901 - it may be anything
        if epoch < 1:
            yield f"claims: the epoch of {manifest} is {epoch}, but the first is 1"
        if not run:
            yield f"claims: the last claim of {manifest} names no run"
        if moment(since) is None:
            yield f"claims: the time of the last claim of {manifest} is not RFC 3339 with a zone"
        if commits < max(epoch, 1):
            yield f"claims: {manifest} counts fewer commits ({commits:,}) than claims were made ({epoch:,})"


def gaps(numbers: Rows) -> Iterator[str]:
    """A row of how many ids are above 0, how many there are, and the last."""
    for numbered, total, last in numbers:
        if numbered < last:
            rows = "1 row of messages is" if last - numbered == 1 else f"{last - numbered:,} rows of messages are"
            yield f"{rows} missing: ids are given one after another, and no run deletes a row"
        if numbered < total:
            yield "messages has rows with ids below 1: no run gives these"


def unfiled(counts: Rows) -> Iterator[str]:
    """A row of how many messages the store would not find by their keys."""
    for (count,) in counts:
        if count:
            yield f"{_many(count, 'message is', 'messages are')} not found by key: a send would take them for new"


def doubled(counts: Rows) -> Iterator[str]:
    """A row of how many keys have two messages."""
    for (count,) in counts:
        if count:
            yield f"{_many(count, 'key belongs', 'keys belong')} to two messages each"


def astray(counts: Rows) -> Iterator[str]:
    """A row of how many keys lead to no message."""
    for (count,) in counts:
        if count:
            yield f"{_many(count, 'key leads', 'keys lead')} to no message, or to another's"


def unowned(counts: Rows) -> Iterator[str]:
    """A row of how many delivery statuses are of no message."""
    for (count,) in counts:
        if count:
            yield f"{_many(count, 'delivery status is', 'delivery statuses are')} of no message"


def unclaimed(keys: Rows) -> Iterator[str]:
    for (key,) in keys:
        yield f"the message {_shown(key)} is of an epoch before the first claim"


def shared_ids(shared: Rows) -> Iterator[str]:
    """Rows of how many, and two of their keys. The store sorts the ids, on the disk where they are many."""
    for count, first, last in shared:
        yield f"{count:,} messages have one message id of Bird's: {_shown(first)} and {_shown(last)} among them"


def _many(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"


def _shown(key: str) -> str:
    """A key that is none may be anything."""
    return key if is_key(key) else "***"


def _is_origin(text: str) -> bool:
    """As a ledger is bound to: scheme, host and perhaps a port."""
    try:
        parts = urlsplit(text)
        is_whole = bool(parts.hostname) and f"{parts.scheme}://{parts.netloc}" == text and "@" not in text
        return is_whole and parts.port != 0 and (parts.scheme == "https" or _is_here(parts.scheme, parts.hostname))
    except ValueError:
        return False


def _is_here(scheme: str, host: str | None) -> bool:
    return scheme == "http" and host is not None and (host == "localhost" or ip_address(host).is_loopback)


def strays(keys: Rows) -> Iterator[str]:
    """Rows of a key, and whether it is of a claim newer than any."""
    for key, is_newer in keys:
        words = "is of a claim that was never made" if is_newer else "is sending, but its claim has ended"
        yield f"the message {key} {words}"
