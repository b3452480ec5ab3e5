"""`flypast render`: the exact JSON of each request, one a line."""

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from runner.errors import Exit, UsageError
from runner.findings import did_you_mean
from runner.plan import Composed

from . import completing
from .options import ReportFile, consent, input_options, manifest_argument, message_option, option, report_option
from .options import command as flypast_command
from .terminal import TERMINAL

if TYPE_CHECKING:
    from runner.pipeline import Order

    from .telling import Telling


@flypast_command("render", examples="flypast render spring.yaml --limit 3\nflypast render spring.yaml --row people#57")
@manifest_argument
@input_options
@message_option
@option("--row", metavar="LIST#N", shell_complete=completing.rows, help="Only the message of this row.")
@option("--limit", type=click.IntRange(min=1), metavar="N", help="Only the first N.")
@consent("--show-pii", is_flag=True, help="Show people's numbers and data.")
@option(
    "--format",
    "output_format",
    type=click.Choice(["jsonl", "text", "concise", "json", "github", "gitlab", "sarif", "junit", "markdown"]),
    default="jsonl",
    help="What stdout gets: requests as jsonl, else the findings.",
)
@report_option
def command(
    manifest: Path,
    *,
    only: tuple[str, ...],
    row: str | None,
    limit: int | None,
    show_pii: bool,
    output_format: str,
    reports: tuple[ReportFile, ...],
    **inputs: Any,
) -> int:
    """Print each request as JSON, one a line.

    People's data is masked: the words of a text are exact, what its expressions print is not shown.
    """
    from .orders import inputs_of, order_of
    from .telling import Telling

    telling = Telling(output_format=output_format, reports=reports)
    chosen = _Chosen(only=only, row=row, limit=limit, shows_pii=show_pii)
    return telling.of(lambda: _render(order_of(manifest, inputs_of(**inputs)), chosen, telling))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Chosen:
    """Which messages, and whether as they are."""

    only: tuple[str, ...]
    row: str | None
    limit: int | None
    shows_pii: bool

    def of(self, items: Iterator[Any]) -> Iterator[Composed]:
        for item in items:
            if (
                isinstance(item, Composed)
                and not item.is_suppressed
                and (not self.only or item.message.draft in self.only)
                and (self.row is None or item.row == self.row)
            ):
                yield item


def _render(order: "Order", chosen: _Chosen, telling: "Telling") -> int:
    from runner.findings import Findings
    from runner.output.formats.found import Found
    from runner.pipeline import composed

    from .showing import show_found, show_warnings

    findings = Findings()
    not_checked: list[str] = []
    loaded = order.load(findings)
    telling.spare(loaded.to_read())
    if loaded.manifest is not None:
        _check(chosen.only, [draft.name for draft in (*loaded.manifest.drafts, *loaded.manifest.unsound)])
    elif not findings.has_errors:
        raise UsageError(f"{order.path.name} has no messages: it is a library for other manifests to include")
    count = 0
    with closing(composed(loaded, order, findings, not_checked)) as items:
        for item in chosen.of(items):
            if telling.output_format == "jsonl":
                TERMINAL.json(_line(item, show_pii=chosen.shows_pii), indent=None)
            count += 1
            if count == chosen.limit or TERMINAL.is_unread:
                break
    telling.spare(loaded.to_read())
    telling.found = Found(
        findings=findings.sorted(),
        manifests=[order.project.shown(order.path)],
        not_checked=not_checked,
        ignored=findings.ignored,
        sources=loaded.sources,
    )
    if telling.output_format == "jsonl":
        show_warnings(telling.found.findings, loaded.sources)
    else:
        show_found(telling.found, telling.output_format)
    if chosen.row is not None and not count and not findings.has_errors:
        raise UsageError(f"no message goes to {chosen.row}")
    return Exit.FINDINGS if findings.has_errors else Exit.DONE


def _check(only: tuple[str, ...], drafts: list[str]) -> None:
    for name in only:
        if name not in drafts:
            raise UsageError(f'the manifest has no message "{name}"', hint=did_you_mean(name, drafts))


def _line(item: Composed, *, show_pii: bool) -> dict[str, Any]:
    from runner.output.masking import masked_request

    message = item.message
    request = json.loads(message.body)
    if not show_pii:
        request = masked_request(request, item.sample())
    return {"message": message.draft, "key": message.key, "channel": message.channel.name, "request": request}
