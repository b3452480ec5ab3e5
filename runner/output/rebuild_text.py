"""A ledger's rebuilding in words."""

from collections.abc import Mapping

from .neutral import neutral
from .palette import Palette
from .words import joined, number


def question(totals: Mapping[str, int], *, manifest: str, ledger: str, is_new: bool) -> str:
    """The act with its numbers, without the question mark."""
    into = f"the new {ledger}" if is_new else ledger
    doubtful = totals["double"] + totals["inDoubt"]
    parts = [(totals["accepted"], "accepted"), (totals["rejected"], "rejected"), (doubtful, "in doubt")]
    found = ", ".join(f"{count:,} {words}" for count, words in parts if count)
    messages = number(to_write(totals), "message")
    return f"Write {messages} of {manifest} into {neutral(into)}: {found}"


def to_write(totals: Mapping[str, int]) -> int:
    """How many messages the ledger is to be told of."""
    return totals["messages"] - totals["known"] - totals["skipped"]


def outcome(totals: Mapping[str, int], written: int, palette: Palette) -> str:
    """What the ledger knows now that it did not know."""
    parts = [
        palette.counted(state, totals[ending], words)
        for ending, state, words in (
            ("accepted", "accepted", None),
            ("rejected", "rejected", None),
            ("double", "error", "at Bird several times"),
            ("inDoubt", "inDoubt", None),
        )
        if totals[ending]
    ]
    wrote = f"Wrote {number(written, 'message')}: {', '.join(parts)}" if written else "Nothing to write"
    rest = [
        f"{totals[key]:,} {words}"
        for key, words in (("known", "known to the ledger and left as they are"), ("skipped", "skipped"))
        if totals[key]
    ]
    return f"{wrote}; {joined(rest)}" if rest else wrote


def looking(channels: int, since: str) -> str:
    return f"Looking through Bird's list of {number(channels, 'channel')} since {since}"


def others(count: int) -> str:
    messages = number(count, "other flypast message")
    return f"{messages} there: another manifest's, another edition's, or to people who are not in these lists"


GOES_AGAIN = (
    "policy.delivery is at-least-once: what is in doubt will be sent again without asking. What went out before "
    "--since would go out twice; look back to before the first send"
)
NOT_WHOLE = "The ledger is not whole: a send now could send again what it does not hold yet. First run this again."
