"""Whom a message goes to: found by words, a page at a time."""

from collections.abc import Iterator
from itertools import chain

from runner.output.words import number
from runner.pages import Content, Html, badge, element, joined
from runner.plan.album import KINDS, Kind, Shown
from runner.plan.samples import Risk

from .told import Chosen, Told, View

KIND_WORDS: dict[Kind, str] = {
    "ucs2": "outside of GSM-7",
    "long": "more than one segment",
    "gap": "with an empty value",
}
RISKS: dict[Risk, str] = {
    "mostSegments": "most segments",
    "emptyValue": "an empty value",
    "ucs2": "outside of GSM-7",
    "longest": "longest text",
}
_SNIPPET = 90


def messages(told: Told, view: View) -> Html | None:
    """The manifest's messages to choose from; nothing where there is one alone."""
    chosen = told.draft(view.message)
    if chosen is None or len(told.drafts) < 2:
        return None
    links = []
    for draft in told.drafts:
        count = len(told.album.drafts.get(draft.name, ()))
        links.append(
            element(
                "li",
                element(
                    "a",
                    element("bdi", draft.name, class_="name"),
                    element("span", f"{draft.kind} · {count:,}", class_="faint small"),
                    href=view.address(message=draft.name, row="", page=1, words="", kind=None),
                    aria_current="page" if draft is chosen else None,
                    data_view=True,
                ),
            )
        )
    return element("nav", element("ul", *links), class_="card messages", aria_label="Messages")


def seek(told: Told, chosen: Chosen) -> Html:
    """The search, and the rows that are worth a look first."""
    total, found = len(told.album.drafts.get(chosen.draft.name, ())), len(chosen.numbers)
    count = f"{found:,} of {number(total, 'recipient')}" if _is_sifted(chosen) else number(total, "recipient")
    return joined(
        element(
            "div",
            element("h2", "Recipients"),
            element("span", count, class_="soft small", role="status"),
            class_="head",
        ),
        _search(told, chosen),
        _risky(told, chosen),
    )


def people(told: Told, chosen: Chosen) -> Html:
    """The list, and the ways to the other pages."""
    if not chosen.listed:
        total = len(told.album.drafts.get(chosen.draft.name, ()))
        return element("p", _nobody(total, is_sifted=_is_sifted(chosen)), class_="inside soft")
    rows = (_person(told, chosen, each) for each in chosen.listed)
    return joined(element("ul", *rows, class_="people"), _pager(chosen))


def _is_sifted(chosen: Chosen) -> bool:
    return bool(chosen.view.words.strip() or chosen.view.kind)


def _risky(told: Told, chosen: Chosen) -> Html | None:
    links = [
        element(
            "a",
            element("bdi", shown.row),
            f" {', '.join(RISKS[risk] for risk in risks)}",
            href=chosen.view.address(message=chosen.draft.name, row=shown.row),
            class_="risk small",
            data_view=True,
        )
        for shown, risks in told.album.samples(chosen.draft.name)
        if risks
    ]
    return (
        element("p", element("span", "Look at first:", class_="faint small"), *links, class_="risky") if links else None
    )


def _nobody(total: int, *, is_sifted: bool) -> str:
    if is_sifted and total:
        return "Nobody of them."
    return "Nobody gets this message as it is now: what is shown is as it is written."


def _search(told: Told, chosen: Chosen) -> Html:
    view, kinds = chosen.view, [each for each in KINDS if told.album.count(chosen.draft.name, each)]
    options: list[Content] = [element("option", "Everybody", value="")]
    options += [
        element(
            "option",
            f"{KIND_WORDS[each]} ({told.album.count(chosen.draft.name, each):,})",
            value=each,
            selected=each == view.kind,
        )
        for each in kinds
    ]
    return element(
        "form",
        element("input", type="hidden", name="message", value=chosen.draft.name),
        element("label", "Search recipients", for_="search", class_="hidden-text"),
        element(
            "input",
            type="search",
            id="search",
            name="q",
            value=view.words,
            placeholder="Search a number, a row, a word",
            class_="field",
            autocomplete="off",
            spellcheck="false",
        ),
        element("label", "Which of them", for_="only", class_="hidden-text") if kinds else None,
        element("select", *options, id="only", name="only", class_="field") if kinds else None,
        element("button", "Search", type="submit", class_="button hidden-text"),
        method="get",
        role="search",
        class_="search",
        id="seek",
    )


def _person(told: Told, chosen: Chosen, shown: Shown) -> Html:
    is_current = chosen.shown is not None and shown.number == chosen.shown.number
    return element(
        "li",
        element(
            "a",
            element("bdi", told.whom(shown), class_="whom"),
            element("bdi", shown.row, class_="row faint small"),
            element("span", snippet(told, shown), class_="snippet soft small"),
            element("span", *marks(shown), class_="marks"),
            href=chosen.view.address(message=chosen.draft.name, row=shown.row, page=chosen.page),
            aria_current="true" if is_current else None,
            data_view=True,
        ),
    )


def snippet(told: Told, shown: Shown) -> str:
    """The beginning of what stands in it, on one line."""
    words = " ".join(" ".join(_said(told.request(shown))).split())
    return f"{words[:_SNIPPET].rstrip()}…" if len(words) > _SNIPPET else words


def _said(request: object) -> Iterator[str]:
    """Texts of a body in its own order, else the values of a template's parameters."""
    body = request.get("body") if isinstance(request, dict) else None
    inner = body.get(body.get("type")) if isinstance(body, dict) else None
    if isinstance(inner, dict):
        yield from (inner[name] for name in ("title", "text", "description") if isinstance(inner.get(name), str))
        return
    template = request.get("template") if isinstance(request, dict) else None
    if isinstance(template, dict):
        listed = (each.get("value") for each in template.get("parameters") or () if isinstance(each, dict))
        values = chain(listed, (template.get("variables") or {}).values())
        yield from (str(each) for each in values if isinstance(each, (str, int, float)))


def marks(shown: Shown) -> Iterator[Html]:
    """What is not as it is for most."""
    if shown.segments > 1:
        yield badge(number(shown.segments, "segment"), tone="note")
    if shown.encoding == "UCS-2":
        yield badge("UCS-2", tone="doubt")
    if shown.has_gap:
        yield badge("empty value", tone="doubt")


def _pager(chosen: Chosen) -> Html | None:
    if chosen.pages < 2:
        return None
    return element(
        "nav",
        _to(chosen, chosen.page - 1, "Previous", "prev"),
        element("span", f"{chosen.page:,} of {chosen.pages:,}", class_="soft small"),
        _to(chosen, chosen.page + 1, "Next", "next"),
        class_="pager",
        aria_label="Pages of recipients",
    )


def _to(chosen: Chosen, page: int, words: str, name: str) -> Html:
    if not 1 <= page <= chosen.pages:
        return element("span", words, class_="button", aria_disabled="true")
    address = chosen.view.address(message=chosen.draft.name, page=page, row="")
    return element("a", words, href=address, class_="button", rel=name, data_view=True)
