"""A message on a phone: the fields that Bird's bodies and templates have in common, whatever their type."""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from .elements import Content, Html, element, joined

Json = Any

_TEXTS = ("title", "text", "description", "label", "address")  # in the order in which phones show them
_SHOWN = frozenset({*_TEXTS, "type", "html", "mediaUrl", "altText", "contentType", "filename", "actions", "items"})
_ADDRESS = re.compile(r"https?://[^\s<>\"']+")
_EXPRESSION = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)

_PICTURE = Html(
    '<svg class="glyph" viewBox="0 0 24 24" aria-hidden="true"><rect x="3" y="4" width="18" height="16" rx="3"/>'
    '<circle cx="9" cy="10" r="1.6"/><path d="m4 18 5-5 3.5 3.5L16 12l4 4"/></svg>'
)
_FILE = Html(
    '<svg class="glyph" viewBox="0 0 24 24" aria-hidden="true"><path d="M6 3h8l4 4v14H6z"/><path d="M14 3v4h4"/></svg>'
)
_SIGNAL = Html(
    '<svg class="signal" viewBox="0 0 46 12" aria-hidden="true"><rect x="0" y="8" width="3" height="4" rx="1"/>'
    '<rect x="5" y="5.5" width="3" height="6.5" rx="1"/><rect x="10" y="3" width="3" height="9" rx="1"/>'
    '<rect x="15" y="0" width="3" height="12" rx="1"/><rect class="hollow" x="24.5" y="1.5" width="18" '
    'height="9" rx="2.5"/><rect x="26" y="3" width="12" height="6" rx="1.4"/>'
    '<rect x="43.5" y="4.5" width="1.5" height="3" rx="0.7"/></svg>'
)


def phone(request: Mapping[str, Json], *, sender: str, kind: str, is_written: bool = False) -> Html:
    """The screen of whoever gets it. `sender` is what stands at its top, `kind` what is above the message (`SMS`).

    Of one that `is_written` only, expressions stand in it as such. Pictures are never fetched: their address stands in
    their place.
    """
    return element(
        "figure",
        element(
            "div",
            element("div", element("span", "9:41"), _SIGNAL, class_="bar", aria_hidden="true"),
            element("div", _face(sender), element("bdi", sender, class_="sender"), class_="who"),
            element("p", kind, class_="day"),
            element("div", *message(request, is_written=is_written), class_="talk"),
            element("div", element("span", "Text message"), class_="answer", aria_hidden="true"),
            class_="screen",
        ),
        class_="phone",
        aria_label=f"The message on a phone, from {sender}",
    )


def message(request: Mapping[str, Json], *, is_written: bool = False) -> Iterator[Html]:
    """What a request shows: bubbles, one below the other."""
    text = _written if is_written else _plain
    body, template = request.get("body"), request.get("template")
    if isinstance(body, Mapping):
        inner = body.get(body["type"]) if isinstance(body.get("type"), str) else None
        if isinstance(inner, Mapping):
            yield from _content(inner, text)
        else:
            yield _bubble(element("span", f"a message of the type {body.get('type')}", class_="quiet"))
    if isinstance(template, Mapping):
        yield _template(template, text)


def _content(inner: Mapping[str, Json], text: "Any") -> Iterator[Html]:
    metadata = inner.get("metadata") if isinstance(inner.get("metadata"), Mapping) else {}
    subject = metadata.get("subject") if isinstance(metadata, Mapping) else None
    media = [each for each in _media(inner) if isinstance(each, Mapping)]
    for number, each in enumerate(media):
        yield _placeholder(each, subject if number == 0 else None)
    words: list[Content] = []
    if isinstance(subject, str) and subject and not media:
        words.append(element("strong", text(subject), class_="subject"))
    words += [_words(name, inner[name], text) for name in _TEXTS if isinstance(inner.get(name), str) and inner[name]]
    words += [_pairs(inner, text)]
    if any(words):
        yield _bubble(*words)
    if isinstance(inner.get("html"), str):
        yield _markup(inner["html"])
    yield from _items(inner, text)
    if buttons := [element("span", label, class_="choice") for label in _labels(inner)]:
        yield element("div", *buttons, class_="choices")
    fallback = metadata.get("fallbackText") if isinstance(metadata, Mapping) else None
    if isinstance(fallback, str) and fallback:
        yield element("p", "Without MMS: ", text(fallback), class_="under")


def _words(name: str, value: str, text: Any) -> Html:
    return element("strong" if name == "title" else "span", text(value), class_="line")


def _media(inner: Mapping[str, Json]) -> Iterator[Json]:
    """Pictures and files: of the message itself, and of each of its lists."""
    if isinstance(inner.get("mediaUrl"), str):
        yield inner
    for name, value in inner.items():
        if isinstance(value, list) and name != "items":
            yield from (each for each in value if isinstance(each, Mapping) and _is_media(each))


def _is_media(each: Mapping[str, Json]) -> bool:
    return "mediaUrl" in each or "content" in each


def _items(inner: Mapping[str, Json], text: Any) -> Iterator[Html]:
    """Cards, rows of a list, parts of a section: each like a message of its own."""
    items = inner.get("items")
    for item in items if isinstance(items, list) else ():
        if not isinstance(item, Mapping):
            continue
        within = item.get(item["type"]) if isinstance(item.get("type"), str) else item
        if isinstance(within, Mapping):
            yield element("div", *_content(within, text), class_="item")


def _labels(inner: Mapping[str, Json]) -> Iterator[str]:
    actions = inner.get("actions")
    for action in actions if isinstance(actions, list) else ():
        what = action.get(action.get("type")) if isinstance(action, Mapping) else None
        label = what.get("text") if isinstance(what, Mapping) else None
        if isinstance(label, str):
            yield label


def _placeholder(media: Mapping[str, Json], subject: Json) -> Html:
    address = str(media["mediaUrl"]) if isinstance(media.get("mediaUrl"), str) else ""
    name = media.get("filename") or address.rpartition("/")[2].partition("?")[0] or "picture"
    is_file = isinstance(media.get("filename"), str) or str(media.get("contentType", "image")).startswith("application")
    return element(
        "div",
        element("strong", subject, class_="subject") if isinstance(subject, str) and subject else None,
        element(
            "div",
            _FILE if is_file else _PICTURE,
            element("strong", str(name), class_="name"),
            element("span", media.get("altText"), class_="alt") if isinstance(media.get("altText"), str) else None,
            element("span", address or "inside the request", class_="address mono"),
            element("span", f"not loaded: {_host(address)} sees nothing of this", class_="alt") if address else None,
            class_="placeholder",
        ),
        class_="bubble media",
    )


def _host(address: str) -> str:
    try:
        return urlsplit(address).hostname or "its host"
    except ValueError:
        return "its host"


def _markup(source: str) -> Html:
    """HTML of an e-mail as its source: nothing of it is rendered or run here."""
    return _bubble(element("span", "HTML, as written:", class_="quiet line"), element("code", source, class_="line"))


def _template(template: Mapping[str, Json], text: Any) -> Html:
    name = template.get("name") or template.get("projectId") or ""
    about = [str(template[key]) for key in ("version", "locale") if template.get(key)]
    return element(
        "div",
        element("span", "Template, its text is at Bird", class_="quiet line"),
        element("strong", str(name), class_="line mono"),
        element("span", " · ".join(about), class_="quiet line mono") if about else None,
        _table(list(_parameters(template)), text),
        class_="bubble template",
    )


def _parameters(template: Mapping[str, Json]) -> Iterator[tuple[str, Json]]:
    parameters, variables = template.get("parameters"), template.get("variables")
    for each in parameters if isinstance(parameters, list) else ():
        if isinstance(each, Mapping):
            yield str(each.get("key", "")), each.get("value")
    if isinstance(variables, Mapping):
        yield from variables.items()


def _pairs(inner: Mapping[str, Json], text: Any) -> Html | None:
    """What has no place of its own: coordinates, a code's time, and the like."""
    rest = {name: value for name, value in inner.items() if name not in _SHOWN and name != "metadata"}
    flat = [(name, value) for name, value in rest.items() if not isinstance(value, (Mapping, list))]
    for value in rest.values():
        if isinstance(value, Mapping):
            flat += [(name, each) for name, each in value.items() if not isinstance(each, (Mapping, list))]
    return _table(flat, text)


def _table(pairs: list[tuple[str, Json]], text: Any) -> Html | None:
    if not pairs:
        return None
    shown = [(name, value if isinstance(value, str) else _json(value)) for name, value in pairs]
    return element(
        "dl", *(joined(element("dt", name), element("dd", text(value))) for name, value in shown), class_="pairs"
    )


def _json(value: Json) -> str:
    import json  # noqa: PLC0415 - only values that are no texts

    return json.dumps(value, ensure_ascii=False)


def _bubble(*inside: Content) -> Html:
    return element("div", *inside, class_="bubble")


def _plain(text: str) -> Html:
    """Addresses look like links, and lead nowhere: a click must not tell a shop that somebody looked."""
    return _split(text, _ADDRESS, "linked")


def _written(text: str) -> Html:
    return _split(text, _EXPRESSION, "expression")


def _split(text: str, pattern: re.Pattern[str], name: str) -> Html:
    parts: list[Content] = []
    end = 0
    for found in pattern.finditer(text):
        parts += [text[end : found.start()], element("span", found.group(), class_=name)]
        end = found.end()
    return joined(*parts, text[end:])


def _face(sender: str) -> Html:
    letter = next((each for each in sender if each.isalnum()), "#")
    return element("span", letter.upper(), class_="face", aria_hidden="true")
