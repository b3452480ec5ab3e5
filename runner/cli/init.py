"""`flypast init`: a starter repository that validates at once."""

from pathlib import Path

import click

from runner.bundled import bundled
from runner.errors import Refused

from .options import command as flypast_command
from .options import option
from .terminal import TERMINAL

RENAMED = {"gitignore": ".gitignore", "ci/github.yml": ".github/workflows/flypast.yml"}
SCHEMA = "schemas/manifest.schema.json"


@flypast_command("init", examples="flypast init hello\nflypast init --example mms")
@click.argument("folder", metavar="[DIR]", default=".", type=click.Path(file_okay=False, path_type=Path))
@option(
    "--example",
    type=click.Choice(["sms", "mms", "template"]),
    default="sms",
    show_default=True,
    help="What kind of message to start from.",
)
def command(folder: Path, example: str) -> None:
    """Make a starter repository.

    Manifest, recipients, channels, parameters, CI. Nothing that exists is touched.
    """
    source = bundled("examples") / "starter" / example
    contents = {
        _target(path.relative_to(source).as_posix()): path.read_bytes()
        for path in sorted(source.rglob("*"))
        if path.is_file()
    }
    contents[SCHEMA] = (bundled("schemas") / "manifest.schema.json").read_bytes()
    taken = [name for name in contents if (folder / name).exists()]
    if taken:
        raise Refused(f"{folder} has {', '.join(taken)} already", hint="nothing was written: choose another folder")
    for name, content in contents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        TERMINAL.data(str(path))
    manifest = next(name for name in contents if name.startswith("campaigns/") and name.endswith(".yaml"))
    there = "" if folder == Path() else f"cd {folder} && "
    TERMINAL.say(
        f"\nNext:  {there}flypast validate\n       {there}flypast plan {manifest}\n"
        f"       {there}flypast send {manifest} --sandbox"
    )


def _target(name: str) -> str:
    return RENAMED.get(name, name)
