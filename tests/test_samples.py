"""The messages that a plan shows: those that most likely look wrong, of however many there are."""

import gc
import json
from collections.abc import Iterable, Sequence, Set
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.model import Channel, Message
from runner.plan import Composed, Forced, Sample, Sheaf
from runner.plan.characters import Saved
from runner.plan.samples import SAMPLES, Samples
from runner.plan.tally import Tally

from .conftest import Project

US = Channel(name="us", workspace_id="w", channel_id="c-us")


def composed(
    number: int, text: str, *, segments: int = 1, encoding: str = "GSM-7", draft: str = "greet", **more: Any
) -> Composed:
    row, has_gap = more.pop("row", f"people#{number}"), more.pop("has_gap", False)
    body = json.dumps({"body": {"type": "text", "text": {"text": text}}}, ensure_ascii=False).encode()
    message = Message(
        draft=draft,
        channel=US,
        key=f"k{draft}{number}",
        reference="r",
        address=f"phonenumber:+1415555{number:04}",
        payload_hash="h",
        body=body,
        country="US",
        segments=segments,
    )._replace(**more)
    return Composed(
        message=message,
        row=row,
        is_suppressed=False,
        encoding=encoding,
        scheduled_for=None,
        overrides=(),
        sample=lambda: {"of": number},
        has_gap=has_gap,
    )


def chosen(items: Iterable[Composed]) -> tuple[Sample, ...]:
    samples = Samples()
    for item in items:
        samples.offer(item)
    return samples.chosen(lambda address: address[-2:])


def risks(items: Iterable[Composed]) -> list[tuple[str, tuple[str, ...]]]:
    return [(each.row, each.risks) for each in chosen(items)]


def plain(count: int, *, start: int = 0) -> list[Composed]:
    return [composed(number, "Hi Ann, welcome.") for number in range(start, start + count)]


LONG = composed(801, "{" * 90, segments=2)  # each counts twice: more segments than a longer text
LONGEST = composed(802, "a" * 150)
EMOJI = composed(803, "Hi \N{SPARKLES}", encoding="UCS-2")
HOLLOW = composed(804, "Hi N/A, welcome.", values=("N/A",))


def test_each_risk_is_shown_wherever_it_stands_in_the_list() -> None:
    for items in ([LONG, LONGEST, EMOJI], [EMOJI, LONGEST, LONG], [LONGEST, EMOJI, LONG]):
        rows = risks([*plain(50), items[0], *plain(50, start=100), *items[1:], *plain(50, start=200)])
        assert rows == [
            ("people#801", ("mostSegments",)),
            ("people#803", ("ucs2",)),
            ("people#802", ("longest",)),
        ]


def test_one_message_may_show_several_risks_and_leaves_room_for_others() -> None:
    worst = composed(900, "\N{SPARKLES}" * 160, segments=5, encoding="UCS-2", values=("-",))
    rows = risks([*plain(9), worst])
    assert rows[0] == ("people#900", ("mostSegments", "emptyValue", "ucs2", "longest"))
    assert [each for _, each in rows[1:]] == [(), ()]
    assert len({row for row, _ in rows}) == SAMPLES


def test_an_empty_looking_value_is_shown_before_the_next_long_one() -> None:
    more = [composed(number, "b" * 300, segments=2) for number in range(900, 990)]
    assert ("people#804", ("emptyValue",)) in risks([*more, HOLLOW])


@pytest.mark.parametrize("value", [" ", "\t", "\xa0\xa0", "null", "NULL", "None", "n/a", "N/A", "-", "–", "?", "NaN"])
def test_what_looks_empty(value: str) -> None:
    assert ("people#7", ("emptyValue",)) in risks(
        [*plain(5), composed(7, "Hi", values=("Ann", value)), *plain(5, start=20)]
    )


@pytest.mark.parametrize("value", ["Ann", "0", "No", "Na", "Nil Smith", "Ó", "X", "+14155550100"])
def test_what_does_not_look_empty(value: str) -> None:
    assert all("emptyValue" not in each for _, each in risks([composed(7, "Hi Ann, welcome.", values=(value,))]))


def test_a_gap_counts_too() -> None:
    assert ("people#7", ("emptyValue",)) in risks([*plain(5), composed(7, "Hi , welcome.", has_gap=True)])


def test_what_all_have_in_common_is_no_risk() -> None:
    assert [each for _, each in risks(plain(9))] == [(), (), ()]


def test_room_that_is_left_shows_other_messages_and_other_people() -> None:
    """The same person is the riskiest of every message: one look at them is enough."""
    items = [composed(0, "c" * 900, segments=6, draft="a", row="people#0")]
    for draft, segments in (("b", 5), ("c", 4), ("d", 3)):
        items.append(composed(0, "c" * 100 * segments, segments=segments, draft=draft, row="people#0"))
        items.append(composed(1, "c" * 90 * segments, segments=segments, draft=draft, row="people#1"))
    samples = chosen(items)
    assert len({each.message for each in samples}) == SAMPLES
    assert len({each.row for each in samples}) == 2


def test_fewer_messages_give_fewer_samples() -> None:
    assert chosen([]) == ()
    assert len(chosen(plain(1))) == 1
    assert len(chosen(plain(2))) == 2


def test_memory_does_not_grow_with_rows() -> None:
    """Even where each is longer than all before it."""
    samples = Samples()
    for number in range(2000):
        samples.offer(composed(number, "x" * number, encoding="UCS-2" if number % 2 else "GSM-7"))
    gc.collect()
    kept = [each for each in gc.get_objects() if isinstance(each, Composed) and each.row.startswith("people#1")]
    assert 0 < len(kept) < 20
    assert len(samples.chosen(str)) == SAMPLES


def test_many_messages_are_looked_through_quickly_and_never_twice() -> None:
    drafts = [composed(0, f"Hi {number}", draft=f"m{number}") for number in range(2000)]
    assert len({each.message for each in chosen(drafts)}) == SAMPLES


def test_a_real_plan_says_why(project: Project) -> None:
    names = ["Ann"] * 40 + ["A" * 200] + ["Ann"] * 40 + ["Zoë\N{SPARKLES}"] + ["Ann"] * 40 + ["N/A"]
    rows = "".join(f"+1{200 + number // 100}55501{number % 100:02},{name}\n" for number, name in enumerate(names, 101))
    project.write("people.csv", f"phone,name\n{rows}")
    ran = project.run("plan", "hello.yaml", "--format", "json")
    assert ran.code == 0, ran.err
    assert [(each["row"], each["risks"]) for each in ran.json["samples"]] == [
        ("people#41", ["mostSegments", "longest"]),
        ("people#123", ["emptyValue"]),
        ("people#82", ["ucs2"]),
    ]
    text = project.run("plan", "hello.yaml").out
    assert "(people#41), GSM-7, 2 segments: most segments, longest text" in text
    assert "(people#123), GSM-7, 1 segment: a value that is empty or looks so" in text


def test_a_gap_in_typed_data_is_shown_in_both_ways_of_composing(project: Project) -> None:
    people = ["Ann"] * 5 + [""] + ["Ann"] * 5
    lines = "".join(
        json.dumps({"phone": f"+14155550{100 + number}", "name": name}) + "\n" for number, name in enumerate(people)
    )
    project.write("people.jsonl", lines)
    manifest = (project.path / "hello.yaml").read_text().replace("people.csv", "people.jsonl")
    for text in ("Hi {{ name }}, welcome.", "Hi {{ name|upper }}, welcome."):
        project.write("hello.yaml", manifest.replace("Hi {{ name }}, welcome.", text))
        samples = project.run("plan", "hello.yaml", "--format", "json").json["samples"]
        assert [each["row"] for each in samples if "emptyValue" in each["risks"]] == ["people#6"], text


def a_sheaf(items: Sequence[Composed]) -> Sheaf:
    """The same messages side by side."""
    first = items[0]

    def hollow(texts: Set[str]) -> int | None:
        gaps = (index for index, each in enumerate(items) if each.has_gap or not texts.isdisjoint(each.message.values))
        return next(gaps, None)

    return Sheaf(
        draft=first.message.draft,
        channel=US,
        keys=[each.message.key for each in items],
        addresses=[each.message.address for each in items],
        payload_hashes=["h" for _ in items],
        bodies=[each.message.body for each in items],
        countries=["US" for _ in items],
        segments=[each.message.segments for each in items],
        encodings=[each.encoding for each in items],
        costs=[None for _ in items],
        currency=None,
        unpriced=["" for _ in items],
        scheduled_for=None,
        overrides=(),
        validity_s=None,
        values=lambda index: items[index].message.values,
        row=lambda index: items[index].row,
        sample=lambda index: items[index].sample(),
        forced=lambda _: Forced((), 0, is_typographic=False),
        has_gap=lambda index: items[index].has_gap,
        hollow=hollow,
    )


LOOKS = st.tuples(
    st.sampled_from((1, 1, 2, 5)),
    st.sampled_from(("GSM-7", "GSM-7", "UCS-2")),
    st.integers(1, 30),
    st.sampled_from(("Ann", "Ann", "Ann", "n/a")),
    st.sampled_from((False, False, False, True)),
)


@given(batches=st.lists(st.tuples(st.sampled_from(("greet", "remind")), st.lists(LOOKS, min_size=1, max_size=6))))
def test_many_at_once_give_the_samples_that_one_by_one_give(
    batches: list[tuple[str, list[tuple[int, str, int, str, bool]]]],
) -> None:
    one_by_one, together, number = Samples(), Samples(), 0
    for draft, looks in batches:
        items = []
        for segments, encoding, length, value, has_gap in looks:
            number += 1
            items.append(
                composed(
                    number, "x" * length, segments=segments, encoding=encoding, draft=draft, values=(value,),
                    has_gap=has_gap,
                )
            )  # fmt: skip
        for item in items:
            one_by_one.offer(item)
        together.offer_all(a_sheaf(items))
    assert together.chosen(str) == one_by_one.chosen(str)


def test_some_of_a_sheaf_have_their_own_first_gap() -> None:
    items = [composed(1, "a", has_gap=True), composed(2, "b"), composed(3, "c", has_gap=True)]
    whole = a_sheaf(items)
    assert whole.only([0, 1, 2]) is whole
    assert whole.only([1, 2]).hollow(frozenset()) == 1
    assert whole.only([1]).hollow(frozenset()) is None
    assert a_sheaf(items[1:2] * 2).only([0]).hollow(frozenset()) is None


def test_of_a_sheaf_with_prices_a_row_without_one_costs_nothing() -> None:
    sheaf = replace(a_sheaf([composed(1, "a"), composed(2, "b")]), costs=["0.01", None], currency="USD")
    tally = Tally()
    tally.add_all_new(sheaf)
    assert (tally.new, tally.costs) == (2, {"US": Decimal("0.01")})


def test_what_would_be_saved_is_counted_without_a_country_too() -> None:
    saved = Saved()
    saved.add(composed(1, "a", segments=2).message._replace(country=""), 1)
    assert (saved.messages, saved.segments, saved.countries) == (1, 1, {})
