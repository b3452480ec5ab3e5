"""A draft's requests, cut once and filled for each person: byte for byte what writing them whole gives."""

import copy
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.canonical import canonical, payload_hash
from runner.judge import judge
from runner.model import Json
from runner.pipeline.wire import Wire
from runner.rendering.drafts import compile_draft
from runner.rendering.language import Language

# Marks of the wire's own, quotes and braces: what could be taken for something else.
TEXTS = st.text(st.sampled_from(['"', "\\", "0", "1", "@", ",", ":", "{", "}", "é", "😀", "\n", "\x00"]), max_size=8)
KEYS = st.sampled_from(["tags", "body", "0@0", "1@1", "reference", "zzz", "a", '"', "recx", "scheduledFor"])
SLOTS = st.builds("{{{{ {} }}}}".format, st.sampled_from(["a", "b", "c"]))
LEAVES = st.one_of(TEXTS.filter(lambda text: "{" not in text), SLOTS, st.integers(), st.booleans(), st.none())
FIELDS = st.dictionaries(
    KEYS,
    st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3)),
    max_size=5,
).filter(lambda fields: isinstance(fields.get("reference", ""), str))
VALUES = st.fixed_dictionaries({"a": TEXTS, "b": TEXTS, "c": TEXTS})


def no_types(_: dict[str, Json]) -> list[Any]:
    return []


@given(fields=FIELDS, values=VALUES, receiver=st.dictionaries(KEYS, TEXTS), reference=TEXTS)
def test_it_writes_what_the_whole_request_would_read(
    fields: dict[str, Json], values: dict[str, str], receiver: dict[str, Json], reference: str
) -> None:
    draft = compile_draft(fields, Language(), no_types)
    filled = draft.fill(values)
    request = copy.deepcopy(draft.request(filled)) | {"receiver": receiver}
    request.setdefault("reference", reference)
    body, hashed = Wire(draft).request(filled, canonical(receiver).decode(), request["reference"])
    assert body == canonical(request)
    assert hashed == canonical({name: value for name, value in request.items() if name != "reference"})


@given(text=TEXTS, value=TEXTS, words=TEXTS.filter(lambda text: "{" not in text), tags=st.lists(KEYS))
def test_requests_of_one_slot_are_written_the_same(text: str, value: str, words: str, tags: list[str]) -> None:
    fields = {"body": {"type": "text", "text": {"text": f"{words}{{{{ a }}}}"}}, "tags": tags, "validity": 60}
    draft = compile_draft(fields, Language(), no_types)
    wire, filled, receiver = Wire(draft), [text], canonical({"contacts": [{"identifierValue": value}]}).decode()
    whole, hashed = wire.requests([canonical(text).decode()] * 2, [receiver] * 2, ["fp1.KEY", "fp1.YEK"])
    assert (whole[0], hashed[0]) == wire.request(filled, receiver, "fp1.KEY")
    assert (whole[1], hashed[1]) == wire.request(filled, receiver, "fp1.YEK")


def test_values_that_are_no_text_are_written_as_json_writes_them() -> None:
    fields = {
        "template": {
            "projectId": "p", "version": "v", "locale": "en",
            "parameters": [{"type": "number", "key": "n", "value": "{{ n }}"},
                           {"type": "boolean", "key": "f", "value": "{{ f }}"}],
        }
    }  # fmt: skip
    draft = compile_draft(fields, Language(), judge("request").errors)
    filled = draft.fill({"n": "1.50", "f": "true"})
    request = draft.request(filled) | {"receiver": {}, "reference": "r"}
    body, _ = Wire(draft).request(filled, "{}", "r")
    assert filled == [1.5, True]
    assert body == canonical(request)
    assert payload_hash(request)


@pytest.mark.parametrize("odd", ["\ud800", math.nan])
def test_what_no_json_holds_is_refused(odd: Json) -> None:
    wire = Wire(compile_draft({"tags": ["{{ a }}"]}, Language(), no_types))
    with pytest.raises(ValueError, match=r"surrogates not allowed|not JSON compliant"):
        wire.request([odd], "{}", "r")
