"""`flypast channels`: what channels a workspace has."""

import os
from pathlib import Path

import click

from . import completing
from .options import access_key_option, api_url_option, option, optional_manifest_argument, parameter_options
from .options import command as flypast_command


@flypast_command(
    "channels",
    examples="flypast channels spring.yaml --parameters production.yaml\n"
    "flypast channels --workspace 5a0c8c1e-2f0e-4c0e-9d5d-0d6b1a1f7a11 --format json",
)
@optional_manifest_argument
@option(
    "--workspace", metavar="ID", shell_complete=completing.workspaces, help="This workspace's, instead of a manifest's."
)
@parameter_options
@access_key_option
@api_url_option
@option(
    "--format",
    "output_format",
    type=click.Choice(["text", "json", "jsonl"]),
    default="text",
    help="What stdout gets; jsonl has a line for each channel.",
)
def command(
    manifest: Path | None,
    *,
    workspace: str | None,
    parameter_files: tuple[Path, ...],
    sets: tuple[tuple[str, str], ...],
    access_key_file: Path | None,
    api_url: str | None,
    output_format: str,
) -> None:
    """List a workspace's channels at Bird.

    Each with its status, its platform, its number, and whether it can send MMS. A manifest stands for all the
    workspaces of its channels.
    """
    from .access import access_key
    from .listing import list_all, workspaces_of

    if manifest is not None and workspace is None:
        workspaces = workspaces_of(manifest, parameter_files, sets)
    elif workspace is not None and manifest is None:
        workspaces = [workspace]
    else:
        raise click.UsageError("name a manifest or --workspace ID, and not both")
    list_all(workspaces, access_key(os.environ, access_key_file), api_url, output_format)
