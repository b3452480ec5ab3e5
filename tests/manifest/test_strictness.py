import copy
import json
from typing import Any

import jsonschema
import pytest

from runner.bundled import bundled
from runner.judge import SchemaError, judge
from runner.manifest.strictness import as_written, generated, manifest_schema
from tests import mutants
from tests.mutants import Steps

AS_SENT, AS_WRITTEN = judge("request"), judge("manifest")
DISCRIMINATORS = ("body", "actions", "parameters", "items")  # objects, or lists of them, that `type` gives a shape


def kinds(errors: list[SchemaError], skip: int = 0) -> set[tuple[Any, ...]]:
    return {(error.path[skip:], error.keyword) for error in errors}


def is_discriminator(path: Steps) -> bool:
    owner = [step for step in path[:-1] if isinstance(step, str)][-1:]
    is_value = (
        "value" in path
    )  # of a template's parameter: there a type is Bird's word for an item, and chooses nothing
    return path[-1] == "type" and not is_value and owner != ["contacts"] and bool(set(owner) & set(DISCRIMINATORS))


def test_the_committed_schema_is_what_its_sources_give() -> None:
    committed = (bundled("schemas") / "manifest.schema.json").read_bytes()
    assert committed == generated().encode(), "run python -m runner.manifest.strictness"


def test_the_manifest_schema_is_valid_and_self_contained() -> None:
    schema = json.loads(generated())
    jsonschema.Draft202012Validator.check_schema(schema)
    for path, value in mutants.nodes(schema):
        if path[-1:] == ("$ref",) and isinstance(value, str):
            assert value.removeprefix("#/$defs/") in schema["$defs"], value


def test_every_request_of_bird_is_valid_in_a_manifest() -> None:
    for request in mutants.requests():
        assert AS_WRITTEN.errors(mutants.in_manifest(request)) == []


def test_without_expressions_as_written_judges_like_as_sent() -> None:
    invalid = 0
    for mutant in mutants.mutants(4000, seed=3):
        sent, written = AS_SENT.errors(mutant), AS_WRITTEN.errors(mutants.in_manifest(mutant))
        assert bool(sent) == bool(written), mutant
        invalid += bool(sent)
        if isinstance(mutant, dict) and "receiver" in mutant:
            assert kinds(sent) == kinds(written, skip=2), mutant
    assert invalid > 2500


def test_both_judges_agree_about_manifests() -> None:
    second = judge("manifest", engine="python")
    for mutant in mutants.mutants(500, seed=4):
        manifest = mutants.in_manifest(mutant)
        assert kinds(AS_WRITTEN.errors(manifest)) == kinds(second.errors(manifest)), manifest


def expressions() -> list[tuple[dict[str, Any], Steps]]:
    """Every request with one of its values replaced by an expression; what the receiver says is literal anyway."""
    replaced = []
    for request in mutants.requests():
        for path, value in mutants.nodes(request):
            if isinstance(value, (dict, list)) or value is None or path[0] == "receiver":
                continue
            changed = copy.deepcopy(request)
            mutants.put(changed, path, "{{ x }}")
            replaced.append((changed, path))
    return replaced


def test_an_expression_may_stand_for_every_value_but_those_that_choose_a_shape() -> None:
    seen = {True: 0, False: 0}
    for request, path in expressions():
        fixed = is_discriminator(path)
        seen[fixed] += 1
        errors = AS_WRITTEN.errors(mutants.in_manifest(request))
        assert kinds(errors, skip=2) == ({(path, "enum")} if fixed else set()), path
    assert seen[True] > 20
    assert seen[False] > 100


def written(**fields: Any) -> dict[str, Any]:
    return mutants.in_manifest(
        {"receiver": mutants.RECEIVER, "body": {"type": "text", "text": {"text": "Hi"}}, **fields}
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"tags": "{{ tags }}"},
        {"tags": ["{% if vip %}vip{% endif %}"]},
        {"validity": "{{ hours * 3600 }}"},
        {"validity": "  {{ seconds }}\n"},
        {"scheduledFor": "{{ day }}T10:00:00Z"},
        {"meta": {"extraInformation": "{{ extra }}"}},
        {"capFrequency": "{{ capped }}"},
        {"capFrequency": True, "meta": {"extraInformation": {"useCase": "{{ use }}"}}},
        {"body": {"type": "image", "image": {"images": "{{ images }}"}}},
        {"body": {"type": "image", "image": {"images": [{"mediaUrl": "https://acme.example/{{ id }}.png"}]}}},
    ],
)
def test_expressions_pass(fields: dict[str, Any]) -> None:
    assert AS_WRITTEN.errors(written(**fields)) == []


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"validity": "{{ hours }} h"}, ("validity",)),
        ({"validity": "{% if x %}1{% endif %}"}, ("validity",)),
        ({"capFrequency": "yes {{ x }}"}, ("capFrequency",)),
        ({"tags": "spring"}, ("tags",)),
        ({"shortLinks": "{{ links }}"}, ("shortLinks",)),
        ({"body": "{{ body }}"}, ("body",)),
        ({"channel": "{{ channel }}"}, ("channel",)),
        ({"receiver": {"contacts": "{{ people }}"}}, ("receiver", "contacts")),
        ({"receiver": {"contacts": [{"type": "{{ x }}"}]}}, ("receiver", "contacts", 0, "type")),
    ],
)
def test_expressions_are_refused_where_they_can_not_give_what_is_wanted(fields: dict[str, Any], path: Steps) -> None:
    assert [error.path[2:] for error in AS_WRITTEN.errors(written(**fields))] == [path]


def test_channels_edition_and_files_take_expressions() -> None:
    manifest = {
        "apiVersion": "flypast/v1",
        "edition": "{{ season }}",
        "channels": {"sms": {"workspaceId": "{{ w }}", "channelId": "{{ c }}", "mms": "{{ m }}", "rate": "{{ r }}/s"}},
        "recipients": {"people": {"file": "{{ season }}.csv", "where": "true"}},
    }
    assert AS_WRITTEN.errors(manifest) == []


@pytest.mark.parametrize(
    "ours",
    [
        {"name": "{{ x }}"},
        {"policy": {"rate": "{{ x }}/s"}},
        {"policy": {"concurrency": "{{ x }}"}},
        {"recipients": {"people": {"file": "a.csv", "region": "{{ x }}"}}},
        {"recipients": {"{{ x }}": {"file": "a.csv"}}},
    ],
)
def test_the_rest_of_our_own_part_is_literal(ours: dict[str, Any]) -> None:
    assert len(AS_WRITTEN.errors({"apiVersion": "flypast/v1", **ours})) == 1


GOOD: dict[str, Any] = {
    "$schema": "../schemas/manifest.schema.json",
    "apiVersion": "flypast/v1",
    "x-shared": [1],
    "include": ["a.yaml"],
    "parameters": {"shop": "Acme", "n": 1, "must": None, "list": [1], "map": {"a b": 1}},
    "channels": {
        "sms-us": {
            "workspaceId": "5A0c8c1e-2f0e-4c0e-9d5d-0d6b1a1f7a11",
            "channelId": "3f2c1f0a-7a44-4b0e-8f0c-2f3a9d1c5b22",
            "platform": "sms",
            "mms": True,
            "rate": "20/s",
        }
    },
    "recipients": {
        "file_1": {
            "file": "a.csv",
            "identifier": "Phone No",
            "identifierKey": "phonenumber",
            "region": "NO",
            "where": "a == 1",
            "sha256": "0" * 64,
            "delimiter": "\t",
            "columns": ["a", "b"],
        },
        "inline": {"contacts": [{"identifierValue": "+14155550100", "parameters": {"first name": None}}, {"id": "x"}]},
    },
    "policy": {
        "ledger": "acme-prod",
        "delivery": "resend-absent",
        "settle": "15m",
        "acceptDuplicates": False,
        "rate": "100/s",
        "concurrency": 64,
        "limits": {"messages": 1, "segments": 2, "cost": 1.5, "countries": ["US", "NO"], "segmentsPerMessage": 6},
        "stopAfter": {"rejected": "5%", "inDoubt": 10},
        "waves": [20, "10%", "100%"],
        "suppress": ["a.csv"],
        "quietHours": {"from": "21:00", "until": "08:00", "zone": "America/Argentina/Buenos_Aires", "then": "defer"},
        "repeatGuard": {"within": "7d", "then": "skip"},
        "prices": "prices.yaml",
        "smartEncoding": True,
        "batch": 100,
        "requireLock": True,
    },
}
SMS, FILE, INLINE = ("channels", "sms-us"), ("recipients", "file_1"), ("recipients", "inline")
CONTACT, STOP = (*INLINE, "contacts", 0), ("policy", "stopAfter")
WRONG: list[tuple[Steps, Any]] = [
    *((("name",), value) for value in ("With_Capitals", "a" * 64, "a\n", "a_b", "")),
    *((("edition",), value) for value in (1.1, "")),
    *((("include",), "a.yaml"), (("parameters",), ["a"]), (("parameters", "a-b"), 1)),
    *((("apiVersion",), "flypast/v2"), (("zzz",), 1)),
    *(((*SMS, "rate"), value) for value in ("0/s", "20/h", "20", "99999999/s")),
    *(((*SMS, "baseUrl"), "x"), (("channels", "Bad Name"), GOOD["channels"]["sms-us"])),
    *(((*FILE, "delimiter"), value) for value in ("\\t", "\n", "", ";;")),
    *(((*FILE, "region"), "us"), ((*FILE, "sha256"), "A" * 64), ((*FILE, "columns"), ["a", "a"])),
    *(((*INLINE, "file"), "a.csv"), (("recipients", "x"), {})),
    *((CONTACT, {}), ((*CONTACT, "phone"), "x"), ((*CONTACT, "identifierValue"), 14155550100)),
    *(((*STOP, "rejected"), value) for value in ("0%", "101%", "5", 0, True)),
    *((("policy", "limits", "countries"), value) for value in (["USA"], [])),
    *((("policy", "limits", "messages"), 0), (("policy", "settle"), "15 m"), (("policy", "waves"), [])),
    *((("policy", "concurrency"), 10001), (("policy", "batch"), 101), (("policy", "delivery"), "exactly-once")),
    *((("policy", "quietHours", "from"), "24:00"), (("policy", "quietHours", "then"), "wait")),
]


def test_every_key_of_our_own_part_passes() -> None:
    assert AS_WRITTEN.errors(GOOD) == []


@pytest.mark.parametrize(("path", "value"), WRONG)
def test_a_wrong_value_in_our_own_part_is_one_error(path: Steps, value: Any) -> None:
    manifest = copy.deepcopy(GOOD)
    mutants.put(manifest, path, value)
    assert len(AS_WRITTEN.errors(manifest)) == 1


@pytest.mark.parametrize("to", ["people", ["people"], ["people", "more"]])
def test_a_message_goes_to_one_list_or_several(to: Any) -> None:
    message = {
        "channel": "sms",
        "to": to,
        "exclude": to,
        "distinct": ["Order No"],
        "when": "vip",
        "parameters": {"a": 1},
        "template": {"name": "x"},
    }
    manifest = {"apiVersion": "flypast/v1", "name": "a", "messages": {"m": message}}
    assert AS_WRITTEN.errors(manifest) == []
    assert kinds(AS_WRITTEN.errors({**manifest, "messages": {"m": {**message, "to": []}}})) == {
        (("messages", "m", "to"), "minItems")
    }


def test_messages_need_a_name() -> None:
    errors = AS_WRITTEN.errors({"apiVersion": "flypast/v1", "messages": {}})
    assert kinds(errors) == {((), "required")}


def test_a_keyword_that_nobody_thought_about_stops_the_generator() -> None:
    with pytest.raises(ValueError, match="as-written form of oneOf"):
        as_written({"oneOf": [{"type": "string"}]}, {})


def test_a_name_in_both_sources_stops_the_generator() -> None:
    with pytest.raises(ValueError, match="both schemas define uuid"):
        manifest_schema({"$defs": {"uuid": {}}}, {"$defs": {"uuid": {}}})
