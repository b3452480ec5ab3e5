"""`flypast retry`: sends again what was rejected for a reason that can pass."""

import os
from pathlib import Path
from typing import Any

from .options import (
    PlanOptions,
    ReportFile,
    access_key_option,
    interruptible,
    manifest_argument,
    option,
    plan_options,
    sending_options,
    telling_options,
)
from .options import command as flypast_command


@flypast_command(
    "retry",
    examples="flypast retry spring.yaml --dry-run\nflypast retry spring.yaml",
    tells_of_interrupts=True,
)
@manifest_argument
@plan_options
@sending_options
@option("--dry-run", is_flag=True, help="Plan only: what would be sent again.")
@access_key_option
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
    access_key_file: Path | None,
    **given: Any,
) -> int:
    """Send again what was rejected for a reason that can pass.

    By Bird's codes: trouble of its own services (12XXX) or of the platform (15XXX), less what names something lasting,
    such as an unknown subscriber. Plans and asks first; nothing else is sent.
    """
    from runner.bird.replies import may_pass

    options = PlanOptions(**given)
    if dry_run:
        from .drawing import plan
        from .telling import Telling

        return interruptible(plan)(
            manifest, options, Telling(output_format=output_format, reports=reports), may_retry=may_pass
        )
    from .access import access_key
    from .sending import Consent, send
    from .summary import Report

    report = Report(output_format, reports)
    consents = Consent(
        yes=yes,
        is_persisted=ledger_persisted,
        lock_timeout_s=lock_timeout,
        pause_s=pause_between,
        skips_channel_check=skip_channel_check,
        may_retry=may_pass,
    )
    return report.of(lambda: send(manifest, options, access_key(os.environ, access_key_file), report, consents))
