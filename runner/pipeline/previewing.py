"""A manifest to look at: all that a plan finds, and every message of it kept in an album. It reads no ledger."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from runner.errors import UsageError
from runner.findings import Finding, Findings
from runner.model import Draft, Policy
from runner.plan import Plan, Planner
from runner.plan.album import Album

from . import Order, make_plan
from .loading import Loaded
from .pricing import kind_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What one look at a manifest gave. `plan` is None where it could not be read at all.

    `drafts` are all its messages, those too that can't be composed. `asked` are the files that it asked for, there or
    not: when one of them changes, all this may be otherwise.
    """

    loaded: Loaded
    plan: Plan | None
    album: Album
    drafts: tuple[Draft, ...]
    policy: Policy
    findings: tuple[Finding, ...]
    has_errors: bool
    not_checked: Sequence[str]
    asked: frozenset[Path]


def look(
    order: Order, *, now: datetime, masks: int = 0, on_count: Callable[[int], object] = lambda _count: None
) -> Seen:
    """Composes all of it once, as `plan` does. `masks` and `on_count` are the album's.

    Raises UsageError for a manifest without messages; what `on_count` raises ends it.
    """
    findings, not_checked = Findings(), list[str]()
    loaded = order.load(findings)
    if loaded.manifest is None and not findings.has_errors:
        raise UsageError(f"{order.path.name} has no messages: it is a library for other manifests to include")
    album = Album(masks=masks, on_count=on_count)
    try:
        plan = _plan(order, loaded, album, now=now, findings=findings, not_checked=not_checked)
        album.finish()
    except BaseException:
        album.close()
        raise
    manifest = loaded.manifest
    return Seen(
        loaded=loaded,
        plan=plan,
        album=album,
        drafts=(*manifest.drafts, *manifest.unsound) if manifest is not None else (),
        policy=manifest.policy if manifest is not None else Policy(),
        findings=findings.sorted(),
        has_errors=findings.has_errors,
        not_checked=tuple(not_checked),
        asked=frozenset(loaded.asked | {order.path}),
    )


def _plan(
    order: Order, loaded: Loaded, album: Album, *, now: datetime, findings: Findings, not_checked: list[str]
) -> Plan | None:
    if loaded.manifest is None:
        return None
    policy = loaded.manifest.policy
    return make_plan(
        loaded,
        loaded.manifest,
        order,
        ledger=None,
        planner=partial(Planner, spool=None, rate=policy.rate, concurrency=policy.concurrency),
        now=now,
        findings=findings,
        not_checked=not_checked,
        album=album,
    ).plan


KINDS: Mapping[str | None, str] = {"sms": "SMS", "mms": "MMS"}


def kind_in_words(draft: Draft) -> str:
    """What it is called above a message on a phone: SMS, MMS, SMS template, else the channel's platform."""
    kind = KINDS.get(kind_of(draft)) or draft.channel.platform or "message"
    return f"{kind} template" if draft.fields.get("template") else kind


class Stale(Exception):
    """Somebody saved a file while this was composed: it is given up, and begun anew."""


Stamps = Mapping[Path, tuple[int, int, int] | None]


def stamps(paths: frozenset[Path]) -> Stamps:
    """When each file was last written, as far as the system knows; None for one that is not there."""
    return {path: _stamp(path) for path in paths}


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
