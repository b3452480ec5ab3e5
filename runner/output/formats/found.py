"""What a command found, for every format."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from runner.findings import Finding, Severity
from runner.output.findings_text import Sources

_NUMBER = re.compile("[0-9][0-9,.]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Findings in their order, and what was looked at.

    `manifests` are shown paths, `ignored` counts what comments silenced, `extra` are keys that the command's JSON has
    besides. `stopped` says why the command did not do what it is for, where that is no finding: a limit, a lock, a
    disk; it is not neutral yet.
    """

    findings: Sequence[Finding]
    manifests: Sequence[str]
    not_checked: Sequence[str] = ()
    ignored: int = 0
    sources: Sources = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)
    stopped: str = ""

    def by_path(self) -> Mapping[str, Sequence[Finding]]:
        """Every manifest and every file with findings, by path."""
        found: dict[str, list[Finding]] = {path: [] for path in self.manifests}
        for finding in self.findings:
            found.setdefault(finding.place.path, []).append(finding)
        return dict(sorted(found.items()))

    def count(self, severity: Severity) -> int:
        return sum(finding.severity is severity for finding in self.findings)

    def with_prints(self) -> Iterator[tuple[Finding, str]]:
        """Each finding with 64 digits of hex that stay when the lines above it grow, so that it is known again.

        Numbers in its words don't count: they tell rows, lines and totals, which move with what stands above.
        """
        met: Counter[tuple[str, str, str]] = Counter()
        for finding in self.findings:
            what = (finding.code, finding.place.path, _NUMBER.sub("0", finding.message))
            met[what] += 1
            yield finding, sha256("\0".join((*what, str(met[what]))).encode("utf-8", "surrogatepass")).hexdigest()
