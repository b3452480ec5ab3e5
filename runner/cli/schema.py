"""`flypast schema`: the bundled schemas."""

import click

from runner.errors import UsageError
from runner.findings import did_you_mean
from runner.judge import schema_names, schema_text

from . import completing
from .options import command as flypast_command
from .terminal import TERMINAL


@flypast_command("schema", examples="flypast schema\nflypast schema manifest > manifest.schema.json")
@click.argument("name", required=False, shell_complete=completing.schemas)
def command(name: str | None) -> None:
    """Print a bundled JSON Schema, or all names."""
    names = schema_names()
    if name is None:
        TERMINAL.data("\n".join(names))
        return
    if name not in names:
        raise UsageError(f"there is no schema {name!r}", hint=did_you_mean(name, names))
    TERMINAL.data(schema_text(name).rstrip("\n"))
