"""`flypast reconcile`: looks messages in doubt up at Bird."""

import os
from pathlib import Path

from .options import (
    access_key_option,
    format_option,
    ledger_options,
    lock_option,
    option,
    optional_manifest_argument,
    seconds_if_given,
)
from .options import command as flypast_command


@flypast_command(
    "reconcile",
    examples="flypast reconcile spring.yaml\nflypast reconcile --settle 30m\nflypast reconcile spring.yaml --wait",
    tells_of_interrupts=True,
)
@optional_manifest_argument
@access_key_option
@ledger_options
@option(
    "--settle",
    callback=seconds_if_given,
    metavar="DURATION",
    help="How far apart two looks must be to prove that a message is not there, instead of policy.settle; at least 2m.",
)
@option("--wait", is_flag=True, help="Stay, and take the second look when it is due.")
@lock_option
@format_option
def command(
    manifest: Path | None,
    *,
    access_key_file: Path | None,
    ledger_url: str | None,
    api_url: str | None,
    settle: float | None,
    lock_timeout: float,
    output_format: str,
    wait: bool,
) -> int:
    """Look up at Bird what is in doubt.

    What Bird has was sent: it counts as accepted or rejected. What two looks at Bird's whole list don't show is absent:
    a person decides about it with flypast resolve, or the manifest's policy does. Nothing is ever sent.
    """
    from .access import access_key
    from .reconciling import Asked, fresh_summary, reconcile

    asked = Asked(
        manifest=manifest,
        ledger_url=ledger_url,
        api_url=api_url,
        settle_s=settle,
        lock_timeout_s=lock_timeout,
        waits=wait,
    )
    summary = fresh_summary(output_format)
    return summary.of(lambda: reconcile(asked, access_key(os.environ, access_key_file), summary))
