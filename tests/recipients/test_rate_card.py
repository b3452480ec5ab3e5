"""Rate cards: what is read from a file, and what is told of a wrong one."""

from decimal import Decimal
from pathlib import Path

import pytest

from runner.findings import Finding, Findings
from runner.prices import RateCard
from runner.recipients.rate_card import read_rate_card
from runner.recipients.rows import MAX_DOCUMENT

HEADER = "country,prefix,channel,price,currency\n"


def read(folder: Path, content: str | bytes, suffix: str = ".csv") -> tuple[RateCard | None, tuple[Finding, ...]]:
    path, findings = folder / f"prices{suffix}", Findings()
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with path.open("rb") as opened:
        card = read_rate_card(opened, suffix=suffix, shown=path.name, findings=findings)
    return card, findings.sorted()


def test_a_card_has_prices_by_country_and_by_prefix(tmp_path: Path) -> None:
    content = "\ufeffnote,price,channel,prefix,country,currency\r\n,0.0079,sms,,US,USD\r\n\r\nx,0.04,sms,+1787,,USD\r\n"
    card, findings = read(tmp_path, content + '"a, b",2,mms,,CA,USD')
    assert findings == ()
    assert card is not None
    assert card.currency == "USD"
    assert card.countries == {("sms", "US"): Decimal("0.0079"), ("mms", "CA"): Decimal(2)}
    assert card.prefixes == {("sms", "+1787"): Decimal("0.04")}


@pytest.mark.parametrize("whose", ["country", "prefix"])
def test_a_card_of_countries_or_prefixes_alone_needs_no_other_column(tmp_path: Path, whose: str) -> None:
    value = "US" if whose == "country" else "+1"
    card, findings = read(tmp_path, f"{whose}\tchannel\tprice\tcurrency\n{value}\tsms\t1\tUSD\n", ".tsv")
    assert findings == ()
    assert card is not None
    assert len(card.countries) + len(card.prefixes) == 1


@pytest.mark.parametrize(
    ("row", "code", "column"),
    [
        ("UK,,sms,1,USD", "POL823", 1),
        ("us,,sms,1,USD", "POL823", 1),
        ("ZZ,,sms,1,USD", "POL823", 1),
        ("{{ c }},,sms,1,USD", "POL823", 1),
        (",1787,sms,1,USD", "POL823", 2),
        (",+0787,sms,1,USD", "POL823", 2),
        (",+1 787,sms,1,USD", "POL823", 2),
        (",+1234567890123456,sms,1,USD", "POL823", 2),
        ("FR,,SMS,1,USD", "POL823", 5),
        ("FR,,sms-us,1,USD", "POL823", 5),
        ("FR,,,1,USD", "POL823", 5),
        ("FR,,sms,-1,USD", "POL823", 9),
        ("FR,,sms,+1,USD", "POL823", 9),
        ("FR,,sms,1.,USD", "POL823", 9),
        ("FR,,sms,.5,USD", "POL823", 9),
        ("FR,,sms,1e-2,USD", "POL823", 9),
        ("FR,,sms,NaN,USD", "POL823", 9),
        ("FR,,sms,Infinity,USD", "POL823", 9),
        ("FR,,sms,1_0,USD", "POL823", 9),
        ("FR,,sms, 1,USD", "POL823", 9),
        ("FR,,sms,٣,USD", "POL823", 9),
        ('FR,,sms,"0,05",USD', "POL823", 9),
        ("FR,,sms,1000000,USD", "POL823", 9),
        ("FR,,sms,0.123456789,USD", "POL823", 9),
        ("FR,,sms,,USD", "POL823", 9),
        ("FR,,sms,1,", "POL823", 11),
        ("FR,,sms,1,usd", "POL823", 11),
        ("FR,,sms,1,US$", "POL823", 11),
        ("FR,,sms,1,EUR", "POL826", 11),
        ("US,,sms,1,USD", "POL825", 1),
        ("US,,sms,2,USD", "POL825", 1),
        (",+1787,sms,1,USD", "POL825", 2),
        (",,sms,1,USD", "POL824", 1),
        ("US,+1415,sms,1,USD", "POL824", 1),
        ("FR,,sms,1", "RCP513", 1),
    ],
)
def test_a_wrong_row_is_told_with_its_row_and_column(tmp_path: Path, row: str, code: str, column: int) -> None:
    card, findings = read(tmp_path, f"{HEADER}US,,sms,0.0079,USD\n,+1787,sms,0.04,USD\n{row}\n")
    assert [(each.code, each.place.line, each.place.column) for each in findings] == [(code, 4, column)]
    assert findings[0].message.startswith("row 3")
    assert card is not None
    assert len(card.countries) + len(card.prefixes) == 2


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("country;channel;price;currency\nUS;sms;1;USD\n", "POL822"),
        ("country,channel,price\nUS,sms,1\n", "POL822"),
        ("channel,price,currency\nsms,1,USD\n", "POL822"),
        ("Country,Channel,Price,Currency\nUS,sms,1,USD\n", "POL822"),
        ("country,country,channel,price,currency\nUS,US,sms,1,USD\n", "POL822"),
        (HEADER, "POL827"),
        ("", "RCP507"),
        ("x".encode("utf-16"), "RCP504"),
        (HEADER.encode() + b"US,,sms,1,US\xffD\n", "RCP504"),
        (HEADER + 'US,,"sms,1,USD\n', "RCP514"),
        (b"\0" * (MAX_DOCUMENT + 1), "POL821"),
    ],
    ids=range(11),
)
def test_a_file_that_is_no_card_has_no_prices(tmp_path: Path, content: str | bytes, code: str) -> None:
    card, findings = read(tmp_path, content)
    assert card is None
    assert [each.code for each in findings] == [code]


def test_of_many_wrong_rows_fifty_are_shown_and_all_are_counted(tmp_path: Path) -> None:
    _, findings = read(tmp_path, HEADER + "US,,sms,x,USD\n" * 1_000)
    assert len(findings) == 51
    assert [each.message for each in findings if "1,000 in all" in each.message] != []
