"""`flypast plan`: the dry run. `flypast send --dry-run` is this same code."""

from pathlib import Path
from typing import Any

from .options import PlanOptions, format_option, manifest_argument, plan_options
from .options import command as flypast_command


@flypast_command(
    "plan",
    examples="flypast plan spring.yaml\nflypast plan spring.yaml --parameters production.yaml "
    "--format json > plan.json",
)
@manifest_argument
@plan_options
@format_option
def command(manifest: Path, output_format: str, **given: Any) -> int:
    """Show what a send would send: the dry run.

    All that send does except sending, by the same code. It needs no key and no network.
    """
    from .drawing import plan

    return plan(manifest, PlanOptions(**given), output_format)
