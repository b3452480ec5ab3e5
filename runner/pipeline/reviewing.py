"""Whether a plan is the one that `flypast.lock` says was reviewed."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from runner.errors import Refused
from runner.guards import found_instead, moved_inputs, moved_words

from .loading import Loaded
from .lockfile import NAME, Reviewed, read_lock


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a plan stands in the lock. `moved` are the inputs that changed since; `why` and `hint` are for people.

    `absent`: the lock does not have the manifest; `unreadable`: the lock itself is broken.
    """

    state: Literal["reviewed", "stale", "absent", "unreadable"]
    why: str = ""
    hint: str | None = None
    moved: tuple[str, ...] = ()

    def check(self, *, is_required: bool) -> None:
        """Raises Refused. What the lock does not have is let pass unless it `is_required`."""
        if self.state == "reviewed" or (self.state == "absent" and not is_required):
            return
        raise Refused(self.why, hint=self.hint)


def plan_of(loaded: Loaded, path: Path, digest: str = "") -> Reviewed:
    """A plan as the lock has it; its inputs are complete once everything was composed."""
    return Reviewed(
        manifest=loaded.project.named(path) or path.name,
        parameters=loaded.parameter_files,
        digest=digest,
        inputs=loaded.inputs,
    )


def check_known(loaded: Loaded, path: Path, *, is_required: bool) -> None:
    """What is refused before anything is composed: a lock that can't be read, and one that lacks this plan."""
    plan, held = plan_of(loaded, path), read_lock(loaded.project.root)
    if not _held(held, plan):
        _absent(held, plan).check(is_required=is_required)


def standing_of(loaded: Loaded, path: Path, digest: str) -> Standing:
    """Only the digest decides; the inputs say what moved."""
    plan = plan_of(loaded, path, digest)
    try:
        held = read_lock(loaded.project.root)
    except Refused as broken:
        return Standing(state="unreadable", why=broken.message, hint=broken.hint)
    found = _held(held, plan)
    if not found:
        return _absent(held, plan)
    if all(entry.digest == digest for entry in found):
        return Standing(state="reviewed", moved=moved_inputs(found[0].inputs, plan.inputs))
    return _stale(next(entry for entry in found if entry.digest != digest), plan)


def _held(held: Sequence[Reviewed] | None, plan: Reviewed) -> list[Reviewed]:
    """The entries of this plan. A careless merge may leave two: then each must hold."""
    return [entry for entry in held or () if entry.key == plan.key]


def _stale(entry: Reviewed, plan: Reviewed) -> Standing:
    moved = moved_inputs(entry.inputs, plan.inputs)
    named = moved_words(moved) or ": no input changed, so the lock was edited, or another version of flypast made it"
    return Standing(
        state="stale",
        why=f"this is not the plan that {NAME} says was reviewed{named}",
        hint=f"{found_instead(entry.digest, plan.digest)}; then {_lock_it(plan)}",
        moved=moved,
    )


def _absent(held: Sequence[Reviewed] | None, plan: Reviewed) -> Standing:
    """A manifest that is there with other parameters was meant to be reviewed: that is no new one."""
    others = [_other(entry, plan) for entry in held or () if entry.manifest == plan.manifest]
    hint = f"review it; then {_lock_it(plan)}"
    if others:
        nearest = min(others, key=len)
        why = f"{NAME} has {plan.manifest} with other parameters only{moved_words(nearest)}"
        return Standing(state="stale", why=why, hint=hint, moved=nearest)
    missing = f"there is no {NAME} at the project root" if held is None else f"{NAME} does not have {plan.manifest}"
    return Standing(state="absent", why=f"{missing}: nobody says that this plan was reviewed", hint=hint)


def _other(entry: Reviewed, plan: Reviewed) -> tuple[str, ...]:
    """What makes it another plan: values and files of parameters that only one of them has, or in another order."""
    moved = moved_inputs(dict(entry.key[2]), dict(plan.key[2]))
    files = set(entry.parameters) ^ set(plan.parameters)
    if not files and entry.parameters != plan.parameters:
        files = set(plan.parameters)
    return (*sorted(files), *moved)


def _lock_it(plan: Reviewed) -> str:
    same = ", with the same parameters" if plan.parameters or plan.key[2] else ""
    return f"lock it with: flypast plan {plan.manifest} --lock{same}"
