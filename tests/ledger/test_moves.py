import pytest

from runner.ledger.moves import fitted, near


@pytest.mark.parametrize(
    ("limit", "days", "found"),
    [
        ("2026-03-01T00:00:00Z", -2, "2026-02-27T00:00:00+00:00"),
        ("2026-03-01T00:30:00+02:00", 1, "2026-03-01T22:30:00+00:00"),
        ("soon", 1, ""),
        ("9999-12-31T00:00:00Z", 2, ""),
        ("0001-01-01T00:00:00Z", -2, ""),
    ],
)
def test_a_time_some_days_off_sorts_before_all_where_there_is_none(limit: str, days: int, found: str) -> None:
    assert near(limit, days=days) == found


@pytest.mark.parametrize(
    ("text", "kept"),
    [(None, None), ("", ""), ("x" * 500, "x" * 500), ("x" * 501, "x" * 500), ("é" * 501, "é" * 500), ("a\udc80", "a?")],
)
def test_foreign_text_is_kept_as_far_as_a_ledger_can_hold_it(text: str | None, kept: str | None) -> None:
    assert fitted(text) == kept
