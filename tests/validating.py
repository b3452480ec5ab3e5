"""What `validate` finds, in this process: a process for each of thousands of mistakes would take an hour."""

from collections.abc import Sequence
from pathlib import Path

from runner.findings import Finding, Findings
from runner.pipeline import Inputs, Order, validate
from runner.project import Project


def found_in(path: Path, where: Path) -> Sequence[Finding]:
    """`where` is the folder in which it runs."""
    findings = Findings()
    order = Order(
        path=path, source=path.read_bytes(), project=Project.of(path, where), inputs=Inputs(), is_strict=False
    )
    validate(order, findings, [])
    findings.note_unused()
    return findings.sorted()
