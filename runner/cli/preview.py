"""`flypast preview`: each message on a phone, live as its files are saved; or one page in a file."""

from pathlib import Path
from typing import Any

import click

from .options import command as flypast_command
from .options import consent, input_options, manifest_argument, option


@flypast_command(
    "preview", examples="flypast preview spring.yaml --open\nflypast preview spring.yaml --export preview.html"
)
@manifest_argument
@input_options
@option("--open", "opens", variable="FLYPAST_PREVIEW_OPEN", is_flag=True, help="Open the page in the browser.")
@option(
    "--export",
    variable="FLYPAST_PREVIEW_EXPORT",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write one page that needs nothing else, and end.",
)
@consent("--show-pii", is_flag=True, help="With --export: show people's numbers and data.")
def command(manifest: Path, *, opens: bool, export: Path | None, show_pii: bool, **inputs: Any) -> int | None:
    """Show each message on a phone, live as its files are saved.

    The page is on this machine alone, at the address that is printed, until interrupted; it shows people's data. With
    --export it is one file for a review instead, with people's data masked. It reads no ledger and needs no key.
    """
    if show_pii and export is None:
        raise click.UsageError("--show-pii goes with --export: the page on this machine shows all")
    if opens and export is not None:
        raise click.UsageError("--open goes without --export: that writes a file")
    if export == Path("-"):
        raise click.UsageError("--export writes a file: name one, as preview.html")
    from .previewing import exported, live

    if export is not None:
        return exported(manifest, inputs, export, shows_people=show_pii)
    live(manifest, inputs, opens=opens)
    return None
