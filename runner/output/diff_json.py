"""A diff for machines (schemas/diff.schema.json)."""

from collections.abc import Iterable
from typing import Any

from runner.plan import Tally
from runner.plan.difference import Change, Difference, ManifestDiff, MessageDiff

from .findings_json import FORMAT_VERSION
from .sizes import cost_json


def diff_json(difference: Difference) -> dict[str, Any]:
    """Manifests that changed or are broken, and how many did not change."""
    return {
        "formatVersion": FORMAT_VERSION,
        "base": difference.base,
        "hasChanges": difference.has_changes,
        "unchanged": len(difference.manifests) - len(difference.changed),
        "manifests": [_manifest(made) for made in difference.told],
    }


def _manifest(made: ManifestDiff) -> dict[str, Any]:
    return {
        "path": made.path,
        "kind": made.kind,
        "digest": {"before": made.digests[0], "after": made.digests[1]},
        "identity": _changes(made.facts),
        "policy": _changes(made.policy),
        "channels": _changes(made.channels),
        "inputs": list(made.inputs),
        "messages": [_message(message, made) for message in made.messages],
        "included": [{"name": text.name, "text": list(text.lines)} for text in made.included],
        "mistakes": [{"side": side, "message": words} for side, words in made.mistakes],
        "notChecked": [{"side": side, "message": words} for side, words in made.not_checked],
    }


def _message(message: MessageDiff, made: ManifestDiff) -> dict[str, Any]:
    people = message.people
    return {
        "name": message.name,
        "kind": "added" if message.is_new else "removed" if message.is_gone else "kept",
        "text": list(message.text.lines),
        "audience": {"added": people.added, "removed": people.removed, "same": people.same} if people else None,
        "before": _tally(message.before, made.currencies[0]),
        "after": _tally(message.after, made.currencies[1]),
    }


def _tally(tally: Tally | None, currency: str | None) -> dict[str, Any] | None:
    if tally is None:
        return None
    return {
        "messages": tally.new,
        "skipped": tally.skipped,
        "segments": tally.segments,
        **cost_json(tally, currency),
    }


def _changes(changes: Iterable[Change]) -> list[dict[str, Any]]:
    return [{"key": change.key, "before": change.before, "after": change.after} for change in changes]
