"""A ledger's address as each output shows it."""

import pytest

from runner.output.masking import in_words, recipient


@pytest.mark.parametrize(
    ("address", "masked", "shown", "words"),
    [
        ("phonenumber:+14155550100", "+1…00", "+14155550100", "+1…00"),
        ("emailaddress:ann@mail.example", "***", "ann@mail.example", "***"),
        ("id:5a0c8c1e", "***", "id:5a0c8c1e", "***"),
        ('[{"identifierValue":"+14155550100"}]', "***", '[{"identifierValue":"+14155550100"}]', "***"),
        ("", None, None, "purged"),
    ],
)
def test_an_address_is_masked_shown_or_purged(address: str, masked: str | None, shown: str | None, words: str) -> None:
    assert (recipient(address), recipient(address, show_pii=True), in_words(address)) == (masked, shown, words)
