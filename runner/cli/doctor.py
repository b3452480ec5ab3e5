"""`flypast doctor`: is this machine ready to send?"""

import os
import platform
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import runner
from runner.errors import Exit, FlypastError
from runner.ledger.seam import Ledger
from runner.model import Check, State

from .options import access_key_option, format_option, ledger_options, optional_manifest_argument, parameter_options
from .options import command as flypast_command
from .terminal import TERMINAL

if TYPE_CHECKING:
    from runner.ledger.places import Place

LIBRARIES = (
    *("aiohttp", "click", "jinja2", "jsonschema", "jsonschema-rs", "pathspec", "phonenumbers", "pyyaml"),
    "tzdata",
)


@flypast_command(
    "doctor",
    examples="flypast doctor\nflypast doctor spring.yaml --parameters production.yaml",
)
@optional_manifest_argument
@parameter_options
@access_key_option
@ledger_options
@format_option
def command(
    manifest: Path | None,
    *,
    parameter_files: tuple[Path, ...],
    sets: tuple[tuple[str, str], ...],
    access_key_file: Path | None,
    ledger_url: str | None,
    api_url: str | None,
    output_format: str,
) -> int:
    """Say whether this machine is ready to send.

    Looks at the machine, the installation, the key and the ledger, and says what to do. With a key and a manifest it
    looks the manifest's channels and templates up at Bird, and compares the clocks; else it uses no network.
    """
    from .doctoring import Patient, online_checks

    patient = Patient(
        manifest=manifest, parameter_files=parameter_files, sets=sets, key_file=access_key_file, api_url=api_url
    )
    checks = [
        *_machine(),
        *_libraries(),
        *_ledger(manifest, ledger_url, api_url),
        *online_checks(patient, os.environ),
    ]
    if output_format == "json":
        TERMINAL.json({"formatVersion": 1, "checks": [_check_json(check) for check in checks]})
    else:
        _show(checks)
    return Exit.FINDINGS if any(check.status == "fail" for check in checks) else Exit.DONE


def _check_json(check: Check) -> dict[str, Any]:
    """What is not known is worth a warning: nobody has looked."""
    status = "warn" if check.status == "unknown" else check.status
    return {"status": status, "name": check.name, "found": check.found, "advice": check.advice or None}


def _machine() -> Iterator[Check]:
    from runner.manifest.documents import has_c_parser

    yield Check("pass", "flypast", f"{runner.__version__} from {Path(runner.__file__ or '').parent}")
    yield Check(
        "pass", "Python", f"{platform.python_version()} ({platform.python_implementation()}, {platform.system()})"
    )
    if has_c_parser():
        yield Check("pass", "YAML", "PyYAML with its C parser")
    else:
        words = "PyYAML without its C parser: many times slower"
        yield Check("warn", "YAML", words, "install libyaml's headers, then PyYAML again")
    import sqlite3

    yield Check("pass", "SQLite", sqlite3.sqlite_version)


def _libraries() -> Iterator[Check]:
    from importlib.metadata import PackageNotFoundError, version

    for name in LIBRARIES:
        try:
            yield Check("pass", name, version(name))
        except PackageNotFoundError:
            if name == "jsonschema-rs":
                yield Check(
                    "warn", name, "missing: jsonschema judges instead, more slowly", "pip install jsonschema-rs"
                )
            else:
                yield Check("fail", name, "missing", f"pip install {name}")


def _ledger(manifest: Path | None, ledger_url: str | None, api_url: str | None) -> Iterator[Check]:
    from runner.pipeline.ledgers import LedgerChoice, is_ci

    try:
        choice = LedgerChoice.of(ledger_url, api_url, (manifest or Path.cwd()).absolute())
        ledger = choice.open_to_read()
    except FlypastError as error:
        yield Check("fail", "ledger", error.message, error.hint or "")
        return
    if ledger is None:
        yield _none_yet(choice.place)
    else:
        yield _held(ledger, choice.place.words)
        ledger.close()
    if is_ci(os.environ) and not choice.place.is_lasting:
        words = "CI is set: a ledger on this disk may be lost with the machine"
        yield Check("warn", "CI", words, "a real send needs --ledger-persisted or policy.ledger")


def _none_yet(place: "Place") -> Check:
    if place.is_made_by_send:
        return Check("pass", "ledger", f"none yet at {place.words}: the first send makes it")
    return Check("fail", "ledger", f"none yet at {place.words}", "flypast ledger init NAME makes it, once")


def _held(ledger: Ledger, path: str) -> Check:
    counts = [ledger.counts(name) for name in ledger.manifests()]
    messages = sum(sum(each.values()) for each in counts)
    doubt = sum(each.get(state, 0) for each in counts for state in (State.IN_DOUBT, State.ABSENT, State.SENDING))
    found = f"{ledger.name or 'unnamed'} at {path}, bound to {ledger.origin}: {messages:,} messages, {doubt:,} in doubt"
    if doubt:
        return Check("warn", "ledger", found, "look them up with flypast reconcile, decide with flypast resolve")
    return Check("pass", "ledger", found)


def _show(checks: list[Check]) -> None:
    from runner.output.doctor_text import doctor_text

    for line in doctor_text(checks, LIBRARIES, TERMINAL.out):
        TERMINAL.data(line)
