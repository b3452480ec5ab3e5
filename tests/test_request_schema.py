"""Bird's request as the schema says it: every rule names its page, and wants what Bird documents."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from runner.judge import judge, schema_text
from tests import mutants
from tests.mutants import RECEIVER, Steps

SCHEMA: dict[str, Any] = json.loads(schema_text("request"))
PAGES = {
    *("Messaging", "Sending SMS messages", "Programmable SMS", "Sending WhatsApp messages", "Sending Emails"),
    *("Sending SMS messages, Template", "Sending Emails, HTML metadata", "MMS sizes and limitations"),
    *("Best practices for MMS campaigns", "Quiet hours", "Send batch messages", "Message Failure Codes"),
}
TOP_LEVEL = {
    *("sender", "receiver", "reference", "template", "body", "meta", "replyTo", "notification", "capFrequency"),
    *(
        "enableLinkTracking",
        "ignoreQuietHours",
        "ignoreGlobalHoldout",
        "tags",
        "shortLinks",
        "scheduledFor",
        "validity",
    ),
}
BODY_TYPES = {
    *("text", "html", "image", "file", "gif", "location", "carousel", "list", "section", "authentication"),
    *("template", "action"),
}


def described(node: dict[str, Any], path: Steps) -> Iterator[tuple[Steps, dict[str, Any]]]:
    """Every part of the schema that a value in a request meets."""
    for name, part in node.get("properties", {}).items():
        yield (*path, name), part
        yield from described(part, (*path, name))
    for keyword in ("items", "additionalProperties"):
        if isinstance(node.get(keyword), dict):
            yield (*path, keyword), node[keyword]
            yield from described(node[keyword], (*path, keyword))


PARTS = [
    *described(SCHEMA, ()),
    *(each for name, part in SCHEMA["$defs"].items() for each in described(part, (name,))),
]


@pytest.mark.parametrize(("path", "part"), PARTS, ids=[".".join(map(str, path)) for path, _ in PARTS])
def test_every_rule_names_its_page_where_editors_show_it(path: Steps, part: dict[str, Any]) -> None:
    of_ref = SCHEMA["$defs"][part["$ref"].removeprefix("#/$defs/")] if "$ref" in part else {}
    words = part.get("description", of_ref.get("description", ""))
    named = re.search(r"Bird: ([^.]+)\.$", words)
    assert named, f"{path}: {words!r}"
    assert set(named[1].split("; ")) <= PAGES


def test_the_manifest_shows_the_same_words() -> None:
    """What an expression may stand for is wrapped there, and its description stays outside, where editors look."""
    written = json.loads(schema_text("manifest"))["$defs"]["message"]["properties"]
    for name, part in SCHEMA["properties"].items():
        assert written[name].get("description") == part.get("description"), name


def test_the_top_level_has_exactly_birds_properties() -> None:
    assert set(SCHEMA["properties"]) == TOP_LEVEL
    assert SCHEMA["required"] == ["receiver"]


def test_bodies_have_exactly_birds_types() -> None:
    assert set(SCHEMA["$defs"]["body"]["properties"]["type"]["enum"]) == BODY_TYPES


def test_samples_cover_every_property() -> None:
    """Some valid request has each property that the schema knows: so every test over them meets all of it."""
    seen: set[str] = {
        str(step) for request in mutants.requests() for path, _ in mutants.nodes(request) for step in path
    }
    known = {str(path[-1]) for path, _ in PARTS if path[-1] not in ("items", "additionalProperties")}
    assert known - seen == set()


def sent(**fields: Any) -> dict[str, Any]:
    return {"receiver": RECEIVER, "body": {"type": "text", "text": {"text": "Hi"}}, **fields}


def parameter(kind: str, value: Any) -> dict[str, Any]:
    template = {"name": "x", "parameters": [{"type": kind, "key": "k", "value": value}]}
    return {"receiver": RECEIVER, "template": template}


def card(**fields: Any) -> dict[str, Any]:
    return sent(body={"type": "carousel", "carousel": {"items": [fields]}})


OPEN = {
    "sender": sent(sender={"connector": {"identifierValue": "x", "more": 1}}),
    "settings": {"receiver": RECEIVER, "template": {"name": "x", "settings": {"more": None}}},
    "extra information": sent(meta={"extraInformation": {"a": [1, {"b": None}]}}),
    "an object parameter": parameter("object", {"a": [1]}),
    "an item of a section list": parameter(
        "sectionList",
        {"sections": [{"title": "x", "items": [{"type": "reply-action", "replyAction": {"text": "x"}, "more": 1}]}]},
    ),
    "no template": sent(template=None),
    "no body": {"receiver": RECEIVER, "body": None, "template": {"name": "x"}},
    "no short links": sent(shortLinks=None),
    "a card without a picture": card(title="x", mediaUrl=None),
}


@pytest.mark.parametrize("request_", OPEN.values(), ids=OPEN)
def test_what_bird_leaves_open_passes(request_: dict[str, Any]) -> None:
    assert judge("request").errors(request_) == []


NEITHER = {"receiver": RECEIVER, "template": None, "body": None}
CLOSED: dict[str, tuple[dict[str, Any], Steps]] = {
    "no body and no template": (NEITHER, ("body",)),
    "no body and an empty template": ({"receiver": RECEIVER, "template": None}, ()),
    "a section without items": (
        parameter("sectionList", {"sections": [{"title": "x"}]}),
        ("template", "parameters", 0, "value", "sections", 0),
    ),
    "a timeslot without its zone": (
        parameter("timeslotList", {"timeslots": [{"startTime": "2026-03-28T19:11:00", "duration": 1}]}),
        ("template", "parameters", 0, "value", "timeslots", 0, "startTime"),
    ),
    "a long product section": (
        parameter("productSections", {"productSections": [{"title": "x" * 25, "products": []}]}),
        ("template", "parameters", 0, "value", "productSections", 0, "title"),
    ),
    "a line item of another kind": (
        parameter("lineItemList", {"lineItems": [{"amount": "1", "text": "x", "type": "paid"}]}),
        ("template", "parameters", 0, "value", "lineItems", 0, "type"),
    ),
    "an invented key of a product": (
        parameter(
            "productList", {"products": [{"type": "product", "product": {"externalProductId": "x", "price": 1}}]}
        ),
        ("template", "parameters", 0, "value", "products", 0, "product"),
    ),
    "a WhatsApp item without its product": (
        parameter("whatsappProductItems", {"products": [{"type": "whatsapp-product-item"}]}),
        ("template", "parameters", 0, "value", "products", 0),
    ),
    "a picture over http": (card(mediaUrl="http://acme.example"), ("body", "carousel", "items", 0, "mediaUrl")),
}


@pytest.mark.parametrize(("request_", "path"), CLOSED.values(), ids=CLOSED)
def test_what_bird_closes_is_one_error(request_: dict[str, Any], path: Steps) -> None:
    assert [error.path for error in judge("request").errors(request_)] == [path]


def test_every_type_of_parameter_wants_its_own_value() -> None:
    for kind in mutants.PARAMETERS:
        for other, value in mutants.PARAMETERS.items():
            errors = judge("request").errors(parameter(kind, value))
            fits = kind == other or (kind == "object" and isinstance(value, dict))
            assert bool(errors) != fits, (kind, other)
