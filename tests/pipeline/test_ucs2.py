"""What makes texts UCS-2, as a plan tells it: each character, where it is from, and what it costs."""

import random
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest

import runner.project
from runner.findings import Findings
from runner.judge import judge
from runner.model import Message
from runner.output.findings_json import finding_json
from runner.output.plan_characters import characters_json, sizes_json
from runner.pipeline import Order, make_plan
from runner.plan import Planner
from runner.sms import PLAIN
from tests.conftest import CHANNEL, WORKSPACE, Project

HEAD = f"""\
apiVersion: flypast/v1
name: hello
parameters: {{shop: "Acme’s"}}
channels:
  sms: {{workspaceId: {WORKSPACE}, channelId: {CHANNEL}, mms: true}}
recipients:
  people: {{file: people.csv}}
policy: {{smartEncoding: SMART}}
messages:
"""
LONG = "this is a text of well more than seventy characters, as texts with a link in them often are"


def message(text: str, name: str = "greet", more: str = "") -> str:
    return f"  {name}:\n    channel: sms\n    to: people\n{more}    body: {{type: text, text: {{text: {text}}}}}\n"


class Nowhere:
    def add(self, message: Message) -> None:
        """Nothing is sent."""


def plan(project: Project, messages: str, *, is_smart: bool = False) -> Any:
    """What of `plan --format json` is about characters."""
    path = project.write("hello.yaml", HEAD.replace("SMART", str(is_smart).lower()) + messages)
    root = runner.project.Project(root=project.path, working=project.path)
    order, findings = Order(path=path, source=path.read_bytes(), project=root), Findings()
    loaded = order.load(findings)
    manifest = loaded.manifest
    assert manifest is not None
    planner, now = partial(Planner, spool=Nowhere()), datetime(2026, 11, 22, tzinfo=UTC)
    planned = make_plan(
        loaded, manifest, order, ledger=None, planner=planner, now=now, findings=findings, not_checked=[]
    )
    assert not findings.has_errors
    tallies = (("messages", planned.plan.messages), ("channels", planned.plan.channels))
    return {
        "digest": planned.plan.digest,
        "totals": {"segments": planned.plan.totals.segments},
        "messagesBySegments": sizes_json(planned.plan.totals.sizes),
        **{kind: {name: sizes_json(tally.sizes) for name, tally in found.items()} for kind, found in tallies},
        "ucs2": characters_json(planned.plan.characters),
        "findings": [finding_json(finding) for finding in findings.sorted()],
    }


def people(project: Project, *names: str) -> None:
    rows = "".join(f'+1415555{100 + at:04d},"{name}"\n' for at, name in enumerate(names))
    project.write("people.csv", f"phone,name\n{rows}")


def told(plan: Any) -> list[tuple[str, str, str | None, int, int]]:
    return [
        (each["character"], each["source"]["kind"], each["source"]["name"], each["messages"], each["saved"]["segments"])
        for each in plan["ucs2"]["characters"]
    ]


def codes(plan: Any) -> list[str]:
    return [finding["code"] for finding in plan["findings"]]


def test_the_plan_says_how_many_messages_take_how_many_segments(project: Project) -> None:
    people(project, "Ann", "x" * 160, "x" * 300, "Zoë")
    made = plan(project, message('"Hi {{ name }}"') + message(f'"{{{{ name }}}} {LONG}"', "long"))
    assert made["messages"]["greet"] == {"1": 2, "2": 2}
    assert made["messages"]["long"] == {"1": 1, "2": 2, "3": 1}
    assert made["messagesBySegments"] == made["channels"]["sms"] == {"1": 3, "2": 4, "3": 1}
    assert sum(int(size) * count for size, count in made["messagesBySegments"].items()) == made["totals"]["segments"]


def test_each_character_is_told_with_its_source_and_what_it_costs(project: Project) -> None:
    people(project, "Ann", "O’Neil", "Zoë", "Bob🎉", "Ελένη")
    made = plan(project, message(f'"Hi {{{{ name }}}}, {LONG}"'))
    assert told(made) == [
        ("ë", "column", "name", 1, 1),
        ("Ε", "column", "name", 1, 1),  # one letter of a script stands for all
        ("’", "column", "name", 1, 1),
        ("🎉", "column", "name", 1, 1),
    ]
    assert made["ucs2"]["saved"] == {"messages": 4, "segments": 4, "countries": {"US": 4}, "costs": {}}
    assert made["ucs2"]["savedBySmartEncoding"]["segments"] == 1


def test_a_typographic_character_saves_nothing_beside_one_that_stays(project: Project) -> None:
    people(project, "Ann", "Bob🎉")
    made = plan(project, message(f'"It’s {{{{ name }}}}, {LONG}"'))
    assert told(made) == [("’", "text", None, 2, 1), ("🎉", "column", "name", 1, 1)]
    assert made["ucs2"]["savedBySmartEncoding"]["messages"] == 1


@pytest.mark.parametrize(
    ("text", "more", "source"),
    [
        ('"{{ shop }}"', "", {"kind": "parameter", "name": "shop", "path": "hello.yaml", "line": 3, "column": 20}),
        (
            '"{{ own }}"',
            '    parameters: {own: "hé’"}\n',
            {"kind": "parameter", "name": "own", "path": "hello.yaml", "line": 13, "column": 26},
        ),
        (
            '"{{ own }}"',
            '    parameters: {own: "hé {{ name }}"}\n',
            {"kind": "column", "name": "name", "path": None, "line": None, "column": None},
        ),
        (
            "\"{{ recipient['name']|upper }}\"",
            "",
            {"kind": "column", "name": 'recipient["name"]', "path": None, "line": None, "column": None},
        ),
        (
            "\"{% include 'footer.txt' %}\"",
            "",
            {"kind": "include", "name": None, "path": "footer.txt", "line": 2, "column": 4},
        ),
    ],
)
def test_a_character_is_traced_to_where_it_was_written(
    project: Project, text: str, more: str, source: dict[str, Any]
) -> None:
    project.write("footer.txt", "A\nbye’\n.")
    people(project, "O’Neil")
    (character,) = plan(project, message(text, more=more))["ucs2"]["characters"]
    assert character["source"] == source


def test_a_text_in_another_script_is_told_by_one_letter_and_nothing_would_save(project: Project) -> None:
    people(project, "Ann", "O’Neil")
    made = plan(
        project, message('"Привет, {{ name }} – приходите к нам завтра в девять часов, пожалуйста, до вечера!"')
    )
    assert told(made) == [("П", "text", None, 2, 0)]
    assert made["ucs2"]["messages"] == 2
    assert codes(made) == []


def test_a_text_of_two_scripts_is_told_by_what_the_one_that_is_sent_has(project: Project) -> None:
    people(project, "Ann", "Анна")
    made = plan(project, message("\"{% if name == 'Анна' %}Привет{% else %}It’s us{% endif %}, {{ name }}!\""))
    assert told(made) == [("П", "text", None, 1, 0), ("’", "text", None, 1, 0)]
    assert codes(made) == []


def test_what_can_t_be_seen_is_told_as_an_escape_and_no_value_is(project: Project) -> None:
    people(project, "secret\u202evalue\x1b]0;x\x07")
    project.write("hello.yaml", HEAD.replace("SMART", "false") + message('"{{ name }}"'))
    for form in ("json", "text"):
        ran = project.run("plan", "hello.yaml", "--format", form)
        assert form == "text" or not judge("plan").errors(ran.json)
        assert "secret" not in ran.out + ran.err
        assert not {"\u202e", "\x1b", "\x07"} & set(ran.out + ran.err)
        assert "right-to-left override" in ran.out


def test_of_a_thousand_characters_some_are_told_and_the_others_counted(project: Project) -> None:
    people(project, *(chr(0x1F300 + number) for number in range(120)))
    made = plan(project, message('"{{ name }}"'))
    assert len(made["ucs2"]["characters"]) == 50
    assert made["ucs2"]["withOthers"] == {"greet": 70}
    assert made["ucs2"]["messages"] == 120


@pytest.mark.parametrize("seed", [1, 2])
def test_the_plan_foretells_what_smart_encoding_saves(project: Project, seed: int) -> None:
    chance = random.Random(seed)
    letters = [*"aaaaaaaaaaaaaaaaaaé€", *PLAIN, "😀", "ж"]
    people(
        project,
        *(
            f"x{''.join(chance.choices(letters, k=chance.choice((3, 60, 90, 200))))}".replace("`", "’")
            for _ in range(150)
        ),
    )
    messages = (
        message(f'"{{{{ name }}}} – {LONG}"') + message('"{{ name }}"', "short") + message('"{{ name|upper }}"', "loud")
    )
    before, after = plan(project, messages), plan(project, messages, is_smart=True)
    foretold = before["ucs2"]["savedBySmartEncoding"]
    assert foretold["segments"] == before["totals"]["segments"] - after["totals"]["segments"] > 0
    assert after["ucs2"]["savedBySmartEncoding"]["segments"] == 0
    assert before["digest"] != after["digest"]


def test_smart_encoding_changes_the_sms_text_alone(project: Project) -> None:
    people(project, "O’Neil", "Bob🎉")
    messages = message('"It’s\u00a0{{ name }}…"') + (
        "  picture:\n    channel: sms\n    to: people\n"
        '    body: {type: image, image: {images: [{mediaUrl: "https://acme.example/a.png"}], text: "It’s {{ name }}"}}'
    )
    plan(project, messages, is_smart=True)
    sent = [line["request"] for line in project.run("render", "hello.yaml", "--show-pii").lines]
    assert [request["body"]["text"]["text"] for request in sent[:2]] == ["It's O'Neil...", "It’s\u00a0Bob🎉…"]
    assert [request["body"]["image"]["text"] for request in sent[2:]] == ["It’s O’Neil", "It’s Bob🎉"]
    masked = [line["request"]["body"]["text"]["text"] for line in project.run("render", "hello.yaml").lines[:2]]
    assert masked == ["It's ***...", "It’s\u00a0***…"]


def test_a_text_that_smart_encoding_leaves_empty_is_a_finding(project: Project) -> None:
    people(project, "\u200b")
    project.write("hello.yaml", HEAD.replace("SMART", "true") + message('"{{ name }}"'))
    ran = project.run("validate", "hello.yaml", "--format", "json")
    assert (ran.code, codes(ran.json)) == (1, ["MSG608"])


@pytest.mark.parametrize(
    ("text", "is_told"),
    [
        ('"It’s {{ name }}"', True),
        ('"{{ name }} \\u2013 \\_"', True),
        ("\"{{ name or 'you’' }}\"", True),
        ('"It’s {{ name }} 🎉"', False),
        ('"Ж – {{ name }}"', False),
        ("\"{# it’s #}{{ name|replace('’', '')}}\"", False),
    ],
)
def test_typographic_characters_are_a_finding_where_they_alone_force_ucs_2(
    project: Project, text: str, is_told: bool
) -> None:
    people(project, "Ann")
    assert ("MSG620" in codes(plan(project, message(text)))) == is_told
    assert "MSG620" not in codes(plan(project, message(text), is_smart=True))
    assert "MSG620" not in codes(
        plan(
            project,
            message(text)
            .replace("type: text, text:", "type: image, image:")
            .replace("{text: ", '{images: [{mediaUrl: "https://acme.example/a.png"}], text: '),
        )
    )


def test_a_finding_lists_every_character_of_a_text_at_its_place(project: Project) -> None:
    people(project, "Ann")
    (finding,) = plan(project, message('"“Hi” {{ name }}, it\\u2019s – it’s"'))["findings"]
    at = [(finding["line"], finding["column"]), *((place["line"], place["column"]) for place in finding["also"])]
    assert at == [(13, 38), (13, 41), (13, 57), (13, 65), (13, 69)]
    assert finding["hint"].startswith('write " for “, " for ”, \' for ’, - for –')
