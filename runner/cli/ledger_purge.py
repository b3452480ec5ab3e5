"""`flypast ledger purge`: old addresses leave the ledger, what was sent stays known."""

import secrets
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from runner.ledger.seam import Ledger

from .consent import ask
from .options import command as flypast_command
from .options import consent, ledger_options, lock_option, option, optional_manifest_argument, seconds
from .terminal import TERMINAL


@flypast_command(
    "purge",
    examples="flypast ledger purge --older-than 90d\nflypast ledger purge --older-than 30d spring.yaml --yes",
)
@optional_manifest_argument
@option(
    "--older-than",
    callback=seconds,
    required=True,
    metavar="DURATION",
    help="Only messages whose state has not changed for so long: 90d, 12h.",
)
@consent("--yes", is_flag=True, help="Purge without asking.")
@lock_option
@ledger_options
def command(
    manifest: Path | None,
    *,
    older_than: float,
    yes: bool,
    lock_timeout: float,
    ledger_url: str | None,
    api_url: str | None,
) -> None:
    """Drop old addresses from the ledger, for good.

    Who has what stays known, so nothing is sent again because of it. What is in doubt keeps its address until it is
    decided. The file is written anew, so that no byte of what was dropped is left in it.
    """
    from runner.pipeline.ledgers import LedgerChoice

    from .naming import name_of

    name = name_of(manifest) if manifest is not None else None
    choice = LedgerChoice.of(ledger_url, api_url, (manifest or Path.cwd()).absolute())
    ledger = choice.open_existing()
    now = datetime.now(UTC)
    before = datetime.fromtimestamp(max(0.0, now.timestamp() - older_than), UTC).isoformat(timespec="milliseconds")
    try:
        _purge(ledger, name, before, at=now.isoformat(timespec="milliseconds"), yes=yes, lock_timeout_s=lock_timeout)
    finally:
        ledger.close()


@dataclass(slots=True)
class _Old:
    """What moved last before then: how many addresses can go, of which manifests, and how many must stay."""

    purgeable: int = 0
    undecided: int = 0
    manifests: list[str] = field(default_factory=list)


def _purge(ledger: Ledger, name: str | None, before: str, *, at: str, yes: bool, lock_timeout_s: float) -> None:
    from runner.output.words import number

    run = f"purge-{secrets.token_hex(3)}"
    old = _counted(ledger, ledger.manifests() if name is None else (name,), before)
    if old.purgeable:
        addresses = number(old.purgeable, "address that was", "addresses that were")
        ask(f"Drop {addresses} last needed before {before[:10]} {before[11:16]} UTC, for good", yes=yes)
        dropped = _drop(ledger, old.manifests, before, run=run, at=at, lock_timeout_s=lock_timeout_s)
        TERMINAL.data(f"{number(dropped, 'address', 'addresses')} dropped")
    else:
        TERMINAL.data("no address is that old")
    if old.undecided:
        keeping = number(
            old.undecided, "message that is not decided keeps its", "messages that are not decided keep their"
        )
        addresses = "address" if old.undecided == 1 else "addresses"
        TERMINAL.say(f"{keeping} {addresses} until then: flypast reconcile, flypast resolve")
    ledger.scrub(run=run, at=at, timeout_s=lock_timeout_s)


def _counted(ledger: Ledger, names: tuple[str, ...], before: str) -> _Old:
    from runner.ledger.moves import PURGEABLE, is_older, may_be_purged

    old = _Old()
    for name in names:
        purgeable = 0
        for entry in ledger.entries(name):
            purgeable += may_be_purged(entry, before)
            old.undecided += entry.state not in PURGEABLE and is_older(entry, before)
        if purgeable:
            old.purgeable += purgeable
            old.manifests.append(name)
    return old


def _drop(ledger: Ledger, names: list[str], before: str, *, run: str, at: str, lock_timeout_s: float) -> int:
    """All claims first: where a run is at one of the manifests, nothing is dropped."""
    with ExitStack() as stack:
        claims = []
        for name in names:
            claims.append(ledger.claim(name, run=run, at=at, timeout_s=lock_timeout_s))
            stack.callback(claims[-1].release)
        return sum(claim.purge(before) for claim in claims)
