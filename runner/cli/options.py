"""Options that several commands share. Each has its FLYPAST_… variable, except those that consent."""

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast

import click

from runner.bundled import bundled

from . import completing
from .interrupts import INTERRUPTS
from .terminal import terminal_options

if TYPE_CHECKING:
    from runner.model import Rate

UNLIMITED = "unlimited"
ENGINES = ("postgres",)


class ReportFile(NamedTuple):
    """What `--report KIND=FILE` asks for."""

    kind: str
    path: Path


Command = TypeVar("Command", bound=Callable[..., Any])


def option(*names: str, variable: str | None = None, **settings: Any) -> Callable[[Command], Command]:
    """A click option with its variable: --max-messages is FLYPAST_MAX_MESSAGES, unless another is given."""
    long = next(name for name in names if name.startswith("--"))
    variable = variable or "FLYPAST_" + long.strip("-").replace("-", "_").upper()
    return click.option(*names, envvar=variable, show_envvar=True, **settings)


def consent(*names: str, **settings: Any) -> Callable[[Command], Command]:
    """An option that consents to something: a flag or a number on the command line, never a variable."""
    return click.option(*names, **settings)


def _pairs(_context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    pairs = []
    for value in values:
        name, equals, given = value.partition("=")
        if not equals or not name:
            raise click.BadParameter(f"{value!r} is not NAME=VALUE", param=parameter)
        pairs.append((name, given))
    return tuple(pairs)


def _rate(_context: click.Context, parameter: click.Parameter, value: str | None) -> "Rate | str | None":
    from runner.manifest.policy import parse_rate

    if value is None or value == UNLIMITED:
        return value

    try:
        return parse_rate(value)
    except ValueError as wrong:
        raise click.BadParameter(f"{wrong}, or unlimited", param=parameter) from None


def seconds(context: click.Context, parameter: click.Parameter, value: str | None) -> float:
    """The callback of an option that takes a duration; without a value 0."""
    return seconds_if_given(context, parameter, value) or 0.0


def seconds_if_given(_context: click.Context, parameter: click.Parameter, value: str | None) -> float | None:
    """The same; without a value None."""
    from runner.manifest.policy import parse_duration

    if value is None:
        return None
    try:
        return parse_duration(value)
    except ValueError as wrong:
        raise click.BadParameter(str(wrong), param=parameter) from None


def _expected(_context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """Click takes an empty variable for none: here it is an output that an earlier step failed to give."""
    if value is None and os.environ.get("FLYPAST_EXPECT") == "":
        raise click.BadParameter("FLYPAST_EXPECT is set and empty: no digest is expected; unset it", param=parameter)
    return value


def _together(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    def decorate(command: Command) -> Command:
        for each in reversed(options):
            command = each(command)
        return command

    return decorate


_MANIFEST = click.Path(exists=True, dir_okay=False, path_type=Path)
manifest_argument = click.argument("manifest", type=_MANIFEST, shell_complete=completing.manifests)
optional_manifest_argument = click.argument(
    "manifest", required=False, type=_MANIFEST, shell_complete=completing.manifests
)

access_key_option = option(
    "--access-key-file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The access key's file; else BIRD_ACCESS_KEY.",
)

lock_option = option(
    "--lock-timeout", callback=seconds, metavar="DURATION", help="Wait for another run of this manifest: 30s, 5m."
)

parameter_options = _together(
    option(
        "--parameters",
        "parameter_files",
        multiple=True,
        metavar="FILE",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="Values for parameters, a YAML file; later files win.",
    ),
    option(
        "--set",
        "sets",
        multiple=True,
        metavar="NAME=VALUE",
        callback=_pairs,
        shell_complete=completing.parameters,
        help="One parameter's value.",
    ),
)

input_options = _together(
    parameter_options,
    option(
        "--recipients",
        "recipient_files",
        multiple=True,
        metavar="NAME=PATH",
        callback=_pairs,
        shell_complete=completing.lists,
        help="A recipient list from anywhere; - is standard input.",
    ),
)

api_url_option = click.option(
    "--api-url",
    envvar=["BIRD_API_URL", "FLYPAST_API_URL"],
    show_envvar=True,
    metavar="URL",
    help="Bird's API, or a look-alike on loopback; https://api.bird.com by default.",
)

ledger_options = _together(
    option(
        "--ledger", "ledger_url", metavar="URL", help="The ledger: sqlite:///PATH or postgresql://USER@HOST/DATABASE."
    ),
    api_url_option,
)

jobs_option = option(
    "--jobs", type=click.IntRange(1, 256), default=1, metavar="N", help="So many processes compose; one by default."
)

message_option = option(
    "--message",
    "only",
    multiple=True,
    metavar="NAME",
    shell_complete=completing.messages,
    help="Only this message of the manifest; repeatable.",
)

plan_options = _together(
    input_options,
    message_option,
    option("--limit", type=click.IntRange(min=1), metavar="N", help="Only the first N that are new."),
    option("--max-messages", type=click.IntRange(min=0), metavar="N", help="Refuse to send more than N."),
    option(
        "--rate", callback=_rate, metavar="N/s", help="The workspace's pace instead of the manifest's; or unlimited."
    ),
    option("--concurrency", type=click.IntRange(1, 10_000), metavar="N", help="Messages in flight."),
    option(
        "--expect",
        metavar="DIGEST",
        callback=_expected,
        help="Refuse unless the plan has this digest; a plan.json will do.",
    ),
    consent(
        "--accept-drift",
        type=click.IntRange(min=0),
        metavar="N",
        help="Go on although N messages were sent with another text.",
    ),
    consent("--allow-empty", is_flag=True, help="Nobody to send to is no error."),
    ledger_options,
    jobs_option,
)

skip_channels_option = consent(
    "--skip-channel-check",
    is_flag=True,
    help="Don't look channels up at Bird: whether they are active and can send MMS stays unchecked.",
)

engine_option = option(
    "--engine", type=click.Choice(ENGINES), help="Workers send, whom this engine hands the parts out to."
)

sending_options = _together(
    consent("--yes", is_flag=True, help="Send without asking."),
    consent("--ledger-persisted", is_flag=True, help="In CI: this ledger's disk stays after the job."),
    skip_channels_option,
    lock_option,
    option(
        "--pause-between",
        callback=seconds,
        metavar="DURATION",
        help="Between the waves of policy.waves: 10m. Without it they only halt to look at the thresholds.",
    ),
)


def _reports(_context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> tuple[ReportFile, ...]:
    from runner.output.formats import FORMATS

    return report_files(parameter, values, FORMATS)


def report_files(parameter: click.Parameter, values: Sequence[str], known: Collection[str]) -> tuple[ReportFile, ...]:
    """What `--report` asks for, of the kinds that a command knows."""
    reports = []
    for value in values:
        kind, equals, path = value.partition("=")
        if not equals or not path or kind not in known:
            kinds = ", ".join(known)
            raise click.BadParameter(f"{value!r} is not KIND=FILE, where KIND is one of {kinds}", param=parameter)
        if path == "-":
            raise click.BadParameter(
                f"a report is a file: what stdout gets is said by --format {kind}", param=parameter
            )
        reports.append(ReportFile(kind, Path(path)))
        if len({report.path.resolve() for report in reports}) < len(reports):
            raise click.BadParameter(f"two reports can't go to one file: {path}", param=parameter)
    return tuple(reports)


def given_files() -> Iterator[Path]:
    """What the command line names to be read, and our own schemas: none of these files may be written over."""
    yield from bundled("schemas").iterdir()
    context = click.get_current_context(silent=True)
    params = context.params if context is not None else {}
    for name, value in params.items():
        if name not in ("reports", "export"):  # they are written
            yield from (each for each in (value if isinstance(value, tuple) else (value,)) if isinstance(each, Path))
    yield from (Path(path) for _, path in params.get("recipient_files") or ())
    yield from (Path(path) for path in (params.get("expect"),) if path is not None)
    if (url := params.get("ledger_url")) is not None:
        from runner.ledger.places import parse_ledger_url

        yield from parse_ledger_url(url).files


report_option = option(
    "--report",
    "reports",
    multiple=True,
    metavar="KIND=FILE",
    callback=_reports,
    shell_complete=completing.reports,
    help="Also write a file, in any kind that --format knows; repeatable.",
)

findings_format_option = option(
    "--format",
    "output_format",
    type=click.Choice(["text", "concise", "json", "jsonl", "github", "gitlab", "sarif", "junit", "markdown"]),
    default="text",
    help="What stdout gets.",
)

telling_options = _together(findings_format_option, report_option)

format_option = _together(
    option("--format", "output_format", type=click.Choice(["text", "json"]), default="text", help="What stdout gets.")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanOptions:
    """What `plan_options` give, as one value."""

    parameter_files: tuple[Path, ...] = ()
    sets: tuple[tuple[str, str], ...] = ()
    recipient_files: tuple[tuple[str, str], ...] = ()
    only: tuple[str, ...] = ()
    limit: int | None = None
    max_messages: int | None = None
    rate: "Rate | str | None" = None
    concurrency: int | None = None
    expect: str | None = None
    accept_drift: int | None = None
    allow_empty: bool = False
    ledger_url: str | None = None
    api_url: str | None = None
    jobs: int = 1

    def pace(self, policy: "Rate") -> "Rate | None":
        """The operator's pace comes before the manifest's; None lifts every limit."""
        if self.rate is None:
            return policy
        return None if isinstance(self.rate, str) else self.rate


@dataclass(frozen=True, slots=True, kw_only=True)
class LockOptions:
    """What becomes of `flypast.lock` once a plan is drawn."""

    is_written: bool = False
    is_checked: bool = False


NO_LOCK = LockOptions()


def command(
    name: str, *, examples: str, tells_of_interrupts: bool = False, **settings: Any
) -> Callable[[Callable[..., Any]], click.Command]:
    """A command whose help ends with an example, with -h, --color, -q and -v.

    A signal raises KeyboardInterrupt in it and in nothing around it. One that `tells_of_interrupts` heeds them itself.
    """

    def decorate(function: Callable[..., Any]) -> click.Command:
        epilog = "\b\nExample:\n" + "\n".join(f"  {line}" for line in examples.splitlines())
        make: Any = click.command(name, epilog=epilog, **settings)
        made: click.Command = make(terminal_options(function if tells_of_interrupts else interruptible(function)))
        return made

    return decorate


def interruptible(function: Command) -> Command:
    """Signals raise KeyboardInterrupt in it, and are only remembered before and after it."""

    @wraps(function)
    def heeding(*given: Any, **options: Any) -> Any:
        try:
            INTERRUPTS.heed()
            return function(*given, **options)
        finally:
            INTERRUPTS.defer()

    return cast(Command, heeding)
