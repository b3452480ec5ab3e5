"""The frame of every page: its head, its styles, and what a browser may do with it."""

import base64
import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from .elements import Content, Html, element, joined

# Of a page that is served on loopback: it loads its own styles and scripts, speaks to nobody else, stands in no frame,
# is kept nowhere, and tells no other page where it was.
SERVED_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}

_ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="#2450d8"/>'
    '<path d="M6 17 26 7l-6 19-5-7z" fill="#fff"/><path d="m15 19 11-12-13 10z" fill="#b9c9ff"/></svg>'
)


@cache
def asset(name: str) -> str:
    """A file that ships beside this module: `look.css`, `preview.js`."""
    return files("runner.pages").joinpath(name).read_text("utf-8")


def icon() -> Html:
    """The mark of flypast, as wide as a line is high."""
    return Html(_ICON.replace("<svg ", '<svg class="mark" aria-hidden="true" ', 1))


def document(
    title: str, *body: Content, styles: tuple[str, ...] = ("look.css",), script: str = "", is_served: bool = False
) -> str:
    """A whole page. `styles` and `script` are names of assets.

    One that is served links them (relative to itself; SERVED_HEADERS allow it). A file has its styles inside and no
    script, and itself forbids all else: it looks the same offline, and asks nobody for anything.
    """
    sheets = _linked(styles) if is_served else _embedded(styles)
    head = element(
        "head",
        Html('<meta charset="utf-8">'),
        Html("" if is_served else f'<meta http-equiv="Content-Security-Policy" content="{_policy(styles)}">'),
        Html('<meta name="viewport" content="width=device-width, initial-scale=1">'),
        Html('<meta name="color-scheme" content="light dark"><meta name="referrer" content="no-referrer">'),
        Html('<meta name="robots" content="noindex">'),
        element("title", title),
        element("link", rel="icon", href=_icon_address()),
        sheets,
        element("script", src=script, defer=True) if script and is_served else None,
    )
    return f"<!doctype html>\n{element('html', head, element('body', joined(*body)), lang='en')}\n"


def _linked(styles: tuple[str, ...]) -> list[Content]:
    return [element("link", rel="stylesheet", href=name) for name in styles]


def _embedded(styles: tuple[str, ...]) -> Html:
    return Html(f"<style>{_sheet(styles)}</style>")


@cache
def _sheet(styles: tuple[str, ...]) -> str:
    return "\n".join(map(asset, styles))


def _policy(styles: tuple[str, ...]) -> str:
    digest = base64.b64encode(hashlib.sha256(_sheet(styles).encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"


@cache
def _icon_address() -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(_ICON.encode()).decode()}"
