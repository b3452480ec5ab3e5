"""The JSON summary of a run: printed exactly once, before any end that is not a usage error."""

import shlex
import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from runner.errors import Exit, FlypastError, NotReady

from .interrupts import INTERRUPTS
from .terminal import TERMINAL

if TYPE_CHECKING:
    from runner.pipeline import Planned
    from runner.pipeline.sending import Sent


class Summary:
    """What is known so far of a run; text runs print nothing here. `interrupted` is how an early signal is told."""

    def __init__(
        self, output_format: str, facts: dict[str, Any], *, interrupted: str = "interrupted before anything was sent"
    ) -> None:
        self.output_format = output_format
        self._interrupted_words = interrupted
        self._facts = facts
        self._is_out = False

    @property
    def is_json(self) -> bool:
        return self.output_format == "json"

    def add(self, **facts: Any) -> None:
        self._facts |= facts

    def ended(self, why: str | None, exit_code: Exit) -> None:
        INTERRUPTS.defer()  # half a summary is none
        if self.is_json and not self._is_out:
            self._is_out = True
            TERMINAL.json({"formatVersion": 1, **self._facts, "stopped": why, "exitCode": int(exit_code)})

    def of(self, act: Callable[[], int]) -> int:
        """What `act` gives; whatever else ends it is told too. A signal may come in the midst of another end."""
        try:
            return self._of(act)
        except (KeyboardInterrupt, click.Abort):
            return self._interrupted()
        finally:
            INTERRUPTS.defer()

    def _of(self, act: Callable[[], int]) -> int:
        try:
            INTERRUPTS.heed()
            return act()
        except NotReady as error:
            self.ended(error.message, error.exit_code)
            TERMINAL.say_error(error)
            if error.exit_code is not Exit.REFUSED:
                TERMINAL.insist(go_on())
            return error.exit_code
        except FlypastError as error:
            self.ended(error.message, error.exit_code)
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
        TERMINAL.insist(f"{self._interrupted_words}\n{go_on()}")
        return Exit.INTERRUPTED

    def with_findings(self) -> dict[str, Any]:
        """The keys that findings are printed with: they are this run's summary."""
        INTERRUPTS.defer()
        self._is_out = True
        return {**self._facts, "stopped": "findings", "exitCode": int(Exit.FINDINGS)}


class Report(Summary):
    """The summary of a send."""

    def __init__(self, output_format: str) -> None:
        facts = {
            "manifest": None,
            "digest": None,
            "totals": None,
            "run": {"accepted": 0, "rejected": 0, "inDoubt": 0},
            "sentAgainInDoubt": 0,
            "deferred": 0,
            "keptBack": 0,
        }
        super().__init__(output_format, facts)

    def planned(self, planned: "Planned") -> None:
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


def go_on() -> str:
    """The very command that was given: what was sent is not sent again."""
    return f"Go on with: {shlex.join(['flypast', *sys.argv[1:]])}"
