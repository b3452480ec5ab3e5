"""A plan as a comment: whole where it fits, cut where it does not, and nothing in it but what it says."""

from functools import cache
from typing import Any

import pytest

from runner.findings import Finding, Place, Severity
from runner.model import Channel, Check, Message, Policy
from runner.output.formats.found import Found
from runner.output.lock import Lock
from runner.output.markdown import MOST, cut, fenced, fitting, in_turn, page, shares, size
from runner.output.plan_told import PlanTold
from runner.plan import Composed, Planner, Skipped
from runner.plan.difference import Change, Difference, ManifestDiff, MessageDiff, Text

from .reading import read
from .test_formats import MARKUP
from .test_neutral import hostile, obeyed

US = Channel(name="us", workspace_id="w", channel_id="c")
CODES = [f"{first}{second}" for first in "ABCDEFGHIJ" for second in "KLMNOPQRST"]  # a hundred countries
WIDE = "\N{SPARKLES}"  # one code point, two units of UTF-16, four bytes


class Nowhere:
    def add(self, message: Message) -> None:
        pass


def message(number: int, *, draft: str, text: str, country: str) -> Composed:
    return Composed(
        message=Message(
            draft=draft,
            channel=US,
            key=f"{draft}{number}",
            reference="r",
            address=f"phonenumber:+1415555{number:04}",
            payload_hash="h",
            body=b"{}",
            country=country,
            segments=7,
            cost="0.01",
            currency="USD",
        ),
        row=f"people#{number}",
        is_suppressed=False,
        encoding="UCS-2",
        scheduled_for=None,
        overrides=(),
        sample=lambda: {"body": {"type": "text", "text": {"text": text}}},
    )


def told(*, drafts: list[str], text: str = "Hi ***", countries: list[str] = ["US"], **more: Any) -> PlanTold:  # noqa: B006
    planner = Planner(spool=Nowhere(), drafts=drafts, mask=lambda _: "+1…00", on_scheduled=lambda _: None)
    items: list[Composed | Skipped] = [
        message(number, draft=draft, text=text, country=country)
        for draft in drafts
        for number, country in enumerate(countries)
    ]
    planner.take_all([*items, Skipped(draft=drafts[0], reason="when")])
    given: dict[str, Any] = {
        "name": "spring",
        "edition": "1",
        "gone": {},
        "not_checked": (),
        "refusals": (),
        "policy": Policy(),
    }
    given |= {"policy": Policy(), "lock": Lock(state="absent"), "inputs": {}}
    return PlanTold(plan=planner.finish(Policy(), currency="USD"), **(given | more))


def changed(*texts: Text, **more: Any) -> Difference:
    messages = tuple(
        MessageDiff(name=text.name, text=text, people=None, before=None, after=None, is_new=False, is_gone=False)
        for text in texts
    )
    given: dict[str, Any] = {"facts": (), "policy": (), "channels": (), "inputs": (), "included": ()}
    given |= {"digests": (None, None), "currencies": (None, None), "mistakes": (), "not_checked": ()}
    made = ManifestDiff(path="spring.yaml", kind="changed", messages=messages, **(given | more))
    return Difference(base="1a2b3c4d5e6f7788", revision="", manifests=(made,))


def warnings(count: int, words: str = "odd") -> list[Finding]:
    return [
        Finding(
            code="MSG609",
            severity=Severity.WARNING,
            message=f"{words} {number}",
            hint=words,
            place=Place(path="spring.yaml", line=number + 1),
        )
        for number in range(count)
    ]


def found(*findings: Finding, **more: Any) -> Found:
    return Found(findings=findings, manifests=["spring.yaml"], **more)


def measured(text: str) -> tuple[int, int, int]:
    return len(text), len(text.encode("utf-16-le", "surrogatepass")) // 2, size(text)


def test_a_small_plan_says_all_that_a_reviewer_asks() -> None:
    change = changed(Text(name="greet", lines=("@@ -1 +1 @@", "-body.text.text: Hi", "+body.text.text: Hello")))
    text = told(drafts=["greet", "bye"], not_checked=["channel us not looked up: no key"], change=change).markdown(
        found(*warnings(1))
    )
    assert "### flypast: <code>spring</code>, edition <code>1</code>" in text
    assert "**2 messages to send** (14 segments, about 0.02 USD) to US 2" in text
    assert "| message | messages | new | segments | cost | countries | skipped |" in text
    assert "| **all 2** | 3 | 2 | 14 | about 0.02 USD | US 2 | 1 |" in text
    assert "| <code>greet</code> | 2 | 1 | 7 | about 0.01 USD | US 1 | 1 |" in text
    assert "| ⚠️ | <code>spring.yaml&#58;1&#58;1</code> | MSG609: odd 0<br>odd |" in text
    assert "#### Changed since <code>1a2b3c4d5e6f</code>, the merge base with the default branch" in text
    assert "```diff\n@@ -1 +1 @@\n-body.text.text: Hi\n+body.text.text: Hello\n```" in text
    assert (
        "<code>greet</code> to <code>&#43;1…00</code>, <code>people&#35;0</code>, UCS<span>&#45;</span>2, 7 segments"
        in text
    )
    assert "#### Not checked\n\n- channel us not looked up&#58; no key" in text
    assert text.endswith(f"Digest <code>{told(drafts=['greet', 'bye']).plan.digest}</code>")
    assert "more" not in text


@cache
def hostile_plan() -> str:
    """Everything that can be long is longer than it should be, in characters of four bytes."""
    drafts = [f"{number:03}-{'n' * 59}" for number in range(300)]
    long = WIDE * 5000
    lines = tuple(f"+{WIDE * 300}" for _ in range(2000))
    change = changed(
        *(Text(name=draft, lines=lines) for draft in drafts),
        policy=tuple(Change(key=f"limits.{number}", before=long, after=long) for number in range(500)),
        included=tuple(Text(name=f"{number}{long}", lines=lines) for number in range(50)),
    )
    plan = told(
        drafts=drafts,
        text="\n".join([long] * 50),
        countries=CODES,
        edition=long,
        not_checked=[long] * 500,
        refusals=[long] * 500,
        online=[Check("fail", "n", long, long)] * 500,
        gone={"accepted": 10**9},
        change=change,
    )
    return plan.markdown(found(*warnings(5000, long)))


def test_whatever_is_in_a_plan_it_fits_a_comment_by_any_way_of_counting_and_says_what_was_cut() -> None:
    text = hostile_plan()
    assert max(measured(text)) <= MOST < 65_536
    assert min(measured(text)) > MOST // 5, "room is not thrown away"
    for said in (
        *("messages more: `flypast plan` shows all", "findings more: `flypast validate` lists them all"),
        *("texts more: `flypast diff` shows all", "lines more", "reasons more", "in 92 more", "characters more"),
    ):
        assert said in text, said
    assert "| **all 300** | 30,001 | 30,000 |" in text
    assert "<code>000-" in text
    assert "Digest <code>" in text


def test_what_was_cut_still_reads_as_what_it_is() -> None:
    """Tables end as tables, blocks are closed, and nothing stands in the wrong one."""
    reading = read(hostile_plan())
    assert reading.references == []
    assert reading.tags <= {
        *("h3", "h4", "p", "strong", "code", "pre", "table", "thead", "tbody", "tr", "th", "td", "ul", "li", "br"),
        *("details", "summary", "span"),
    }
    tables = [tag for tag, _ in reading.elements if tag == "table"]
    assert len(tables) == 2


@pytest.mark.parametrize("payload", MARKUP)
def test_nothing_that_comes_from_data_makes_an_element_a_link_or_an_image(payload: str) -> None:
    texts = (Text(name=payload, lines=(f"+{payload}", payload, "````", "</details>")),)
    plan = told(
        drafts=["greet"],
        text=f"{payload}\n```\n{payload}",
        countries=[payload],
        edition=payload,
        not_checked=[payload],
        refusals=[payload],
        online=[Check("warn", payload, payload, payload)],
        gone={payload: 1},
        change=changed(*texts, policy=(Change(key=payload, before=payload, after=None),)),
        lock=Lock(state="stale", moved=(payload,)),
    )
    plain = told(
        drafts=["greet"],
        text="x\n```\nx",
        countries=["x"],
        edition="x",
        not_checked=["x"],
        refusals=["x"],
        online=[Check("warn", "x", "x", "x")],
        gone={"x": 1},
        change=changed(
            Text(name="x", lines=("+x", "x", "````", "</details>")), policy=(Change(key="x", before="x", after=None),)
        ),
        lock=Lock(state="stale", moved=("x",)),
    )
    mine, theirs = (read(each.markdown(found(*warnings(1, words)))) for each, words in ((plan, payload), (plain, "x")))
    assert mine.references == []
    assert [each for each in mine.elements if each[0] != "span"] == [
        each for each in theirs.elements if each[0] != "span"
    ]


@hostile
def test_no_runner_obeys_a_page(payload: str) -> None:
    plan = told(drafts=["greet"], text=payload, countries=[payload], edition=payload, not_checked=[payload])
    text = plan.markdown(found(*warnings(1, payload)), result=[payload, payload])
    assert obeyed(text) == []


def test_a_refusal_and_what_stopped_it_are_told() -> None:
    plan = told(drafts=["greet"], refusals=["too many"])
    assert "**A send would be refused**\n\n- ⛔ too many" in plan.markdown(found(stopped="too many"))
    assert "**Stopped**\n\n- ⛔ another digest" in plan.markdown(found(stopped="another digest"))


def test_what_changed_late_in_a_long_text_is_seen() -> None:
    lines = tuple(f"{sign}body.text.text: {'x' * 900}{end}" for sign, end in (("-", "today"), ("+", "tomorrow")))
    text = told(drafts=["greet"], change=changed(Text(name="greet", lines=lines))).markdown(found())
    assert "xtoday\n+body.text.text: x" in text
    assert "xtomorrow\n```" in text


def test_a_run_that_is_over_is_told_first() -> None:
    text = told(drafts=["greet"]).markdown(found(), result=["This run: 1 accepted", "Of 1 message: 1 accepted"])
    assert "**This run&#58; 1 accepted**\n<br>Of 1 message&#58; 1 accepted" in text
    assert "to send" not in text


def test_nothing_that_changed_is_said_too() -> None:
    same = Difference(base="1a2b3c4d5e6f7788", revision="", manifests=())
    assert "are as in <code>1a2b3c4d5e6f</code>" in told(drafts=["greet"], change=same).markdown(found())


@pytest.mark.parametrize(("wants", "room", "given"), [([5, 5], 20, [5, 5]), ([9, 1, 90], 30, [9, 1, 20]), ([], 9, [])])
def test_what_is_short_is_whole_and_the_rest_shares(wants: list[int], room: int, given: list[int]) -> None:
    assert list(shares(wants, room)) == given


@pytest.mark.parametrize("room", range(20, 200, 7))
def test_parts_never_take_more_than_their_room(room: int) -> None:
    rows = [f"row {number} {'é' * number}" for number in range(40)]
    assert size("\n".join(fitting(rows, room, lambda left: f"{left} more"))) <= room
    block = fenced(["`" * number for number in range(9)], room=room + 100)
    assert size("\n".join(block)) <= room + 100
    assert size(in_turn(rows, room * 20, lambda row, _: row, lambda left: f"{left} more")) <= room * 20


def test_a_page_is_never_longer_than_it_may_be() -> None:
    parts = [lambda room, n=n: "x" * min(room, n) for n in (10, 100, 1000, 5000)]
    assert size(page(parts, 2000)) <= 2000
    assert page(parts, 2000).startswith("x" * 10 + "\n\n" + "x" * 100 + "\n\n")


def test_a_long_line_says_how_much_of_it_is_left_out() -> None:
    assert cut("abc", 3) == "abc"
    assert cut("abcd", 3) == "abc… (1 character more)"
