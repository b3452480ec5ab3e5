"""What a report's page is put together from."""

import re
from collections.abc import Iterable, Sequence

from runner.pages import Content, Html, element

from .neutral import neutral
from .words import number

_ID = re.compile("[0-9a-f-]{36}").fullmatch
_WIDE = ("Bird's words", "Why", "Means")  # columns that take the room that is left


def figure(title: str, value: str, more: str, outcome: str = "") -> Html:
    inside = element("dd", value, element("small", more))
    return element("div", element("dt", title), inside, class_=f"is-{outcome}" if outcome else None)


def card(title: str, *inside: Content, head: str = "") -> Html:
    beside = element("span", head, class_="soft small") if head else None
    return element("section", element("div", element("h2", title), beside, class_="head"), *inside, class_="card")


def table(heads: Sequence[str], rows: Iterable[Sequence[Content]], *, name: str, numbers: Iterable[int] = ()) -> Html:
    numbers = frozenset(numbers)

    def kind(index: int) -> str | None:
        return "number" if index in numbers else None

    top = [
        element("th", head, scope="col", class_="wide" if head in _WIDE else kind(index)) if head else element("td")
        for index, head in enumerate(heads)
    ]
    body = [element("tr", *(element("td", cell, class_=kind(index)) for index, cell in enumerate(row))) for row in rows]
    made = element("table", element("thead", element("tr", *top)), element("tbody", *body), class_="table")
    return element("div", made, class_="scrolls", tabindex="0", role="region", aria_label=name)


def rest(left: int, noun: str) -> Html | None:
    if left <= 0:
        return None
    words = element("code", "flypast report --format json")
    return element("p", f"{number(left, noun)} more: ", words, " has all.", class_="soft small inside-line")


def shown_name(text: str) -> Html:
    """An id of Bird's is read letter by letter, and never in two lines."""
    return element("code", text, class_="id") if _ID(text) else data(text)


def data(text: str) -> Html:
    """What somebody else wrote: on one line, and read in its own direction."""
    return element("bdi", neutral(text))
