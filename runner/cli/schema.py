"""`flypast schema`: the bundled schemas."""

from collections.abc import Sequence
from pathlib import Path

import click

from runner.errors import UsageError
from runner.findings import did_you_mean
from runner.judge import SUFFIX, schema_names, schema_text

from . import completing
from .options import command as flypast_command
from .options import option
from .terminal import TERMINAL


@flypast_command(
    "schema",
    examples="flypast schema\nflypast schema manifest > manifest.schema.json\nflypast schema manifest --export schemas",
)
@click.argument("name", required=False, shell_complete=completing.schemas)
@option(
    "--export",
    "folder",
    variable="FLYPAST_SCHEMA_EXPORT",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Write it into this folder instead, or all of them; older ones there are replaced.",
)
def command(name: str | None, folder: Path | None) -> None:
    """Print a bundled JSON Schema, or all names; or write them into a folder.

    Each is whole: it refers to no other file and to no address.
    """
    names = schema_names()
    if name is not None and name not in names:
        raise UsageError(f"there is no schema {name!r}", hint=did_you_mean(name, names))
    if folder is not None:
        _export([name] if name else names, folder)
    elif name is None:
        TERMINAL.data("\n".join(names))
    else:
        TERMINAL.data(schema_text(name).rstrip("\n"))


def _export(names: Sequence[str], folder: Path) -> None:
    for name in names:
        path = folder / f"{name}{SUFFIX}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path.write_text(schema_text(name), encoding="utf-8", newline="\n")
        except OSError as error:
            raise UsageError(f"{path} can't be written: {error.strerror}") from None
        TERMINAL.data(str(path))
