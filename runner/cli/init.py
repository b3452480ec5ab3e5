"""`flypast init`: a starter repository that validates at once."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from runner.bundled import bundled
from runner.errors import Refused, UsageError

from .options import command as flypast_command
from .options import option
from .terminal import TERMINAL

RENAMED = {"gitignore": ".gitignore"}
SCHEMA = "schemas/manifest.schema.json"
# Where each host looks for the pipelines of examples/ci, by their names there.
PIPELINES = {
    "github": {
        "flypast-review.yml": ".github/workflows/flypast-review.yml",
        "flypast-send.yml": ".github/workflows/flypast-send.yml",
    },
    "gitlab": {"gitlab-ci.yml": ".gitlab-ci.yml"},
}


@flypast_command("init", examples="flypast init hello\nflypast init --example mms --ci gitlab")
@click.argument("folder", metavar="[DIR]", default=".", type=click.Path(file_okay=False, path_type=Path))
@option(
    "--example",
    type=click.Choice(["sms", "mms", "template"]),
    default="sms",
    show_default=True,
    help="What kind of message to start from.",
)
@option(
    "--ci",
    "hosts",
    multiple=True,
    type=click.Choice([*PIPELINES]),
    default=["github"],
    show_default=True,
    help="Whose pipelines to write; repeatable.",
)
def command(folder: Path, example: str, hosts: tuple[str, ...]) -> None:
    """Make a starter repository.

    Manifest, recipients, channels, parameters, pipelines. Nothing that exists is touched.
    """
    contents = _starter(example) | _pipelines(hosts)
    contents[SCHEMA] = (bundled("schemas") / "manifest.schema.json").read_bytes()
    try:
        _write(contents, folder)
    except OSError as error:
        raise UsageError(f"{error.filename or folder} can't be written: {error.strerror}") from None
    manifest = next(name for name in contents if name.startswith("campaigns/") and name.endswith(".yaml"))
    there = "" if folder == Path() else f"cd {folder} && "
    TERMINAL.say(
        f"\nNext:  {there}flypast validate\n       {there}flypast plan {manifest}\n"
        f"       {there}flypast send {manifest} --sandbox"
    )


def _write(contents: Mapping[str, bytes], folder: Path) -> None:
    taken = [name for name in contents if (folder / name).exists()]
    if taken:
        raise Refused(f"{folder} has {', '.join(taken)} already", hint="nothing was written: choose another folder")
    for name, content in contents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        TERMINAL.data(str(path))


def _starter(example: str) -> dict[str, bytes]:
    source = bundled("examples") / "starter" / example
    names = {path.relative_to(source).as_posix(): path for path in sorted(source.rglob("*")) if path.is_file()}
    return {RENAMED.get(name, name): path.read_bytes() for name, path in names.items()}


def _pipelines(hosts: Sequence[str]) -> dict[str, bytes]:
    folder = bundled("examples") / "ci"
    return {target: (folder / host / name).read_bytes() for host in hosts for name, target in PIPELINES[host].items()}
