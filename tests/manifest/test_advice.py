"""What to write instead."""

import pytest

from runner.manifest.advice import form_advice

ZONE = "^(recipient|[A-Z][0-9A-Za-z_+-]*(/[0-9A-Za-z_+-]+)*)$"


@pytest.mark.parametrize(("written", "zone"), [("europe/london", "Europe/London"), ("utc", "UTC")])
def test_a_zone_in_small_letters_gets_the_name_that_there_is(written: str, zone: str) -> None:
    assert form_advice(written, ZONE) == f'write "{zone}"'
