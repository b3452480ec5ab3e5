"""The short way of many rows gives just what the general way gives for each, or leaves the row to it."""

import pickle
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.findings import Findings, Place
from runner.pipeline import Order
from runner.pipeline.compose import Composer
from runner.pipeline.faults import Faults
from runner.pipeline.people import Person, person_of
from runner.pipeline.prepare import Prepared, prepare
from runner.pipeline.together import together
from runner.plan import Composed, Sheaf, Skipped, one_by_one
from runner.prices import RateCard
from runner.project import Project
from runner.recipients.crowds import Crowd
from runner.recipients.rows import Rows

MANIFEST = """\
apiVersion: flypast/v1
name: spring
parameters: {{shop: "Acme {{50%}}", rooms: 5}}
channels:
  sms: {{workspaceId: 5a0c8c1e-2f0e-4c0e-9d5d-0d6b1a1f7a11, channelId: 3f2c1f0a-7a44-4b0e-8f0c-2f3a9d1c5b22}}
recipients:
  people: {{file: people.csv}}
messages:
  greet:
    {{channel: sms, to: people, distinct: order, body: {{type: text, text: {{text: {text}}}}}, tags: [spring]{more}}}
policy: {{limits: {{segmentsPerMessage: 2}}, smartEncoding: {smart}}}
"""
NAMES = ("phone", "name", "order", "nobody")
TEXTS = (
    ('"Hi {{ name }}, {{ shop }} has {{ order }} for {{ name }}: 100% {ok} %s"', ""),
    ('"{{ name }}"', ""),
    ('"{{ name }}\\n"', ""),
    ('"{{ order }} of {{ nobody }} and {{ shop }}"', ""),
    ('"{{ order }} of {{ rooms }}"', ""),
    ('"“{{ name }}” …"', ""),
    ('"nothing of anybody"', ""),
    ('"nothing of anybody"', ", when: \"name == 'a'\""),
    ('"{{ shop }}{{ name|upper }}"', ""),
    ('''"{{ recipient.name }} {{ name or 'there' }}"''', ""),
    ('"{% if name %}{{ name|title }}{% endif %}{{ order|int + 1 }}"', ""),
    ('"{{ name }} {{ order }}"', ", when: \"name != 'a' and recipient.order > '1'\""),
    ('"{{ greeting }} {{ name }}"', ', parameters: {greeting: "Hi {{ name|upper }}"}'),
    ("\"{{ '\\\\ud800' }}{{ name }}\"", ""),
)
CELLS = st.one_of(
    st.just(""),
    st.text(st.sampled_from('aZ1é€{}%"\\\n\t😀ж’…\u00a0\u200b'), max_size=8),
    st.sampled_from(["x" * 150, "x" * 320, "ж" * 60, "ж" * 90, "’" * 60, "’" * 90, "…" * 70, "\u200b", "a", "12"]),
)
ROWS = st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=5)
PLACE = Place(path="people.csv", line=2)
CARD = RateCard(currency="USD", countries={("sms", "US"): Decimal("0.0079")}, prefixes={})


def ready(
    folder: Path, text: str, findings: Findings, *, more: str = "", is_smart: bool = False
) -> tuple[Composer, Prepared]:
    (folder / "people.csv").write_text(f"{','.join(NAMES)}\n")
    path = folder / "spring.yaml"
    source = MANIFEST.format(text=text, more=more, smart=str(is_smart).lower()).encode()
    loaded = Order(path=path, source=source, project=Project(root=folder, working=folder)).load(findings)
    assert loaded.manifest is not None, findings.sorted()
    faults = Faults(findings)
    (draft,) = loaded.manifest.drafts
    composer = Composer(manifest=loaded.manifest, findings=findings, faults=faults, card=CARD)
    return composer, prepare(draft, loaded.manifest, loaded.language, faults)


def a_crowd(rows: Sequence[Sequence[str]], numbers: Sequence[str] = ()) -> Crowd:
    numbers = numbers or [f"+141555501{index:02}" for index in range(len(rows))]
    cells = [[number, *row] for number, row in zip(numbers, rows, strict=True)]
    found = Rows(range(1, len(rows) + 1), 1, NAMES, cells, [",".join(row) for row in cells], lambda *_: PLACE)
    return Crowd("people", "phonenumber", found, numbers)


def facts(composed: Composed) -> tuple[object, ...]:
    forced = composed.forced() if composed.forced is not None else None
    return (*composed._replace(sample=dict, forced=None), composed.sample(), forced)


def parts(composer: Composer, prepared: Prepared, crowd: Crowd) -> Iterator[Sheaf | Person | Skipped]:
    values, priced = composer.manifest.parameters.values, composer._pricers[prepared.draft.name]
    many = together(prepared, values, composer._judge, composer._texts, priced)
    assert many is not None
    filled = pickle.loads(pickle.dumps(many.fill(crowd)))  # noqa: S301 - as another process gives it
    found = many.parts(crowd, filled)
    return (part[1] if isinstance(part, tuple) and not isinstance(part, Person) else part for part in found)


@pytest.fixture(scope="module", params=[(*text, is_smart) for text in TEXTS for is_smart in (False, True)])
def both(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Composer, Prepared, Findings]:
    findings = Findings()
    text, more, is_smart = request.param
    return *ready(tmp_path_factory.mktemp("plain"), text, findings, more=more, is_smart=is_smart), findings


@settings(max_examples=30)
@given(rows=ROWS)
def test_both_ways_give_the_same(both: tuple[Composer, Prepared, Findings], rows: list[tuple[str, str, str]]) -> None:
    composer, prepared, findings = both
    crowd = a_crowd(rows)
    quickly: list[tuple[object, ...] | str] = []
    skipped = 0
    for part in parts(composer, prepared, crowd):
        if isinstance(part, Sheaf):
            assert list(part.messages()) == [each.message for each in part.each()]
            quickly += map(facts, part.each())
        elif isinstance(part, Person):
            quickly.append(part.row)
        else:
            skipped += 1
    told = len(findings)
    alone = [row for row in quickly if isinstance(row, str)]
    fully = [_fully(composer, prepared, person_of(crowd, index), alone) for index in range(crowd.size)]
    assert quickly == [each for each in fully if each is not None]
    assert skipped == fully.count(None)
    assert len(findings) == told


def _fully(
    composer: Composer, prepared: Prepared, person: Person, alone: Sequence[str]
) -> tuple[object, ...] | str | None:
    """What is known of a message that is composed alone; None where it is skipped."""
    if person.row in alone:
        return person.row
    composed = composer._one(prepared, person)
    if isinstance(composed, Composed):
        return facts(composed)
    assert composed == Skipped(draft="greet", reason="when")
    return None


@pytest.mark.parametrize(
    ("text", "more", "said"),
    [
        (TEXTS[0][0], "", b"Hi Ada, Acme {50%} has o1 for Ada: 100% {ok} %s"),
        ('"Hi {{ name|upper }}"', "", b"Hi ADA"),
        ('"Hi {{ recipient.name }}"', ", when: \"name == 'Ada'\"", b"Hi Ada"),
        ('"Hi all"', "", b"Hi all"),
    ],
)
def test_ordinary_rows_take_the_short_way(tmp_path: Path, text: str, more: str, said: bytes) -> None:
    composer, prepared = ready(tmp_path, text, Findings(), more=more)
    (sheaf,) = parts(composer, prepared, a_crowd([("Ada", "o1", ""), ("Ada", "o1", "x")]))
    assert isinstance(sheaf, Sheaf)
    assert all(said in body for body in sheaf.bodies)


def test_a_row_that_is_out_of_the_ordinary_stands_alone_between_the_others(tmp_path: Path) -> None:
    composer, prepared = ready(tmp_path, TEXTS[0][0], Findings())
    rows = [("Ada", "o1", ""), ("Bo", "o2", ""), ("", "o3", ""), ("Cy", "o4", "")]
    first, odd, last = parts(composer, prepared, a_crowd(rows))
    assert isinstance(first, Sheaf)
    assert isinstance(odd, Person)
    assert isinstance(last, Sheaf)
    assert [first.row(0), first.row(1), odd.row, last.row(0)] == ["people#1", "people#2", "people#3", "people#4"]


def test_who_comes_twice_gets_one_message_whichever_way_it_takes(tmp_path: Path) -> None:
    composer, prepared = ready(tmp_path, TEXTS[0][0], Findings())
    twice = a_crowd([("Ada", "o1", ""), ("Ada", "o1", ""), ("Bo", "o1", "")], ["+14155550100"] * 3)
    items = list(one_by_one(composer.compose(prepared, iter([twice, person_of(twice, 0), twice]))))
    assert [type(item) for item in items] == [Composed, *[Skipped] * 6]
    assert [finding.code for finding in composer.findings.sorted()] == ["RCP541"]


def test_the_short_way_prices_what_it_composes(tmp_path: Path) -> None:
    composer, prepared = ready(tmp_path, TEXTS[0][0], Findings())
    crowd = a_crowd([("Ada", "o1", "")] * 2, ["+14155550100", "+447700900123"])
    (sheaf,) = composer.compose(prepared, iter([crowd]))
    assert isinstance(sheaf, Sheaf)
    told = [(each.message.cost, each.message.currency, each.unpriced) for each in sheaf.each()]
    assert told == [("0.0079", "USD", ""), (None, None, "GB")]


@pytest.mark.parametrize("more", [', reference: "r-{{ order }}"', ', meta: {extraInformation: {order: "{{ order }}"}}'])
def test_a_message_in_which_more_than_a_text_differs_takes_the_general_way(tmp_path: Path, more: str) -> None:
    composer, prepared = ready(tmp_path, TEXTS[0][0], Findings(), more=more)
    values = composer.manifest.parameters.values
    assert together(prepared, values, composer._judge, composer._texts) is None
