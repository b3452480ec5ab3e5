"""What the shell is offered while a command is typed: manifests, and the names that stand in them.

Whatever is wrong offers nothing: nobody who presses Tab has asked what is wrong with a file. Nor is a name offered that
a terminal would not show as it is.
"""

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import wraps
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

MOST_READ = 1000  # manifests for one press of Tab
UUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")

Offer = Callable[[click.Context, str], Iterable[str | tuple[str, str]]]
Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem[str]]]


def completes(offer: Offer) -> Complete:
    """A function from what is begun to values, or values with a word about each, as click wants it."""

    @wraps(offer)
    def complete(context: click.Context, _parameter: click.Parameter, begun: str) -> list[CompletionItem[str]]:
        try:
            offered = [each if isinstance(each, tuple) else (each, None) for each in offer(context, begun)]
        except Exception:  # noqa: BLE001 - a name that is not offered is typed; a traceback in its stead is a nuisance
            return []
        return [CompletionItem(value, help=about) for value, about in offered if value.startswith(begun)]

    return complete


@completes
def manifests(_context: click.Context, begun: str) -> Iterator[str]:
    """What can be planned and sent: of this repository, nearest first; elsewhere what lies where one is typing."""
    return _manifests(begun, with_libraries=False)


@completes
def manifests_and_folders(_context: click.Context, begun: str) -> Iterator[str]:
    """What can be validated: libraries too, and the folders with manifests in them."""
    found = list(_manifests(begun, with_libraries=True))
    folders = dict.fromkeys(f"{folder}/" for path in found if (folder := os.path.dirname(path)) not in ("", ".", ".."))  # noqa: PTH120
    yield from found
    yield from (folder for folder in folders if folder not in found)


@completes
def messages(context: click.Context, _begun: str) -> Iterable[str]:
    return _declared(context, "messages")


@completes
def parameters(context: click.Context, begun: str) -> Iterable[str]:
    return () if "=" in begun else [f"{name}=" for name in _declared(context, "parameters")]


@completes
def lists(context: click.Context, begun: str) -> Iterable[str]:
    """`NAME=`, and behind that a path."""
    name, equals, path = begun.partition("=")
    if equals:
        return [f"{name}={each}" for each in paths(path)]
    return [f"{each}=" for each in _declared(context, "recipients")]


@completes
def rows(context: click.Context, _begun: str) -> Iterable[str]:
    return [f"{name}#" for name in _declared(context, "recipients")]


@completes
def reports(_context: click.Context, begun: str) -> Iterable[str]:
    """`KIND=`, and behind that a path."""
    from runner.output.formats import FORMATS

    return _kind_or_path(begun, FORMATS)


@completes
def forms(_context: click.Context, begun: str) -> Iterable[str]:
    """The same of the command report, which has kinds of its own."""
    from .report import KINDS

    return _kind_or_path(begun, KINDS)


def _kind_or_path(begun: str, kinds: Iterable[str]) -> Iterable[str]:
    kind, equals, path = begun.partition("=")
    return [f"{kind}={each}" for each in paths(path)] if equals else [f"{each}=" for each in kinds]


@completes
def codes(_context: click.Context, begun: str) -> Iterable[tuple[str, str]]:
    """In the letters that were begun with, large or small."""
    from runner.codes import codes as known
    from runner.codes import title

    is_small = begun != begun.upper()
    return [(code.lower() if is_small else code, title(code)) for code in known() if code.startswith(begun.upper())]


@completes
def more_codes(_context: click.Context, begun: str) -> Iterable[tuple[str, str]]:
    """Codes with commas between them."""
    from runner.codes import codes as known
    from runner.codes import title

    before = begun.rpartition(",")[0] + "," if "," in begun else ""
    return [(before + code, title(code)) for code in known() if code not in before]


@completes
def schemas(_context: click.Context, _begun: str) -> Iterable[str]:
    from runner.judge import schema_names

    return schema_names()


@completes
def workspaces(_context: click.Context, _begun: str) -> Iterable[tuple[str, str]]:
    """The workspaces of this repository's channels, by the channels' names."""
    found: dict[str, list[str]] = {}
    for name, workspace, _ in _channels():
        found.setdefault(workspace, []).append(name)
    return [(workspace, ", ".join(dict.fromkeys(names))) for workspace, names in found.items()]


@completes
def channels(_context: click.Context, _begun: str) -> Iterable[tuple[str, str]]:
    """`WORKSPACE/CHANNEL` of this repository's channels, by their names."""
    return list({f"{workspace}/{channel}": name for name, workspace, channel in _channels()}.items())


def paths(begun: str, *, only_folders: bool = False) -> list[str]:
    """Files and folders, these with a `/` behind them; hidden ones when their dot was typed."""
    head, tail = os.path.split(begun)
    try:
        with os.scandir(os.path.expanduser(head) or ".") as entries:  # noqa: PTH111 - what was typed stays as it is
            found = sorted((entry.name, entry.is_dir()) for entry in entries)
    except OSError:
        return []
    before = begun[: len(begun) - len(tail)]
    return [
        f"{before}{name}{'/' if is_folder else ''}"
        for name, is_folder in found
        if name.startswith(tail) and (tail or not name.startswith(".")) and (is_folder or not only_folders)
    ]


def _manifests(begun: str, *, with_libraries: bool) -> Iterator[str]:
    from runner.manifest.discover import begin

    for number, (value, path) in enumerate(_yaml_files(begun)):
        if number == MOST_READ:
            return
        if path is None or _is_wanted(begin(path), with_libraries=with_libraries):
            yield value


def _is_wanted(source: bytes, *, with_libraries: bool) -> bool:
    from runner.manifest.documents import looks_like_manifest

    return looks_like_manifest(source) and (with_libraries or b"messages" in source)


def _yaml_files(begun: str) -> Iterator[tuple[str, Path | None]]:
    """Values and their files; in a place that no repository bounds, what one folder holds, and its folders."""
    from runner.manifest.discover import SUFFIXES, yaml_files
    from runner.project import repository_of

    working = Path.cwd()
    head, tail = os.path.split(begun)
    before = begun[: len(begun) - len(tail)]
    folder = Path(os.path.normpath(working / os.path.expanduser(head)))  # noqa: PTH111
    root = repository_of(working)
    if root is None or not folder.is_relative_to(root):
        for value in paths(begun):
            if value.endswith(("/", *SUFFIXES)):
                yield value, None if value.endswith("/") else Path(os.path.expanduser(value))  # noqa: PTH111
        return
    below = [path for path in yaml_files(folder) if path.relative_to(folder).as_posix().startswith(tail)]
    yield from ((before + path.relative_to(folder).as_posix(), path) for path in sorted(below))
    if not begun and folder != root:
        beside = [path for path in yaml_files(root) if not path.is_relative_to(folder)]
        yield from ((os.path.relpath(path, working), path) for path in sorted(beside))


def _declared(context: click.Context, section: str) -> Mapping[str, Any]:
    """Of the manifest that was typed; of all that could be, where none was.

    It is looked for in the words as typed (`obj`): while an option waits for its value, click has parsed no argument.
    """
    from runner.manifest.declared import declared
    from runner.manifest.discover import SUFFIXES

    named = [path for path in map(Path, context.obj or ()) if path.suffix in SUFFIXES]
    found: dict[str, Any] = {}
    for path in named or map(Path, _manifests("", with_libraries=False)):
        found |= getattr(declared(path), section)
    return found


def _channels() -> Iterator[tuple[str, str, str]]:
    """Name, workspace and channel of the channels of this repository, where their ids are written out."""
    from runner.manifest.declared import declared

    for path in _manifests("", with_libraries=True):
        known = declared(Path(path))
        for name, channel in known.channels.items():
            workspace, own = (_written_out(channel.get(key), known.parameters) for key in ("workspaceId", "channelId"))
            if workspace and own:
                yield name, workspace, own


def _written_out(value: Any, defaults: Mapping[str, Any]) -> str:
    """An id as it stands, or as the parameter has it that it names; empty where it is neither."""
    named = re.fullmatch(r"\s*\{\{\s*(\w+)\s*\}\}\s*", value) if isinstance(value, str) else None
    value = defaults.get(named[1]) if named else value
    return value if isinstance(value, str) and UUID.fullmatch(value) else ""
