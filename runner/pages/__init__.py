"""Pages that people look at in a browser: one look for all of them, and nothing that asks the network for anything."""

from runner.states import STATES, Tone

from .elements import Content, Html, element, joined
from .look import SERVED_HEADERS, asset, document, icon
from .states import badge

__all__ = [
    "SERVED_HEADERS",
    "STATES",
    "Content",
    "Html",
    "Tone",
    "asset",
    "badge",
    "document",
    "element",
    "icon",
    "joined",
]
