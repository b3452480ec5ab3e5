"""Makes the site of these pages in build/docs/site: the pages as they are, and those that the code can write itself.

Every command comes from click, every key from the manifest's schema: neither can say anything but what is there.
"""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from runner.cli.main import flypast

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"

# Files elsewhere in the repository that pages link to, and what they are on the site.
ELSEWHERE = {"../benchmarks/README.md": "benchmarks.md", "../CHANGELOG.md": "changes.md"}
CODE = re.compile(r"`[^`\n]+`")
OF_ALL = {"color", "quiet", "verbose", "help"}  # told once, on the page of the command line
FENCE_NOT_RUN = re.compile(r"^(\s*```\w+) not-run$", re.MULTILINE)

TYPES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "`true` or `false`",
    "object": "an object",
}

Schema = dict[str, Any]


def make(build: Path) -> int:
    """Makes it in `build`/site; what Zensical ended with: not 0 where a link leads nowhere."""
    pages = build / "pages"
    shutil.rmtree(build, ignore_errors=True)
    shutil.copytree(DOCS, pages, ignore=shutil.ignore_patterns("*.py", "*.toml", "__pycache__"))
    for source, name in ELSEWHERE.items():
        (pages / name).write_text((DOCS / source).read_text().replace("](docs/", "]("))
    for page in pages.rglob("*.md"):
        page.write_text(for_the_site(page.read_text(), depth=len(page.relative_to(pages).parts) - 1))
    (pages / "reference").mkdir()
    (pages / "reference" / "commands.md").write_text(commands_page())
    schema = json.loads((ROOT / "schemas" / "manifest.schema.json").read_text())
    (pages / "reference" / "keys.md").write_text(keys_page(schema))
    shutil.copy(DOCS / "zensical.toml", build)
    zensical = Path(sys.executable).with_name("zensical")
    return subprocess.run([zensical, "build", "--strict", "--clean"], cwd=build, check=False).returncode  # noqa: S603 (our own)


def for_the_site(text: str, *, depth: int) -> str:
    """A page without our marks on blocks, and with the links out of docs/ that the site has no page for as words."""
    text = FENCE_NOT_RUN.sub(r"\1", text)
    text = CODE.sub(lambda code: code[0].replace("\\|", "|"), text)  # only GitHub wants it escaped in a table's code
    up = "../" * depth
    for source, page in ELSEWHERE.items():
        text = text.replace(f"]({up}{source}", f"]({up}{page}")
    return re.sub(rf"\[([^\]]*)\]\({re.escape(up)}\.\./[^)]*\)", r"`\1`", text)


# Commands


def commands_page() -> str:
    said = [
        "# Every command",
        "",
        "Written from the program itself: what `flypast COMMAND --help` says.",
        "[The command line](../cli.md) says what it means, and which options every command has.",
    ]
    for name, command, context in walk(flypast, click.Context(flypast, info_name="flypast")):
        said += ["", f"## {name}", "", *described(command, context)]
    return "\n".join(said) + "\n"


def walk(command: click.Command, context: click.Context) -> Iterator[tuple[str, click.Command, click.Context]]:
    """Each command that does something, under its whole name, in the order in which help tells them."""
    if not isinstance(command, click.Group) or command.invoke_without_command:
        yield context.command_path, command, context
    if not isinstance(command, click.Group):
        return
    for name in command.list_commands(context):
        if below := command.get_command(context, name):
            yield from walk(below, click.Context(below, info_name=name, parent=context))


def described(command: click.Command, context: click.Context) -> list[str]:
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    words = "\n".join(line.strip() for line in (command.help or "").replace("\b\n", "").splitlines())
    options = [each for each in command.params if isinstance(each, click.Option) and each.name not in OF_ALL]
    told = [item(option, record) for option in options if (record := option.get_help_record(context))]
    return ["```text", usage, "```", "", escaped(words), "", *told]


def item(option: click.Option, record: tuple[str, str]) -> str:
    names, words = record
    words = re.sub(r"\s*\[[^\]]*env var: [^\]]*\]", "", words)
    variables = [option.envvar] if isinstance(option.envvar, str) else list(option.envvar or ())
    or_by = f" Or by {' or '.join(f'`{each}`' for each in variables)}." if variables else ""
    return f"- `{' '.join(names.split())}`: {escaped(words)}{or_by}"


# Keys


def keys_page(schema: Schema) -> str:
    said = [
        "# Every key",
        "",
        "Written from `flypast schema manifest`, which editors read too.",
        "[The manifest](../manifest.md) says what it means.",
        "",
        "## Top level",
        "",
        *table(schema, schema),
    ]
    for name, definition in schema["$defs"].items():
        if "properties" in definition:
            said += ["", f"## {name}", "", escaped(definition.get("description", "")), "", *table(schema, definition)]
    return "\n".join(said) + "\n"


def table(schema: Schema, definition: Schema) -> list[str]:
    rows = ["| key | is | says |", "|---|---|---|"]
    for path, key, is_required in keys(definition):
        of = key | schema["$defs"][reference] if (reference := referred(key)) else key
        words = key.get("description") or of.get("description", "")
        needed = " **Required.**" if is_required else ""
        rows.append(f"| `{path}` | {in_cell(kind(schema, key))} | {in_cell(escaped(words))}{needed} |")
    return rows


def keys(definition: Schema, above: str = "") -> Iterator[tuple[str, Schema, bool]]:
    """The keys of an object, and of those that are described inside of it: `limits.messages`, `files[].mediaUrl`."""
    required = definition.get("required", [])
    for name, key in definition.get("properties", {}).items():
        yield above + name, key, name in required
        whole = key.get("else", key) | {k: v for k, v in key.items() if k == "properties"}
        yield from keys(whole, f"{above}{name}.")
        items = whole.get("items", {})
        if isinstance(items, dict):
            yield from keys(items, f"{above}{name}[].")


def referred(key: Schema) -> str | None:
    return key["$ref"].rsplit("/", 1)[-1] if "$ref" in key else None


def kind(schema: Schema, key: Schema) -> str:
    """What a key's value is, in a few words; objects that have a part of this page are links to it."""
    if reference := referred(key):
        definition = schema["$defs"][reference]
        return f"[{reference}](#{reference.lower()})" if "properties" in definition else kind(schema, definition)
    if "enum" in key:
        words = " or ".join(f"`{json.dumps(value)}`".replace('"', "") for value in key["enum"])
    elif "else" in key:
        words = kind(schema, key["else"])
    elif key.get("type") == "array":
        words = f"a list of {kind(schema, key['items'])}" if "items" in key else "a list"
    elif isinstance(more := key.get("additionalProperties"), dict):
        words = f"names of yours, each with {kind(schema, more)}"
    else:
        types = key.get("type", "any value")
        each = types if isinstance(types, list) else [types]
        words = str(key.get("$comment") or " or ".join(TYPES.get(one, str(one)) for one in each))
    default = json.dumps(key.get("default")).strip('"')
    return words + (f"; by default `{default}`" if "default" in key else "")


# Markdown


def escaped(words: str) -> str:
    """So that nothing in it is a tag or a placeholder."""
    return words.replace("<", "&lt;")


def in_cell(words: str) -> str:
    return " ".join(words.split()).replace("|", "\\|")


if __name__ == "__main__":
    sys.exit(make(ROOT / "build" / "docs"))
