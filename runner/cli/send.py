"""`flypast send`: plans, asks, sends, records."""

import os
from pathlib import Path
from typing import Any

import click

from . import completing
from .options import (
    PlanOptions,
    ReportFile,
    access_key_option,
    engine_option,
    interruptible,
    manifest_argument,
    option,
    plan_options,
    sending_options,
    telling_options,
)
from .options import command as flypast_command


@flypast_command(
    "send",
    examples="flypast send spring.yaml\nflypast send spring.yaml --yes --expect plan.json\n"
    "flypast send spring.yaml --test-to +14155550100 --message announce",
    tells_of_interrupts=True,
)
@manifest_argument
@plan_options
@sending_options
@option("--dry-run", is_flag=True, help="Plan only: the same as flypast plan.")
@option("--sandbox", is_flag=True, help="Send to the embedded look-alike of Bird, with a ledger of its own.")
@access_key_option
@option("--test-to", metavar="NUMBER", help="One real message with one row's data, to your own phone instead.")
@option(
    "--row",
    metavar="LIST#N",
    shell_complete=completing.rows,
    help="With --test-to: whose data; the first row by default.",
)
@engine_option
@option("--follow", is_flag=True, help="With --engine: stay until the run has ended, and tell what came of it.")
@telling_options
def command(
    manifest: Path,
    output_format: str,
    reports: tuple[ReportFile, ...],
    *,
    yes: bool,
    ledger_persisted: bool,
    lock_timeout: float,
    pause_between: float,
    skip_channel_check: bool,
    dry_run: bool,
    sandbox: bool,
    access_key_file: Path | None,
    test_to: str | None,
    row: str | None,
    engine: str | None,
    follow: bool,
    **given: Any,
) -> int:
    """Send what the plan says, each message once.

    Asks first, with the numbers. What was sent before is not sent again. With --sandbox it goes to a look-alike.
    """
    options = PlanOptions(**given)
    if dry_run:
        from .drawing import plan
        from .telling import Telling

        return interruptible(plan)(manifest, options, Telling(output_format=output_format, reports=reports))
    if row is not None and test_to is None:
        raise click.UsageError("--row goes with --test-to")
    _check_engine(engine, is_followed=follow, is_alone=sandbox or test_to is not None)
    from .access import access_key
    from .sending import Consent
    from .sending import send as send_all
    from .summary import Report

    report = Report(output_format, reports)

    def act() -> int:
        key = None if sandbox else access_key(os.environ, access_key_file)
        if test_to is not None:
            from .trial import Trial, send_trial

            whose = Trial(to=test_to, row=row, yes=yes, skips_channel_check=skip_channel_check)
            return send_trial(manifest, options, key, whose, report)
        consents = Consent(
            yes=yes,
            is_persisted=ledger_persisted,
            lock_timeout_s=lock_timeout,
            pause_s=pause_between,
            skips_channel_check=skip_channel_check,
            engine=engine,
            is_followed=follow,
        )
        return send_all(manifest, options, key, report, consents)

    return report.of(act)


def _check_engine(engine: str | None, *, is_followed: bool, is_alone: bool) -> None:
    if engine is None and is_followed:
        raise click.UsageError("--follow goes with --engine: without it a send always stays until its end")
    if engine is not None and is_alone:
        raise click.UsageError("--engine goes neither with --sandbox nor with --test-to: these are one machine's")
