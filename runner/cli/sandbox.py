"""`flypast sandbox`: the look-alike of Bird's Channels API as a server."""

import contextlib
from pathlib import Path
from typing import Any

import click

from . import completing
from .options import command as flypast_command
from .options import option
from .terminal import TERMINAL


def _faults(_context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> Any:
    from runner.sandbox.faults import parse_fault

    try:
        return tuple(parse_fault(value) for value in values)
    except ValueError as wrong:
        raise click.BadParameter(str(wrong), param=parameter) from None


def _configured(_context: click.Context, parameter: click.Parameter, value: Path | None) -> Any:
    from runner.sandbox.configured import read_configured

    if value is None:
        return None
    try:
        return read_configured(value.read_bytes())
    except ValueError as wrong:
        raise click.BadParameter(f"{value}: {wrong}", param=parameter) from None
    except OSError as wrong:
        raise click.BadParameter(f"{value} can't be read: {wrong.strerror}", param=parameter) from None


def _channels(_context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> Any:
    from runner.sandbox.channels import Channels, SandboxChannel

    if not values:
        return None
    try:
        pairs = [value.split("/", 1) for value in values]
        return Channels.of(
            [SandboxChannel(workspace_id=workspace, channel_id=channel, mms=True) for workspace, channel in pairs]
        )
    except ValueError as wrong:
        raise click.BadParameter(f"{wrong}; write WORKSPACE-ID/CHANNEL-ID", param=parameter) from None


@flypast_command(
    "sandbox",
    examples="flypast sandbox --port 8787\n"
    "flypast sandbox --fault 429:5% --fault reset-after:1% --seed 7 --record record.jsonl",
)
@option("--port", type=click.IntRange(0, 65535), default=8787, show_default=True, help="0 takes a free one.")
@option("--host", default="127.0.0.1", show_default=True, help="An address of this machine itself.")
@option(
    "--fault",
    "faults",
    multiple=True,
    metavar="KIND[:ARG…]",
    callback=_faults,
    help="What goes wrong, and how often: 429:5%, 500, 500-after:1%, reset-before, reset-after, slow:2s, garbled, "
    "redirect, cut, first:N, after:N; repeatable.",
)
@option("--seed", type=int, default=0, show_default=True, help="The same seed, the same faults.")
@option(
    "--rate",
    "post_per_s",
    variable="FLYPAST_SANDBOX_RATE",  # FLYPAST_RATE is a send's pace
    type=click.IntRange(min=1),
    default=500,
    show_default=True,
    metavar="N",
    help="Above N POSTs a second it says 429.",
)
@option(
    "--record",
    "record_path",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Append what arrives to this file, a JSON object a line.",
)
@option(
    "--channel",
    "channels",
    multiple=True,
    metavar="W/C",
    callback=_channels,
    shell_complete=completing.channels,
    help="A channel that exists, by its two UUIDs; repeatable. Without it any pair of UUIDs does.",
)
@option(
    "--channels",
    "configured",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    callback=_configured,
    help="The channels and templates that exist, and what a look-up shows of them: a JSON file.",
)
def command(
    *,
    port: int,
    host: str,
    faults: Any,
    seed: int,
    post_per_s: int,
    record_path: Path | None,
    channels: Any,
    configured: Any,
) -> None:
    """Serve a look-alike of Bird on this machine.

    Bird's Channels API on loopback, until interrupted. Its address is printed to standard output; in a browser it is an
    inbox: what arrived, by phone number, with faults to switch. GET /_sandbox/record has what arrived as JSON lines,
    GET /_sandbox/summary the counts. Any access key will do. Faults are drawn in the order of arrival, from the seed.
    """
    from runner.sandbox.limits import Limits
    from runner.sandbox.server import Sandbox

    if channels is not None and configured is not None:
        raise click.UsageError("--channel and --channels can't stand together: put it into the file")
    sandbox = Sandbox(
        channels=configured.channels if configured else channels,
        templates=configured.templates if configured else None,
        faults=faults,
        seed=seed,
        limits=Limits(post_per_s=post_per_s),
        record_path=record_path,
    )
    try:
        import asyncio

        asyncio.run(_serve(sandbox, host, port))
    except ValueError as wrong:
        raise click.UsageError(str(wrong)) from None
    except OSError as wrong:
        what = f"can't listen on {host}:{port}"
        if wrong.filename is not None:
            what = f"--record {wrong.filename} can't be written"
        raise click.UsageError(f"{what}: {wrong.strerror}") from None


async def _serve(sandbox: Any, host: str, port: int) -> None:
    import asyncio

    from runner.sandbox.server import run_sandbox

    from .steering import told

    serving = asyncio.ensure_future(run_sandbox(sandbox, host=host, port=port, ready=_ready))
    with told(lambda _number: serving.cancel()), contextlib.suppress(asyncio.CancelledError):
        await serving


def _ready(url: str) -> None:
    TERMINAL.data(url)
    TERMINAL.say(f"use it with: --api-url {url}\nlook at:     {url} in a browser, or {url}/_sandbox/record")
