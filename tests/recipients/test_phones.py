"""Phone numbers. All of them are kept for fiction or can't exist."""

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.quiet import zone_names
from runner.recipients import numbering, phones
from runner.recipients.faults import AddressFault
from runner.recipients.numbering import _region
from runner.recipients.phones import (
    country_of,
    is_plain,
    is_possible,
    is_region,
    mask,
    normalise_phone,
    zones_of,
)

US = "+14155550100"
GB = "+447700900123"


def code_of(value: str, region: str | None = None) -> str:
    fault = normalise_phone(value, region)
    assert isinstance(fault, AddressFault)
    return fault.code


@pytest.mark.parametrize(
    "spelled",
    [
        US,
        "+1 415 555 0100",
        "  +1 (415) 555-0100 ",
        "+1.415.555.0100",
        "+1/415/555/0100",
        "+1\u00a0415\u00a0555\u202f0100",
    ],
)
def test_spellings_become_one_number(spelled: str) -> None:
    assert normalise_phone(spelled, None) == US


@pytest.mark.parametrize("spelled", ["+4407700900123", "+44 (0)7700 900123", "+44 7700 900 123"])
def test_a_national_0_after_the_country_code_goes(spelled: str) -> None:
    assert normalise_phone(spelled, None) == GB


def test_a_0_that_belongs_to_the_number_stays() -> None:
    assert normalise_phone("+390600000000", None) == "+390600000000"


@pytest.mark.parametrize(
    ("spelled", "region", "number"),
    [
        ("07700 900123", "GB", GB),
        ("0044 7700 900123", "GB", GB),
        ("(415) 555-0100", "US", US),
        ("1 415 555 0100", "US", US),
        ("+44 7700 900123", "US", GB),
    ],
)
def test_national_numbers_are_read_in_their_region(spelled: str, region: str, number: str) -> None:
    assert normalise_phone(spelled, region) == number


@pytest.mark.parametrize("spelled", ["07700 900123", "0044 7700 900123", "14155550100", "(415) 555-0100"])
def test_a_national_number_without_a_region_is_a_fault(spelled: str) -> None:
    fault = normalise_phone(spelled, None)
    assert isinstance(fault, AddressFault)
    assert fault.code == "RCP532"
    assert fault.hint == "give the list a region, or write the number as +, country code, number"


@pytest.mark.parametrize(
    ("spelled", "words"),
    [
        ("+1415555010O", "a letter as character 12"),
        ("+14155550100\n", "a line end as character 13"),
        ("+1415555\u0660\u0661\u0660\u0660", "a digit that is not 0 to 9 as character 9"),
        ("+14155550100 ext. 5", "a letter as character 14"),
        ("+14155550100;+14155550101", "U+003B (semicolon) as character 13"),
        ("\u202a+14155550100", "U+202A (left-to-right embedding) as character 1"),
        ("++14155550100", "a second + as character 2"),
        ("415+5550100", "a second + as character 4"),
        ("\t+14155550100", "U+0009 (unnamed) as character 1"),
        ("tel:+14155550100", "a letter as character 1"),
        ("1-800-FLOWERS", "a letter as character 7"),
    ],
)
def test_what_is_no_number_is_told_without_the_number(spelled: str, words: str) -> None:
    fault = normalise_phone(spelled, "US")
    assert isinstance(fault, AddressFault)
    assert (fault.code, fault.words) == ("RCP531", f"not a phone number: {words}")


@pytest.mark.parametrize("spelled", ["+", "", "   ", "+1", "-", "+1234567890123456", "+999 123 4567", "00"])
def test_too_short_too_long_or_of_no_country(spelled: str) -> None:
    assert code_of(spelled, "US") == "RCP531"


@pytest.mark.parametrize("spelled", ["4.47701E+11", "4,47701E+11", "1.41556e10", "14155550100.0", "447700900123,00"])
@pytest.mark.parametrize("region", [None, "US"])
def test_what_a_spreadsheet_made_of_a_number_is_named(spelled: str, region: str | None) -> None:
    assert code_of(spelled, region) == "RCP533"


@given(st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True))
def test_strict_e164_is_taken_as_it_is_or_as_its_own_spelling(number: str) -> None:
    found = normalise_phone(number, None)
    try:
        code = str(phonenumbers.parse(number).country_code)
    except phonenumbers.NumberParseException:
        code = ""
    if not code or number[1 + len(code)] != "0":
        assert found == number
    if isinstance(found, str):
        assert normalise_phone(found, None) == found


@given(st.text(alphabet="+0123456789 -.()/\u00a0xE\n\u0660", max_size=24), st.sampled_from([None, "US", "GB", "IT"]))
def test_whatever_comes_in_a_number_or_a_fault_comes_out(text: str, region: str | None) -> None:
    found = normalise_phone(text, region)
    if isinstance(found, str):
        assert found.startswith("+")
        assert found[1:].isdecimal()
        assert found.isascii()
        assert 8 <= len(found) <= 16
    else:
        assert len(text.strip()) < 5 or text not in f"{found.words}{found.hint}"


@pytest.mark.parametrize(
    ("number", "possible"),
    [
        (US, True),
        (GB, True),
        ("+1415555010", False),
        ("+141555501000", False),
        ("+15550100", False),
        ("+9991234567", False),
    ],
)
def test_a_length_that_no_number_of_the_country_has(number: str, *, possible: bool) -> None:
    assert is_possible(number) is possible
    assert is_plain(number) is possible


def test_plain_is_what_needs_no_second_look() -> None:
    assert is_plain(GB)
    for spelled in ("+4407700900123", "+1 415 555 0100", "x", "", "+1415555"):
        assert not is_plain(spelled)


@pytest.mark.parametrize(
    ("number", "country"),
    [
        (US, "US"),
        ("+14165550100", "CA"),
        ("+12425550100", "BS"),
        (GB, "GB"),
        ("+441481960194", "GG"),
        ("+441624960194", "IM"),
        ("+390669800000", "VA"),
        ("+31612345678", "NL"),
        ("+77010000000", "KZ"),
        ("+11005550100", "US"),  # an area that does not exist: the main country of +1
        ("+80012345678", "ZZ"),  # of no country
        ("+9991234567", "ZZ"),
        ("+1415555", "US"),
        ("+4400000", "GB"),
        ("+1 416 555 0100", "CA"),  # as other platforms may write it
        ("+x", "ZZ"),
        ("07700 900123", "ZZ"),
    ],
)
def test_the_country_of_a_number(number: str, country: str) -> None:
    assert country_of(number) == country


@pytest.mark.parametrize("region", ["US", "CA", "BS", "DO", "GB", "GG", "JE", "IM", "RU", "KZ", "AU", "FI", "AX", "YT"])
def test_countries_that_share_a_calling_code_are_told_apart(region: str) -> None:
    example = phonenumbers.example_number(region)
    assert example is not None
    written = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
    assert country_of(written) == phonenumbers.region_code_for_number(example)


def test_the_country_does_not_depend_on_what_was_asked_before() -> None:
    assert country_of("+1242055010") == country_of("+12420550100") == "BS"  # neither is valid
    assert country_of("+12425550100") == "BS"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        (US, "+1…00"),
        (f"phonenumber:{US}", "+1…00"),
        (GB, "+44…23"),
        ("+9991234567", "+…67"),
        ("ann@acme.example", "***"),
        ("emailaddress:ann@acme.example", "***"),
        ("id:5a0c8c1e", "***"),
        (f"{US}\n", "***"),
        ("", "***"),
        ("Ann", "***"),
    ],
)
def test_masks_show_a_country_and_two_digits_at_most(text: str, masked: str) -> None:
    assert mask(text) == masked


def test_regions_are_capital_letters_of_iso() -> None:
    assert is_region("US")
    assert is_region("GB")
    assert not is_region("UK")
    assert not is_region("us")


SHARED = [str(code) for code, regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items() if len(regions) > 1]


@pytest.mark.parametrize("code", SHARED)
@given(national=st.from_regex(r"[0-9]{4,12}", fullmatch=True))
def test_the_country_of_a_shared_code_is_what_phonenumbers_says(code: str, national: str) -> None:
    number = phonenumbers.parse(f"+{code}{national}")
    assert _region(code, national) == phonenumbers.region_code_for_number(number)


def test_all_areas_of_a_shared_code_are_told_apart_as_phonenumbers_does() -> None:
    for area in range(200, 1000):
        number = phonenumbers.parse(f"+1{area}5550100")
        assert _region("1", f"{area}5550100") == phonenumbers.region_code_for_number(number)


@pytest.mark.parametrize(
    ("number", "zones"),
    [
        ("+14155550100", ("America/Los_Angeles",)),
        ("+12125550100", ("America/New_York",)),
        ("+18085550100", ("Pacific/Honolulu",)),
        ("+12685550100", ("America/Antigua",)),
        ("+493023125000", ("Europe/Berlin",)),
        ("+99912345678", ()),
        ("+881600000000", ()),
        ("+878100000000", ()),
        ("07700900123", ()),
        ("ann@acme.example", ()),
    ],
)
def test_the_time_zones_of_a_number(number: str, zones: tuple[str, ...]) -> None:
    assert zones_of(number) == zones


def test_a_number_that_is_bound_to_no_area_may_be_anywhere_in_its_country() -> None:
    assert {"Australia/Sydney", "Australia/Perth", "Australia/Adelaide"} <= set(zones_of("+61491570006"))
    assert {"America/New_York", "Pacific/Honolulu"} <= set(zones_of("+18005550100"))
    assert "Europe/London" in zones_of("+447700900123")


def test_zones_are_known_for_every_region_and_by_their_iana_names() -> None:
    for region in phonenumbers.SUPPORTED_REGIONS:
        example = phonenumbers.example_number(region)
        assert example is not None
        number = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
        assert zones_of(number)
        assert set(zones_of(number)) <= zone_names()


@given(head=st.from_regex(r"1[0-9]{2}", fullmatch=True), length=st.integers(8, 16))
def test_north_american_rules_are_those_of_the_numbering_plans(head: str, length: int) -> None:
    assert phones._calling_code(head) == numbering.calling_code(head)
    assert phones._is_length_possible(head, length) == numbering.is_length_possible(head, length)
