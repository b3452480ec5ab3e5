"""What scans of Bird's list prove about messages in doubt. Pure: the scans are done, the time is theirs.

A message that is there went out. One that is not there is absent only after two complete scans, `settle` apart: a list
may lag behind, and a request may still be on its way.
"""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from runner.bird.replies import Listed
from runner.ledger.identity import purged_reference, reference_of
from runner.ledger.seam import Entry, Verdict
from runner.model import Rejected, State

from .scanning import Seen, rfc3339

Ending = Literal["accepted", "rejected", "absent", "planned", "inDoubt", "double"]
DOUBLE = "double"  # the code of one that is in doubt because Bird has it more than once
_MOST_IDS = 5  # named in the words of a double


class Referenced(Protocol):
    """A message by the two names it has."""

    @property
    def key(self) -> str: ...
    @property
    def reference(self) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Conclusion:
    """Where a message stands after a look. `verdict` None: the ledger has it so already.

    Planned is absent, where the policy sends that again, once.

    `again_s`: from then (Unix time, by our clock) another complete scan may prove that it is absent.
    """

    entry: Entry
    ending: Ending
    verdict: Verdict | None = None
    again_s: float | None = None
    words: str | None = None
    message_id: str | None = None


def unix_s(text: str | None) -> float | None:
    """RFC 3339 as Unix time; None for what is none."""
    try:
        moment = datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
    return moment.timestamp() if moment is not None and moment.tzinfo is not None else None


def since_s(entries: Iterable[Entry]) -> float | None:
    """When the first of these messages may have gone out; None where one of them doesn't say."""
    times = [unix_s(entry.intended_at) for entry in entries]
    known = [time for time in times if time is not None]
    return min(known) if known and len(known) == len(times) else None


def shared_references(entries: Iterable[Referenced], *, among: Iterable[Referenced]) -> frozenset[str]:
    """Of the references that manifests gave these themselves: those that several messages among all have.

    `among` is read only where there is such a reference: the usual one holds the key, so it is unique. Of a purged
    message the ledger holds the reference's hash.
    """
    own = {entry.reference: entry.reference for entry in entries if entry.reference != reference_of(entry.key)}
    if not own:
        return frozenset()
    own |= {purged_reference("", reference): reference for reference in own}
    times = Counter(own[entry.reference] for entry in among if entry.reference in own)
    return frozenset(reference for reference, count in times.items() if count > 1)


def unknown(entry: Entry) -> Conclusion:
    """No scan says anything of it."""
    endings: dict[State, Ending] = {State.ABSENT: "absent", State.ACCEPTED: "accepted"}
    return Conclusion(entry=entry, ending=endings.get(entry.state, "inDoubt"), words=entry.words)


def words_of_double(there: Collection[Listed]) -> str:
    """Why nobody can tell which of these is whose."""
    ids = ", ".join(sorted(listed.message_id for listed in there)[:_MOST_IDS])
    if len(there) > 1:
        return f"Bird has {len(there)} messages with its reference: {ids}"
    return f"other messages of this ledger have its reference; Bird has {ids}"


def conclude(entry: Entry, seen: Seen, *, settle_s: float, is_shared: bool, resends_absent: bool = False) -> Conclusion:
    """What a scan of the message's channel says of it. `is_shared`: another message has its reference.

    The entry is in doubt or absent, or accepted without Bird's id.
    """
    there = list(seen.messages.get(entry.reference, {}).values())
    went = [listed for listed in there if not isinstance(listed.outcome, Rejected)]
    if len(went) > 1 or (there and is_shared):
        return _double(entry, there, seen)
    if went or (there and not _may_be_of_an_older_attempt(entry)):
        return _found(entry, (went or there)[-1], seen)
    if seen.fault is not None or entry.state is State.ACCEPTED:
        return unknown(entry)
    if entry.state is State.ABSENT:
        return _absent(entry, seen, is_planned=True) if resends_absent and not entry.resent else unknown(entry)
    waits = _not_settled(entry, seen, settle_s)
    if waits is not None:
        return waits
    if there:
        return _found(entry, there[-1], seen)
    return _absent(entry, seen, is_planned=resends_absent and not entry.resent)


def _may_be_of_an_older_attempt(entry: Entry) -> bool:
    """What Bird rejected, and was then sent with another text: the newer one may be there too, and not listed yet."""
    return entry.attempts > 1


def _found(entry: Entry, listed: Listed, seen: Seen) -> Conclusion:
    at, outcome = rfc3339(seen.ended_s), listed.outcome
    if isinstance(outcome, Rejected):
        code, words = outcome.code, outcome.words
        verdict = Verdict(
            key=entry.key, state=State.REJECTED, at=at, message_id=listed.message_id, code=code, words=words
        )
        return Conclusion(entry=entry, ending="rejected", verdict=verdict, words=words, message_id=listed.message_id)
    verdict = Verdict(key=entry.key, state=State.ACCEPTED, at=at, message_id=listed.message_id)
    return Conclusion(entry=entry, ending="accepted", verdict=verdict, message_id=listed.message_id)


def _double(entry: Entry, there: list[Listed], seen: Seen) -> Conclusion:
    """Whether one of them is ours, and which, nobody can tell: it stays in doubt, and is no longer taken for absent."""
    words = words_of_double(there)
    if entry.state is State.ACCEPTED:  # Bird has said so: what can't be told is which of them it is
        return Conclusion(entry=entry, ending="double", words=words)
    verdict = Verdict(key=entry.key, state=State.IN_DOUBT, at=rfc3339(seen.ended_s), code=DOUBLE, words=words)
    return Conclusion(entry=entry, ending="double", verdict=verdict, words=words)


def _not_settled(entry: Entry, seen: Seen, settle_s: float) -> Conclusion | None:
    """The first complete scan without it is remembered; None for one that began `settle_s` after that: it is proof.

    By our clock and by Bird's: either may have been set between two scans.
    """
    first_s = unix_s(entry.looked_at)
    if first_s is None:
        looked_s = seen.latest_s(seen.ended_s)
        verdict = Verdict(
            key=entry.key,
            state=State.IN_DOUBT,
            at=entry.at,
            message_id=entry.message_id,
            code=entry.code,
            words=entry.words,
            looked_at=rfc3339(looked_s),
        )
        again_s = seen.surely_past_s(looked_s + settle_s)
        return Conclusion(entry=entry, ending="inDoubt", verdict=verdict, again_s=again_s, words=entry.words)
    again_s = max(first_s, unix_s(entry.intended_at) or first_s) + settle_s
    if seen.earliest_s(seen.started_s) < again_s:
        return Conclusion(entry=entry, ending="inDoubt", again_s=seen.surely_past_s(again_s), words=entry.words)
    return None


def _absent(entry: Entry, seen: Seen, *, is_planned: bool) -> Conclusion:
    words = f"not at Bird, looked for twice: {entry.looked_at} and {rfc3339(seen.earliest_s(seen.ended_s))}"
    at, state = rfc3339(seen.ended_s), State.PLANNED if is_planned else State.ABSENT
    verdict = Verdict(key=entry.key, state=state, at=at, words=words, looked_at=entry.looked_at)
    return Conclusion(entry=entry, ending="planned" if is_planned else "absent", verdict=verdict, words=words)
