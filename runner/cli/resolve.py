"""`flypast resolve`: a person decides about messages in doubt."""

import secrets
import time
from pathlib import Path

import click

from runner.errors import Exit, UsageError
from runner.ledger.identity import reference_of
from runner.ledger.seam import Entry, Ledger
from runner.model import State
from runner.output.neutral import neutral
from runner.output.words import number

from .consent import ask
from .options import command as flypast_command
from .options import consent, ledger_options, message_option, option, optional_manifest_argument
from .terminal import TERMINAL


@flypast_command(
    "resolve",
    examples="flypast resolve spring.yaml\nflypast resolve spring.yaml --resend\n"
    "flypast resolve --drop --key K7… --yes",
)
@optional_manifest_argument
@consent("--resend", is_flag=True, help="Let the next send send them again: someone may get a message twice.")
@consent("--drop", is_flag=True, help="Never send them: someone may get nothing.")
@message_option
@option("--key", "keys", multiple=True, metavar="KEY", help="Only this one, by its key; repeatable.")
@consent("--yes", is_flag=True, help="Decide without asking.")
@ledger_options
def command(
    manifest: Path | None,
    ledger_url: str | None,
    api_url: str | None,
    *,
    resend: bool,
    drop: bool,
    only: tuple[str, ...],
    keys: tuple[str, ...],
    yes: bool,
) -> int:
    """Decide about messages in doubt.

    Lists what may or may not have gone out; --resend or --drop decides. Look them up with flypast reconcile first.
    After --resend the next send sends what the manifest then says.
    """
    from runner.pipeline.ledgers import LedgerChoice

    from .naming import name_of

    if resend and drop:
        raise click.UsageError("--resend and --drop exclude each other")
    choice = LedgerChoice.of(ledger_url, api_url, (manifest or Path.cwd()).absolute())
    ledger = choice.open_existing()
    try:
        names = [name_of(manifest)] if manifest is not None else list(ledger.manifests())
        undecided = [
            entry
            for name in names
            for entry in ledger.entries(name, states=(State.IN_DOUBT, State.ABSENT, State.SENDING))
        ]
        wanted = frozenset(key.removeprefix(reference_of("")) for key in keys)
        _check_named(undecided, only, wanted)
        found = [
            entry for entry in undecided if (not only or entry.message in only) and (not wanted or entry.key in wanted)
        ]
        return _decide(ledger, found, resend=resend, drop=drop, yes=yes, are_named=bool(wanted))
    finally:
        ledger.close()


def _check_named(undecided: list[Entry], only: tuple[str, ...], keys: frozenset[str]) -> None:
    """A name that is mistyped must not read as good news."""
    for name, given, known in (
        ("--message", only if undecided else (), {entry.message for entry in undecided}),
        ("--key", sorted(keys), {entry.key for entry in undecided}),
    ):
        for each in given:
            if each not in known:
                raise UsageError(f"{name} {each}: nothing of that is in doubt", hint="see all with flypast resolve")


def _decide(ledger: Ledger, found: list[Entry], *, resend: bool, drop: bool, yes: bool, are_named: bool) -> int:
    if not found:
        TERMINAL.say("nothing is in doubt")
        return Exit.DONE
    _list(found)
    if not (resend or drop):
        TERMINAL.say("decide with --resend or --drop; flypast reconcile looks them up at Bird first")
        return Exit.IN_DOUBT
    if resend and not are_named:
        found = _without_doubles(found)
        if not found:
            return Exit.IN_DOUBT
    risk = "someone may get one twice" if resend else "someone may get none"
    ask(f"{'Resend' if resend else 'Drop'} {number(len(found), 'message')}, where {risk}", yes=yes)
    moved = _move(ledger, found, State.PLANNED if resend else State.DROPPED)
    TERMINAL.data(f"{number(moved, 'message')} {'will be sent by the next send' if resend else 'dropped'}")
    return Exit.DONE


def _without_doubles(found: list[Entry]) -> list[Entry]:
    """What Bird has more than once went out: it is sent a third time only to whom somebody names."""
    from runner.delivery.reconcile import DOUBLE

    rest = [entry for entry in found if entry.code != DOUBLE]
    if left := len(found) - len(rest):
        TERMINAL.insist(f"{number(left, 'message')} that Bird has more than once: left as they are; --key resends one")
    return rest


def _list(found: list[Entry]) -> None:
    from runner.output.masking import in_words

    for entry in found:
        words = (
            f"{entry.manifest} {entry.message} {in_words(entry.address)} {entry.at} {entry.key} "
            f"{neutral(entry.words or 'sent, no outcome')}"
        )
        TERMINAL.data(TERMINAL.out.line(words))


def _move(ledger: Ledger, found: list[Entry], state: State) -> int:
    """Under the manifest's lock: what a living run has in flight is not in doubt yet."""
    from runner.delivery.scanning import rfc3339

    moved = 0
    for manifest in dict.fromkeys(entry.manifest for entry in found):
        at = rfc3339(time.time())
        claim = ledger.claim(manifest, run=f"resolve-{secrets.token_hex(3)}", at=at)
        try:
            moved += claim.resolve([entry.key for entry in found if entry.manifest == manifest], state, at)
        finally:
            claim.release()
    return moved
