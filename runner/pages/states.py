"""What states are called and which colour they have, the same on every page."""

from collections.abc import Mapping
from typing import Literal

from .elements import Content, Html, element

Tone = Literal["good", "bad", "doubt", "note", "calm"]

# Ours, as plans and ledgers have them, and Bird's statuses. What stands in both means the same.
STATES: Mapping[str, tuple[str, Tone]] = {
    "new": ("new", "note"),
    "planned": ("planned", "note"),
    "sending": ("sending", "note"),
    "accepted": ("accepted", "good"),
    "rejected": ("rejected", "bad"),
    "inDoubt": ("in doubt", "doubt"),
    "absent": ("absent", "doubt"),
    "drift": ("drift", "doubt"),
    "dropped": ("dropped", "calm"),
    "skipped": ("skipped", "calm"),
    "scheduled": ("scheduled", "note"),
    "processing": ("processing", "note"),
    "sent": ("sent", "note"),
    "delivered": ("delivered", "good"),
    "sending_failed": ("sending failed", "bad"),
    "delivery_failed": ("delivery failed", "bad"),
    "deleted": ("deleted", "calm"),
    "error": ("error", "bad"),
    "warning": ("warning", "doubt"),
    "info": ("info", "note"),
}


def badge(state: str, *more: Content, tone: Tone | None = None) -> Html:
    """A state in its colour: the word always stands there too, for colours alone say nothing to many.

    One that nobody knows stands as it is. With `tone` it is any short word.
    """
    word, its = STATES.get(state, (state, "calm"))
    return element("span", word if tone is None else state, *more, class_=f"badge {tone or its}")
