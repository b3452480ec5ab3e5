"""What other sends of the same ledger gave people lately, for `policy.repeatGuard`."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from runner.ledger.seam import Ledger
from runner.manifest.build import Manifest
from runner.plan import Repeats
from runner.scratch import Kept

_EVER = datetime(2000, 1, 1, tzinfo=UTC)  # before the first message of any ledger


@contextmanager
def others(
    manifest: Manifest, ledger: Ledger | None, now: datetime, not_checked: list[str]
) -> Iterator[Repeats | None]:
    """Read once, before the plan; None where there is no guard. What has no hash is said to be not checked."""
    guard = manifest.policy.repeat_guard
    if guard is None:
        yield None
        return
    since = (now - min(timedelta(seconds=guard.within_s), now - _EVER)).isoformat(timespec="milliseconds")
    with Kept() as sent:
        unknown = 0
        for text_hash in ledger.texts(manifest.name, since) if ledger is not None else ():
            if text_hash is None:
                unknown += 1
            else:
                sent.first(text_hash, "")
        if unknown:
            messages = "1 message" if unknown == 1 else f"{unknown:,} messages"
            not_checked.append(
                f"repeatGuard: {messages} of other sends, purged or of an older flypast, with no text known"
            )
        yield Repeats(guard, sent)
