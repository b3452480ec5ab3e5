"""`flypast ledger rebuild`: a lost ledger made anew from what Bird has."""

import os
from pathlib import Path

from .options import (
    PlanOptions,
    ReportFile,
    access_key_option,
    consent,
    input_options,
    ledger_options,
    lock_option,
    manifest_argument,
    option,
    seconds,
    telling_options,
)
from .options import command as flypast_command


@flypast_command(
    "rebuild",
    examples="flypast ledger rebuild spring.yaml\nflypast ledger rebuild spring.yaml --since 90d --yes",
    tells_of_interrupts=True,
)
@manifest_argument
@input_options
@option(
    "--since",
    callback=seconds,
    default="30d",
    show_default=True,
    metavar="DURATION",
    help="How far back to look; to before its first send.",
)
@ledger_options
@consent("--yes", is_flag=True, help="Write without asking.")
@consent("--ledger-persisted", is_flag=True, help="In CI: this ledger's disk stays after the job.")
@access_key_option
@lock_option
@telling_options
def rebuild(
    manifest: Path,
    *,
    parameter_files: tuple[Path, ...],
    sets: tuple[tuple[str, str], ...],
    recipient_files: tuple[tuple[str, str], ...],
    since: float,
    ledger_url: str | None,
    api_url: str | None,
    yes: bool,
    ledger_persisted: bool,
    access_key_file: Path | None,
    lock_timeout: float,
    output_format: str,
    reports: tuple[ReportFile, ...],
) -> int:
    """Make a lost ledger anew, from what Bird has.

    Looks for every message of the manifest in Bird's list. What is there counts as accepted or rejected, all else as
    in doubt; what the ledger knows already stays. Nothing is ever sent.
    """
    from .access import access_key
    from .rebuilding import Asked, fresh_summary
    from .rebuilding import rebuild as rebuild_ledger

    summary = fresh_summary(output_format, reports)
    options = PlanOptions(
        parameter_files=parameter_files,
        sets=sets,
        recipient_files=recipient_files,
        ledger_url=ledger_url,
        api_url=api_url,
    )
    asked = Asked(
        manifest=manifest,
        options=options,
        window_s=since,
        is_consented=yes,
        is_persisted=ledger_persisted,
        lock_timeout_s=lock_timeout,
    )
    return summary.of(lambda: rebuild_ledger(asked, access_key(os.environ, access_key_file), summary))
