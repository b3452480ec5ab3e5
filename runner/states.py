"""What states are called and which tone each has: the same in a terminal, on every page, for ours and for Bird's."""

from collections.abc import Mapping
from typing import Literal

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
    "pass": ("pass", "good"),
    "warn": ("warn", "doubt"),
    "fail": ("fail", "bad"),
}
