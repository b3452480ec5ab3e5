"""`flypast render`: the exact JSON of each request, one a line."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import click

from runner.errors import Exit, UsageError
from runner.findings import did_you_mean
from runner.plan import Composed

from . import completing
from .options import command as flypast_command
from .options import consent, input_options, manifest_argument, option
from .terminal import TERMINAL


@flypast_command("render", examples="flypast render spring.yaml --limit 3\nflypast render spring.yaml --row people#57")
@manifest_argument
@input_options
@option(
    "--message",
    "only",
    multiple=True,
    metavar="NAME",
    shell_complete=completing.messages,
    help="Only this message; repeatable.",
)
@option("--row", metavar="LIST#N", shell_complete=completing.rows, help="Only the message of this row.")
@option("--limit", type=click.IntRange(min=1), metavar="N", help="Only the first N.")
@consent("--show-pii", is_flag=True, help="Show people's numbers and data.")
def command(
    manifest: Path, *, only: tuple[str, ...], row: str | None, limit: int | None, show_pii: bool, **inputs: Any
) -> int:
    """Print each request as JSON, one a line.

    People's data is masked: the words of a text are exact, what its expressions print is not shown.
    """
    from runner.findings import Findings
    from runner.pipeline import composed

    from .orders import inputs_of, order_of
    from .showing import show_warnings

    order = order_of(manifest, inputs_of(**inputs))
    findings = Findings()
    not_checked: list[str] = []
    loaded = order.load(findings)
    if loaded.manifest is not None:
        _check(only, [draft.name for draft in (*loaded.manifest.drafts, *loaded.manifest.unsound)])
    elif not findings.has_errors:
        raise UsageError(f"{manifest} has no messages: it is a library for other manifests to include")
    count = 0
    with closing(composed(loaded, order, findings, not_checked)) as items:
        for item in _chosen(items, only, row):
            TERMINAL.json(_line(item, show_pii=show_pii), indent=None)
            count += 1
            if count == limit or TERMINAL.is_unread:
                break
    found = findings.sorted()
    show_warnings(found, loaded.sources)
    if row is not None and not count and not findings.has_errors:
        raise UsageError(f"no message goes to {row}")
    return Exit.FINDINGS if findings.has_errors else Exit.DONE


def _check(only: tuple[str, ...], drafts: list[str]) -> None:
    for name in only:
        if name not in drafts:
            raise UsageError(f'the manifest has no message "{name}"', hint=did_you_mean(name, drafts))


def _chosen(items: Iterator[Any], only: tuple[str, ...], row: str | None) -> Iterator[Composed]:
    for item in items:
        if (
            isinstance(item, Composed)
            and not item.is_suppressed
            and (not only or item.message.draft in only)
            and (row is None or item.row == row)
        ):
            yield item


def _line(item: Composed, *, show_pii: bool) -> dict[str, Any]:
    from runner.output.masking import masked_request

    message = item.message
    request = json.loads(message.body)
    if not show_pii:
        request = masked_request(request, item.sample())
    return {"message": message.draft, "key": message.key, "channel": message.channel.name, "request": request}
