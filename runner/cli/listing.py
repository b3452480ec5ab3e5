"""A workspace's channels: looked up, and listed for people and machines."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from random import SystemRandom
from typing import Any

from runner.bird.channels import ChannelSeen
from runner.bird.requests import DEFAULT_API_URL, AccessKey, parse_api_url
from runner.delivery.clock import SystemClock
from runner.delivery.getting import Fault
from runner.delivery.preflight import mms_word
from runner.errors import Exit, NotReady, UsageError
from runner.findings import Findings
from runner.output.neutral import neutral
from runner.output.tables import Column, table
from runner.output.words import number
from runner.pipeline.online import key_advice, list_channels

from .online import run_looking
from .orders import inputs_of, order_of
from .terminal import TERMINAL

HEADS = ("status", "platform", "number", "MMS", "id")


def workspaces_of(manifest: Path, parameter_files: Sequence[Path], sets: Sequence[tuple[str, str]]) -> list[str]:
    """Those of a manifest's channels, in their order. Raises UsageError."""
    found = Findings()
    loaded = order_of(manifest, inputs_of(parameter_files, sets, ()), is_strict=False).load(found)
    if loaded.manifest is None or found.has_errors:
        why = "has findings" if found.has_errors else "has no messages: it is a library for other manifests to include"
        raise UsageError(f"{manifest} {why}", hint=f"see flypast validate {manifest}, or give --workspace ID")
    workspaces = list(dict.fromkeys(channel.workspace_id for channel in loaded.manifest.channels.values()))
    if not workspaces:
        hint = "give the parameters they are made of with --parameters, or --workspace ID"
        raise UsageError(f"{manifest} has no channel whose ids are known", hint=hint)
    return workspaces


def list_all(workspaces: Sequence[str], key: AccessKey, api_url: str | None, output_format: str) -> None:
    """Raises NotReady: 7 where Bird refuses, 11 where it can't be asked."""
    api = parse_api_url(api_url) if api_url else DEFAULT_API_URL
    listed = [line for workspace in workspaces for line in _listed(workspace, api, key)]
    if output_format == "json":
        TERMINAL.json({"formatVersion": 1, "channels": listed})
    elif output_format == "jsonl":
        for line in listed:
            TERMINAL.json(line, indent=None)
    else:
        for text in _table(listed):
            TERMINAL.data(text)
        TERMINAL.say(f"{number(len(listed), 'channel')} in {number(len(workspaces), 'workspace')}")


def _listed(workspace_id: str, api: str, key: AccessKey) -> Iterator[dict[str, Any]]:
    found = run_looking(list_channels(workspace_id, api, key, clock=SystemClock(), rng=SystemRandom()))
    if isinstance(found, Fault):
        hint = {401: key_advice(key), 403: "let the key view /workspaces/*/channels (an access policy in Bird)"}
        raise NotReady(
            f"the channels of workspace {workspace_id} could not be listed: {found.words}",
            hint=hint.get(found.status or 0),
            exit_code=Exit.STOPPED if found.status is None else Exit.BIRD_REFUSED,
        )
    for seen in found:
        yield _line(workspace_id, seen)


def _line(workspace_id: str, seen: ChannelSeen) -> dict[str, Any]:
    """A sender's own number is not a person's: it is shown."""
    return {
        "workspaceId": workspace_id,
        "id": seen.text("id"),
        "name": seen.text("name"),
        "status": seen.text("status"),
        "platform": seen.text("platformId"),
        "number": seen.text("identifier"),
        "mms": mms_word(seen),
    }


def _table(lines: Sequence[dict[str, Any]]) -> Iterator[str]:
    keys = ("status", "platform", "number", "mms", "id")
    rows = [(neutral(line["name"] or "-"), [neutral(line[key] or "") for key in keys]) for line in lines]
    columns = [Column(head, is_text=True, is_whole=head == "id") for head in HEADS]
    return table(columns, rows, TERMINAL.out, head="name") if rows else iter(())
