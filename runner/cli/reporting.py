"""Asks the ledger for a report, and gives it out in every form that was asked for."""

import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from runner.bird.failures import meaning
from runner.bird.replies import may_pass
from runner.ledger.places import without_password
from runner.ledger.seam import Ledger
from runner.output.neutral import json_text
from runner.output.report_csv import report_csv
from runner.output.report_junit import Cases, report_junit
from runner.output.report_told import ReportTold
from runner.output.sheet import Sheet
from runner.report import collect

from .options import ReportFile, given_files
from .reports import check, spare, write_pieces
from .terminal import TERMINAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Whose messages: all of the ledger, or those of one manifest at `path`. `options` stand as they were given."""

    manifest: str | None
    path: Path | None
    options: Mapping[str, str | None]
    show_pii: bool

    @property
    def arguments(self) -> str:
        """What follows the name of a command that is to ask of the same."""
        given = [str(self.path)] if self.path is not None else []
        for name, value in self.options.items():
            given += [name, without_password(value)] if value else []
        return "".join(f" {shlex.quote(each)}" for each in given)


def tell(
    ledger: Ledger, asked: Asked, output_format: str, reports: Sequence[ReportFile], *, read: Sequence[Path] = ()
) -> int:
    """How many messages there are. All forms tell of one moment.

    Raises LedgerFault where a report can't be written, UsageError where it would be written over what is `read`.
    """
    spare(reports, (*given_files(), *read))
    check(reports)
    with ExitStack() as stack:
        stack.enter_context(ledger.snapshot())
        forms = _Forms(ledger, asked)
        for report in reports:
            write_pieces(report.path, forms.pieces(report.kind, Sheet()))
        for piece in forms.pieces(output_format, TERMINAL.out):
            TERMINAL.data(piece)
            if TERMINAL.is_unread:
                break
        return forms.told.facts.total.messages


class _Forms:
    """One pass over the ledger for all forms but CSV, which has a row for each message and a pass of its own."""

    def __init__(self, ledger: Ledger, asked: Asked) -> None:
        self._ledger = ledger
        self._asked = asked
        self._cases = Cases()
        facts = collect(
            ledger.entries(asked.manifest),
            ledger=ledger.name,
            origin=ledger.origin,
            manifest=asked.manifest,
            told=self._cases.add,
        )
        passing = frozenset(failure.code for failure in facts.failures if may_pass(failure.code))
        codes = {end.code for end in facts.undelivered if end.code is not None}
        self.told = ReportTold(
            facts=facts,
            passing=passing,
            asked=asked.arguments,
            show_pii=asked.show_pii,
            meanings={code: words for code in codes if (words := meaning(code)) is not None},
        )

    def pieces(self, kind: str, sheet: Sheet) -> Iterator[str]:
        """A form in pieces of whole lines, without their last line break."""
        if kind == "csv":
            return report_csv(self._ledger.entries(self._asked.manifest), show_pii=self._asked.show_pii)
        if kind == "text":
            from runner.output.report_text import report_text

            return report_text(self.told, sheet)
        return iter((_WHOLE[kind](self),))

    def json(self) -> str:
        from runner.output.report_json import report_json

        return json_text(report_json(self.told), indent=2)

    def html(self) -> str:
        from runner.output.report_html import report_html

        return report_html(self.told)

    def markdown(self) -> str:
        from runner.output.report_markdown import report_markdown

        return report_markdown(self.told)

    def junit(self) -> str:
        return report_junit(self.told, self._cases)


_WHOLE: Mapping[str, Callable[[_Forms], str]] = {
    "json": _Forms.json,
    "html": _Forms.html,
    "markdown": _Forms.markdown,
    "junit": _Forms.junit,
}
