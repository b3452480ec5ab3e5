"""The inbox's page as it is served: its frame and its words. What arrived is filled in by its script, as text alone."""

import json

from runner.pages import STATES, Html, document, element, icon

ASSETS = ("look.css", "inbox.css", "inbox.js")
TOKEN_HEADER = "X-Flypast-Token"  # noqa: S105 - the name of a header


def inbox_page(token: str) -> str:
    """`token` is what the page proves itself with when it switches a fault."""
    states = json.dumps({name: list(state) for name, state in STATES.items()} | {"refused": ["not taken", "bad"]})
    inbox = element(
        "div",
        _top(),
        element("main", _people(), _talk(), _faults(), class_="panes"),
        class_="inbox",
        id="inbox",
        data_token=token,
        data_states=states,
    )
    styles = tuple(f"_sandbox/{name}" for name in ASSETS if name.endswith(".css"))
    return document("Inbox of the sandbox", inbox, styles=styles, script="_sandbox/inbox.js", is_served=True)


def _top() -> Html:
    about = "What this look-alike of Bird has taken. Nothing of it has left this machine."
    names = element("div", element("h1", "Sandbox"), element("p", about, class_="soft small"), class_="names")
    counts = element("p", id="counts", class_="counts", role="status", aria_label="Messages by status")
    live = element("span", "connecting", id="live", class_="badge")
    faults = element("button", "Faults", id="show-faults", class_="button", type="button", aria_expanded="false")
    return element("header", icon(), names, counts, live, faults, class_="top")


def _people() -> Html:
    search = element(
        "input",
        id="search",
        class_="field",
        type="search",
        placeholder="Number, text or reference",
        aria_label="Search conversations",
        autocomplete="off",
        spellcheck="false",
    )
    hint = element("p", "Nothing has arrived yet.", id="none", class_="soft small nothing")
    noscript = element("noscript", element("p", "This page needs its script: it shows what arrives as it arrives."))
    people = element("ul", id="people", class_="people", aria_label="Conversations")
    more = element(
        "div", element("button", "More", id="more", class_="button", type="button", hidden=True), class_="more"
    )
    scroll = element("div", people, hint, noscript, more, class_="scroll", id="people-scroll")
    return element("section", element("div", search, class_="inside"), scroll, class_="card pane", aria_label="People")


def _talk() -> Html:
    back = element("button", "Back", id="back", class_="button", type="button")
    head = element("div", back, element("h2", "No conversation is open", id="who"), class_="head")
    earlier = element("button", "Earlier messages", id="earlier", class_="button", type="button", hidden=True)
    log = element("ol", id="talk", class_="talk", aria_label="Messages")
    scroll = element(
        "div", element("div", earlier, class_="more"), log, class_="scroll", id="talk-scroll", tabindex="0"
    )
    return element("section", head, scroll, class_="card pane talking", aria_label="Conversation")


def _faults() -> Html:
    about = "What goes wrong from the next request on. Share is how many of a hundred it hits."
    head = element("div", element("h2", "Faults"), class_="head")
    inside = element(
        "div",
        element("p", about, class_="soft small"),
        element("p", id="wrong", class_="notice bad", role="alert", hidden=True),
        element("ul", id="faults", class_="faults"),
        class_="inside scroll",
    )
    return element(
        "section", head, inside, class_="card pane switches", id="switches", aria_label="Faults", hidden=True
    )
