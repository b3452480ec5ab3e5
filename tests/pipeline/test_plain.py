"""The short way of plain texts gives just what the general way gives, or leaves the row to it."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.findings import Findings, Place
from runner.model import Json, Recipient
from runner.pipeline import Inputs, Order
from runner.pipeline.audience import Audience
from runner.pipeline.compose import Composer
from runner.pipeline.faults import Faults
from runner.pipeline.listfiles import ListFiles
from runner.pipeline.people import Person
from runner.pipeline.plain import plain_composer
from runner.pipeline.prepare import Prepared, prepare
from runner.plan import Composed
from runner.prices import RateCard
from runner.project import Project

MANIFEST = """\
apiVersion: flypast/v1
name: spring
parameters: {{shop: "Acme {{50%}}", rooms: 5}}
channels:
  sms: {{workspaceId: 5a0c8c1e-2f0e-4c0e-9d5d-0d6b1a1f7a11, channelId: 3f2c1f0a-7a44-4b0e-8f0c-2f3a9d1c5b22}}
recipients:
  people: {{file: people.csv}}
messages:
  greet: {{channel: sms, to: people, distinct: order, body: {{type: text, text: {{text: {text}}}}}, tags: [spring]}}
policy: {{limits: {{segmentsPerMessage: 2}}, smartEncoding: {smart}}}
"""
TEXTS = (
    '"Hi {{ name }}, {{ shop }} has {{ order }} for {{ name }}: 100% {ok} %s"',
    '"{{ name }}"',
    '"{{ name }}\\n"',
    '"{{ order }} of {{ rooms }} and {{ nobody }}"',
    '"“{{ name }}” …"',
)
VALUES = st.one_of(
    st.none(),
    st.integers(),
    st.text(st.sampled_from('aZ é€{}%"\\\n\t😀ж’…\u00a0\u200b'), max_size=8),
    st.sampled_from(["x" * 150, "x" * 320, "ж" * 60, "ж" * 90, "’" * 60, "’" * 90, "…" * 70, "\u200b"]),
)
ROWS = st.dictionaries(st.sampled_from(["name", "order", "shop", "nobody", "recipient"]), VALUES)
CONTACTS = st.one_of(
    st.just({"identifierKey": "phonenumber", "identifierValue": "+14155550100"}),
    st.just({"identifierKey": "phonenumber", "identifierValue": "+14155550100", "annotations": {"name": "é"}}),
    st.just({"id": "0000"}),
    st.just({"identifierValue": 5}),
)


PLACE = Place(path="people.csv", line=2)
CARD = RateCard(currency="USD", countries={("sms", "US"): Decimal("0.0079")}, prefixes={})


def ready(folder: Path, text: str, findings: Findings, *, is_smart: bool = False) -> tuple[Composer, Prepared]:
    (folder / "people.csv").write_text("phone,name,order,nobody\n")
    path = folder / "spring.yaml"
    source = MANIFEST.format(text=text, smart=str(is_smart).lower()).encode()
    loaded = Order(path=path, source=source, project=Project(root=folder, working=folder)).load(findings)
    assert loaded.manifest is not None
    faults = Faults(findings)
    (draft,) = loaded.manifest.drafts
    composer = Composer(manifest=loaded.manifest, findings=findings, faults=faults, card=CARD)
    return composer, prepare(draft, loaded.manifest, loaded.language, faults)


def facts(composed: Composed) -> tuple[object, ...]:
    forced = composed.forced() if composed.forced is not None else None
    return (*composed._replace(sample=dict, forced=None), composed.sample(), forced)


@pytest.fixture(scope="module", params=[(text, is_smart) for text in TEXTS for is_smart in (False, True)])
def both(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Composer, Prepared, Findings]:
    findings = Findings()
    text, is_smart = request.param
    return *ready(tmp_path_factory.mktemp("plain"), text, findings, is_smart=is_smart), findings


@given(row=ROWS, contact=CONTACTS, is_suppressed=st.booleans())
def test_both_ways_give_the_same(
    both: tuple[Composer, Prepared, Findings], row: dict[str, Json], contact: dict[str, Json], is_suppressed: bool
) -> None:
    composer, prepared, findings = both
    values, priced = composer.manifest.parameters.values, composer._pricers[prepared.draft.name]
    plainly = plain_composer(prepared, values, composer._judge, composer._texts, priced)
    assert plainly is not None
    address = f"phonenumber:{contact.get('identifierValue')}"
    recipient = Recipient("people", 1, address, contact, row, lambda: PLACE)
    person = Person(recipient, address, "people#1", lambda: PLACE, "", is_suppressed)
    quickly = plainly(person)
    if quickly is not None:
        told = len(findings)
        fully = composer._one(prepared, person)
        assert isinstance(fully, Composed)
        assert facts(quickly) == facts(fully)
        assert len(findings) == told


def test_an_ordinary_row_takes_the_short_way(tmp_path: Path) -> None:
    composer, prepared = ready(tmp_path, TEXTS[0], Findings())
    plainly = plain_composer(prepared, composer.manifest.parameters.values, composer._judge, composer._texts)
    assert plainly is not None
    contact = {"identifierKey": "phonenumber", "identifierValue": "+14155550100"}
    row = {"name": "Ada", "order": "o1"}
    recipient = Recipient("people", 1, "phonenumber:+14155550100", contact, row, lambda: PLACE)
    composed = plainly(Person(recipient, recipient.address, "people#1", lambda: PLACE))
    assert composed is not None
    assert b"Hi Ada, Acme {50%} has o1 for Ada: 100% {ok} %s" in composed.message.body


def test_the_short_way_prices_what_it_composes(tmp_path: Path) -> None:
    composer, prepared = ready(tmp_path, TEXTS[0], Findings())
    for number, told in (("+14155550100", ("0.0079", "USD", "")), ("+447700900123", (None, None, "GB"))):
        contact = {"identifierKey": "phonenumber", "identifierValue": number}
        row = {"name": "Ada", "order": "o1"}
        recipient = Recipient("people", 1, f"phonenumber:{number}", contact, row, lambda: PLACE)
        person = Person(recipient, recipient.address, "people#1", lambda: PLACE)
        (composed,) = composer.compose(prepared, iter([person]))
        assert isinstance(composed, Composed)
        assert (composed.message.cost, composed.message.currency, composed.unpriced) == told


@pytest.mark.parametrize(
    "text", ['"{{ name|upper }}"', '"no names"', '"{{ recipient.name }}"', '"{% if name %}x{% endif %}{{ name }}"']
)
def test_a_text_of_more_than_names_takes_the_general_way(tmp_path: Path, text: str) -> None:
    composer, prepared = ready(tmp_path, text, Findings())
    values = composer.manifest.parameters.values
    assert plain_composer(prepared, values, composer._judge, composer._texts) is None


def test_the_named_tuples_of_a_row_have_all_their_fields(tmp_path: Path) -> None:
    composer, prepared = ready(tmp_path, TEXTS[0], Findings())
    (tmp_path / "people.csv").write_text("phone,name,order,nobody\n+14155550100,Ada,o1,\n")
    source = MANIFEST.format(text=TEXTS[0], smart="false").encode()
    project = Project(root=tmp_path, working=tmp_path)
    loaded = Order(path=tmp_path / "spring.yaml", source=source, project=project).load(composer.findings)
    manifest = composer.manifest
    given: dict[str, Any] = {"given": Inputs(), "is_strict": True, "findings": composer.findings, "not_checked": []}
    with ListFiles(loaded=loaded, manifest=manifest, **given) as lists:
        audience = Audience(
            manifest=manifest, lists=lists, language=loaded.language, findings=composer.findings, faults=composer.faults
        )
        (row,) = lists.rows(manifest.lists["people"], composer.findings)
        (person,) = audience.people(prepared.draft)
        (composed,) = composer.compose(prepared, iter([person]))
    assert isinstance(composed, Composed)
    for made in (row, person, person.recipient, composed, composed.message):
        assert made is not None
        assert made == type(made)(*made)
        assert len(made) == len(made._fields)
