"""HTML that is safe by how it is made: text becomes markup in `element` alone, and is escaped there."""

import re
from collections.abc import Iterable
from html import escape as _escaped

_VOID = frozenset({"br", "hr", "img", "input", "link", "meta", "wbr"})
_NAME = re.compile(r"[a-z][a-z0-9-]*").fullmatch
_ATTRIBUTE = re.compile(r"[a-zA-Z][a-zA-Z0-9:-]*").fullmatch

# Control characters have pictures of their own; HTML can't hold them, nor halves of a surrogate pair.
_PICTURES = {code: chr(0x2400 + code) for code in range(32) if chr(code) not in "\t\n"}
_PICTURES |= {127: "\u2421"} | dict.fromkeys(range(128, 160), "\ufffd") | dict.fromkeys(range(0xD800, 0xE000), "\ufffd")


class Html(str):
    """Markup as it goes out. Whoever makes one by hand vouches for it: only fixed texts are."""

    __slots__ = ()


Content = str | Iterable["Content"] | None  # a str that is no Html is text


def element(name: str, /, *inside: Content, **attributes: str | int | bool | None) -> Html:
    """One element. `class_` and `for_` are `class` and `for`, `aria_label` is `aria-label`.

    True is an attribute without a value, False and None leave it out. ValueError for a name that can't be one.
    """
    if not _NAME(name):
        raise ValueError(f"{name!r} is no element")
    start = f"<{name}{''.join(_attribute(*each) for each in attributes.items())}>"
    return Html(start) if name in _VOID else Html(f"{start}{joined(*inside)}</{name}>")


def joined(*inside: Content) -> Html:
    """One after another, text escaped."""
    return Html("".join(map(_markup, inside)))


def _markup(content: Content) -> str:
    if content is None:
        return ""
    if isinstance(content, Html):
        return content
    if isinstance(content, str):
        return _escaped(content.translate(_PICTURES))
    return "".join(map(_markup, content))


def _attribute(name: str, value: str | int | bool | None) -> str:
    if value is None or value is False:
        return ""
    name = name.rstrip("_").replace("_", "-")
    if not _ATTRIBUTE(name) or name.startswith("on") or name == "style":  # no page has scripts or styles in its markup
        raise ValueError(f"{name!r} can't be an attribute here")
    return f" {name}" if value is True else f' {name}="{_escaped(str(value).translate(_PICTURES))}"'
