"""What of a manifest no frame shows: how long it takes to tell."""

from time import process_time

from runner.manifest.hidden import hidden_lines


def seconds(letters: int) -> float:
    """The least of three, in which nothing else gets in the way."""
    lines = [f"{'x' * letters}: y", f"{'-_' * (letters // 2)} z: token: t", " " * letters + ":"]
    best = float("inf")
    for _ in range(3):
        started = process_time()
        found = hidden_lines(None, lines)
        best = min(best, process_time() - started)
        assert found == [(2, 2)]
    return best


def test_a_line_that_is_ten_times_as_long_takes_ten_times_as_long() -> None:
    assert seconds(200_000) < 40 * seconds(20_000), "a hundred times would be the square"
