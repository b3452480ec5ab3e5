"""Drafts: Bird's fields with expressions, compiled once, one request for each person."""

import copy
import json

import pytest

from runner.judge import judge
from runner.model import Json
from runner.rendering.drafts import CompiledDraft, DraftFault, compile_draft
from runner.rendering.faults import CODES
from runner.rendering.language import Language

VALUES = {
    "first_name": "Anna", "n": "600", "whole": 600.0, "flag": True, "yes": "true", "tags": ["a", "b"], "nick": None,
    "map": {"a": 1}, "url": "https://acme.example/a.png", "items": list(range(900)),
}  # fmt: skip
TEXT = {"body": {"type": "text", "text": {"text": "Hi {{ first_name }}"}}}
IMAGE = {
    "body": {
        "type": "image",
        "image": {
            "images": [{"mediaUrl": "{{ url }}"}],
            "text": "{{ first_name or 'Friend' }}",
            "metadata": {"subject": "S"},
        },
    },
    "tags": ["spring", "{{ first_name|lower }}"],
}
TEMPLATE = {
    "template": {
        "projectId": "ce6a2fd6-b2fa-4f5a-a2cd-f3bd15883318", "version": "latest", "locale": "en",
        "parameters": [
            {"type": "string", "key": "name", "value": "{{ first_name }}"},
            {"type": "number", "key": "n", "value": "{{ n }}"},
            {"type": "boolean", "key": "flag", "value": "{{ yes }}"},
        ],
    }
}  # fmt: skip


def compiled(fields: dict[str, Json]) -> CompiledDraft:
    return compile_draft(fields, Language(), judge("request").errors)


def faults_of(fields: dict[str, Json], values: dict[str, object] = VALUES) -> list[tuple[object, ...]]:
    with pytest.raises(DraftFault) as caught:
        compiled(fields).render(values)
    return [(path, fault.kind) for path, fault in caught.value.faults]


def test_each_text_becomes_its_words() -> None:
    draft = compiled(TEXT)
    assert draft.render(VALUES) == {"body": {"type": "text", "text": {"text": "Hi Anna"}}}
    assert draft.render({"first_name": "{{ 7*7 }}"})["body"]["text"]["text"] == "Hi {{ 7*7 }}"
    assert [path for path, _ in draft.slots] == [("body", "text", "text")]
    assert draft.names == {"first_name"}


def test_texts_in_lists_and_deep_objects_are_rendered_too() -> None:
    request = compiled(IMAGE).render(VALUES)
    assert request["tags"] == ["spring", "anna"]
    assert request["body"]["image"]["images"] == [{"mediaUrl": "https://acme.example/a.png"}]
    assert request["body"]["image"]["metadata"] == {"subject": "S"}


def test_a_request_is_what_the_schema_accepts() -> None:
    for fields in (TEXT, IMAGE, TEMPLATE):
        request = compiled(fields).render(VALUES)
        assert (
            judge("request").errors({"receiver": {"contacts": [{"identifierValue": "+14155550100"}]}, **request}) == []
        )


def test_an_expression_takes_the_type_that_the_schema_wants_there() -> None:
    parameters = compiled(TEMPLATE).render(VALUES)["template"]["parameters"]
    assert [parameter["value"] for parameter in parameters] == ["Anna", 600, True]
    assert json.dumps(parameters[1]["value"]) == "600"


def test_a_list_or_a_map_comes_from_a_typed_value() -> None:
    fields = {**TEXT, "tags": "{{ tags }}", "meta": {"extraInformation": "{{ map }}"}}
    request = compiled(fields).render(VALUES)
    assert request["tags"] == ["a", "b"]
    assert request["tags"] is not VALUES["tags"]
    assert request["meta"]["extraInformation"] == {"a": 1}
    assert faults_of({**TEXT, "tags": "{{ first_name }}"}) == [(("tags",), "type")]


def test_a_field_that_is_no_text_takes_one_whole_expression() -> None:
    fields = copy.deepcopy(TEMPLATE)
    fields["template"]["parameters"][1]["value"] = "{{ n }} pieces"  # type: ignore[index]
    assert faults_of(fields) == [(("template", "parameters", 1, "value"), "type")]


def test_what_chooses_a_shape_and_keys_are_no_templates() -> None:
    fields: dict[str, Json] = {
        "body": {
            "type": "{{ kind }}",
            "text": {"text": "x", "actions": [{"type": "{{ kind }}"}]},
            "section": {"items": [{"type": "{{ kind }}"}]},
        },
        "template": {"parameters": [{"type": "{{ kind }}", "key": "{{ first_name }}"}]},
        "meta": {"extraInformation": {"{{ first_name }}": "{{ first_name }}", "type": "{{ first_name }}"}},
        "receiver": {"contacts": [{"identifierValue": "{{ first_name }}"}]},
    }
    request = compiled(fields).render(VALUES)
    assert request["body"] == fields["body"]
    assert request["template"]["parameters"] == [{"type": "{{ kind }}", "key": "Anna"}]
    assert request["meta"]["extraInformation"] == {"{{ first_name }}": "Anna", "type": "Anna"}
    assert request["receiver"] == fields["receiver"]


def test_words_without_expressions_keep_their_line_ends_as_texts_do() -> None:
    fields = {
        "body": {"type": "text", "text": {"text": "a\r\nb {% raw %}{{optOutLink}}{% endraw %}\n"}},
        "tags": ["x\r\ny"],
    }
    draft = compiled(fields)
    assert draft.slots == ()
    assert draft.render({}) == {"body": {"type": "text", "text": {"text": "a\nb {{optOutLink}}\n"}}, "tags": ["x\ny"]}


def test_the_fields_as_written_stay_as_they_are_and_requests_do_not_share_what_changes() -> None:
    fields = copy.deepcopy(IMAGE)
    draft = compiled(fields)
    anna, bo = draft.render(VALUES), draft.render({**VALUES, "first_name": "Bo"})
    assert fields == IMAGE
    assert anna["tags"] == ["spring", "anna"]
    assert bo["tags"] == ["spring", "bo"]
    assert anna["body"]["image"]["text"] == "Anna"


def test_masked_keeps_the_words_and_hides_what_expressions_give() -> None:
    assert compiled(IMAGE).masked(VALUES)["tags"] == ["spring", "***"]
    assert compiled(TEXT).masked(VALUES)["body"]["text"]["text"] == "Hi ***"
    values = [parameter["value"] for parameter in compiled(TEMPLATE).masked(VALUES)["template"]["parameters"]]
    assert values == ["***", "***", "***"]


def test_all_faults_of_all_fields_are_told_in_the_order_of_the_fields() -> None:
    fields = {**IMAGE, "tags": ["{{ nobody }}", "{{ first_name }}", "{{ nick }}", "{{ flag }}"]}
    assert faults_of(fields) == [(("tags", 0), "undefined"), (("tags", 2), "null"), (("tags", 3), "type")]
    fields = {**TEXT, "tags": ["{{ first_name", "{{ first_name.upper() }}", "{{ first_name }}"]}
    assert faults_of(fields) == [(("tags", 0), "syntax"), (("tags", 1), "refused")]


def test_all_fields_of_a_message_share_its_fuel() -> None:
    half = (
        "{% for a in items %}{% if a > 1 %}{% endif %}{% if a > 2 %}{% endif %}{% if a > 3 %}{% endif %}{% endfor %}x"
    )
    draft = compiled({**TEXT, "tags": [half]})
    assert [draft.render(VALUES)["tags"] for _ in range(5)] == [["x"]] * 5
    assert faults_of({**TEXT, "tags": [half, half, "{{ nobody }}"]}) == [(("tags", 1), "bound")]


def test_guarded_names_are_guarded_in_every_field() -> None:
    draft = compiled(
        {**TEXT, "tags": ["{{ a if a is defined else 'x' }}", "{{ b if b is defined else 'x' }}", "{{ b }}"]}
    )
    assert draft.names == {"a", "b", "first_name"}
    assert draft.guarded == {"a"}


def test_every_kind_of_fault_has_its_code() -> None:
    assert sorted(CODES.values()) == [f"TPL40{number}" for number in range(1, 9)]
