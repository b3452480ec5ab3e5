"""Faults of expressions, told as findings: one for each mistake, however many rows and messages meet it."""

import re
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field

from runner.findings import SHOWN_PER_GROUP, Finding, Findings, Place, Severity, known_are
from runner.manifest.site import Site
from runner.model import Json, Recipient
from runner.rendering.faults import CODES, ExpressionFault, UnknownName
from runner.rendering.language import explained

EXAMPLES_SHOWN = 3
CONDITIONS = ("when", "where")
_LOOK_UP = re.compile(r"recipient(?:\.(?P<name>\w+)|\[['\"](?P<key>.+)['\"]\])")

Locate = Callable[[Recipient, str], Place]
"""The exact place of a cell, looked for in the file again: only asked for what is shown."""


def place_of(site: Site, fault: ExpressionFault) -> Place:
    return site.place(name=fault.name, line=fault.line, included=fault.source)


@dataclass(slots=True, kw_only=True)
class _Met:
    """One mistake of an expression and the rows that met it."""

    site: Site
    code: str
    fault: ExpressionFault
    cause: str | None
    rows: list[str] = field(default_factory=list)
    total: int = 0

    def add(self, recipient: Recipient) -> None:
        self.total += 1
        if len(self.rows) < EXAMPLES_SHOWN:
            self.rows.append(f"{recipient.list_name}#{recipient.row}")

    @property
    def told_rows(self) -> str:
        rest = "" if self.total <= len(self.rows) else ", …"
        return f"{self.total:,} row{'s' if self.total > 1 else ''}: {', '.join(self.rows)}{rest}"


@dataclass(slots=True, kw_only=True)
class _Cells:
    """The empty cells of one list that some text needs: the first ones each with their uses, the rest counted."""

    shown: dict[tuple[int, str], tuple[Recipient, dict[tuple[object, ...], tuple[Site, ExpressionFault]]]] = field(
        default_factory=dict
    )
    hidden: list[Recipient] = field(default_factory=list)  # the first of them
    hidden_total: int = 0
    counted_at: dict[str, tuple[object, ...]] = field(default_factory=dict)

    def add(self, recipient: Recipient, column: str, site: Site, fault: ExpressionFault) -> None:
        cell = (recipient.row, column)
        if cell not in self.shown:
            # A second text that needs the same column meets the same rows: they count once.
            if self.counted_at.setdefault(column, site.path) != site.path:
                return
            if len(self.shown) >= SHOWN_PER_GROUP:
                self.hidden = self.hidden or [recipient]
                self.hidden_total += 1
                return
            self.shown[cell] = (recipient, {})
        self.shown[cell][1].setdefault(site.path, (site, fault))


class Faults:
    """Gathers what expressions did wrong; `report` makes the findings.

    `mistaken` are the paths in the manifest of values that have a finding already. Unless it `is_certain` which
    parameters there are, a name that nobody gives is no second mistake. `parameters` are the manifest's.
    """

    def __init__(
        self,
        findings: Findings,
        mistaken: frozenset[tuple[str | int, ...]] = frozenset(),
        *,
        is_certain: bool = True,
        parameters: Container[str] = (),
    ) -> None:
        self._findings = findings
        self._parameters = parameters
        self._mistaken = mistaken
        self._is_certain = is_certain
        self._met: dict[tuple[object, ...], _Met] = {}
        self._cells: dict[str, _Cells] = {}

    def at_once(self, site: Site, fault: ExpressionFault) -> None:
        """A fault of the text itself, whatever the row."""
        if any(site.path[: len(path)] == path for path in self._mistaken):
            return
        for each in (fault, *fault.others):
            place, cause = place_of(site, each), self._cause(each)
            self._findings.error(CODES[each.kind], each.message, place, hint=each.hint, cause=cause)

    def unknown(self, site: Site, name: str, known: Mapping[str, Json], *, is_own: bool = False) -> None:
        """A name that neither a list nor a parameter gives. `is_own`: but a parameter of the message has it."""
        fault = explained(UnknownName("undefined", f'unknown name "{name}"', name=name), known)
        if is_own:
            fault.hint = "a message's parameters can't use one another: write what this one stands for"
        elif fault.hint is None and known:
            fault.hint = known_are(known)
        self.at_once(site, fault)

    def in_row(
        self,
        site: Site,
        fault: ExpressionFault,
        recipient: Recipient | None,
        code: str | None = None,
        cause: str | None = None,
    ) -> None:
        """A fault that one row met. `code` where it is not the usual one of its kind, `cause` as in Findings."""
        if not self._is_certain and isinstance(fault, UnknownName):
            return
        if recipient is None:
            self._findings.error(
                code or CODES[fault.kind],
                fault.message,
                place_of(site, fault),
                hint=fault.hint,
                cause=cause or self._cause(fault),
            )
            return
        column = _column(fault, recipient)
        is_condition = len(site.path) == len(("messages", "name", "when")) and site.path[-1] in CONDITIONS
        if column is not None and not is_condition:
            self._cells.setdefault(recipient.list_name, _Cells()).add(recipient, column, site, fault)
            return
        # In a condition an empty cell and a text are one mistake: that of the condition.
        what = (fault.name,) if is_condition and fault.name else (fault.kind, fault.name, fault.message)
        key = (site.document.shown, site.path, code, *what)
        met = self._met.setdefault(key, _Met(site=site, code=code or CODES[fault.kind], fault=fault, cause=cause))
        if met.fault.kind == "null" and fault.kind != "null":
            met.fault, met.code = fault, CODES[fault.kind]
        met.add(recipient)

    def report(self, locate: Locate) -> None:
        for met in self._met.values():
            message, place = f"{met.fault.message} ({met.told_rows})", place_of(met.site, met.fault)
            cause = met.cause or self._cause(met.fault)
            self._findings.error(met.code, message, place, hint=met.fault.hint, cause=cause)
        for name, cells in self._cells.items():
            self._report_cells(name, cells, locate)
        self._met.clear()
        self._cells.clear()

    def _cause(self, fault: ExpressionFault) -> str | None:
        """The same for an unknown name, or a parameter's value, that several texts meet: righting it is one act."""
        of_parameter = fault.kind == "type" and fault.message.partition(" ")[0] in self._parameters
        return f"{fault.kind} {fault.message}" if fault.kind == "undefined" or of_parameter else None

    def _report_cells(self, list_name: str, cells: _Cells, locate: Locate) -> None:
        for (row, column), (recipient, uses) in cells.shown.items():
            fault = next(iter(uses.values()))[1]
            self._findings.error(
                CODES["null"],
                f"{list_name}#{row}: {column} is empty, and {_told(list(uses.values()))}",
                locate(recipient, column),
                hint=f"fill it in, or {fault.hint}" if fault.hint else "fill it in",
                also=[place_of(site, fault) for site, fault in uses.values()],
                group=list_name,
            )
        for recipient in cells.hidden:
            rest = Finding(code=CODES["null"], severity=Severity.ERROR, message="", place=recipient.place)
            for _ in range(cells.hidden_total):
                self._findings.add(rest, group=list_name)


def _told(uses: list[tuple[Site, ExpressionFault]]) -> str:
    wheres = [".".join(str(step) for step in site.path) for site, _ in uses]
    if len(wheres) > 1:
        return f"{wheres[0]} and {len(wheres) - 1} more need it"
    return f"{wheres[0]} needs it"


def _column(fault: ExpressionFault, recipient: Recipient) -> str | None:
    """The empty cell that a fault is about; None where the fault is the expression's."""
    if fault.kind != "null" or not fault.name:
        return None
    looked_up = _LOOK_UP.fullmatch(fault.name)
    name = (looked_up["name"] or looked_up["key"]) if looked_up else fault.name
    return name if name in recipient.parameters and recipient.parameters[name] is None else None
