"""Who is nobody: the ranges that are kept free."""

import pytest

from runner.recipients.fictional import is_fictional


@pytest.mark.parametrize(
    "value",
    ["+14155550100", "+12125550199", "+447700900123", "+442079460000", "+441134960999", "+441914980123",
     "+441632960001", "+61491570156", "ann@example.com", "ann@mail.example", "Ann@EXAMPLE.org", "a@x.test"],
)  # fmt: skip
def test_what_belongs_to_nobody(value: str) -> None:
    assert is_fictional(value)


@pytest.mark.parametrize(
    "value",
    ["+19995550200", "+19995551100", "+1415555010", "+141555501001", "+442079461000x", "+4917012345",
     "ann@example.nowhere", "ann@myexample.nowhere", "ann@example.com.nowhere", "", "+", "@", "x"],
)  # fmt: skip
def test_what_may_be_somebodys(value: str) -> None:
    assert not is_fictional(value)
