"""Rows → recipients."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from runner.findings import Place, Severity
from runner.model import Json
from runner.recipients.rows import Row

from .lists import at, select

US = "+14155550100"


def test_a_row_becomes_a_recipient(tmp_path: Path) -> None:
    person = select(tmp_path, "phone,name\n+1 415 555 0100,Ann\n").one
    assert person.list_name == "launch"
    assert person.row == 1
    assert person.address == f"phonenumber:{US}"
    assert person.contact == {"identifierKey": "phonenumber", "identifierValue": US}
    assert person.parameters == {"phone": US, "name": "Ann"}
    assert person.place == Place(path="people.csv", line=2)


def test_the_identifier_is_the_first_of_the_known_names(tmp_path: Path) -> None:
    person = select(tmp_path, f"phone,identifierValue\nx,{US}\n").one
    assert person.parameters == {"phone": "x", "identifierValue": US}
    person = select(tmp_path, f'{{"phone": "x", "phonenumber": "{US}"}}\n', suffix=".jsonl").one
    assert person.address == f"phonenumber:{US}"
    assert select(tmp_path, f"phone,Mobile No.\nx,{US}\n", identifier="Mobile No.").one.address == f"phonenumber:{US}"


def test_one_number_in_three_spellings_is_one_address(tmp_path: Path) -> None:
    found = select(tmp_path, "phone\n+14155550100\n+1 (415) 555-0100\n+1.415.555.0100\n")
    assert found.addresses == [f"phonenumber:{US}"] * 3


def test_national_numbers_need_the_region_of_the_list(tmp_path: Path) -> None:
    content = "name,phone\nAnn,07700 900123\n"
    finding = select(tmp_path, content).only
    assert at(finding) == ("RCP532", 2, 5)
    assert finding.message == 'row 1, column "phone": a national number, or one without its +'
    assert select(tmp_path, content, region="GB").addresses == ["phonenumber:+447700900123"]


def test_bad_numbers_are_found_at_their_cells_and_never_shown(tmp_path: Path) -> None:
    rows = 'phone,name\n+1415555010O,"a\nb"\n,c\n1.41556E+10,d\n+14155550100,e\n"\n+14155550199",f\n'
    found = select(tmp_path, rows)
    assert [at(each) for each in found.findings] == [
        ("RCP531", 2, 1),
        ("RCP530", 4, 1),
        ("RCP533", 5, 1),
        ("RCP531", 7, 1),
    ]
    assert found.addresses == [f"phonenumber:{US}"]
    assert not any("1415555010" in f"{each}" or "5550199" in f"{each}" for each in found.findings)


def test_an_impossible_length_is_a_warning_and_still_goes(tmp_path: Path) -> None:
    found = select(tmp_path, "phone\n+141555501\n")
    assert (found.only.code, found.only.severity) == ("RCP537", Severity.WARNING)
    assert found.addresses == ["phonenumber:+141555501"]


def test_an_unknown_region_is_one_finding_at_the_manifest(tmp_path: Path) -> None:
    found = select(tmp_path, "phone\n07700 900123\n07700 900124\n", region="UK")
    assert (found.only.code, found.only.place.path) == ("RCP536", "m.yaml")
    assert found.only.hint == 'did you mean "GB"?'
    assert found.people == []
    hint = select(tmp_path, "phone\n1\n", region="us").only.hint
    assert hint == 'did you mean "US"?'
    hint = select(tmp_path, "phone\n1\n", region="QQ").only.hint
    assert hint is not None
    assert "ISO 3166" in hint


def test_an_email_keeps_its_name_and_its_domain_is_lower_case(tmp_path: Path) -> None:
    options: dict[str, Any] = {"identifier": "mail", "identifier_key": "emailaddress"}
    person = select(tmp_path, "mail\nAnn.B@ACME.Example\n", **options).one
    assert person.address == "emailaddress:Ann.B@acme.example"
    assert person.contact == {"identifierKey": "emailaddress", "identifierValue": "Ann.B@acme.example"}
    assert person.parameters == {"mail": "Ann.B@acme.example"}


@pytest.mark.parametrize("mail", ["ann", "ann@", "@acme.example", "a@b@c", "a b@acme.example", "ann@acme.example "])
def test_what_is_no_email(tmp_path: Path, mail: str) -> None:
    finding = select(tmp_path, f"mail\n{mail}\n", identifier="mail", identifier_key="emailaddress").only
    assert at(finding) == ("RCP534", 2, 1)
    assert mail not in finding.message or mail == "ann"


def test_other_keys_stay_as_written(tmp_path: Path) -> None:
    options: dict[str, Any] = {"identifier": "crm", "identifier_key": "externalId"}
    assert select(tmp_path, "crm\nAb 1\n", **options).addresses == ["externalId:Ab 1"]
    assert select(tmp_path, 'crm\n"a\nb"\n', **options).only.code == "RCP535"
    assert select(tmp_path, "crm\n   \n", **options).only.code == "RCP535"


def test_other_platforms_leave_numbers_as_written(tmp_path: Path) -> None:
    found = select(tmp_path, "phone\n 07700 900123\n+14155550100\n", platform="whatsapp")
    assert found.addresses == ["phonenumber: 07700 900123", f"phonenumber:{US}"]
    assert found.findings == ()


@pytest.mark.parametrize(
    ("written", "word"), [("14155550100", "a number"), ("true", "true"), ("[]", "a list"), ("1.5", "")]
)
def test_an_address_of_another_type_is_a_finding(tmp_path: Path, written: str, word: str) -> None:
    finding = select(tmp_path, f'{{"phone": {written}}}\n', suffix=".jsonl").only
    assert at(finding) == ("RCP535", 1, 11)
    assert word in finding.message
    assert "4155" not in finding.message


@pytest.mark.parametrize("written", ["null", '""'])
def test_an_empty_address_is_a_finding(tmp_path: Path, written: str) -> None:
    assert at(select(tmp_path, f'{{"phone": {written}}}\n', suffix=".jsonl").only) == ("RCP530", 1, 11)


def test_a_json_row_without_the_identifier_is_a_finding(tmp_path: Path) -> None:
    finding = select(tmp_path, '{"phone": "+14155550100"}\n{"Phone": "x"}\n', suffix=".jsonl", identifier="phone").only
    assert at(finding) == ("RCP510", 2, 1)
    assert finding.hint == 'did you mean "Phone"?'


# Selection


def test_where_sees_values_as_written_and_drops_with_the_row(tmp_path: Path) -> None:
    seen: list[Mapping[str, Json]] = []

    def where(values: Mapping[str, Json]) -> bool:
        seen.append(values)
        return bool(values["vip"] == "yes")

    found = select(tmp_path, "phone,vip\n+1 415 555 0100,yes\n+14155550101,\n", where=where)
    assert found.addresses == [f"phonenumber:{US}"]
    assert seen == [{"phone": "+1 415 555 0100", "vip": "yes"}, {"phone": "+14155550101", "vip": None}]
    assert [(each.row.number, each.reason) for each in found.dropped] == [(2, "where")]


def test_a_row_that_where_drops_is_not_judged(tmp_path: Path) -> None:
    found = select(tmp_path, "phone\nnonsense\n", where=lambda _: False)
    assert found.findings == ()
    assert len(found.dropped) == 1


def test_what_where_raises_is_given_back_with_its_row(tmp_path: Path) -> None:
    def where(values: Mapping[str, Json]) -> bool:
        if values["vip"] is None:
            raise LookupError("vip is null")
        return True

    met: list[tuple[int, str]] = []

    def on_fault(row: Row, fault: Exception) -> None:
        met.append((row.number, str(fault)))

    content = "phone,vip\n+14155550100,\n+14155550101,yes\n"
    found = select(tmp_path, content, where=where, on_fault=on_fault)
    assert found.addresses == ["phonenumber:+14155550101"]
    assert met == [(1, "vip is null")]
    with pytest.raises(LookupError):
        select(tmp_path, content, where=where)


# Inline contacts


def contacts(*written: Mapping[str, Json]) -> dict[str, Json]:
    return {"contacts": written}


def test_a_contact_holds_its_own_parameters(tmp_path: Path) -> None:
    written = {"identifierValue": "+1 415 555 0100", "parameters": {"first_name": "Robert", "n": 1}}
    person = select(tmp_path, **contacts(written)).one
    assert person.address == f"phonenumber:{US}"
    assert person.contact == {"identifierKey": "phonenumber", "identifierValue": US}
    assert person.parameters == {"first_name": "Robert", "n": 1, "identifierValue": US}
    assert person.place == Place(path="m.yaml", line=20, column=9)
    assert written["identifierValue"] == "+1 415 555 0100"


def test_a_contact_keeps_every_field_of_birds(tmp_path: Path) -> None:
    written = {
        "id": "5a0c8c1e",
        "identifierKey": "emailaddress",
        "identifierValue": "Ann@ACME.example",
        "type": "cc",
        "identifiers": [{"identifierKey": "phonenumber", "identifierValue": US}],
        "platformAddress": "x",
        "platformAddressSelector": None,
    }
    person = select(tmp_path, **contacts(written)).one
    assert person.address == "emailaddress:Ann@acme.example"
    assert person.contact == {**written, "identifierValue": "Ann@acme.example"}
    assert person.parameters == {"identifierValue": "Ann@acme.example"}


def test_a_contact_without_a_value_is_its_id(tmp_path: Path) -> None:
    person = select(tmp_path, **contacts({"id": "5a0c8c1e", "parameters": None})).one
    assert (person.address, person.contact, person.parameters) == ("id:5a0c8c1e", {"id": "5a0c8c1e"}, {})


@pytest.mark.parametrize("written", [{}, {"parameters": {"a": 1}}, {"identifierKey": "phonenumber"}, {"id": ""}])
def test_a_contact_with_neither_is_a_finding_at_its_place(tmp_path: Path, written: Mapping[str, Json]) -> None:
    assert at(select(tmp_path, **contacts({"id": "x"}, written)).only) == ("RCP530", 21, 9)


def test_the_lists_key_and_region_are_those_of_its_contacts(tmp_path: Path) -> None:
    options = contacts(
        {"identifierValue": "abc"}, {"identifierKey": "phonenumber", "identifierValue": "(415) 555-0100"}
    )
    found = select(tmp_path, identifier_key="externalId", region="US", **options)
    assert found.addresses == ["externalId:abc", f"phonenumber:{US}"]


def test_a_bad_number_of_a_contact_is_found_at_its_place(tmp_path: Path) -> None:
    finding = select(tmp_path, **contacts({"identifierValue": f"{US}\n"})).only
    assert at(finding) == ("RCP531", 20, 9)
    assert "line end" in finding.message
    assert select(tmp_path, **contacts({"identifierValue": ""})).only.code == "RCP530"


def test_where_sees_a_contacts_parameters(tmp_path: Path) -> None:
    options = contacts({"identifierValue": US, "parameters": {"vip": True}}, {"id": "x"})
    found = select(tmp_path, where=lambda values: values == {"vip": True, "identifierValue": US}, **options)
    assert found.addresses == [f"phonenumber:{US}"]
    assert [each.row.number for each in found.dropped] == [2]
