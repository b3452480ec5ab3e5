"""Suffixes, pins, and a million rows."""

import hashlib
import tracemalloc
from pathlib import Path

import pytest

from runner.findings import Findings
from runner.recipients.addresses import recipients
from runner.recipients.sources import READERS, read_rows

from .lists import a_list, read

CONTENTS = {
    ".csv": "phone,name\n+14155550100,Ann\n",
    ".tsv": "phone\tname\n+14155550100\tAnn\n",
    ".jsonl": '{"phone": "+14155550100", "name": "Ann"}\n',
    ".json": '[{"phone": "+14155550100", "name": "Ann"}]',
}


@pytest.mark.parametrize("suffix", CONTENTS)
def test_the_suffix_chooses_the_reader_whatever_its_capitals(tmp_path: Path, suffix: str) -> None:
    for written in (suffix, suffix.upper()):
        assert read(tmp_path, CONTENTS[suffix], suffix=written).values == [{"phone": "+14155550100", "name": "Ann"}]


def test_an_unknown_suffix_gets_the_known_ones(tmp_path: Path) -> None:
    finding = read(tmp_path, "", suffix=".yml", file="people.yml").only
    assert (finding.code, finding.place.path, finding.hint) == ("RCP503", "m.yaml", 'did you mean ".yaml"?')
    finding = read(tmp_path, "", suffix=".xlsx").only
    assert finding.hint == f"known: {', '.join(sorted(READERS))}"


@pytest.mark.parametrize("suffix", CONTENTS)
def test_a_pinned_file_must_be_the_one_that_was_pinned(tmp_path: Path, suffix: str) -> None:
    pinned = hashlib.sha256(CONTENTS[suffix].encode()).hexdigest()
    assert read(tmp_path, CONTENTS[suffix], suffix=suffix, sha256=pinned).findings == ()
    assert read(tmp_path, CONTENTS[suffix], suffix=suffix, sha256=pinned.upper()).findings == ()
    changed = CONTENTS[suffix].replace("Ann", "Bob")
    finding = read(tmp_path, changed, suffix=suffix, sha256=pinned).only
    assert (finding.code, finding.place.path, finding.place.line) == ("RCP505", "m.yaml", 4)
    assert hashlib.sha256(changed.encode()).hexdigest() in finding.message


def test_a_file_can_be_read_twice(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text(CONTENTS[".csv"])
    with path.open("rb") as opened:
        for _ in range(2):
            rows = read_rows(opened, suffix=".csv", shown="people.csv", spec=a_list(), findings=Findings())
            assert len(list(rows)) == 1


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_memory_does_not_grow_with_the_rows(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"people{suffix}"
    header, _, line = CONTENTS[suffix].rpartition("\n")[0].rpartition("\n")
    findings = Findings()

    def peak(count: int) -> int:
        path.write_text((f"{header}\n" if header else "") + f"{line}\n" * count)
        with path.open("rb") as opened:
            tracemalloc.reset_peak()
            rows = read_rows(opened, suffix=suffix, shown=path.name, spec=a_list(), findings=findings)
            assert sum(1 for _ in recipients(a_list(), rows, platform="sms", findings=findings)) == count
            return tracemalloc.get_traced_memory()[1] - before

    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    try:
        assert peak(20_000) < peak(1_000) + 100_000
    finally:
        tracemalloc.stop()
