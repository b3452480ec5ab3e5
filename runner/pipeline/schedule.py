"""`scheduledFor` against the clock: judged by `plan` and `send`, for what is still new."""

from datetime import datetime, timedelta

from runner.findings import Findings
from runner.manifest.site import Site
from runner.plan import Composed

FARTHEST = timedelta(days=35)  # Bird, "Messaging": a message scheduled farther ahead is rejected


def check_schedule(composed: Composed, now: datetime, messages: Site, findings: Findings) -> None:
    """A finding where the time is past or too far ahead. `messages` is the site of the manifest's messages."""
    if composed.scheduled_for is None:
        return
    place = messages.below(composed.message.draft, "scheduledFor").place
    try:
        at = datetime.fromisoformat(composed.scheduled_for)
    except ValueError:
        findings.error(
            "MSG605",
            f"{composed.row}: scheduledFor is no time: {composed.scheduled_for}",
            place(),
            group="scheduledFor",
        )
        return
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
