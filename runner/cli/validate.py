"""`flypast validate`: everything that can be known without a ledger, a key or a network."""

import errno
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from runner.errors import Exit, UsageError
from runner.findings import Finding, Severity, did_you_mean

from . import completing
from .options import ReportFile, findings_format_option, input_options, option, report_option
from .options import command as flypast_command


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which findings are told, and the least of them that fails. A send heeds none of it."""

    select: frozenset[str] = frozenset()
    ignore: frozenset[str] = frozenset()
    fail_on: Severity = Severity.ERROR

    def of(self, findings: Sequence[Finding]) -> Sequence[Finding]:
        return [
            finding
            for finding in findings
            if finding.code not in self.ignore and (not self.select or finding.code in self.select)
        ]

    def fails(self, finding: Finding) -> bool:
        worst_first = list(Severity)
        return worst_first.index(finding.severity) <= worst_first.index(self.fail_on)


EVERYTHING = Choice()
ONLY_A_PLAN_TELLS = frozenset({"POL828", "POL829", "POL830"})  # they need the ledger: what is still to go out


def _codes(_context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """Codes one by one or with commas between them; one that is none would choose nothing, unseen."""
    named = tuple(name.strip() for value in values for name in value.split(","))
    if named:
        from runner.codes import codes

        for name in named:
            if name not in codes():
                raise click.BadParameter(f"{name!r} is no code: {did_you_mean(name, codes())}", param=parameter)
    return named


@flypast_command("validate", examples="flypast validate\nflypast validate campaigns/spring.yaml --format json")
@click.argument(
    "paths",
    nargs=-1,
    metavar="[PATH]…",
    type=click.Path(path_type=Path),
    shell_complete=completing.manifests_and_folders,
)
@option(
    "--stdin-filename",
    metavar="PATH",
    type=click.Path(path_type=Path),
    help="Where the manifest on standard input (-) belongs.",
)
@input_options
@option(
    "--select",
    multiple=True,
    metavar="CODE",
    callback=_codes,
    shell_complete=completing.more_codes,
    help="Only findings of this code; repeatable.",
)
@option(
    "--ignore",
    multiple=True,
    metavar="CODE",
    callback=_codes,
    shell_complete=completing.more_codes,
    help="No findings of this code; repeatable.",
)
@option(
    "--fail-on",
    type=click.Choice(["error", "warning", "info"]),
    default="error",
    help="The least that makes it exit 1; error by default.",
)
@option("--fix", is_flag=True, help="First put right in the files what safely can be: misspelt keys, missing quotes.")
@option(
    "--jobs",
    type=click.IntRange(1, 256),
    metavar="N",
    help="So many processes check manifests side by side; by default as many as pay.",
)
@findings_format_option
@report_option
def command(
    paths: tuple[Path, ...],
    stdin_filename: Path | None,
    *,
    output_format: str,
    reports: tuple[ReportFile, ...],
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    fail_on: str,
    fix: bool,
    jobs: int | None,
    **inputs: Any,
) -> int:
    """Check manifests and everything they name.

    YAML, schema, references, recipients, expressions, each request as rendered. It needs no key and no network.

    PATH is a manifest, or a folder to search; the working directory by default; - is standard input.
    """
    from .orders import inputs_of

    if stdin_filename is not None and Path("-") not in paths:
        raise UsageError("--stdin-filename says where standard input belongs, and it is not read", hint="add: -")
    given = inputs_of(**inputs)
    if Path("-") in paths and "-" in given.recipients.values():
        raise UsageError("standard input can't be both the manifest and a recipient list")
    if fix and Path("-") in paths:
        raise UsageError("--fix writes into files, and standard input is none")
    chosen, others = _manifests(paths or (Path(),))
    if fix:
        _fix(chosen, given)
    return validate_all(
        chosen,
        inputs=given,
        others=others,
        stdin_filename=stdin_filename,
        output_format=output_format,
        reports=reports,
        choice=Choice(select=frozenset(select), ignore=frozenset(ignore), fail_on=Severity(fail_on)),
        jobs=jobs,
    )


def _fix(chosen: Sequence[Path], inputs: Any) -> None:
    from runner.output.words import number
    from runner.project import near

    from .fixing import fix_all
    from .terminal import TERMINAL

    for path, count in sorted(fix_all(chosen, inputs).items()):
        TERMINAL.say(f"{near(path)}: {number(count, 'finding')} put right")


def validate_all(
    chosen: Sequence[Path],
    *,
    inputs: Any = None,
    others: int = 0,
    stdin_filename: Path | None = None,
    output_format: str = "text",
    reports: Sequence[ReportFile] = (),
    choice: Choice = EVERYTHING,
    jobs: int | None = 1,
) -> int:
    """Validates manifests together and shows all findings. `-` is standard input; `jobs` None is as many as pay."""
    from runner.findings import Findings
    from runner.manifest.names import Names
    from runner.pipeline import Inputs

    from .checking import check_all
    from .showing import show_findings

    findings, not_checked = Findings(), []
    names = Names(findings)
    sources: dict[str, Any] = {}
    shown, read = [], list[Path]()
    for checked in check_all(
        chosen, inputs or Inputs(), stdin_filename=stdin_filename, jobs=jobs, is_read_told=bool(reports)
    ):
        shown.append(checked.shown)
        read += checked.read
        findings.absorb(checked.found)
        sources |= checked.sources
        not_checked += [f"{checked.shown}: {what}" if len(chosen) > 1 else what for what in checked.not_checked]
        if checked.name is not None and not names.meet(checked.name, checked.name_place):
            sources.setdefault(checked.shown, checked.source)
    findings.note_unused(beyond=ONLY_A_PLAN_TELLS)
    found = choice.of(findings.sorted())
    show_findings(
        found,
        sources,
        ignored=findings.ignored,
        output_format=output_format,
        manifests=shown,
        reports=reports,
        read=read,
        others=others,
        not_checked=not_checked,
    )
    return Exit.FINDINGS if any(choice.fails(finding) for finding in found) else Exit.DONE


def _manifests(paths: tuple[Path, ...]) -> tuple[list[Path], int]:
    """The manifests that the paths name or hold, each once, and how many other YAML files lie there."""
    chosen: dict[Path, Path] = {}
    others = 0
    for path in paths:
        try:
            path.stat()
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ENOTDIR):
                raise UsageError(f"{path} can't be looked at: {error.strerror}") from None
        if path == Path("-") or path.is_file():
            chosen.setdefault(path if path == Path("-") else path.resolve(), path)
        elif path.is_dir():
            from runner.manifest.discover import discover

            found = discover(path)
            others += found.others
            for manifest in found.manifests:
                chosen.setdefault(manifest.resolve(), manifest)
        else:
            raise UsageError(f"there is no file or folder {path}")
    if not chosen:
        raise UsageError("no manifest found", hint="name one, or make a first one with: flypast init hello")
    return sorted(chosen.values()), others  # whatever their order was, the same is told
