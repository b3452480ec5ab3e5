"""Suppress files."""

import io
from collections.abc import Mapping
from pathlib import Path

import pytest

from runner.findings import Finding, Findings
from runner.model import Json
from runner.recipients.suppress import is_suppressed, suppressed

from .lists import at

US = "+14155550100"


def read(content: str, suffix: str = ".txt", region: str | None = None) -> tuple[frozenset[str], tuple[Finding, ...]]:
    findings = Findings()
    values = frozenset(
        suppressed(io.BytesIO(content.encode()), suffix=suffix, shown=f"out{suffix}", findings=findings, region=region)
    )
    return values, findings.sorted()


def test_a_text_file_holds_one_address_on_each_line() -> None:
    text = """\ufeff# who wrote STOP
+1 415 555 0100   # by phone

emailaddress:Ann@ACME.Example
bob@Acme.example\r
id:5a0c8c1e
externalId:a b
phonenumber:+447700900123
"""
    values, findings = read(text)
    assert findings == ()
    assert values == {US, "Ann@acme.example", "bob@acme.example", "id:5a0c8c1e", "a b", "+447700900123"}


@pytest.mark.parametrize(
    ("content", "suffix"),
    [
        ("phone,why\n+1 415 555 0100,\n", ".csv"),
        ("identifierValue\twhy\n+1 415 555 0100\tx\n", ".tsv"),
        ('{"phonenumber": "+1 415 555 0100"}\n', ".jsonl"),
        ('[{"phone": "+1 415 555 0100"}]', ".json"),
    ],
)
def test_lists_are_read_too(content: str, suffix: str) -> None:
    assert read(content, suffix) == (frozenset({US}), ())


def test_an_entry_that_is_no_address_is_a_finding_and_never_shown() -> None:
    values, findings = read("+14155550100\n  07700 900123\nAnn Smith\nann@\nemailaddress:ann\nphonenumber:12\n\0\n")
    assert values == {US}
    assert [at(finding) for finding in findings] == [
        ("RCP540", 2, 3),
        ("RCP540", 3, 1),
        ("RCP540", 4, 1),
        ("RCP540", 5, 1),
        ("RCP540", 6, 1),
        ("RCP540", 7, 1),
    ]
    assert not any("Ann" in f"{finding}" or "7700" in f"{finding}" for finding in findings)


def test_an_entry_of_a_list_is_found_at_its_cell() -> None:
    _, findings = read("why,phone\nx,123\ny,\n", ".csv", "US")
    assert [at(finding) for finding in findings] == [("RCP540", 2, 3), ("RCP540", 3, 3)]
    _, findings = read('{"phone": 14155550100}\n{"x": "y"}\n', ".jsonl")
    assert [at(finding) for finding in findings] == [("RCP540", 1, 11), ("RCP540", 2, 1)]


def test_a_file_that_can_not_be_read_is_a_finding() -> None:
    findings = Findings()
    assert list(suppressed(io.BytesIO(b"\xff\xfe"), suffix=".txt", shown="out.txt", findings=findings)) == []
    assert [finding.code for finding in findings.sorted()] == ["RCP504"]
    assert [finding.code for finding in read("x", ".doc")[1]] == ["RCP503"]


def test_national_numbers_need_a_region() -> None:
    assert read("07700 900123", region="GB") == (frozenset({"+447700900123"}), ())


PHONE_ONLY: Mapping[str, Json] = {"identifierKey": "phonenumber", "identifierValue": US}


@pytest.mark.parametrize(
    ("address", "contact", "values"),
    [
        (f"phonenumber:{US}", PHONE_ONLY, {US}),
        ("phonenumber:+1 415 555 0100", {"identifierKey": "phonenumber", "identifierValue": "+1 415 555 0100"}, {US}),
        ("emailaddress:a@ACME.example", {}, {"a@acme.example"}),
        ("externalId:abc", {}, {"abc"}),
        ("id:5a0c", {"id": "5a0c"}, {"id:5a0c"}),
        (f"phonenumber:{US}", {**PHONE_ONLY, "id": "5a0c"}, {"id:5a0c"}),
        ("id:5a0c", {"id": "5a0c", "type": "to", "platformAddress": US}, {US}),
        (
            "id:5a0c",
            {
                "id": "5a0c",
                "type": "to",
                "identifiers": [{"identifierKey": "emailaddress", "identifierValue": "a@B.c"}],
            },
            {"a@b.c"},
        ),
    ],
)
def test_somebody_is_found_by_any_value_whatever_its_key(
    address: str, contact: Mapping[str, Json], values: set[str]
) -> None:
    assert is_suppressed(address, contact, values)
    assert not is_suppressed(address, contact, {"+14155550199", "5a0c", "id:abc"})


def test_a_short_contact_is_looked_at_whole() -> None:
    identifiers = [{"identifierKey": "phonenumber", "identifierValue": US}]
    assert is_suppressed("id:5a0c", {"id": "5a0c", "identifiers": identifiers}, {US})
    assert is_suppressed("id:5a0c", {"id": "5a0c", "platformAddress": US}, {US})


def test_a_number_as_another_platform_writes_it_is_found_in_its_region() -> None:
    assert is_suppressed("phonenumber:07700 900123", {}, {"+447700900123"}, region="GB")
    assert not is_suppressed("phonenumber:07700 900123", {}, {"+447700900123"})


def test_a_files_own_path_does_not_matter(tmp_path: Path) -> None:
    (tmp_path / "out.txt").write_text(f"{US}\n")
    with (tmp_path / "out.txt").open("rb") as opened:
        opened.read()  # wherever it stands, it is read from its start
        assert list(suppressed(opened, suffix=".TXT", shown="out.txt", findings=Findings())) == [US]
