"""`flypast doctor`: is this machine ready to send?"""

import os
import platform
import sqlite3
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import click

import runner
from runner.errors import Exit, FlypastError
from runner.ledger.seam import Ledger
from runner.model import State

from .options import command as flypast_command
from .options import format_option, ledger_options
from .terminal import TERMINAL

LIBRARIES = ("aiohttp", "click", "jinja2", "jsonschema", "jsonschema-rs", "pathspec", "phonenumbers", "pyyaml", "rich")
Check = tuple[str, str, str, str]  # pass, warn or fail; what; what was found; what to do


@flypast_command("doctor", examples="flypast doctor\nflypast doctor spring.yaml")
@click.argument("manifest", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@ledger_options
@format_option
def command(manifest: Path | None, ledger_url: str | None, api_url: str | None, output_format: str) -> int:
    """Say whether this machine is ready to send.

    Looks at the machine, the installation and the ledger, and says what to do. It uses no network.
    """
    checks = [*_machine(), *_libraries(), *_key(), *_ledger(manifest, ledger_url, api_url)]
    if output_format == "json":
        TERMINAL.json(
            {
                "formatVersion": 1,
                "checks": [
                    {"status": status, "name": name, "found": found, "advice": advice or None}
                    for status, name, found, advice in checks
                ],
            }
        )
    else:
        _show(checks)
    return Exit.FINDINGS if any(status == "fail" for status, *_ in checks) else Exit.DONE


def _machine() -> Iterator[Check]:
    from runner.manifest.documents import has_c_parser

    yield "pass", "flypast", f"{runner.__version__} from {Path(runner.__file__ or '').parent}", ""
    yield "pass", "Python", f"{platform.python_version()} ({platform.python_implementation()}, {platform.system()})", ""
    if has_c_parser():
        yield "pass", "YAML", "PyYAML with its C parser", ""
    else:
        yield (
            "warn",
            "YAML",
            "PyYAML without its C parser: many times slower",
            "install libyaml's headers, then PyYAML again",
        )
    yield "pass", "SQLite", sqlite3.sqlite_version, ""


def _libraries() -> Iterator[Check]:
    for name in LIBRARIES:
        try:
            yield "pass", name, version(name), ""
        except PackageNotFoundError:
            if name == "jsonschema-rs":
                yield "warn", name, "missing: jsonschema judges instead, more slowly", "pip install jsonschema-rs"
            else:
                yield "fail", name, "missing", f"pip install {name}"


def _key() -> Iterator[Check]:
    if os.environ.get("BIRD_ACCESS_KEY", "").strip():
        yield "pass", "access key", "BIRD_ACCESS_KEY is set (not tried)", ""
    else:
        yield "warn", "access key", "none", "a real send needs BIRD_ACCESS_KEY or --access-key-file"


def _ledger(manifest: Path | None, ledger_url: str | None, api_url: str | None) -> Iterator[Check]:
    from runner.pipeline.ledgers import LedgerChoice, is_ci

    try:
        choice = LedgerChoice.of(ledger_url, api_url, (manifest or Path.cwd()).absolute())
        ledger = choice.open_to_read()
    except FlypastError as error:
        yield "fail", "ledger", error.message, error.hint or ""
        return
    if ledger is None:
        yield "pass", "ledger", f"none yet at {choice.path}: the first send makes it", ""
    else:
        yield _held(ledger, choice.path)
        ledger.close()
    if is_ci(os.environ):
        yield (
            "warn",
            "CI",
            "CI is set: a ledger on this disk may be lost with the machine",
            "a real send needs --ledger-persisted or policy.ledger",
        )


def _held(ledger: Ledger, path: Path) -> Check:
    counts = [ledger.counts(name) for name in ledger.manifests()]
    messages = sum(sum(each.values()) for each in counts)
    doubt = sum(each.get(state, 0) for each in counts for state in (State.IN_DOUBT, State.ABSENT, State.SENDING))
    found = f"{ledger.name or 'unnamed'} at {path}, bound to {ledger.origin}: {messages:,} messages, {doubt:,} in doubt"
    return (
        ("warn", "ledger", found, "look them up with flypast reconcile, decide with flypast resolve")
        if doubt
        else ("pass", "ledger", found, "")
    )


def _show(checks: list[Check]) -> None:
    palette = TERMINAL.out
    paint = {"pass": palette.green, "warn": palette.yellow, "fail": palette.red}
    wide = max(len(name) for _, name, *_ in checks)
    for status, name, found, advice in checks:
        TERMINAL.data(f"{paint[status](status)}  {name.ljust(wide)}  {found}")
        if advice:
            TERMINAL.data(f"{' ' * (wide + 8)}{palette.dim(advice)}")
