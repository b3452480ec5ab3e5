import copy
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from runner.errors import UsageError
from runner.judge import Engine, Judge, SchemaError, judge, schema_names, schema_text
from tests import mutants
from tests.mutants import RECEIVER

ENGINES: tuple[Engine, ...] = ("rs", "python")
TEXT = {"type": "text", "text": {"text": "Hi"}}


@pytest.fixture(params=ENGINES)
def request_judge(request: pytest.FixtureRequest) -> Judge:
    return judge("request", engine=request.param)


def sent(**fields: Any) -> dict[str, Any]:
    return {"receiver": RECEIVER, "body": TEXT, **fields}


def kinds(errors: list[SchemaError]) -> list[tuple[Any, ...]]:
    return [(error.path, error.keyword) for error in errors]


def same(errors: list[SchemaError]) -> list[tuple[Any, ...]]:
    """All that both engines must agree about: everything but their own words."""
    return sorted((str(error.path), error.keyword, json.dumps(error.details, sort_keys=True)) for error in errors)


@pytest.mark.parametrize("name", schema_names())
def test_every_schema_is_valid_by_its_own_meta_schema(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(schema_text(name)))


@pytest.mark.parametrize("name", ["request", "manifest"])
def test_no_schema_offers_branches_or_formats(name: str) -> None:
    keywords = {
        step
        for path, _ in mutants.nodes(json.loads(schema_text(name)))
        for step in path
        if "properties" not in path[-2:-1]
    }
    assert not keywords & {"oneOf", "anyOf", "format", "unevaluatedProperties"}


@pytest.mark.parametrize("name", ["request", "manifest"])
def test_patterns_end_hard_and_know_only_ascii_digits(name: str) -> None:
    patterns = [value for path, value in mutants.nodes(json.loads(schema_text(name)))
                if path[-1:] == ("pattern",) and isinstance(value, str)]  # fmt: skip
    assert len(patterns) > 5
    for pattern in patterns:
        if pattern.startswith("^") and "{{" not in pattern.replace("\\", ""):
            assert pattern.endswith(r"$(?!\n)"), pattern
        assert not re.search(r"\\[dwb]", pattern), pattern


def test_an_unknown_schema_is_told_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="no schema called 'nope'") as raised:
        judge("nope")
    assert "manifest" in str(raised.value.hint)


def test_samples_of_bird_are_valid(request_judge: Judge) -> None:
    for valid in mutants.requests():
        assert request_judge.errors(valid) == []
        assert request_judge.is_valid(valid)


def test_the_full_sample_as_printed_has_two_mistakes(request_judge: Judge) -> None:
    errors = request_judge.errors(mutants.sample("full-request.json"))
    assert kinds(errors) == [(("meta", "extraInformation"), "required"), (("template",), "falseSchema")]


def test_the_judges_agree_on_every_mutant() -> None:
    fast, second = judge("request", engine="rs"), judge("request", engine="python")
    invalid = 0
    for mutant in mutants.mutants(1500, seed=1):
        errors = fast.errors(mutant)
        assert same(errors) == same(second.errors(mutant)), mutant
        assert fast.is_valid(mutant) == second.is_valid(mutant) == (not errors)
        invalid += bool(errors)
    assert invalid > 1000


def pictures(*urls: str, **more: Any) -> dict[str, Any]:
    return {"type": "image", "image": {"images": [{"mediaUrl": url} for url in urls], **more}}


def templated(**template: Any) -> dict[str, Any]:
    return {"receiver": RECEIVER, "template": template}


PICTURE = "https://a.example"
OTP = {"extraInformation": {"useCase": "otp"}}
UNTYPED_FILE = {"type": "file", "file": {"files": [{"mediaUrl": PICTURE}]}}
TEXT_AS_NUMBER = {"type": "number", "key": "n", "value": "1"}
TWO_SOURCES = {"key": "k", "value": "v", "reference": "channel_name"}
REPLY_AS_LINK = {"type": "text", "text": {"text": "Hi", "actions": [{"type": "link", "reply": {"text": "x"}}]}}

MISTAKES: dict[str, tuple[dict[str, Any], tuple[Any, ...], str]] = {
    "unknown key": (sent(zzz=1), (), "additionalProperties"),
    "a key invented for retries": (sent(idempotencyKey="x"), (), "additionalProperties"),
    "no receiver": ({"body": TEXT}, (), "required"),
    "nobody in the receiver": (sent(receiver={"contacts": []}), ("receiver", "contacts"), "minItems"),
    "an empty contact": (sent(receiver={"contacts": [{}]}), ("receiver", "contacts", 0), "minProperties"),
    "a list as receiver": (sent(receiver={**RECEIVER, "listId": "x"}), ("receiver",), "additionalProperties"),
    "neither body nor template": ({"receiver": RECEIVER}, (), "required"),
    "body and template": (sent(template={"name": "x"}), ("template",), "falseSchema"),
    "unknown type": (sent(body={**TEXT, "type": "txt"}), ("body", "type"), "enum"),
    "content of another type": (sent(body={**TEXT, "type": "image"}), ("body",), "required"),
    "content too many": (sent(body={**TEXT, **pictures(PICTURE), "type": "text"}), ("body", "image"), "falseSchema"),
    "no content": (sent(body={"type": "text"}), ("body",), "required"),
    "empty text": (sent(body={"type": "text", "text": {"text": ""}}), ("body", "text", "text"), "minLength"),
    "null": (sent(body={"type": "text", "text": None}), ("body", "text"), "type"),
    "no image": (sent(body=pictures()), ("body", "image", "images"), "minItems"),
    "eleven images": (sent(body=pictures(*[PICTURE] * 11)), ("body", "image", "images"), "maxItems"),
    "a file without its type": (sent(body=UNTYPED_FILE), ("body", "file", "files", 0), "required"),
    "a link action with a reply": (sent(body=REPLY_AS_LINK), ("body", "text", "actions", 0), "required"),
    "eleven tags": (sent(tags=["a"] * 11), ("tags",), "maxItems"),
    "a long tag": (sent(tags=["a" * 51]), ("tags", 0), "pattern"),
    "an empty tag": (sent(tags=[""]), ("tags", 0), "pattern"),
    "a tag with a dot": (sent(tags=["a.b"]), ("tags", 0), "pattern"),
    "a fraction of a second": (sent(validity=1.5), ("validity",), "type"),
    "a negative validity": (sent(validity=-1), ("validity",), "minimum"),
    "a validity of centuries": (sent(validity=2**31), ("validity",), "maximum"),
    "a cap without its use case": (sent(capFrequency=True), (), "required"),
    "a cap for one-time codes": (sent(capFrequency=True, meta=OTP), ("meta", "extraInformation", "useCase"), "const"),
    "a reply to nothing": (sent(replyTo={"id": "x"}), ("replyTo",), "required"),
    "text for a number": (
        templated(name="x", parameters=[TEXT_AS_NUMBER]), ("template", "parameters", 0, "value"), "type",
    ),
    "two sources of a UTM parameter": (
        templated(name="x", utmParameters=[TWO_SOURCES]), ("template", "utmParameters", 0, "reference"), "falseSchema",
    ),
    "a project that is no UUID": (
        templated(projectId="x", version="latest", locale="en"), ("template", "projectId"), "pattern",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("mistake", "path", "keyword"), MISTAKES.values(), ids=MISTAKES)
def test_one_mistake_is_one_error(request_judge: Judge, mistake: Any, path: tuple[Any, ...], keyword: str) -> None:
    assert kinds(request_judge.errors(mistake)) == [(path, keyword)]


def media(url: str) -> dict[str, Any]:
    return sent(body=pictures(url))


@pytest.mark.parametrize(
    "url",
    [
        *("http://acme.example/a.png", "file:///etc/passwd", "data:image/png;base64,AA==", "//acme.example/a.png", ""),
        *("https://me:pw@acme.example/a.png", "https://me@acme.example", "https://", "https:///a.png", "HTTPS"),
        *(
            "https://acme.example/a b.png",
            "https://acme.example/a.png\n",
            " https://acme.example/a.png",
            "https://a\\b",
        ),
        *("https://acme.example/{{name}}", "https://acme.example/ä.png", "https://-acme.example", "ftp://acme.example"),
    ],
)
def test_media_urls_are_https_without_credentials_or_spaces(request_judge: Judge, url: str) -> None:
    assert [error.keyword for error in request_judge.errors(media(url))] == ["pattern"]


@pytest.mark.parametrize(
    "url", ["https://acme.example", "https://acme.example:8443/a%20b.png?x=[1]&y=@me#top", "https://a?b"]
)
def test_public_media_urls_pass(request_judge: Judge, url: str) -> None:
    assert request_judge.is_valid(media(url))


@pytest.mark.parametrize(
    "time",
    [
        *("2026-03-28T19:11:21", "2026-03-28", "2026-13-28T19:11:21Z", "2026-00-28T19:11:21Z", "2026-02-30T19:11:21Z"),
        *("2026-04-31T19:11:21Z", "2026-03-32T19:11:21Z", "2026-03-28T24:00:00Z", "2026-03-28T19:60:00Z"),
        *("2026-03-28T19:11:60Z", "2026-03-28 19:11:21Z", "2026-03-28T19:11Z", "2026-03-28T19:11:21+24:00", "now"),
        *("2026-03-28T19:11:21Z\n", "2026-03-28T19:11:21 Z", "2026-03-28T19:11:21+0100", "٢٠٢٦-03-28T19:11:21Z"),
    ],
)
def test_a_schedule_needs_a_real_time_with_a_zone(request_judge: Judge, time: str) -> None:
    assert kinds(request_judge.errors(sent(scheduledFor=time))) == [(("scheduledFor",), "pattern")]


@pytest.mark.parametrize("time", ["2026-03-28T19:11:21.734Z", "2028-02-29T00:00:00+01:00", "2026-12-31T23:59:59-05:30"])
def test_a_schedule_with_a_zone_passes(request_judge: Judge, time: str) -> None:
    assert request_judge.is_valid(sent(scheduledFor=time))


KINDS = {bool: {"boolean"}, int: {"integer", "number"}, float: {"number"}, list: {"array"}}


def test_null_in_place_of_a_value_names_the_type_that_is_wanted_there(request_judge: Judge) -> None:
    """So it can be asked what an expression must give."""
    asked = 0
    for valid in mutants.requests():
        for path, value in mutants.nodes(valid):
            if type(value) not in KINDS or "capFrequency" in path or path[-2:] == ("value", "a"):
                continue
            changed = copy.deepcopy(valid)
            mutants.put(changed, path, None)
            (error,) = request_judge.errors(changed)
            assert (error.path, error.keyword) == (path, "type")
            assert set(error.details["types"]) <= KINDS[type(value)] | {"null"}
            asked += 1
    assert asked > 80


class Marked(str):
    """What a template engine's safe strings are."""

    __slots__ = ()


@pytest.mark.parametrize(
    ("foreign", "path"),
    [
        (sent(body={"type": "text", "text": {"text": Marked("Hi")}}), ("body", "text", "text")),
        (sent(tags=["\ud83d"]), ("tags", 0)),
        (sent(meta={1: "x"}), ("meta",)),
        (sent(meta={"\udc00": 1}), ("meta",)),
        (sent(validity=float("nan")), ("validity",)),
        (sent(validity=float("inf")), ("validity",)),
        (sent(tags={"a"}), ("tags",)),
    ],
    ids=["text subclass", "half a character", "number as key", "half a character as key", "nan", "infinity", "set"],
)
def test_what_is_no_json_is_an_error_and_no_crash(request_judge: Judge, foreign: Any, path: tuple[Any, ...]) -> None:
    assert not request_judge.is_valid(foreign)
    assert kinds(request_judge.errors(foreign)) == [(path, "notJson")]


@pytest.mark.parametrize("open_value", [{1: "x"}, {"\udc00": 1}, {"a": "\ud83d"}, {"a": float("nan")}, {"a": {"b"}}])
def test_foreign_values_where_anything_goes_never_crash_the_judge(request_judge: Judge, open_value: Any) -> None:
    instance = sent(meta={"extraInformation": open_value})
    assert request_judge.is_valid(instance) == (not request_judge.errors(instance))


def test_all_bad_names_and_keys_are_told(request_judge: Judge) -> None:
    errors = request_judge.errors(sent(a=1, b=2))
    assert [error.details["unexpected"] for error in errors] == [["a", "b"]]
    names = judge("manifest").errors({"apiVersion": "flypast/v1", "parameters": {"a b": 1, "9": 1, "fine": 1}})
    assert [error.details["property"] for error in names] == ["9", "a b"]


def run_python(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[1]
    )
    return done.stdout.strip()


def test_the_second_judge_is_not_imported_where_the_fast_one_is_there() -> None:
    code = (
        "import sys; from runner.judge import judge; judge('request').is_valid({}); print('jsonschema' in sys.modules)"
    )
    assert run_python(code) == "False"


def test_the_second_judge_steps_in_where_the_fast_one_is_missing() -> None:
    code = "import sys; sys.modules['jsonschema_rs'] = None; from runner.judge import judge; "
    assert run_python(code + "print(len(judge('request').errors({})))") == "2"


def test_importing_the_judge_imports_no_engine() -> None:
    code = "import sys; import runner.judge; print({'jsonschema', 'jsonschema_rs'} & set(sys.modules))"
    assert run_python(code) == "set()"


PERSONAL = (("body", "text", "text"), ("receiver", "contacts", 0, "identifierValue"), ("reference",))


@pytest.mark.parametrize("path", PERSONAL)
def test_where_one_text_is_as_good_as_another_each_is_judged_alike(request_judge: Judge, path: tuple[Any, ...]) -> None:
    assert request_judge.takes_any_text(path)
    texts = ("x", " ", "\0", "a" * 70_000, "é😀", "-", "+14155550100", "{{ x }}", "true", "https://x.example")
    others: list[dict[str, Any]] = [{}, {"capFrequency": True}, {"template": {}}, {"tags": ["a"]}]
    for fields in others:
        judged = set()
        for text in texts:
            written = copy.deepcopy(sent(**fields, reference="r"))
            at: Any = written
            for step in path[:-1]:
                at = at[step]
            at[path[-1]] = text
            judged.add(request_judge.is_valid(written))
        assert len(judged) == 1


@pytest.mark.parametrize(
    "path",
    [
        ("receiver", "contacts", 0, "type"),
        ("scheduledFor",),
        ("body", "type"),
        ("body", "image", "images", 0, "mediaUrl"),
        ("tags", 0),
        ("meta", "extraInformation", "useCase"),
        ("receiver",),
        ("receiver", "contacts"),
    ],
)
def test_where_a_rule_looks_closer_texts_are_judged_one_by_one(request_judge: Judge, path: tuple[Any, ...]) -> None:
    assert not request_judge.takes_any_text(path)


def test_text_is_wanted_only_where_nothing_else_may_stand(request_judge: Judge) -> None:
    assert all(request_judge.wants_text(path) for path in PERSONAL)
    for path in (
        ("ignoreQuietHours",),
        ("tags",),
        ("template", "parameters", 0, "value"),
        ("scheduledFor",),
        ("body",),
    ):
        assert not request_judge.wants_text(path), path
