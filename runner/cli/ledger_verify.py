"""`flypast ledger verify`: every row, every count."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.errors import Exit, LedgerFault
from runner.ledger.rules import is_key
from runner.ledger.verify import Trouble, Verification

from .options import command as flypast_command
from .options import format_option, ledger_options
from .terminal import TERMINAL

if TYPE_CHECKING:
    from runner.ledger.places import Place

SHOWN = 50


@flypast_command("verify", examples="flypast ledger verify\nflypast ledger verify --format json")
@ledger_options
@format_option
def command(ledger_url: str | None, api_url: str | None, output_format: str) -> int:
    """Look at every row and every count of the ledger.

    Checks the file and all that it holds, and changes nothing; a run may be at work meanwhile. Exit 9 where something
    is wrong.
    """
    from runner.pipeline.ledgers import LedgerChoice

    choice = LedgerChoice.of(ledger_url, api_url, Path.cwd())
    try:
        ledger = choice.open_existing(is_judged=False)
    except LedgerFault as fault:
        troubles = iter([Trouble(words=fault.message)])
        return _report(None, troubles, output_format, hint=fault.hint or _care(choice.place))
    try:
        verification = Verification(ledger, datetime.now(UTC))
        return _report(verification, verification.troubles(), output_format, hint=_care(choice.place))
    finally:
        ledger.close()


def _care(place: "Place") -> str:
    return f"nothing was changed; {place.care}"


def _report(found: Verification | None, troubles: Iterator[Trouble], output_format: str, *, hint: str) -> int:
    if output_format == "json":
        return _json(found, troubles)
    return _text(found, troubles, hint)


def _json(found: Verification | None, troubles: Iterator[Trouble]) -> int:
    faults: list[dict[str, Any]] = []
    warnings: list[dict[str, Any]] = []
    for each in troubles:
        (warnings if each.is_warning else faults).append(_line(each))
    code = Exit.LEDGER if faults else Exit.DONE
    counts = ("messages", "manifests", "sending", "purged")
    TERMINAL.json(
        {
            "formatVersion": 1,
            "ledger": found.ledger.name if found else None,
            "totals": {name: getattr(found, name) if found else 0 for name in counts}
            | {"faults": len(faults), "warnings": len(warnings)},
            "faults": faults,
            "warnings": warnings,
            "exitCode": int(code),
        }
    )
    return code


def _line(trouble: Trouble) -> dict[str, Any]:
    entry = trouble.entry
    return {
        "manifest": trouble.manifest,
        "message": entry.message if entry else None,
        "key": _key(trouble),
        "words": trouble.words,
    }


def _key(trouble: Trouble) -> str | None:
    """A key that is none may be anything, a number too."""
    if trouble.entry is None:
        return None
    return trouble.entry.key if is_key(trouble.entry.key) else "***"


def _text(found: Verification | None, troubles: Iterator[Trouble], hint: str) -> int:
    faults, warnings = 0, 0
    for each in troubles:
        count = warnings if each.is_warning else faults
        if count < SHOWN:
            TERMINAL.data(_shown(each))
        if each.is_warning:
            warnings += 1
        else:
            faults += 1
    for count, noun in ((faults, "faults"), (warnings, "warnings")):
        if count > SHOWN:
            TERMINAL.data(f"… and {count - SHOWN:,} more {noun}: --format json lists all")
    if found is not None and not found.is_cut:
        _say_counts(found)
    _say_verdict(found, faults, warnings)
    if faults:
        TERMINAL.insist(hint)
    return Exit.LEDGER if faults else Exit.DONE


def _shown(trouble: Trouble) -> str:
    from runner.output.neutral import neutral

    palette, line = TERMINAL.out, _line(trouble)
    kind = palette.yellow("warning") if trouble.is_warning else palette.red("fault")
    about = " ".join(neutral(line[name]) for name in ("manifest", "message", "key") if line[name])
    return f"{kind}: {about + ': ' if about else ''}{neutral(line['words'])}"


def _say_counts(found: Verification) -> None:
    from runner.output.words import number

    if found.sending:
        TERMINAL.say(
            f"{number(found.sending, 'message')} being sent: a run is at it, or the next one takes it for in doubt"
        )
    if found.purged:
        TERMINAL.say(f"{number(found.purged, 'message')} without an address: purged")


def _say_verdict(found: Verification | None, faults: int, warnings: int) -> None:
    """Where reading had to end, how many messages there are is not known."""
    from runner.output.words import number

    wrong = f"{number(faults, 'fault')}, {number(warnings, 'warning')}"
    palette = TERMINAL.out
    if found is None or found.is_cut:
        TERMINAL.data(f"the ledger can't be read to its end: {palette.red(wrong)}")
        return
    rows = f"{number(found.messages, 'message')} of {number(found.manifests, 'manifest')}"
    TERMINAL.data(f"{rows}: {palette.red(wrong) if faults else palette.yellow(wrong) if warnings else 'all is well'}")
