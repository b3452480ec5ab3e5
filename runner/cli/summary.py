"""The summary of a run: told exactly once in every form that was asked for, before any end that is no usage error."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import click

from runner.errors import Exit, FlypastError, LedgerFault, NotReady
from runner.output.formats.found import Found
from runner.output.markdown import inert
from runner.output.neutral import json_text

from .interrupts import INTERRUPTS
from .options import ReportFile
from .showing import show_found
from .steps import go_on
from .telling import Telling, findings_page
from .terminal import TERMINAL

if TYPE_CHECKING:
    from runner.output.plan_told import PlanTold
    from runner.pipeline import Planned
    from runner.pipeline.sending import Sent


class Summary:
    """What is known so far of a run; text runs print nothing here. `interrupted` is how an early signal is told.

    `telling` has the other forms of it; `words` are the summary for people, once there is one.
    """

    def __init__(
        self,
        output_format: str,
        facts: dict[str, Any],
        reports: Sequence[ReportFile] = (),
        *,
        interrupted: str = "interrupted before anything was sent",
    ) -> None:
        self.telling = Telling(output_format=output_format, reports=reports, page=self._page)
        self.told: PlanTold | None = None
        self.words = ""
        self._interrupted_words = interrupted
        self._is_left = False
        self._facts = facts
        self._is_out = False
        self._fault: LedgerFault | None = None

    @property
    def is_json(self) -> bool:
        return self.telling.output_format == "json"

    @property
    def is_read(self) -> bool:
        """Whether anybody gets a summary but the one for people."""
        return self.is_json or bool(self.telling.reports) or self.telling.wants("markdown")

    @property
    def is_text(self) -> bool:
        return self.telling.output_format == "text"

    def add(self, **facts: Any) -> None:
        self._facts |= facts

    def left_to_workers(self, interrupted: str) -> None:
        """From here on a signal ends no run, and the command that was given would find it locked."""
        self._interrupted_words, self._is_left = interrupted, True

    def ended(self, why: str | None, exit_code: Exit) -> None:
        """Once. A report that can't be written is told in the summary, and raised when all is told."""
        INTERRUPTS.defer()  # half a summary is none
        if self._is_out:
            return
        self._is_out = True
        self.add(stopped=why, exitCode=int(exit_code))
        try:
            self.telling.end(why or "")
        except LedgerFault as fault:
            self._fault = fault
            self.add(stopped=fault.message, exitCode=int(fault.exit_code))
        if not self.is_text:
            self.telling.show()

    def _page(self, kind: str, found: Found) -> str:
        if kind == "json":
            return json_text({"formatVersion": 1, **self._facts}, indent=2)
        lines = [line for line in self.words.split("\n") if line]
        if self.told is None:
            page = findings_page(kind, found)
            if kind in ("text", "markdown"):
                return "\n\n".join(filter(None, (page, *map(inert if kind == "markdown" else str, lines))))
            return page
        if kind == "markdown":
            return self.told.markdown(found, result=lines)
        return "\n".join([self.told.written(kind, found), *(["", *lines] if kind == "text" else [])])

    def of(self, act: Callable[[], int]) -> int:
        """What `act` gives; whatever else ends it is told too. A signal may come in the midst of another end."""
        try:
            code = self._of(act)
            if self._fault is not None:
                raise self._fault
            return code
        except (KeyboardInterrupt, click.Abort):
            return self._interrupted()
        finally:
            INTERRUPTS.defer()

    def _of(self, act: Callable[[], int]) -> int:
        try:
            INTERRUPTS.heed()
            self.telling.check()
            return act()
        except NotReady as error:
            self.ended(error.message, error.exit_code)
            TERMINAL.say_error(error)
            if error.exit_code is not Exit.REFUSED:
                TERMINAL.insist(go_on())
            return error.exit_code
        except FlypastError as error:
            self.ended(error.message, error.exit_code)
            if self._fault is not None and not isinstance(error, LedgerFault):
                TERMINAL.say_error(error)
                return error.exit_code
            raise
        except click.Abort:  # the end of input at a question
            raise
        except Exception as error:
            if INTERRUPTS.are_behind(error):
                return self._interrupted()
            self.ended("a bug of flypast's own", Exit.BUG)
            raise

    def _interrupted(self) -> int:
        self.ended(self._interrupted_words, Exit.INTERRUPTED)
        TERMINAL.insist(self._interrupted_words if self._is_left else f"{self._interrupted_words}\n{go_on()}")
        return Exit.INTERRUPTED

    def end_with_findings(self, found: Found) -> int:
        """They are this run's summary."""
        INTERRUPTS.defer()
        self._is_out = True
        extra = {**self._facts, "stopped": "findings", "exitCode": int(Exit.FINDINGS)}
        self.telling.found, self.telling.page = replace(found, extra=extra), findings_page
        try:
            self.telling.end()
        except LedgerFault as fault:
            self._fault = fault
        show_found(self.telling.found, self.telling.output_format)
        return Exit.FINDINGS


class Report(Summary):
    """The summary of a send."""

    def __init__(self, output_format: str, reports: Sequence[ReportFile] = ()) -> None:
        facts = {
            "manifest": None,
            "digest": None,
            "totals": None,
            "run": {"accepted": 0, "rejected": 0, "inDoubt": 0},
            "sentAgainInDoubt": 0,
            "deferred": 0,
            "keptBack": 0,
        }
        super().__init__(output_format, facts, reports)

    def planned(self, planned: "Planned", told: "PlanTold", outputs: Mapping[str, object]) -> None:
        """`outputs` are those of a step in GitHub Actions."""
        self.told, self.telling.outputs = told, outputs
        from runner.pipeline.sending import standing

        before = standing(planned.plan, None)
        self.add(manifest=planned.manifest.name, digest=planned.plan.digest, totals=before.totals)
        self._add_cost(before)

    @property
    def has_totals(self) -> bool:
        return self._facts["totals"] is not None

    def sent(self, sent: "Sent") -> None:
        self.add(totals=sent.totals, run=sent.run, sentAgainInDoubt=sent.doubles)
        self.add(deferred=sent.deferred, keptBack=sent.kept)
        self._add_cost(sent)
        self.ended(sent.stopped, sent.exit_code)

    def _add_cost(self, sent: "Sent") -> None:
        """Only where there is a rate card."""
        from runner.output.sizes import run_cost_json

        if sent.cost is not None:
            self.add(cost=run_cost_json(**asdict(sent.cost)))
