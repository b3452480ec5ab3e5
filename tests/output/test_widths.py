"""What people read fits their terminal, whatever names and words are in it."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from runner.ledger.paces import Limit
from runner.model import Check, Policy
from runner.output.cells import cells
from runner.output.diff_text import diff_text
from runner.output.doctor_text import doctor_text
from runner.output.limits import limits_text
from runner.output.lock import Lock
from runner.output.plan_text import plan_text
from runner.output.report_text import report_text
from runner.output.report_told import ReportTold
from runner.output.send_text import doubts, rejections, summary
from runner.output.sheet import Sheet
from runner.plan import Tally
from runner.plan.difference import Change, Difference, ManifestDiff, MessageDiff, People, Text
from runner.report import collect
from tests.report.entries import ORIGIN, campaign
from tests.test_plan import composed, message, planned

from .hostile import COUNTS, NAMES, TEXTS, WIDTHS

SHEETS = st.builds(Sheet, st.booleans(), WIDTHS)
# Somebody copies these: a terminal breaks them, and gives them back in one piece.
COPIED = ("digest", "flypast ")
ENTRIES = list(campaign(300))
PLAN = planned([composed(message(number)) for number in range(3)]).plan


def fits(lines: Iterable[str], sheet: Sheet) -> bool:
    shown = [line for text in lines for line in text.split("\n")]
    return all(cells(line) <= sheet.room or any(each in line for each in COPIED) for line in shown)


tallies = st.builds(
    lambda counts, countries: Tally(
        messages=sum(counts), new=counts[0], accepted=counts[1], rejected=counts[2], in_doubt=counts[3],
        drift=counts[4], sizes=Counter({1: 1, 3: counts[0]}), skipped=counts[5], segments=counts[6],
        countries=Counter(countries), costs=dict.fromkeys(countries, Decimal("1.25")), unpriced=Counter(countries[:2]),
    ),
    st.lists(COUNTS, min_size=7, max_size=7),
    st.lists(st.sampled_from(("US", "CA", "GB", "DE", "JP", "unknown")), max_size=40),
)  # fmt: skip


@given(SHEETS, st.dictionaries(NAMES, tallies, min_size=1, max_size=5), NAMES, st.lists(TEXTS, max_size=4))
def test_a_plan(sheet: Sheet, messages: dict[str, Tally], name: str, words: list[str]) -> None:
    totals = next(iter(messages.values()))
    plan = replace(PLAN, messages=messages, totals=totals, to_send=totals, channels=messages, currency="EUR")
    check = Check("warn", name, f"channel {name}", " ".join(words))
    lock = Lock(state="stale", moved=tuple(words))
    text = plan_text(
        plan, name=name, edition=name, gone=dict.fromkeys(words, 3), not_checked=words, refusals=words, online=[check],
        policy=Policy(), lock=lock, sheet=sheet,
    )  # fmt: skip
    assert fits([text], sheet)


messages = st.builds(
    lambda name, people, tally, lines, is_new: MessageDiff(
        name=name, text=Text(name=name, lines=tuple(lines)), people=people, before=None if is_new else tally,
        after=tally, is_new=is_new, is_gone=False,
    ),
    NAMES,
    st.builds(People, added=COUNTS, removed=COUNTS, same=COUNTS),
    tallies,
    st.lists(st.tuples(st.sampled_from("+- @"), TEXTS).map("".join), max_size=5),
    st.booleans(),
)  # fmt: skip


@given(SHEETS, st.lists(messages, max_size=4), NAMES, TEXTS)
def test_a_diff(sheet: Sheet, made_of: list[MessageDiff], name: str, words: str) -> None:
    change = Change(key=name, before=words, after=None)
    made = ManifestDiff(
        path=name, kind="changed", digests=("a" * 64, "b" * 64), facts=(replace(change, key="edition"),),
        policy=(change,), channels=(change,), inputs=(name, words), messages=tuple(made_of), included=(),
        currencies=("EUR", None), mistakes=(("before", words),), not_checked=(("after", words),),
    )  # fmt: skip
    assert fits([diff_text(Difference(base="c" * 40, revision=name, manifests=(made,)), sheet)], sheet)


checks = st.builds(Check, st.sampled_from(("pass", "warn", "fail", "unknown")), NAMES, TEXTS, TEXTS)


@given(SHEETS, st.lists(checks, max_size=8))
def test_what_the_doctor_found(sheet: Sheet, found: list[Check]) -> None:
    libraries = [check.name for check in found[::2]]
    assert fits(doctor_text(found, libraries, sheet), sheet)


@given(SHEETS, st.lists(NAMES, min_size=1, max_size=4), TEXTS)
def test_a_report(sheet: Sheet, names: list[str], words: str) -> None:
    entries = [
        replace(entry, manifest=names[at % len(names)], message=names[-1 - at % len(names)], edition=names[0])
        for at, entry in enumerate(ENTRIES[:60])
    ]
    facts = collect(entries, ledger=words or None, origin=ORIGIN, manifest=None)
    told = ReportTold(facts=facts, passing=frozenset({"12001"}), asked="", show_pii=False)
    assert fits(report_text(told, sheet), sheet)


@given(SHEETS, st.lists(COUNTS, min_size=5, max_size=5), TEXTS)
def test_the_end_of_a_send(sheet: Sheet, counts: list[int], words: str) -> None:
    totals = dict(zip(("accepted", "rejected", "inDoubt", "planned", "skipped"), counts, strict=True))
    said = summary({**totals, "messages": sum(counts)}, totals, words, sheet, doubles=3, deferred=2, kept=1, cost=words)
    entries = [replace(entry, message="m" * 60, words=words) for entry in ENTRIES[:30]]
    assert fits([said, *rejections(entries, sheet), *doubts(entries, 40, str, sheet)], sheet)


@given(SHEETS, st.floats(0.01, 5000), st.floats(0, 90_000))
def test_limits(sheet: Sheet, rate: float, held_s: float) -> None:
    workspace = "5a0c8c1e-2f0e-4c0e-9d5d-0d6b1a1f7a11"
    limits = [
        Limit(scope=scope, set_per_s=rate, asked_per_s=rate, now_per_s=rate / 2, held_s=held_s, idle_s=None)
        for scope in (workspace, f"{workspace}/3f2c1f0a-7a44-4b0e-8f0c-2f3a9d1c5b22")
    ]
    assert fits(limits_text(limits, sheet), sheet)


def test_what_is_right_of_libraries_shares_a_line_and_what_is_wrong_has_its_own() -> None:
    found = [
        Check("pass", "Python", "3.11.2"),
        Check("pass", "click", "8.3"),
        Check("fail", "jinja2", "missing", "pip install jinja2"),
        Check("pass", "tzdata", "2026.1"),
        Check("unknown", "clock", "Bird did not tell its time"),
    ]
    assert list(doctor_text(found, ("click", "jinja2", "tzdata"), Sheet(width=80))) == [
        "✓ pass  Python     3.11.2",
        "✓ pass  libraries  click 8.3, tzdata 2026.1",
        "✗ fail  jinja2     missing",
        "                   → pip install jinja2",
        "! warn  clock      Bird did not tell its time",
        "",
        "5 checks: 1 failed, 1 warning, 3 passed",
    ]
