"""What a command prints on: data to stdout, talk to stderr, colours where people look."""

import codecs
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

import click

from runner.errors import FlypastError, LedgerFault
from runner.output.neutral import json_text, neutral

if TYPE_CHECKING:
    from runner.output.sheet import Sheet

_USUAL_WIDTH = 80  # of a terminal that does not tell
Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass(slots=True)
class Terminal:
    """How much is said, and in which colours."""

    color: str = "auto"
    quiet: bool = False
    verbose: bool = False
    is_unread: bool = False

    def has_colours(self, stream: TextIO | None) -> bool:
        """The option, then NO_COLOR, then FORCE_COLOR, then whether people look."""
        if self.color != "auto":
            return self.color == "always"
        if os.environ.get("NO_COLOR"):
            return False
        if os.environ.get("FORCE_COLOR"):
            return True
        return stream is not None and stream.isatty() and os.environ.get("TERM") != "dumb"

    @property
    def out(self) -> "Sheet":
        from runner.output.sheet import Sheet

        return Sheet(self.has_colours(sys.stdout), _width(sys.stdout))

    @property
    def err(self) -> "Sheet":
        from runner.output.sheet import Sheet

        return Sheet(self.has_colours(sys.stderr), _width(sys.stderr))

    def data(self, text: str) -> None:
        """A result: stdout. `text` holds our own colours, its strange parts are neutral already."""
        try:
            _write(sys.stdout, text)
        except BrokenPipeError:
            self.is_unread = True  # `| head` has seen enough: no reason to stop a send, or to lose its exit code
        except OSError as error:
            raise LedgerFault(f"standard output can't be written: {error.strerror}") from None

    def json(self, value: Any, *, indent: int | None = 2) -> None:
        self.data(json_text(value, indent=indent))

    def say(self, text: str) -> None:
        """Talk: stderr, unless quiet."""
        if not self.quiet:
            self.insist(text)

    def insist(self, text: str) -> None:
        """Talk that -q doesn't silence. Nobody hearing it is no reason to stop."""
        with suppress(OSError):
            _write(sys.stderr, text)

    def say_error(self, error: FlypastError) -> None:
        sheet = self.err
        self.insist(sheet.line(f"{sheet.state('error')}: {neutral(error.message)}", rest=7))
        if error.hint:
            self.insist(sheet.line(f"{sheet.blue('=')} {neutral(error.hint)}", indent=2))


def _width(stream: TextIO | None) -> int | None:
    """In columns, where people look; None elsewhere: there a line stays one line."""
    if stream is None or not stream.isatty():
        return None
    with suppress(OSError, ValueError):
        if columns := os.get_terminal_size(stream.fileno()).columns:
            return columns
    told = os.environ.get("COLUMNS", "")
    return int(told) if told.isascii() and told.isdigit() and int(told) else _USUAL_WIDTH


def _write(stream: TextIO | None, text: str) -> None:
    if stream is None:  # closed by whoever started us
        return
    try:
        stream.write(text + "\n")
        stream.flush()
    except OSError:
        # What is left in its buffer goes nowhere, or Python would fail with it on leaving and lose the exit code.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        raise


# What we draw with, for a terminal that has nothing but letters; as wide, so that columns stay columns.
_PLAIN = str.maketrans("━─✓✗→", "=-+x>")


def speak_any_language() -> None:
    """What the terminal's encoding can't show is drawn in letters or escaped: no letter is worth a crash."""
    codecs.register_error("plain", _plain)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="plain")


def _plain(error: UnicodeError) -> tuple[str | bytes, int]:
    if isinstance(error, UnicodeEncodeError):
        plain = error.object[error.start : error.end].translate(_PLAIN)
        return plain.encode("ascii", "backslashreplace").decode("ascii"), error.end
    raise error


def can_ask() -> bool:
    """Whether somebody is there to see a question and answer it."""
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr))


TERMINAL = Terminal()


def terminal_options(command: Command) -> Command:
    """`--color`, `-q`, `-v`: before or after the command; and `-h`."""
    for option in (
        # Our own: click prints its help past us, and where nobody reads it or the disk is full that was 1 or 3.
        click.option(
            "-h",
            "--help",
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_help,
            help="Show this message and exit.",
        ),
        click.option(
            "-v",
            "--verbose",
            is_flag=True,
            expose_value=False,
            callback=_remember,
            envvar="FLYPAST_VERBOSE",
            help="Say more.",
        ),
        click.option(
            "-q",
            "--quiet",
            is_flag=True,
            expose_value=False,
            callback=_remember,
            envvar="FLYPAST_QUIET",
            help="Say only what went wrong.",
        ),
        click.option(
            "--color",
            type=click.Choice(["auto", "always", "never"]),
            default=None,
            expose_value=False,
            callback=_remember,
            envvar="FLYPAST_COLOR",
            help="Colours: auto (default), always or never.",
        ),
    ):
        command = option(command)
    return command


def _help(context: click.Context, _parameter: click.Parameter, is_wanted: bool) -> None:
    if is_wanted and not context.resilient_parsing:
        TERMINAL.data(context.get_help())
        context.exit()


def _remember(_context: click.Context, parameter: click.Parameter, value: Any) -> None:
    if value:
        setattr(TERMINAL, str(parameter.name), value)
