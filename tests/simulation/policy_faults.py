"""Faults in policies, waves and retries that the simulator must find."""

from runner import plan
from runner.delivery import dispatch, doubts
from runner.ledger import memory
from runner.pipeline import reconciling

from . import process
from .planting import Edit, edit

_RUN = dispatch._Run
_DOUBTS = doubts.Doubts


def _absent() -> dict[str, tuple[Edit, ...]]:
    return {
        "an absent one goes again without end": (
            edit(plan, "status_of", ("delivery is Delivery.RESEND_ABSENT and not known.resent", "True")),
        ),
        "a look plans an absent one without end": (
            edit(
                reconciling,
                "conclude",
                ("if resends_absent and not entry.resent else", "if resends_absent else"),
                ("is_planned=resends_absent and not entry.resent", "is_planned=resends_absent"),
            ),
        ),
        "nobody counts how often an absent one went": (
            edit(memory, "_found", ("entry.resent + (verdict.state is State.PLANNED)", "entry.resent")),
        ),
        "an absent one goes again, whatever the policy": (
            edit(reconciling, "conclude", ("is_planned=resends_absent and", "is_planned=")),
        ),
    }


def _in_doubt() -> dict[str, tuple[Edit, ...]]:
    return {
        "at-least-once tries without end": (edit(_DOUBTS, "_repeats", ("posts == MOST_POSTS or ", "")),),
        "at-least-once has no budget": (edit(_DOUBTS, "_repeats", ("not self._budget.spend()", "False")),),
        "what is in doubt goes again, whatever the policy": (edit(_DOUBTS, "_repeats", ("not self._is_on or ", "")),),
        "a later attempt hides that an earlier one is in doubt": (
            edit(_DOUBTS, "told", ("if not self.has_earlier(message):", "if message:")),
        ),
        "possible doubles are not told": (edit(_DOUBTS, "counted", ("self.doubles += was_open and", "was_open and")),),
        "what goes again is looked for from its last intent on": (
            edit(memory.MemoryClaim, "_intended", ("before.state is State.IN_DOUBT else", "before is None else")),
        ),
    }


def _waves() -> dict[str, tuple[Edit, ...]]:
    return {
        "waves have no barrier": (edit(_RUN, "_next", ("self._taken == self._until", "False")),),
        "the pause between waves is not kept": (edit(_RUN, "_pause", ("if self.settings.pause_s:", "if False:")),),
        "a signal does not end a pause": (
            edit(_RUN, "_pause", ("self._stopping.waits(self.clock.sleep(self.settings.pause_s))", _SLEEP)),
        ),
        "no threshold is looked at between waves": (edit(_RUN, "_all_waves", ("fewest=1", "fewest=10**9")),),
    }


_SLEEP = "self.clock.sleep(self.settings.pause_s)"


def _retries() -> dict[str, tuple[Edit, ...]]:
    return {
        "retry takes every rejection": (
            edit(plan.Planner, "_is_retried", ('return self._may_retry(known.code or "")', "return True")),
        ),
        "retry takes what lasts": (edit(process, "may_pass", (" and number not in _LASTING", "")),),
        "retry sends what is new as well": (edit(plan.Planner, "_count_new", ("if not is_chosen:", "if False:")),),
    }


POLICIES = {**_absent(), **_in_doubt(), **_waves(), **_retries()}
