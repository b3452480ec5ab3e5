"""Text from manifests, data or Bird, made inert for a terminal and a CI log. What is sent never passes through here."""

import json
import re
from typing import Any

# Control characters, format controls (bidi, zero-width, tags), line and paragraph separators, lone surrogates, and the
# fillers that print as nothing. The Arabic number signs and the like are format controls too: seldom seen, so shown.
_INVISIBLE = (
    "\x00-\x1f\x7f-\x9f\xad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b\u200c\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufeff\uffa0\ufff0-\ufffb"
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_SYMBOLS = "\u2190-\u2bff\U0001f000-\U0001faff"

_UNSAFE = re.compile(
    f"[{_INVISIBLE}]"
    # A joiner is kept where it makes one emoji of two.
    f"|(?<![{_SYMBOLS}\ufe0f])\u200d|\u200d(?![{_SYMBOLS}])"
    # `::error::` at the start of a line is a command to GitHub; one colon of each pair is enough to break it anywhere.
    "|(?<=:):"
    # `##[group]` and `##vso[…]` are commands anywhere in a line; what stands before this text may end in a `#`.
    "|(?:(?<=#)|\\A)#(?=\\w*\\[)"
    # What an annotation would turn back into a line break.
    "|%(?=0[aAdD])"
)
# Other blanks than the plain one.
_BLANKS = re.compile("[\xa0\u1680\u2000-\u200a\u202f\u205f\u3000]")
_COMMAND_IN_JSON = re.compile(r"(?<=#)#(?=\w*\[)")


def neutral(text: str) -> str:
    """The text on one line: what could steer a terminal or a CI runner stands there as `\\x1b`, `\\n` or `\\u202e`.

    Accents, emoji and every script stay as they are. Doing it twice changes nothing more.
    """
    return _UNSAFE.sub(_visible, text)


def visible(text: str) -> str:
    """For a line held against another: blanks that only look like one, and those at its end, are shown as well."""
    shown = _BLANKS.sub(_visible, neutral(text))
    bare = shown.rstrip(" ")
    return bare + "\N{MIDDLE DOT}" * (len(shown) - len(bare)) if len(bare) > 1 else shown


def blotted(text: str) -> str:
    """As wide as it was, for a line with carets below: each character that `neutral` would show becomes one `�`."""
    return _UNSAFE.sub("\N{REPLACEMENT CHARACTER}", text)


def json_text(value: Any, *, indent: int | None = None) -> str:
    """JSON in plain ASCII that parses back equal and holds no workflow command. ValueError for NaN and infinities."""
    written = json.dumps(value, ensure_ascii=True, allow_nan=False, indent=indent)
    return _COMMAND_IN_JSON.sub(r"\\u0023", written)


def _visible(found: re.Match[str]) -> str:
    character = found.group()
    if character in "#:%":
        return f"\\x{ord(character):02x}"
    return character.encode("unicode_escape").decode("ascii")
