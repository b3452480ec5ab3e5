"""`scheduledFor` against the clock, and both it and `validity` against the pace: for what is still new."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from runner.findings import Findings
from runner.manifest.build import Manifest
from runner.manifest.site import Site
from runner.model import Then
from runner.plan import Composed, Held, Sheaf

FARTHEST = timedelta(days=35)  # Bird, "Messaging": a message scheduled farther ahead is rejected


def check_schedule(composed: Composed, now: datetime, messages: Site, findings: Findings) -> None:
    """A finding where the time is past or too far ahead. `messages` is the site of the manifest's messages."""
    at = time_of(composed, messages, findings)
    if at is None:
        return
    place = messages.below(composed.message.draft, "scheduledFor").place
    if at < now:
        findings.error(
            "MSG606",
            f"scheduledFor is past: {composed.scheduled_for}",
            place(),
            group="scheduledFor",
            hint="take a coming time, or remove it to send at once",
        )
    elif at - now > FARTHEST:
        findings.error(
            "MSG607",
            f"scheduledFor is more than 35 days ahead: {composed.scheduled_for}",
            place(),
            group="scheduledFor",
            hint="Bird rejects it: plan this send again nearer to its time",
        )


def time_of(item: Composed | Sheaf, messages: Site, findings: Findings) -> datetime | None:
    """What `scheduledFor` says, which is one for all of a sheaf. None without it, and a finding where it is no time."""
    if item.scheduled_for is None:
        return None
    try:
        return datetime.fromisoformat(item.scheduled_for)
    except ValueError:
        draft, row = (item.draft, item.row(0)) if isinstance(item, Sheaf) else (item.message.draft, item.row)
        place = messages.below(draft, "scheduledFor").place()
        message = f"{row}: scheduledFor is no time: {item.scheduled_for}"
        findings.error("MSG605", message, place, group="scheduledFor")
        return None


@dataclass(slots=True)
class _Late:
    """How many messages of a draft the pace brings past a time, the first row of them, and the worst of it."""

    row: str
    limit: str
    total: int = 0
    last_s: float = 0.0

    def add(self, at_s: float) -> None:
        self.total += 1
        self.last_s = max(self.last_s, at_s)


@dataclass(slots=True, kw_only=True)
class Lateness:
    """Gathers what goes too late at the pace of the send, and warns once for each message of the manifest.

    `messages` is the site of the manifest's messages; the send begins `now`.
    """

    now: datetime
    messages: Site
    findings: Findings
    _past_validity: dict[str, _Late] = field(default_factory=dict)
    _past_schedule: dict[str, _Late] = field(default_factory=dict)
    _parsed: tuple[str, float] = ("", 0.0)  # the last scheduledFor, in seconds from now

    def note(self, composed: Composed, at_s: float) -> None:
        """`at_s` is when it goes, in seconds from the start."""
        if composed.validity_s is not None and at_s > composed.validity_s > 0:
            self._add(self._past_validity, composed, f"{composed.validity_s:,} s", at_s)
        if composed.scheduled_for is not None and at_s > self._due_s(composed.scheduled_for) >= 0:
            self._add(self._past_schedule, composed, composed.scheduled_for, at_s)

    @staticmethod
    def _add(late: dict[str, _Late], composed: Composed, limit: str, at_s: float) -> None:
        late.setdefault(composed.message.draft, _Late(composed.row, limit)).add(at_s)

    def _due_s(self, written: str) -> float:
        if written != self._parsed[0]:
            try:
                due_s = (datetime.fromisoformat(written) - self.now).total_seconds()
            except (ValueError, TypeError):  # MSG605 tells
                due_s = -1.0
            self._parsed = (written, due_s)
        return self._parsed[1]

    def report(self) -> None:
        """POL828, POL829."""
        for draft, late in self._past_validity.items():
            self.findings.warning(
                "POL828",
                f"at this pace the last of {draft} goes {_span(late.last_s)} after the start, and their validity is "
                f"{late.limit}: {_number(late)} when the first may have run out (from {late.row} on)",
                self.messages.below(draft, "validity").place(),
                hint="raise the pace or the validity, or send fewer at once",
            )
        for draft, late in self._past_schedule.items():
            self.findings.warning(
                "POL829",
                f"at this pace the last of {draft} goes {_span(late.last_s)} after the start: {_number(late)} later "
                f"than their scheduledFor, {late.limit} (from {late.row} on)",
                self.messages.below(draft, "scheduledFor").place(),
                hint="raise the pace, begin earlier or schedule them later: Bird sends at once what comes too late",
            )


_THEN = {
    Then.FAIL: "the run ends there",
    Then.SKIP: "they are left for another run",
    Then.DEFER: "they wait at Bird until these end",
}


def check_window(held: Held, seconds: float, manifest: Manifest, findings: Findings) -> None:
    """POL830, where a send that takes so long does not end before quiet hours begin."""
    if not held.late or held.begins_s is None or manifest.quiet_hours is None:
        return
    findings.warning(
        "POL830",
        f"at this pace the send takes {_span(seconds)}, and the first quiet hours ({held.hours}) begin in "
        f"{_span(held.begins_s)}: {held.late:,} message{'s come' if held.late > 1 else ' comes'} to their turn in "
        f"theirs, the first after {_span(held.late_s)}; {_THEN[held.hours.then]}",
        manifest.quiet_hours.place(),
        hint="raise the pace, begin earlier, or send fewer at once",
    )


def _number(late: _Late) -> str:
    return f"{late.total:,} message{'s go' if late.total > 1 else ' goes'}"


def _span(seconds: float) -> str:
    """To the second: `0:40:05`."""
    return str(timedelta(seconds=round(seconds)))
