"""What a command tells in every form that was asked for: stdout, files, GitHub's page. Once, whatever ends it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import click

from runner.errors import FlypastError, LedgerFault
from runner.output.formats import written
from runner.output.formats.found import Found

from . import actions, reports
from .interrupts import INTERRUPTS
from .options import ReportFile, given_files
from .terminal import TERMINAL

Page = Callable[[str, Found], str]  # of a kind of format, and what was found
NOTHING = Found(findings=(), manifests=())


def findings_page(kind: str, found: Found) -> str:
    """Markdown says nothing where nothing was looked at."""
    is_silent = kind == "markdown" and not (found.manifests or found.findings or found.stopped)
    return "" if is_silent else written(found, kind)


@dataclass(slots=True, kw_only=True)
class Telling:
    """What is known so far: findings, a page for each form, outputs of a step at GitHub. It grows as it runs."""

    output_format: str
    reports: Sequence[ReportFile] = ()
    found: Found = NOTHING
    page: Page = findings_page
    outputs: Mapping[str, object] = field(default_factory=dict)

    def of(self, act: Callable[[], int]) -> int:
        """What `act` gives. Whatever ends it, all is told then."""
        try:
            self.check()
            code = act()
        except FlypastError as error:
            self._end_beside(error)
            raise
        except (KeyboardInterrupt, click.Abort):
            self.end("interrupted")
            raise
        self.end()
        return code

    def check(self) -> None:
        """Before anything is done. Raises UsageError and LedgerFault for a report that can't or may not be written."""
        self.spare(given_files())
        reports.check(self.reports)

    def spare(self, read: Iterable[Path]) -> None:
        """Raises UsageError where a report would take the place of a file that this run reads; it is not written."""
        if not self.reports:
            return
        inputs = tuple(read)
        taken = reports.taking(self.reports, inputs)
        self.reports = [report for report in self.reports if report not in taken]
        reports.spare(taken, inputs)

    def wants(self, kind: str) -> bool:
        """Whether anybody is to read it in this form."""
        asked = self.output_format == kind or any(report.kind == kind for report in self.reports)
        return asked or (kind == "markdown" and actions.is_at_work())

    def show(self) -> None:
        """On stdout."""
        if text := self.page(self.output_format, self.found):
            TERMINAL.data(text)
        if self.output_format == "github":
            actions.knows(self.found)

    def end(self, stopped: str = "") -> None:
        """`stopped` says why, where it did not end by itself. Raises LedgerFault for a file that can't be written."""
        INTERRUPTS.defer()
        if stopped:
            self.found = replace(self.found, stopped=stopped)
        self._tell_github()
        faults = [fault for report in self.reports if (fault := self._written(report)) is not None]
        if faults:
            raise LedgerFault("; ".join(fault.message for fault in faults))

    def _end_beside(self, error: FlypastError) -> None:
        """Another end is on its way: it is said too where a report's fault takes its place."""
        try:
            self.end(self.found.stopped or error.message)
        except LedgerFault:
            if not isinstance(error, LedgerFault):
                TERMINAL.say_error(error)
                raise

    def _written(self, report: ReportFile) -> LedgerFault | None:
        """One that fails keeps no other from being written."""
        try:
            reports.write(report.path, self.page(report.kind, self.found))
        except LedgerFault as fault:
            return fault
        return None

    def _tell_github(self) -> None:
        if not actions.is_at_work():
            return
        if self.output_format != "github":
            actions.annotate(self.found)
        if markdown := self.page("markdown", self.found):
            actions.summarise(markdown)
        actions.put(**self.outputs)
