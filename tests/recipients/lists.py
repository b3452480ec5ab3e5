"""Writes a real file and reads it as a list."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runner.findings import Finding, Findings, Place
from runner.model import Json, Recipient, RecipientList
from runner.recipients.addresses import Dropped, recipients
from runner.recipients.rows import LoadYaml, Row
from runner.recipients.sources import contact_rows, read_rows

MANIFEST = Place(path="m.yaml", line=3, column=3)


def a_list(**options: Any) -> RecipientList:
    places = {name: Place(path="m.yaml", line=4 + at, column=5) for at, name in enumerate(sorted(options))}

    def locate(option: str | None = None, index: int = 0) -> Place:
        if option == "contacts":
            return Place(path="m.yaml", line=20 + index, column=9)
        return places.get(option or "", MANIFEST)

    return RecipientList(name="launch", locate=locate, **options)


@dataclass(frozen=True)
class Read:
    rows: list[Row]
    findings: tuple[Finding, ...]

    @property
    def values(self) -> list[Mapping[str, Json]]:
        return [row.values for row in self.rows]

    @property
    def only(self) -> Finding:
        (finding,) = self.findings
        return finding


def at(finding: Finding) -> tuple[str, int, int]:
    return finding.code, finding.place.line, finding.place.column


def read(
    folder: Path,
    content: str | bytes,
    *,
    suffix: str = ".csv",
    load_yaml: LoadYaml | None = None,
    **options: Any,
) -> Read:
    path = folder / f"people{suffix}"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    findings = Findings()
    with path.open("rb") as opened:
        rows = list(
            read_rows(
                opened,
                suffix=suffix,
                shown=f"people{suffix}",
                spec=a_list(**options),
                findings=findings,
                load_yaml=load_yaml,
            )
        )
    return Read(rows=rows, findings=findings.sorted())


@dataclass(frozen=True)
class Selected:
    people: list[Recipient]
    dropped: list[Dropped]
    findings: tuple[Finding, ...]

    @property
    def addresses(self) -> list[str]:
        return [recipient.address for recipient in self.people]

    @property
    def one(self) -> Recipient:
        assert self.findings == ()
        (recipient,) = self.people
        return recipient

    @property
    def only(self) -> Finding:
        (finding,) = self.findings
        return finding


def select(
    folder: Path,
    content: str | None = None,
    *,
    suffix: str = ".csv",
    platform: str = "sms",
    where: Callable[[Mapping[str, Json]], bool] | None = None,
    on_fault: Callable[[Row, Exception], None] | None = None,
    **options: Any,
) -> Selected:
    """People of a file's content, or of the list's inline contacts where there is none."""
    spec, findings = a_list(**options), Findings()
    path = folder / f"people{suffix}"
    path.write_bytes((content or "").encode())
    with path.open("rb") as opened:
        rows = (
            contact_rows(spec)
            if content is None
            else read_rows(opened, suffix=suffix, shown=path.name, spec=spec, findings=findings)
        )
        found = list(recipients(spec, rows, platform=platform, findings=findings, where=where, on_fault=on_fault))
    people = [each for each in found if isinstance(each, Recipient)]
    return Selected(
        people=people,
        dropped=[each for each in found if isinstance(each, Dropped)],
        findings=findings.sorted(),
    )
