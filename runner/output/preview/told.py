"""What a preview has to tell, and what somebody wants to see of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from runner.findings import Finding, Severity
from runner.model import Channel, Json
from runner.output.findings_text import Sources
from runner.output.masking import masked_request
from runner.plan import Plan
from runner.plan.album import KINDS, Album, Kind, Shown
from runner.recipients.phones import mask


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftTold:
    """A message of the manifest: Bird's fields as written, `kind` in words (SMS, MMS, whatsapp).

    `address` is where its requests are posted.
    """

    name: str
    channel: Channel
    kind: str
    fields: Mapping[str, Json]
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One manifest as it was composed at `at`. `plan` is None where it could not be read.

    People's data is masked unless `shows_people`. `refusals` say why a send would not go on.
    """

    path: str
    name: str
    edition: str
    at: datetime
    plan: Plan | None
    album: Album
    drafts: Sequence[DraftTold]
    findings: Sequence[Finding]
    sources: Sources
    not_checked: Sequence[str]
    refusals: Sequence[str]
    shows_people: bool

    def count(self, severity: Severity) -> int:
        return sum(finding.severity is severity for finding in self.findings)

    @property
    def has_errors(self) -> bool:
        return self.count(Severity.ERROR) > 0

    def draft(self, name: str) -> DraftTold | None:
        """Of that name, else the first that somebody gets, else the first."""
        named = next((draft for draft in self.drafts if draft.name == name), None)
        peopled = next((draft for draft in self.drafts if draft.name in self.album.drafts), None)
        return named or peopled or next(iter(self.drafts), None)

    def request(self, shown: Shown) -> Json:
        return shown.request if self.shows_people else masked_request(shown.request, shown.masked or {})

    def whom(self, shown: Shown) -> str:
        """The address alone, masked where people's data is."""
        address = shown.address
        if not self.shows_people:
            return mask(address)
        return address if address.startswith(("[", "id:")) else address.partition(":")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What kept a manifest from being looked at, where that is no finding."""

    message: str
    hint: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What a live page shows: the last good rendering, and what is wrong since. `told` is None before the first.

    `newest` is the last look, where it has errors and `told` is older. `composing` counts the messages of the one that
    is being taken, None where none is.
    """

    told: Told | None = None
    newest: Told | None = None
    fault: Fault | None = None
    composing: int | None = None

    @property
    def latest(self) -> Told | None:
        return self.newest or self.told


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What somebody wants to see: a message, whose with which words, and of them one row."""

    message: str = ""
    words: str = ""
    kind: Kind | None = None
    page: int = 1
    row: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "View":
        """From an address; what makes no sense counts as not said."""
        page, kind = query.get("page", ""), query.get("only", "")
        return cls(
            message=query.get("message", ""),
            words=query.get("q", ""),
            kind=next((each for each in KINDS if each == kind), None),
            page=max(1, int(page)) if page.isascii() and page.isdecimal() and len(page) < 10 else 1,
            row=query.get("row", ""),
        )

    def address(self, **changes: Any) -> str:
        """Of the same page with something else chosen."""
        view = replace(self, **changes)
        wanted = {"message": view.message, "q": view.words, "only": view.kind or "", "row": view.row}
        named = {name: value for name, value in wanted.items() if value}
        if view.page > 1:
            named["page"] = str(view.page)
        return f"?{urlencode(named, errors='surrogatepass')}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """A view held against an album: the message, the numbers of those who are listed, and the one who is shown."""

    view: View
    draft: DraftTold
    numbers: Sequence[int]
    page: int
    pages: int
    shown: Shown | None
    listed: Sequence[Shown] = field(default_factory=tuple)


PER_PAGE = 25


def chosen(told: Told, view: View) -> Chosen | None:
    """None for a manifest without messages. Where nobody is named, the first who is listed is shown."""
    draft = told.draft(view.message)
    if draft is None:
        return None
    numbers = told.album.found(draft.name, view.words, view.kind)
    pages = max(1, -(-len(numbers) // PER_PAGE))
    page = min(view.page, pages)
    listed = [told.album.at(number) for number in numbers[(page - 1) * PER_PAGE : page * PER_PAGE]]
    number = told.album.of_row(draft.name, view.row) if view.row else None
    shown = told.album.at(number) if number is not None else next(iter(listed), None)
    if shown is None and draft.name in told.album.drafts:
        shown = told.album.at(told.album.drafts[draft.name].start)
    return Chosen(view=view, draft=draft, numbers=numbers, page=page, pages=pages, shown=shown, listed=listed)
