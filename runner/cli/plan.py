"""`flypast plan`: the dry run. `flypast send --dry-run` is this same code."""

import os
from pathlib import Path
from typing import Any

import click

from .options import (
    LockOptions,
    PlanOptions,
    ReportFile,
    access_key_option,
    manifest_argument,
    option,
    plan_options,
    skip_channels_option,
    telling_options,
)
from .options import command as flypast_command


@flypast_command(
    "plan",
    examples="flypast plan spring.yaml\nflypast plan spring.yaml --parameters production.yaml "
    "--format json > plan.json\nflypast plan spring.yaml --online\nflypast plan spring.yaml --lock",
)
@manifest_argument
@plan_options
@option("--lock", is_flag=True, help="Write down in flypast.lock that this plan was reviewed.")
@option("--check-lock", is_flag=True, help="Refuse unless flypast.lock says that this very plan was reviewed.")
@option("--online", is_flag=True, help="Look channels and templates up at Bird; needs the key.")
@access_key_option
@skip_channels_option
@telling_options
def command(
    manifest: Path,
    output_format: str,
    reports: tuple[ReportFile, ...],
    *,
    lock: bool,
    check_lock: bool,
    online: bool,
    access_key_file: Path | None,
    skip_channel_check: bool,
    **given: Any,
) -> int:
    """Show what a send would send: the dry run.

    All that send does except sending, by the same code. It needs no key and no network, unless it is to look online.
    """
    if skip_channel_check and not online:
        raise click.UsageError("--skip-channel-check goes with --online: without that no channel is looked up")
    if lock and check_lock:
        raise click.UsageError("--lock writes what --check-lock would look at: say one of them")
    from .access import access_key
    from .drawing import plan
    from .telling import Telling

    wanted = LockOptions(is_written=lock, is_checked=check_lock)
    looking = None
    if online:
        from .online import Online

        looking = Online(key=access_key(os.environ, access_key_file), skips_channels=skip_channel_check)
    telling = Telling(output_format=output_format, reports=reports)
    return plan(manifest, PlanOptions(**given), telling, online=looking, lock=wanted)
