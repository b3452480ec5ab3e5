"""What to do next: commands to copy, as they stand on this very command line."""

import shlex
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from runner.ledger.places import without_password

from .terminal import TERMINAL

if TYPE_CHECKING:
    from runner.output.plan_told import PlanTold

_OF_PLANS_ALONE = frozenset(("--online", "--lock", "--check-lock", "--detailed-exitcode", "--dry-run"))
_FORMS = frozenset(("--format", "--report"))


def go_on() -> str:
    """The very command that was given: what was sent is not sent again."""
    return TERMINAL.err.step("Go on with", shlex.join(["flypast", *map(without_password, sys.argv[1:])]))


def say_how_to_send(told: "PlanTold", *, is_stopped: bool) -> None:
    """Where nothing stands between this plan and a send of it, as far as a plan can see."""
    context, count = click.get_current_context(), told.plan.to_send.messages
    is_asked = context.info_name == "plan" or bool(context.params.get("dry_run"))
    is_reviewed = told.lock.state == "reviewed" or not told.lock.has_a_say(told.policy)
    if is_asked and count and is_reviewed and not (is_stopped or told.refusals or told.plan.totals.drift):
        gap = "\n" if TERMINAL.out.width is not None else ""  # apart from the plan, where somebody looks at both
        TERMINAL.say(gap + TERMINAL.err.step(f"Send {'it' if count == 1 else 'them'}", shlex.join(_sending())))


def _sending() -> Iterator[str]:
    """The command line of this plan as that of a send, without what only a plan has."""
    yield "flypast"
    given = iter(sys.argv[1:])
    for word in given:
        name, is_joined, _ = word.partition("=")
        if name in _FORMS and not is_joined:
            next(given, None)
        elif name not in _FORMS | _OF_PLANS_ALONE:
            yield "send" if word == "plan" else without_password(word)


def say_what_to_do_about_doubts() -> None:
    TERMINAL.insist(TERMINAL.err.step("Look those in doubt up at Bird", f"flypast reconcile{as_given()}"))
    TERMINAL.insist(TERMINAL.err.step("Then decide, with --resend or --drop", f"flypast resolve{as_given()}"))


def as_given() -> str:
    """What follows a command's name to ask of the same: the manifest and the ledger's options; empty for none."""
    given = click.get_current_context().params
    parts = [str(given["manifest"])] if given.get("manifest") else []
    for option, name in (("--ledger", "ledger_url"), ("--api-url", "api_url")):
        if given.get(name):
            parts += [option, without_password(given[name])]
    return f" {shlex.join(parts)}" if parts else ""
