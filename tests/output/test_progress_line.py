"""The line that says how far a send is: it fits any width, and bad news stays longest."""

from hypothesis import given
from hypothesis import strategies as st

from runner.output.progress_line import GAP, NARROWEST_BAR, Piece, Standing, progress_line

counts = st.integers(0, 2_000_000)
standings = st.builds(
    lambda a, r, d, more, rate, wave, is_pausing: Standing(a + r + d + more, a, r, d, rate, wave, 3, is_pausing),
    counts,
    counts,
    counts,
    counts,
    st.none() | st.floats(0.01, 5000),
    st.integers(1, 3),
    st.booleans(),
)


def line(pieces: list[Piece]) -> str:
    bar = "".join(piece.words for piece in pieces if piece.look in ("done", "left"))
    rest = [piece.words for piece in pieces if piece.look not in ("done", "left")]
    return GAP.join([bar, *rest] if bar else rest)


@given(standings, st.integers(1, 200))
def test_it_is_never_wider_than_the_terminal(at: Standing, width: int) -> None:
    assert len(line(progress_line(at, width))) <= width


@given(standings, st.integers(1, 200))
def test_a_wider_terminal_shows_no_fewer_words(at: Standing, width: int) -> None:
    def words(of: int) -> int:
        return sum(piece.look not in ("done", "left") for piece in progress_line(at, of))

    assert words(400) >= words(width)


def standing(**given: object) -> Standing:
    plain = {"total": 1500, "accepted": 490, "rejected": 0, "in_doubt": 0, "rate": 99.0}
    return Standing(**{**plain, **given})  # type: ignore[arg-type]


def test_in_80_columns_everything_is_there() -> None:
    said = line(progress_line(standing(), 79))
    assert said.endswith("490 of 1,500  99/s  10 s left  490 accepted  0 rejected  0 in doubt")
    assert said.startswith("━━━─")
    assert said.index("  ") >= NARROWEST_BAR


def test_in_a_narrow_one_bad_news_stays_and_the_bar_goes() -> None:
    at = standing(accepted=489, rejected=3, in_doubt=1)
    assert line(progress_line(at, 50)) == "493 of 1,500  10 s left  3 rejected  1 in doubt"
    assert line(progress_line(at, 40)) == "493 of 1,500  3 rejected  1 in doubt"
    assert line(progress_line(at, 12)) == "493 of 1,500"


def test_the_bar_is_full_at_the_end_and_empty_at_the_beginning() -> None:
    full = progress_line(standing(accepted=1500), 200)
    empty = progress_line(standing(accepted=0, rate=None), 200)
    assert [piece.words for piece in full[:2]] == ["━" * 30, ""]
    assert [piece.words for piece in empty[:2]] == ["", "─" * 30]


def test_a_wave_and_its_pause_are_told() -> None:
    said = line(progress_line(standing(wave=2, waves=3, is_pausing=True), 200))
    assert "wave 2 of 3  pausing" in said
    assert "/s" not in said
