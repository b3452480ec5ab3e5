"""The page that is served while somebody writes: its parts, each of which can be shown anew by itself."""

from collections.abc import Mapping

from runner.findings import Severity
from runner.output.words import number
from runner.pages import Content, Html, badge, document, element, icon, joined

from .figures import characters, figures
from .findings import errors, rest
from .message import beside, stage
from .people import messages, people, seek
from .told import Scene, View, chosen

STYLES = ("look.css", "phone.css", "preview.css")
SCRIPT = "preview.js"
ASSETS: Mapping[str, str] = {
    **dict.fromkeys(STYLES, "text/css"),
    SCRIPT: "text/javascript",
}
_KEYS = (("/", "search"), ("j", "next"), ("k", "previous"), ("Esc", "leave the search"))


def live_page(scene: Scene, view: View) -> str:
    """A whole page, which shows all without its script too: that only keeps it up to date."""
    parts = regions(scene, view)

    def part(name: str, tag: str = "div", **more: str | bool | None) -> Html:
        return element(tag, Html(parts[name]), id=name, **more)

    return document(
        title(scene),
        element(
            "div",
            part("top", "header", class_="top"),
            part("figures"),
            part("findings", class_="stack"),
            element(
                "main",
                part("messages"),
                part("stage"),
                element("section", part("seek"), part("people"), class_="card", id="list", aria_label="Recipients"),
                part("beside", class_="stack"),
                class_="desk",
            ),
            part("notes", class_="stack"),
            part("characters"),
            _foot(),
            class_="page",
        ),
        styles=STYLES,
        script=SCRIPT,
        is_served=True,
    )


def title(scene: Scene) -> str:
    told = scene.latest
    has_errors = told is not None and told.has_errors
    name = (told.name or told.path) if told is not None else "flypast"
    return f"{'(!) ' if has_errors or scene.fault else ''}{name} - flypast preview"


def regions(scene: Scene, view: View) -> dict[str, Html]:
    """The parts of the page by their ids."""
    told = scene.told
    picked = chosen(told, view) if told is not None else None
    nothing = Html("")
    return {
        "top": _top(scene),
        "figures": figures(told, scene.latest) if told is not None else nothing,
        "findings": errors(scene),
        "notes": rest(scene.latest) if scene.latest is not None else nothing,
        "messages": (messages(told, view) or nothing) if told is not None else nothing,
        "stage": stage(told, picked) if told is not None and picked is not None else nothing,
        "seek": seek(told, picked) if told is not None and picked is not None else nothing,
        "people": people(told, picked) if told is not None and picked is not None else _empty(scene),
        "beside": beside(told, picked) if told is not None and picked is not None else nothing,
        "characters": (characters(told) or nothing) if told is not None else nothing,
    }


def _empty(scene: Scene) -> Html:
    words = (
        "Composing the messages…" if scene.told is None and scene.fault is None else "There are no messages to show."
    )
    return element("p", words, class_="inside soft")


def _top(scene: Scene) -> Html:
    told = scene.latest
    known = (told, scene.told)  # a manifest that can't be read has no name, but it had one
    name = next((each.name for each in known if each is not None and each.name), "Preview")
    about: list[Content] = []
    if told is not None:
        about = [element("bdi", told.path), f" · edition {told.edition}" if told.edition else ""]
    return joined(
        icon(),
        element("div", element("h1", element("bdi", name)), element("p", *about, class_="soft small"), class_="names"),
        element("p", *_status(scene), class_="status", role="status", id="status"),
    )


def _status(scene: Scene) -> list[Content]:
    told, newest = scene.told, scene.newest
    since = f"showing what was saved at {told.at:%H:%M:%S}" if told is not None else "nothing to show yet"
    if scene.fault is not None:
        return [badge("error"), element("span", since, class_="soft small")]
    if newest is not None:
        words = number(newest.count(Severity.ERROR), "error")
        return [badge(words, tone="bad"), element("span", since, class_="soft small")]
    if scene.composing is not None:
        count = f"{scene.composing:,} messages so far" if scene.composing else "reading the files"
        return [badge("composing", tone="note"), element("span", count, class_="soft small")]
    if told is not None and told.has_errors:
        words = number(told.count(Severity.ERROR), "error")
        return [badge(words, tone="bad"), element("span", "save a file to look again", class_="soft small")]
    return [
        badge("live", tone="good"),
        element("span", since if told is None else f"as saved at {told.at:%H:%M:%S}", class_="soft small"),
    ]


def _foot() -> Html:
    keys = [joined(element("kbd", key), f" {what}") for key, what in _KEYS]
    return element(
        "footer",
        element("p", *(joined(key, "   ") for key in keys), class_="keys"),
        element("p", "Nothing on this page leaves this machine: no picture is fetched, no address is followed."),
        class_="foot",
    )
