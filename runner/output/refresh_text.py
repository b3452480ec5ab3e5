"""A look at delivery statuses in words."""

from collections.abc import Iterator

from .words import number


def outcome(*, sought: int, found: int, moved: int, doubles: int, not_listed: int | None) -> Iterator[str]:
    """What the look found. `not_listed` None: it did not come to the end of Bird's list."""
    if not sought:
        yield "nothing to look up: nothing was accepted, or all that was has its last status"
        return
    moves = f"{moved:,} with another status than before" if moved else "none with another status than before"
    yield f"Looked up {number(sought, 'message')}: {found:,} found, {moves}"
    if doubles:
        yield (
            f"{number(doubles, 'message')} without an id of Bird's, and with a reference that is not unique: which of "
            "Bird's is whose can't be told"
        )
    if not_listed:
        yield f"{number(not_listed, 'message is', 'messages are')} not in Bird's list; what was known of them stays"
