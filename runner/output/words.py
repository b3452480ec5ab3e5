"""Numbers and nouns as people read them."""

from collections.abc import Iterable, Mapping, Sequence


def number(count: int, noun: str, plural: str | None = None) -> str:
    """`1 message`, `1,204 messages`."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def listed(counts: Mapping[str, int]) -> str:
    """`US 1,180, CA 24`: the largest first."""
    return ", ".join(
        f"{name} {count:,}" for name, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    )


def joined(names: Iterable[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    names = list(names)
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else ""


def shortened(names: Sequence[str], most: int = 3) -> str:
    """The first of them and how many more there are: `a, b, c and 4 more`."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return f"{', '.join(names[:most])}{more}"


def duration(seconds: float) -> str:
    """`under a second`, `12 s`, `3 min`, `2 h 10 min`."""
    if seconds < 1:
        return "under a second"
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"
