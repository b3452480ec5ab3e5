"""The ledger of a send: chosen, guarded, claimed; for the embedded sandbox a fresh one that is thrown away."""

import os
import secrets
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from runner.bird.requests import AccessKey, api_origin
from runner.errors import Locked, Refused
from runner.ledger.seam import Claim, Ledger
from runner.ledger.sqlite import create
from runner.manifest.build import Manifest
from runner.output.neutral import neutral
from runner.output.words import duration
from runner.pipeline.ledgers import LedgerChoice, guard_ci, guard_name, guard_secret

from .terminal import TERMINAL

SANDBOX_ORIGIN = "http://127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A ledger with this run's claim. `api` gives the API's address while it is entered."""

    ledger: Ledger
    claim: Claim
    words: str
    api_words: str
    api_url: str | None
    no_ledger: str = ""

    @property
    def is_sandbox(self) -> bool:
        return self.api_url is None

    @property
    def key(self) -> AccessKey:
        """The sandbox takes any key."""
        return AccessKey("sandbox")

    @asynccontextmanager
    async def api(self, manifest: Manifest) -> AsyncIterator[str]:
        if self.api_url is not None:
            yield self.api_url
            return
        from .sandboxes import embedded  # a server, which only a send to it should wait for

        async with embedded(manifest) as sandbox:
            yield sandbox.url


@contextmanager
def send_ledger(
    manifest: Manifest,
    choice: LedgerChoice | None,
    *,
    is_persisted: bool,
    lock_timeout_s: float,
) -> Iterator[Held]:
    """`choice` None is the embedded sandbox. Raises Refused, Locked or LedgerFault before anything is sent."""
    at = datetime.now(UTC)
    run = f"{at:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
    with ExitStack() as stack:
        no_ledger = ""
        if choice is None:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="flypast-sandbox-"))
            ledger: Ledger = create(Path(folder) / "ledger.db", origin=SANDBOX_ORIGIN, name=None, at=at.isoformat())
            words, api_words, api_url = "a ledger of its own", "the sandbox", None
        else:
            ledger, no_ledger = _opened(choice, manifest.policy.ledger, is_persisted=is_persisted, at=at)
            words = f"ledger {ledger.name or choice.place.near}"
            api_words, api_url = urlsplit(choice.api).netloc, choice.api
        stack.callback(ledger.close)
        claim = claimed(ledger, manifest.name, run=run, at=at, lock_timeout_s=lock_timeout_s)
        stack.callback(claim.release)
        yield Held(ledger=ledger, claim=claim, words=words, api_words=api_words, api_url=api_url, no_ledger=no_ledger)


def claimed(ledger: Ledger, manifest: str, *, run: str, at: datetime, lock_timeout_s: float) -> Claim:
    """Says whom it waits for: a command that stands still without a word looks broken."""
    since = at.isoformat(timespec="milliseconds")
    try:
        return ledger.claim(manifest, run=run, at=since)
    except Locked as held:
        if not lock_timeout_s:
            raise
        TERMINAL.say(f"{neutral(held.message)}: waiting for it, at most {duration(lock_timeout_s)}")
    return ledger.claim(manifest, run=run, at=since, timeout_s=lock_timeout_s)


def _opened(choice: LedgerChoice, wanted: str | None, *, is_persisted: bool, at: datetime) -> tuple[Ledger, str]:
    guard_secret(os.environ, choice)
    guard_ci(os.environ, choice.place, is_persisted=is_persisted, policy_ledger=wanted)
    origin, place = api_origin(choice.api), choice.place
    ledger = place.open(origin=origin)
    is_new = ledger is None
    if ledger is None:
        guard_name(wanted, None, choice.api)
        ledger = place.open_or_make(origin=origin, at=at.isoformat(timespec="milliseconds"))
    try:
        guard_name(wanted, ledger, choice.api)
    except Refused:
        ledger.close()
        raise
    if is_new:
        return ledger, f"no ledger at {place.near}"
    return ledger, "" if ledger.manifests() else f"the ledger at {place.near} holds nothing yet"
