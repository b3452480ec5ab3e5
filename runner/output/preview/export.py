"""The page that is written to a file: everything to read is in it, and nothing of it runs."""

import json
from collections.abc import Iterator, Sequence

from runner.output.words import number
from runner.pages import Content, Html, badge, document, element, icon
from runner.plan.album import Shown
from runner.plan.samples import Risk

from .figures import characters, figures
from .findings import errors, rest
from .message import details, message_phone, written_phone
from .page import STYLES
from .people import RISKS, marks, snippet
from .told import DraftTold, Scene, Told

LISTED = 25  # recipients of each message that stand in its table
_PHONES = 3
Sampled = tuple[Shown, tuple[Risk, ...]]


def export_page(told: Told) -> str:
    """One page for a review: figures, findings, and each message on the phones that most likely get it wrong."""
    return document(
        f"{told.name or told.path} - flypast preview",
        element(
            "div",
            _top(told),
            figures(told),
            element("div", errors(Scene(told=told)), id="findings", class_="stack"),
            element("main", *(_message(told, draft) for draft in told.drafts)),
            element("div", rest(told), id="notes", class_="stack"),
            element("div", characters(told), id="characters"),
            _foot(told),
            class_="page",
        ),
        styles=STYLES,
    )


def _top(told: Told) -> Html:
    about: list[Content] = [element("bdi", told.path), f" · edition {told.edition}" if told.edition else ""]
    return element(
        "header",
        icon(),
        element(
            "div",
            element("h1", element("bdi", told.name or "Preview")),
            element("p", *about, class_="soft small"),
            class_="names",
        ),
        element(
            "p",
            badge(
                "people's data is shown" if told.shows_people else "people's data is masked",
                tone="doubt" if told.shows_people else "good",
            ),
            class_="status",
        ),
        class_="top",
    )


def _message(told: Told, draft: DraftTold) -> Html:
    count = len(told.album.drafts.get(draft.name, ()))
    phones = list(_phones(told, draft))
    return element(
        "section",
        element(
            "div",
            element("h2", element("bdi", draft.name)),
            badge(draft.kind, tone="note"),
            element("span", f"{number(count, 'recipient')} through {draft.channel.name}", class_="soft small"),
            class_="title",
        ),
        element("div", *phones, class_="phones one" if len(phones) == 1 else "phones"),
        _table(told, draft, count),
        class_="message",
        aria_label=f"Message {draft.name}",
    )


def _phones(told: Told, draft: DraftTold) -> Iterator[Html]:
    """One for each that reads otherwise: masked, many read alike."""
    alike: dict[str, list[Sampled]] = {}
    for shown, risks in _samples(told, draft):
        request = told.request(shown)
        alike.setdefault(json.dumps([request.get("body"), request.get("template")]), []).append((shown, risks))
    for (shown, risks), *others in alike.values():
        yield element(
            "div",
            message_phone(told, draft, shown),
            *(_caption(*each) for each in ((shown, risks), *others)),
            element(
                "details",
                element("summary", "Segments and request"),
                element("div", *details(told, draft, shown), class_="stack"),
                open=len(alike) == 1,
            ),
            class_="sample",
        )
    if not alike:
        caption = element("p", "Nobody gets it as it is now.", class_="caption soft")
        yield element("div", written_phone(draft), caption, class_="sample")


def _caption(shown: Shown, risks: Sequence[Risk]) -> Html:
    words = [badge(RISKS[risk], tone="doubt" if risk in ("ucs2", "emptyValue") else "note") for risk in risks]
    return element("p", element("bdi", shown.row, class_="mono small"), " ", *words, class_="caption")


def _samples(told: Told, draft: DraftTold) -> Sequence[Sampled]:
    """The riskiest, and then the first rows."""
    chosen = list(told.album.samples(draft.name))
    rows = {shown.row for shown, _ in chosen}
    for index in told.album.drafts.get(draft.name, range(0))[:_PHONES]:
        shown = told.album.at(index)
        if len(chosen) < _PHONES and shown.row not in rows:
            chosen.append((shown, ()))
    return chosen[:_PHONES]


def _table(told: Told, draft: DraftTold, count: int) -> Html | None:
    numbers = told.album.drafts.get(draft.name, range(0))[:LISTED]
    if not numbers:
        return None
    heads = [element("th", name, scope="col") for name in ("Row", "To", "Country", "Segments", "What it says")]
    more = (
        f"The first {len(numbers):,} of {number(count, 'recipient')}"
        if count > len(numbers)
        else number(count, "recipient")
    )
    return element(
        "details",
        element("summary", more),
        element(
            "div",
            element(
                "table",
                element("thead", element("tr", *heads)),
                element("tbody", *(_row(told, told.album.at(each)) for each in numbers)),
                class_="table",
            ),
            class_="scrolls card",
            tabindex=0,
            role="region",
            aria_label=f"Recipients of {draft.name}",
        ),
    )


def _row(told: Told, shown: Shown) -> Html:
    return element(
        "tr",
        element("td", element("bdi", shown.row), class_="mono"),
        element("td", element("bdi", told.whom(shown)), class_="mono"),
        element("td", shown.country or "-"),
        element("td", str(shown.segments or "-"), " ", *marks(shown)),
        element("td", snippet(told, shown)),
    )


def _foot(told: Told) -> Html:
    masked = "" if told.shows_people else " The words of each text are exact; what an expression prints is masked."
    return element(
        "footer",
        element("p", f"Made by flypast preview on {told.at:%Y-%m-%d at %H:%M %Z}.{masked}"),
        element("p", "No ledger was read: who has a message already is counted too. No picture was fetched."),
        class_="foot",
    )
