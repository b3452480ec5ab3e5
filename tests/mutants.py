"""Valid requests of every kind, and thousands of requests with one mistake each."""

import copy
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SAMPLES = Path(__file__).parent / "bird_requests"
RECEIVER = {"contacts": [{"identifierKey": "phonenumber", "identifierValue": "+14155550100"}]}
BODIES = ("file-*.json", "image-*.json", "text.json")
ATTACHED = {"content": "aGk=", "contentType": "text/plain", "filename": "hi.txt", "contentId": "hi", "inline": True}
MAIL = {
    "subject": "Spring",
    "emailFrom": {"username": "shop", "displayName": "Acme"},
    "headers": {"X-Acme": "1"},
    "initialOpenTracking": False,
    "clickTracking": True,
    "openTracking": True,
}
STICKER = {
    "mediaUrl": "https://acme.example/a.webp",
    "contentType": "image/webp",
    "filename": "a.webp",
    "altText": "a cat",
    "metadata": {"isAnimated": True},
}
STORY = {"storyType": "mention", "fallbackText": "Hi", "telegram": {"parseMode": "MarkdownV2"}}
EMOJI = {"index": 0, "productId": "p", "emojiId": "1", "length": 2}
INNER = {"type": "section", "section": {"items": [{"type": "text", "text": {"text": "Hi"}}]}}
POSTBACK = {"text": "No", "payload": "n", "metadata": {"description": {"label": "No"}}}
ACTIONS = [
    {"type": "reply", "reply": {"text": "Yes", "imageUrl": "https://acme.example/y.png"}},
    {"type": "postback", "postback": POSTBACK},
    {"type": "buy", "buy": {"text": "Buy", "amountCents": 100, "currency": "EUR"}},
    {"type": "locationRequest"},
    {"type": "locationRequest", "locationRequest": {"text": "Where?"}},
    {"type": "link", "link": {"text": "See", "url": "https://acme.example"}},
]
CONTENTS: dict[str, dict[str, Any]] = {
    "html": {"html": "<p>Hi</p>", "attachments": [ATTACHED], "metadata": MAIL},
    "gif": {"mediaUrl": "https://acme.example/a.gif", "altText": "a cat"},
    "location": {
        "coordinates": {"latitude": 52.3, "longitude": 4.9},
        "location": {"label": "Shop", "address": "1 Main St"},
    },
    "carousel": {"items": [{"title": "One", "mediaUrl": "https://acme.example/1.png"}]},
    "list": {
        "text": "Choose",
        "items": [{"title": "One"}],
        "metadata": {"button": {"label": "Open"}, "replyMessage": {"title": "Yours", "text": "One"}},
    },
    "section": {"items": [INNER], "configurations": {"a": "b"}},
    "authentication": {"otp": {"disclaimer": True, "expirationTime": 90}},
    "template": {},
    "text": {
        "text": "Hi",
        "actions": ACTIONS,
        "metadata": {"apple": {"summaryText": "Hi"}, "line": {"emoji": {"items": [EMOJI]}}},
    },
    "file": {"files": [STICKER], "metadata": STORY},
}
OTHER_BODIES: list[dict[str, Any]] = [
    *({"type": kind, kind: content} for kind, content in CONTENTS.items()),
    {"type": "action", "permission_request": {"resource": "call"}},
]
SHOWN: dict[str, Any] = {"id": "x", "reference": "r", "role": "main", "hidden": False}
WHATSAPP_ITEM = {"type": "whatsapp-product-item", "whatsappProductItem": {"externalProductId": "sku-1"}, **SHOWN}
WHATSAPP_SECTION = {"title": "Shoes", "products": [WHATSAPP_ITEM]}
PRODUCT = {"externalProductId": "sku-1", "amount": "49.95", "text": "Red"}
CHOICE = {"type": "reply-action", "replyAction": {"text": "Red", "payload": "r", "subTitle": "the reddest"}, **SHOWN}
SECTION = {"id": None, "title": "Colours", "multipleSelection": True, "items": [CHOICE]}
SHIPPING = {"amount": "5.00", "label": "Post", "identifier": "post", "detail": "two days"}
PARAMETERS: dict[str, Any] = {
    "string": "Robert",
    "number": 1.5,
    "boolean": True,
    "object": {"a": 1},
    "sectionList": {"sections": [SECTION]},
    "timeslotList": {"timeslots": [{"id": "1", "startTime": "2026-03-28T19:11:00Z", "duration": 1800}]},
    "productSections": {"productSections": [{"title": "Shoes", "products": [PRODUCT]}]},
    "productList": {"products": [{"type": "product", "product": dict(PRODUCT)}]},
    "shippingMethodList": {"shippingMethods": [SHIPPING]},
    "lineItemList": {"lineItems": [{"amount": "49.95", "text": "Shoes", "type": "final"}]},
    "whatsappProductSections": {
        "sections": [{"type": "whatsapp-product-section", "whatsappProductSection": WHATSAPP_SECTION, **SHOWN}]
    },
    "whatsappProductItems": {"products": [dict(WHATSAPP_ITEM)]},
}
OTHER_TEMPLATES: list[dict[str, Any]] = [
    {
        "name": "welcome",
        "parameters": [{"type": kind, "key": "k", "value": value} for kind, value in PARAMETERS.items()],
        "settings": {"useMmLite": True},
    },
    {
        "name": "welcome",
        "settings": {"disallowMmLite": True},
        "utmParameters": [{"key": "utm_source", "reference": "channel_name"}],
    },
]
JUNK: list[Any] = [
    None,
    True,
    0,
    7,
    -1,
    1.5,
    10**10,
    "",
    "x",
    "A b!",
    "text",
    "https://acme.example/a\n",
    [],
    {},
    ["x"],
    [{}],
    {"a": "b"},
]

Steps = tuple[str | int, ...]


def sample(name: str) -> Any:
    return json.loads((SAMPLES / name).read_text(encoding="utf-8"))


def full_requests() -> list[dict[str, Any]]:
    """Bird's sample of all fields, made sendable: a body or a template, and no frequency cap without its use case."""
    full = {**sample("full-request.json"), "capFrequency": False}
    return [{name: value for name, value in full.items() if name != dropped} for dropped in ("body", "template")]


def requests() -> list[dict[str, Any]]:
    """Valid requests: Bird's samples, and one of each other kind. No two share a part."""
    bodies = [sample(path.name) for pattern in BODIES for path in sorted(SAMPLES.glob(pattern))] + OTHER_BODIES
    templates = [sample("template.json"), *OTHER_TEMPLATES]
    receivers = [sample("receiver-with-key.json"), sample("receiver-value-only.json")]
    made: list[dict[str, Any]] = [
        *full_requests(),
        *({"receiver": RECEIVER, "body": body} for body in bodies),
        *({"receiver": RECEIVER, "template": template} for template in templates),
        *({"receiver": receiver, "body": sample("text.json")} for receiver in receivers),
        {"receiver": RECEIVER, "body": sample("text.json"), "template": None, "shortLinks": None},
        {"receiver": RECEIVER, "body": None, "template": {"name": "welcome", "shortLinks": None, "settings": None}},
        {"receiver": RECEIVER, "body": sample("text.json"), "capFrequency": True,
         "meta": {"extraInformation": {"useCase": "marketing"}}},
    ]  # fmt: skip
    return [json.loads(json.dumps(request)) for request in made]


def in_manifest(request: Any) -> dict[str, Any]:
    """The manifest whose one message is this request, its receiver as written."""
    message = {"channel": "sms", **request} if isinstance(request, dict) else request
    return {"apiVersion": "flypast/v1", "name": "wrapped", "messages": {"only": message}}


def mutants(count: int, seed: int) -> Iterator[Any]:
    """Requests with one change each, most of them a mistake; the same ones on every run."""
    chance = random.Random(seed)
    bases = requests()
    for _ in range(count):
        mutant = copy.deepcopy(chance.choice(bases))
        _change(chance, mutant)
        yield mutant


def nodes(value: Any, path: Steps = ()) -> Iterator[tuple[Steps, Any]]:
    """Every value inside, with its path."""
    yield path, value
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, child in children:
        yield from nodes(child, (*path, step))


def put(root: Any, path: Steps, value: Any) -> None:
    for step in path[:-1]:
        root = root[step]
    root[path[-1]] = value


def _change(chance: random.Random, mutant: Any) -> None:
    path, value = chance.choice([each for each in nodes(mutant) if each[0]])
    parent = mutant
    for step in path[:-1]:
        parent = parent[step]
    match chance.choice(("junk", "junk", "drop", "extra", "rename", "many")):
        case "junk":
            parent[path[-1]] = copy.deepcopy(chance.choice(JUNK))
        case "drop":
            del parent[path[-1]]
        case "extra" if isinstance(parent, dict):
            parent[chance.choice(("zzz", "text", "image", "template", "url", "__proto__"))] = chance.choice(JUNK)
        case "rename" if isinstance(parent, dict):
            parent[f"{path[-1]}x"] = parent.pop(path[-1])
        case "many" if isinstance(parent, list):
            parent.extend(copy.deepcopy(value) for _ in range(10))
        case _:
            parent[path[-1]] = [copy.deepcopy(value)]
