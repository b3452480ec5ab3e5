"""Faults in looking messages up that the simulator must find."""

from runner.bird import replies
from runner.delivery import getting, reconcile, scanning
from runner.ledger import memory
from runner.pipeline import reconciling

from .planting import Edit, edit

_LEADS_BACK = 'raise PageFault("Bird\'s list leads back to a page that was read already")'
_NO_RESULTS = 'raise PageFault("a page of Bird\'s list has no results")'
_CUT = 'return "a page of Bird\'s list came cut, too large or compressed" if reply.body is None'


def _times() -> dict[str, tuple[Edit, ...]]:
    return {
        "settle 0": (edit(reconcile, "_not_settled", ("or first_s) + settle_s", "or first_s)")),),
        "one look is enough": (
            edit(reconcile, "_not_settled", ("unix_s(entry.looked_at)", "unix_s(entry.looked_at) or -1e12")),
        ),
        "two looks are as far apart as our own clock says": (
            edit(scanning.Walked, "latest_s", ("at_s + max(0.0, self.ahead_s or 0.0)", "at_s")),
            edit(scanning.Walked, "earliest_s", ("at_s + min(0.0, self.ahead_s or 0.0)", "at_s")),
        ),
        "a clock that is wrong looks all the same": (
            edit(scanning.Scanner, "_whole", ("abs(skew_s) > MOST_SKEW_S", "False")),
        ),
        "a clock that was wrong is trusted": (edit(scanning, "_window", ("LOOKBACK_S", "SLACK_S")),),
        "pages are read as fast as they come": (edit(getting.Getter, "__init__", ("Scope(GETS_PER_S)", "Scope(1e6)")),),
    }


def _lists() -> dict[str, tuple[Edit, ...]]:
    return {
        "a look that broke off counts as whole": (
            edit(reconciling, "conclude", ("if seen.fault is not None or entry.state", "if entry.state")),
        ),
        "only the first page is read": (edit(scanning.Scanner, "_all_pages", ("if next_token is None:", "if True:")),),
        "a page that comes again is the last one": (edit(scanning.Scanner, "_all_pages", (_LEADS_BACK, "return")),),
        "a page that was cut is the last one": (
            edit(scanning.Scanner, "_whole", (_CUT, "return b'{\"results\":[]}' if reply.body is None")),
        ),
        "what is no list is an empty one": (edit(replies, "results_of", (_NO_RESULTS, "return [], None")),),
        "a message that is there is overlooked": (
            edit(scanning, "_note", ("found[listed.message_id] = listed", "pass")),
        ),
    }


def _conclusions() -> dict[str, tuple[Edit, ...]]:
    return {
        "a double is found once": (
            edit(reconciling, "conclude", ("if len(went) > 1 or (there and is_shared):", "if False:")),
        ),
        "another's reference proves it accepted": (
            edit(reconciling, "conclude", ("len(went) > 1 or (there and is_shared)", "len(went) > 1")),
        ),
        "an older attempt's rejection is the newer one's": (
            edit(reconcile, "_may_be_of_an_older_attempt", ("entry.attempts > 1", "False")),
        ),
        "what was accepted is looked up too": (
            edit(reconciling, "_looked_for", ("entry.message_id is None", "entry")),
        ),
        "what was accepted is called absent": (
            edit(reconciling, "conclude", (" or entry.state is State.ACCEPTED", "")),
            edit(memory, "may_be_found", ("return held in UNDECIDED", "return True")),
        ),
        "what was accepted is taken back for an older rejection": (
            edit(
                reconcile,
                "_may_be_of_an_older_attempt",
                ("entry.attempts > 1", "entry.attempts > 1 and entry.state is not State.ACCEPTED"),
            ),
        ),
        "a rejected one is accepted": (edit(reconcile, "_found", ("isinstance(outcome, Rejected)", "False")),),
        "what a look found is not kept": (edit(reconciling, "look", ("_tell(claims, found)", "pass")),),
        "a refusal is told as a full look": (
            edit(reconciling, "look", ("seen.fault if seen.fault.ends_all else None", "None")),
        ),
    }


LOOKING = {**_times(), **_lists(), **_conclusions()}
