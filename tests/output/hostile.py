"""Names and texts that are hard to lay out, as strategies."""

from hypothesis import strategies as st

from runner.output.neutral import neutral

PIECES = st.sampled_from(
    [
        *("a", "W", "-", " ", "Ω", "李", "한국어", "ไทย", "محمد", "e\u0301", "\u200b", "\u202e", "\xa0", "\u3000"),
        *(
            "🎉",
            "👩\u200d👩\u200d👧",
            "👍🏽",
            "🇺🇸",
            "…",
            "━",
            "\x1b[31m",
            "\t",
            "\n",
            "5a0c8c1e-2f0e-4c0e",
            "1,204",
            ", ",
        ),
    ]
)
TEXTS = st.lists(PIECES, max_size=60).map("".join).map(neutral)
NAMES = st.lists(PIECES, min_size=1, max_size=40).map("".join).map(neutral).filter(str.strip)
WIDTHS = st.integers(20, 200)
COUNTS = st.integers(0, 99_999_999)
