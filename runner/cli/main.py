"""The command `flypast`: finds the command, and gives every end of a run its exit code."""

import importlib
import os
import re
import sys
from pathlib import Path
from typing import NoReturn

import click
from click.exceptions import NoArgsIsHelpError

from runner import __version__
from runner.errors import Exit, FlypastError, UsageError

from .interrupts import INTERRUPTS
from .terminal import TERMINAL, speak_any_language, terminal_options

COMMANDS = (
    "demo",
    "init",
    "validate",
    "render",
    "plan",
    "preview",
    "diff",
    "send",
    "worker",
    "pause",
    "resume",
    "cancel",
    "retry",
    "status",
    "report",
    "reconcile",
    "resolve",
    "ledger",
    "limits",
    "channels",
    "sandbox",
    "schema",
    "explain",
    "doctor",
    "completion",
)


class Commands(click.Group):
    """Commands by name, each in a module of its own that is imported when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"runner.cli.{cmd_name}")
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            from runner.findings import did_you_mean

            raise click.UsageError(f"there is no command {name!r}; {did_you_mean(name, COMMANDS)}", ctx)
        return super().resolve_command(ctx, args)


def _version(context: click.Context, _parameter: click.Parameter, is_wanted: bool) -> None:
    if is_wanted and not context.resilient_parsing:
        TERMINAL.data(f"flypast {__version__}")
        context.exit()


@click.group(cls=Commands, context_settings={"max_content_width": 100})
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Show the version and exit."
)
@terminal_options
def flypast() -> None:
    """Terraform for messages: review SMS and MMS in Git, plan them in a pull request, send them once.

    \b
    flypast demo                    see it work, without a key or a network
    flypast init hello              start a repository
    flypast validate                check every manifest here
    flypast plan hello.yaml         what would go out
    flypast send hello.yaml         send it
    """


def run() -> NoReturn:
    """Finds the command, runs it, and exits with its code."""
    speak_any_language()
    code = _run()
    INTERRUPTS.ignore()
    if os.environ.get("GITHUB_ACTIONS"):
        from .actions import put_exit

        put_exit(code)
    sys.exit(code)


def _run() -> int:
    if "_FLYPAST_COMPLETE" in os.environ:  # a shell asks
        from .shells import register

        register()
    try:
        result = flypast.main(standalone_mode=False, prog_name="flypast")
        return int(result) if isinstance(result, int) else Exit.DONE
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except click.ClickException as wrong:
        _show(wrong)
        _annotate(wrong.format_message())
        return Exit.USAGE
    except FlypastError as ended:
        TERMINAL.say_error(ended)
        _annotate(ended.message)
        return ended.exit_code
    except (KeyboardInterrupt, click.Abort):
        return _interrupted()
    except Exception as error:  # noqa: BLE001 - our bug, whatever it is: a short message, the traceback in a file
        if INTERRUPTS.are_behind(error):
            return _interrupted()
        return _nowhere() if _is_nowhere(error) else _crashed()


def _show(wrong: click.ClickException) -> None:
    """What click would say of a mistake. Nobody hearing it does not change the exit code."""
    words = wrong.format_message()
    context = wrong.ctx if isinstance(wrong, click.UsageError) else None
    if not isinstance(wrong, NoArgsIsHelpError):
        words = f"Error: {words}"
        if context is not None:
            words = f"{context.get_usage()}\nTry '{context.command_path} --help' for help.\n\n{words}"
    TERMINAL.insist(words)


def _annotate(words: str) -> None:
    if os.environ.get("GITHUB_ACTIONS"):
        from .actions import annotate_end

        annotate_end(words)


def _interrupted() -> int:
    TERMINAL.insist("interrupted: nothing more is sent")
    return Exit.INTERRUPTED


def _is_nowhere(error: Exception) -> bool:
    """Whether a file is missed because somebody has removed the working directory."""
    if not isinstance(error, FileNotFoundError):
        return False
    try:
        Path.cwd()
    except FileNotFoundError:
        return True
    return False


def _nowhere() -> int:
    gone = UsageError("the working directory is there no more", hint="change to a folder that exists")
    TERMINAL.say_error(gone)
    return gone.exit_code


def _crashed() -> int:
    import tempfile
    import traceback

    with tempfile.NamedTemporaryFile("w", prefix="flypast-crash-", suffix=".txt", delete=False) as file:
        file.write(f"flypast {__version__}, Python {sys.version}\n\n{_scrubbed(traceback.format_exc())}")
    kind = sys.exc_info()[0]
    click.echo(
        f"flypast has a bug ({kind.__name__ if kind else 'unknown'}): the details are in {file.name}\n"
        "Please report it; look the file through first, for it may hold parts of your data.",
        err=True,
    )
    return Exit.BUG


def _scrubbed(text: str) -> str:
    """Without the access key, and without what looks like a phone number: an error may quote what it met."""
    key = os.environ.get("BIRD_ACCESS_KEY", "").strip()
    if key:
        text = text.replace(key, "***")
    return re.sub(r"\+?[0-9](?:[ ().-]?[0-9]){6,}", "***", text)
