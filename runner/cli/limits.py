"""`flypast limits`: the pace that all who send with one ledger keep to together, shown and set while they send."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from runner.errors import Refused, UsageError
from runner.ledger.paces import Limit, Paces

from .options import command as flypast_command
from .options import format_option, interruptible, ledger_options
from .terminal import TERMINAL, terminal_options

DEFAULT = "default"
_UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


@click.group(
    "limits",
    invoke_without_command=True,
    epilog="\b\nExample:\n  flypast limits\n  flypast limits set 5a0c8c1e-2f0e-4c0e-9d5d-0d6b1a1f7a11 200/s",
)
@ledger_options
@format_option
@terminal_options
@click.pass_context
def command(context: click.Context, *, ledger_url: str | None, api_url: str | None, output_format: str) -> None:
    """Show the pace of each workspace and channel, which all who send with this ledger keep to together.

    They are in a PostgreSQL ledger alone: a SQLite ledger is one host's, where each send paces itself.
    """
    if context.invoked_subcommand is None:
        interruptible(_show)(ledger_url, api_url, output_format)


@flypast_command(
    "set",
    examples="flypast limits set 5a0c8c1e-2f0e-4c0e-9d5d-0d6b1a1f7a11 200/s\n"
    "flypast limits set 3f2c1f0a-7a44-4b0e-8f0c-2f3a9d1c5b22 default",
)
@click.argument("scope")
@click.argument("rate")
@ledger_options
@click.pass_context
def set_(context: click.Context, *, scope: str, rate: str, ledger_url: str | None, api_url: str | None) -> None:
    """Set a pace for all who send, also for those that send right now: within a second.

    SCOPE is a workspace's id, a channel's, or WORKSPACE/CHANNEL. RATE is N/s or N/m; it comes before that of manifests
    and of --rate, and stays until it is set to default: what each asks for.
    """
    from runner.manifest.policy import parse_rate
    from runner.model import BIRD_POSTS_PER_S

    try:
        pace = None if rate == DEFAULT else parse_rate(rate)
    except ValueError as wrong:
        raise click.BadParameter(f"{wrong}, or {DEFAULT}", param_hint="RATE") from None
    before = context.parent.params if context.parent is not None else {}  # options may stand before `set` as well
    with _paces(ledger_url or before.get("ledger_url"), api_url or before.get("api_url")) as paces:
        named = _scope(scope, paces.limits())
        was_known = paces.set_limit(named, pace.per_second if pace is not None else None)
    TERMINAL.data(f"{named}: {pace or 'what each send asks for'}, from now on")
    if not was_known:
        TERMINAL.insist("no send with this ledger has used this scope yet: see flypast limits for those that did")
    if pace is not None and pace.per_second > BIRD_POSTS_PER_S:
        TERMINAL.insist(f"Bird lets {BIRD_POSTS_PER_S}/s through by default: ask Bird for more, or expect 429 replies")


command.add_command(set_)


def _scope(given: str, limits: Sequence[Limit]) -> str:
    """A channel is known by its own id where somebody has sent through it. Raises UsageError."""
    scope = given.lower()
    if not re.fullmatch(f"{_UUID}(/{_UUID})?", scope):
        raise UsageError(
            f"{given!r} is no scope", hint="give a workspace's id, a channel's, or WORKSPACE/CHANNEL: flypast limits"
        )
    channels = [limit.scope for limit in limits if limit.scope.endswith(f"/{scope}")]
    return channels[0] if len(channels) == 1 else scope


@contextmanager
def _paces(ledger_url: str | None, api_url: str | None) -> Iterator[Paces]:
    """The ledger's. Raises Refused, UsageError, LedgerFault."""
    from runner.pipeline.ledgers import LedgerChoice

    choice = LedgerChoice.of(ledger_url, api_url, Path.cwd())
    ledger = choice.open_to_read()
    paces = ledger.paces() if ledger is not None else None
    try:
        if choice.place.is_made_by_send:
            raise UsageError(
                "limits are kept in a PostgreSQL ledger, and this one is a file: each send paces itself",
                hint="name one with --ledger postgresql://…; the pace of one send is policy.rate, or its --rate",
            )
        if paces is None:
            raise Refused(
                f"there is no ledger at {choice.place.words}", hint="make it once with: flypast ledger init NAME"
            )
        yield paces
    finally:
        if ledger is not None:
            ledger.close()


def _show(ledger_url: str | None, api_url: str | None, output_format: str) -> None:
    from runner.output.limits import limits_json, limits_text

    with _paces(ledger_url, api_url) as paces:
        limits = paces.limits()
    if output_format == "json":
        TERMINAL.json(limits_json(limits))
        return
    for line in limits_text(limits, TERMINAL.out):
        TERMINAL.data(line)
    if not limits:
        TERMINAL.say("nobody has sent with this ledger yet, and nothing is set")
