"""The plan for people: what would go out, what would not and why, and the riskiest messages to look at."""

import json
from collections.abc import Iterator, Mapping, Sequence

from runner.model import BIRD_POSTS_PER_S, Check, Delivery, Json, Policy, State
from runner.plan import Held, Plan, Sample, Tally

from .lock import Lock
from .neutral import neutral
from .plan_characters import characters_text, sizes_text
from .sheet import Sheet
from .sizes import cost_of, listed_costs, size_of
from .tables import Column, states, table
from .words import duration, listed, number, shortened

Fact = tuple[str, str]  # a short name, and words
COLUMNS = (
    Column("messages"),
    *states("new", "accepted", "rejected", "inDoubt", "drift", "skipped"),
    Column("segments"),
)
MOST_GROUPS = 5  # of messages that wait for the end of quiet hours
REASONS = {
    "where": "left out by where",
    "exclude": "excluded",
    "suppress": "suppressed",
    "when": "left out by when",
    "duplicate": "for the same person again",
    "dropped": "dropped by resolve",
    "quietHours": "in their quiet hours",
    "noTimeZone": "held back: nobody knows their time zone (quiet hours)",
    "repeatGuard": "who have this very text from another send",
}
RISKS = {  # UCS-2 stands there anyway
    "mostSegments": "most segments",
    "emptyValue": "a value that is empty or looks so",
    "longest": "longest text",
}


def plan_text(
    plan: Plan,
    *,
    name: str,
    edition: str,
    gone: Mapping[str, int],
    not_checked: Sequence[str],
    refusals: Sequence[str],
    online: Sequence[Check] | None = None,
    policy: Policy,
    lock: Lock,
    sheet: Sheet,
) -> str:
    """`refusals` say why `send` would not go on; `online` is what was looked up, None where nothing was to be."""
    title = f"{sheet.bold(name)}, edition {neutral(edition)}: {_headline(plan, sheet)}"
    lines = [sheet.line(title), "", *_table(plan, sheet), ""]
    lines += [*sheet.facts(facts(plan, gone, policy)), *sheet.facts(_lock(lock, policy, sheet))]
    lines += characters_text(plan.characters, sheet)
    lines += sheet.section("Samples", (line for sample in plan.samples for line in _sample(sample, sheet)))
    lines += sheet.section("Looked up at Bird", (line for check in online or () for line in check_lines(check, sheet)))
    lines += sheet.section("Not checked", (sheet.line(neutral(what), indent=2) for what in not_checked))
    refused = (sheet.line(neutral(why), indent=2) for why in refusals)
    lines += sheet.section("Would be refused", refused, tone="bad")
    return "\n".join(lines)


def _headline(plan: Plan, sheet: Sheet) -> str:
    if not plan.to_send.messages:
        return sheet.green("nothing to send")
    size = size_of(plan.to_send, plan.currency)
    return f"{sheet.state('new', number(plan.to_send.messages, 'message'))} to send{size}"


def _table(plan: Plan, sheet: Sheet) -> Iterator[str]:
    rows = [(draft, _counts(tally)) for draft, tally in plan.messages.items()]
    if len(rows) != 1:
        rows.append((sheet.bold("total"), _counts(plan.totals)))
    return table(COLUMNS, rows, sheet)


def _counts(tally: Tally) -> tuple[int, ...]:
    return (
        tally.messages,
        tally.new,
        tally.accepted,
        tally.rejected,
        tally.in_doubt,
        tally.drift,
        tally.skipped,
        tally.segments,
    )


def facts(plan: Plan, gone: Mapping[str, int], policy: Policy) -> Iterator[Fact]:
    """What is to be known beside the table. A name that is empty goes on with what the one before it says."""
    if plan.totals.countries:
        yield "countries", f"{listed(plan.totals.countries)}"
    if plan.totals.segments:
        yield "segments", f"{sizes_text(plan.totals.sizes)}"
    if policy.smart_encoding:
        yield "encoding", "smartEncoding: typographic characters go out plainly where that avoids UCS-2"
    if plan.currency is not None:
        yield from _costs(plan, plan.currency)
    yield from _times(plan)
    yield from (("overrides", f"{name}: {listed(by)}") for name, by in sorted(plan.overrides.items()))
    for reason, count in sorted(plan.totals.reasons.items()):
        yield "skipped", f"{count:,} {REASONS.get(reason, reason)}"
    if plan.to_send.messages < plan.totals.new:
        yield "limit", f"{plan.to_send.messages:,} of {number(plan.totals.new, 'new message')} in this run"
    yield from _quiet_facts(plan.quiet)
    yield from _window_facts(plan)
    yield from _held_facts(plan)
    if gone:
        yield "gone", f"in the ledger, not in this plan: {listed(gone)}"
    if ends := policy.wave_ends(plan.to_send.messages):
        waves = ", ".join(f"{end:,}" for end in ends)
        yield "waves", f"{waves}, then all {plan.to_send.messages:,}; pauses come on top"
    yield from _doubt_facts(policy)
    yield "digest", f"{plan.digest}"


def _doubt_facts(policy: Policy) -> Iterator[Fact]:
    """What the policy makes of messages in doubt."""
    if policy.batch > 1:
        yield "batch", f"up to {policy.batch} messages in a POST: one lost reply puts them all in doubt"
    if policy.delivery is Delivery.AT_LEAST_ONCE:
        yield "delivery", "at-least-once: what is in doubt is sent again, so somebody may get one twice"


def _quiet_facts(held: Held | None) -> Iterator[Fact]:
    """How many wait at Bird, and until when."""
    if held is None:
        return
    if held.moved:
        yield "quiet", f"{held.moved_total:,} wait at Bird until their quiet hours ({held.hours}) end:"
    for moved in held.moved[:MOST_GROUPS]:
        first, *rest = moved.zones
        zones = f"{first} and {len(rest)} more" if rest else first
        until = f"{moved.until[:10]} {moved.until[11:16]} UTC"
        yield "", f"{moved.messages:,} of {moved.message} until {until}, {zones}"
    if len(held.moved) > MOST_GROUPS:
        rest_total = sum(moved.messages for moved in held.moved[MOST_GROUPS:])
        yield "", f"{rest_total:,} more, in {number(len(held.moved) - MOST_GROUPS, 'group')} (--format json)"


def _lock(lock: Lock, policy: Policy, sheet: Sheet) -> Iterator[Fact]:
    """Nothing where nobody asks for a review."""
    if lock.state == "reviewed":
        yield "lock", f"{sheet.green('reviewed')}, says flypast.lock"
    elif lock.has_a_say(policy):
        words = f"{shortened(lock.moved)} changed" if lock.moved else lock.words
        yield "lock", f"{sheet.red(lock.state)}: {neutral(words)}"
        yield "", "send would be refused"


def _held_facts(plan: Plan) -> Iterator[Fact]:
    """What the ledger knows, beyond what the table says."""
    if plan.retried:
        yield "retry", f"{plan.retried:,} rejected for a reason that can pass: sent again"
    if absent := plan.again[State.ABSENT]:
        yield "again", f"{absent:,} absent at Bird: sent again"
    if doubtful := plan.again[State.IN_DOUBT]:
        yield "again", f"{doubtful:,} in doubt: sent again, and may arrive twice"
    if plan.changed_since_rejected:
        yield "changed", f"{plan.changed_since_rejected:,} rejected before and changed since: new again"
    if drift := plan.totals.drift:
        again = f"not sent again; send wants --accept-drift {drift}"
        yield "drift", f"{drift:,} already accepted or in doubt with another text: {again}"
    if plan.totals.in_doubt:
        yield "in doubt", f"{plan.totals.in_doubt:,} may have gone out: flypast resolve decides"
    if plan.others_in_doubt:
        yield "in doubt", f"{plan.others_in_doubt:,} in messages not chosen here"


def check_lines(check: Check, sheet: Sheet) -> Iterator[str]:
    known = check.status in ("pass", "warn", "fail")
    status = sheet.state(check.status) if known else sheet.dim(check.status)
    yield sheet.line(f"{status}  {neutral(check.words)}", indent=2, rest=8)
    if check.advice:
        yield sheet.line(f"→ {neutral(check.advice)}", indent=8, rest=10)


def _costs(plan: Plan, currency: str) -> Iterator[Fact]:
    """Of what is new, by country and by message; and what the rate card does not know."""
    if plan.totals.costs:
        yield "cost", f"{listed_costs(plan.totals.costs, currency)}"
    by_message = {name: tally.cost for name, tally in plan.messages.items() if tally.costs}
    if len(by_message) > 1:
        yield "cost", f"{listed_costs(by_message, currency)}"
    if unpriced := plan.totals.unpriced:
        yield "cost", f"no price for {number(unpriced.total(), 'message')}: {neutral(listed(unpriced))}"


def _times(plan: Plan) -> Iterator[Fact]:
    """How long it takes at the pace: through each channel, in each workspace where there are several, and in all."""
    pace = plan.pace
    for name, tally in plan.channels.items():
        cost = f", {cost_of(tally, plan.currency)}" if plan.currency is not None and tally.new else ""
        yield "channel", f"{name}: {tally.new:,} new{_time(plan, name)}{cost}"
    if len(pace.workspaces) > 1:
        for workspace, seconds in pace.workspaces.items():
            yield "workspace", f"{workspace}: {duration(seconds)} at up to {pace.rate}"
    if len(pace.channels) > 1:
        yield "in all", f"{duration(pace.seconds)}, at up to {pace.rate} for a workspace"
    yield from _bird_facts(plan)


def _bird_facts(plan: Plan) -> Iterator[Fact]:
    """The least that Bird's default limit lets it take, and what the pace asks of Bird's replies; not of a few."""
    pace, bird = plan.pace, f"{BIRD_POSTS_PER_S}/s"
    if pace.bird_s < 1:
        return
    most = f"{round(pace.bird_s * BIRD_POSTS_PER_S):,} at {bird}, its limit for a workspace, is {_hours(pace.bird_s)}"
    is_faster = pace.rate is None or pace.rate.per_second > BIRD_POSTS_PER_S
    yield "Bird", f"{most}: sooner only where it lets more through" if is_faster else f"{most} at best"
    if pace.replies_s is not None and plan.sent_through:
        yield (
            "",
            f"{pace.concurrency:,} in flight keep up {pace.rate} while replies take less than {_short(pace.replies_s)}",
        )


def _hours(seconds: float) -> str:
    """`55.6 h` where it takes many."""
    return f"{seconds / 3600:.1f} h" if seconds >= 6000 else duration(seconds)


def _short(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else duration(seconds)


def _window_facts(plan: Plan) -> Iterator[Fact]:
    """Whether the send fits before quiet hours."""
    held, pace = plan.quiet, plan.pace
    if held is None or held.begins_s is None or pace.rate is None:
        return
    window = (
        f"{_hours(held.begins_s)} until the first quiet hours ({held.hours}), and the send takes {_hours(pace.seconds)}"
    )
    if held.late:
        window += (
            f": {number(held.late, 'comes', 'come')} to their turn in theirs, the first after {_hours(held.late_s)}"
        )
    yield "window", window


def _time(plan: Plan, channel: str) -> str:
    if channel in plan.pace.channels:
        return f", {duration(plan.pace.channels[channel])} at {plan.pace.channel_rates[channel]}"
    return ", with no limit to its pace" if plan.sent_through.get(channel) else ""


def _sample(sample: Sample, sheet: Sheet) -> Iterator[str]:
    split = f", {sample.encoding}, {number(sample.segments, 'segment')}" if sample.encoding else ""
    risks = [RISKS[risk] for risk in sample.risks if risk in RISKS]
    why = f": {', '.join(risks)}" if risks else ""
    yield sheet.line(f"{sample.message} to {sample.recipient} ({neutral(sample.row)}){split}{why}", indent=2)
    for line in body_lines(sample.request):
        yield sheet.line(f"{sheet.blue('|')} {neutral(line)}", indent=4)  # what was folded has no bar of its own


def body_lines(request: Json) -> list[str]:
    """The text where there is one, then the rest of the body or the template as JSON."""
    body = request.get("body") or {}
    inner = body.get(body.get("type"), {}) if isinstance(body, dict) else {}
    text = inner.get("text") if isinstance(inner, dict) else None
    lines = text.split("\n") if isinstance(text, str) else []
    rest = {key: value for key, value in inner.items() if key != "text"} if isinstance(inner, dict) else {}
    if not inner:
        rest = {key: request[key] for key in ("body", "template") if request.get(key)}
    return lines + ([json.dumps(rest, ensure_ascii=False)] if rest else [])
