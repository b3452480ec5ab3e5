"""A plan as a comment on a pull request and as a job's summary: never longer than GitHub takes, saying what was cut."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

from runner.model import Check, Policy
from runner.plan import Plan, Sample, Tally
from runner.plan.difference import Difference

from .diff_markdown import change_lines
from .formats.found import Found
from .formats.markdown import finding_rows
from .lock import Lock
from .markdown import MOST_WIDE, Part, code, cut, fenced, fitting, inert, page, size
from .plan_characters import characters_text
from .plan_text import RISKS, body_lines, facts
from .sheet import Sheet
from .sizes import cost_of, segments_of, size_of
from .words import number, shortened

MOST_COUNTRIES = 8  # of one message; the rest is counted
_SIGNS = {"pass": "✅", "warn": "⚠️", "fail": "❌"}
_ALL = "`flypast plan` shows all"
_RISKS = {**RISKS, "ucs2": "characters outside of GSM-7"}


def plan_markdown(
    plan: Plan,
    *,
    name: str,
    edition: str,
    gone: Mapping[str, int],
    not_checked: Sequence[str],
    refusals: Sequence[str],
    online: Sequence[Check] | None,
    policy: Policy,
    lock: Lock,
    change: Difference | None,
    found: Found,
    result: Sequence[str] = (),
) -> str:
    """`found` are the findings, and what stopped the command; `result` are lines about a run that is over."""
    are_countries_shown = len(plan.totals.countries) <= MOST_COUNTRIES
    shown = {"digest", *(["countries"] if are_countries_shown else [])}
    told = [(name, words) for name, words in facts(plan, gone, policy) if name not in shown]
    characters = list(characters_text(plan.characters, Sheet()))
    parts: list[Part] = [
        partial(_head, plan, name, edition, result),
        partial(_stops, refusals, "" if found.stopped == "; ".join(refusals) else found.stopped),
        partial(_table, plan),
        partial(_facts, [*told, *_lock(lock, policy)]),
        partial(_findings, found),
        partial(change_lines, change),
        partial(_samples, plan.samples),
        partial(_characters, characters),
        partial(_listed, "Looked up at Bird", [_looked(check) for check in online or ()]),
        partial(_listed, "Not checked", [inert(cut(what)) for what in not_checked]),
        partial(_digest, plan),
    ]
    return page(parts)


def _head(plan: Plan, name: str, edition: str, result: Sequence[str], _room: int) -> str:
    send = plan.to_send
    lines = [f"### flypast: {code(name)}, edition {code(cut(edition, 100))}", ""]
    if result:
        return "\n".join([*lines, f"**{inert(result[0])}**", *(f"<br>{inert(cut(line))}" for line in result[1:])])
    if not send.messages:
        return "\n".join([*lines, "**Nothing to send**"])
    to = f" to {_countries(send)}" if send.countries else ""
    about = inert(size_of(send, plan.currency))
    words = f"**{number(send.messages, 'message')} to send** {about}".rstrip()
    return "\n".join([*lines, f"{words}{to}"])


def _stops(refusals: Sequence[str], stopped: str, room: int) -> str:
    rows = [f"- ⛔ {inert(cut(why, 1000))}" for why in refusals]
    if stopped:
        rows = [f"- ⛔ {inert(cut(stopped, 1000))}"]
    title = "**Stopped**" if stopped else "**A send would be refused**"
    return "\n".join([title, "", *fitting(rows, room - 40, _more("reason"))]) if rows else ""


def _table(plan: Plan, room: int) -> str:
    has_cost = plan.currency is not None
    has_others = plan.totals.new + plan.totals.skipped < plan.totals.messages
    heads = ["messages", "new", "segments", *(["cost"] if has_cost else []), "countries", "skipped"]
    heads += ["already there"] if has_others else []
    right = ["--:", "--:", "--:", *(["--:"] if has_cost else []), "---", "--:", *(["---"] if has_others else [])]
    lines = [f"| message | {' | '.join(heads)} |", f"|---|{'|'.join(right)}|"]
    cells = partial(_cells, plan.currency, has_others=has_others)
    if len(plan.messages) > 1:  # first, where no cut reaches it
        lines.append(f"| **all {len(plan.messages):,}** | {' | '.join(cells(plan.totals))} |")
    rows = (f"| {code(name)} | {' | '.join(cells(tally))} |" for name, tally in plan.messages.items())
    left = room - sum(size(line) + 1 for line in lines)
    return "\n".join([*lines, *fitting(rows, left, lambda more: f"\n{number(more, 'message')} more: {_ALL}.")])


def _cells(currency: str | None, tally: Tally, *, has_others: bool) -> Iterator[str]:
    yield f"{tally.messages:,}"
    yield f"{tally.new:,}"
    yield segments_of(tally).partition(" segment")[0] if tally.segments else "–"
    if currency is not None:
        yield inert(cost_of(tally, currency)) if tally.new else "–"
    yield _countries(tally) or "–"
    yield f"{tally.skipped:,}" if tally.skipped else "–"
    if has_others:
        counts = {"accepted": tally.accepted, "rejected": tally.rejected, "in doubt": tally.in_doubt}
        counts["drifted"] = tally.drift
        yield ", ".join(f"{count:,} {words}" for words, count in counts.items() if count) or "–"


def _countries(tally: Tally) -> str:
    ranked = sorted(tally.countries.items(), key=lambda item: (-item[1], item[0]))
    shown = ", ".join(f"{inert(name)} {count:,}" for name, count in ranked[:MOST_COUNTRIES])
    rest = ranked[MOST_COUNTRIES:]
    more = f" and {sum(count for _, count in rest):,} in {len(rest):,} more" if rest else ""
    return f"{shown}{more}"


def _facts(told: Sequence[tuple[str, str]], room: int) -> str:
    rows = [f"- {name}: {inert(cut(words))}" if name else f"  - {inert(cut(words))}" for name, words in told]
    return "\n".join(fitting(rows, room, _more("line")))


def _lock(lock: Lock, policy: Policy) -> Iterator[tuple[str, str]]:
    if lock.state == "reviewed":
        yield "lock", "reviewed, says flypast.lock"
    elif lock.has_a_say(policy):
        words = f"{shortened(lock.moved)} changed" if lock.moved else lock.words
        yield "lock", f"{lock.state}: {words}: send would be refused"


def _findings(found: Found, room: int) -> str:
    return "\n".join(finding_rows(found.findings, room))


def _samples(samples: Sequence[Sample], room: int) -> str:
    """Each has its share, for each shows another risk."""
    each = (room - 40) // max(1, len(samples))
    return "\n\n".join(["#### Samples", *(_sample(sample, each - 2) for sample in samples)]) if samples else ""


def _sample(sample: Sample, room: int) -> str:
    split = [inert(sample.encoding), number(sample.segments, "segment")] if sample.encoding else []
    why = f": **{inert(', '.join(_RISKS[risk] for risk in sample.risks))}**" if sample.risks else ""
    who = ", ".join((code(sample.recipient), code(cut(sample.row, 200)), *split))
    head = f"{code(sample.message)} to {who}{why}"
    block = fenced(body_lines(sample.request), room=room - size(head) - 2, most=MOST_WIDE, language="text")
    return "\n".join([head, "", *block])


def _characters(lines: Sequence[str], room: int) -> str:
    if not lines:
        return ""
    _, head, *rest = lines  # a blank line is above a section
    summary = f"<details><summary>{inert(head)}</summary>"
    block = fenced(rest, room=room - size(summary) - 20, language="text")
    return "\n".join([summary, "", *block, "", "</details>"])


def _looked(check: Check) -> str:
    advice = f"<br>{inert(cut(check.advice))}" if check.advice else ""
    return f"{_SIGNS.get(check.status, '')} {inert(cut(check.words))}{advice}".strip()


def _listed(title: str, lines: Sequence[str], room: int) -> str:
    """Lines that are inert."""
    rows = fitting([f"- {line}" for line in lines], room - size(title) - 8, _more("line"))
    return "\n".join([f"#### {title}", "", *rows]) if lines else ""


def _digest(plan: Plan, _room: int) -> str:
    return f"Digest {code(plan.digest)}"


def _more(noun: str) -> Callable[[int], str]:
    return lambda left: f"- … {number(left, noun)} more: {_ALL}."
