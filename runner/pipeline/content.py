"""Rules for what a request refers to: media of a kind that Bird's page names, a template's version that stays the same.

What stands in the manifest is judged once for each message; what expressions give, row by row and told once.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from runner.bird.requests import LATEST, MEDIA_PATHS, TEMPLATE_VERSION, is_named_media, value_at
from runner.findings import Findings, Place
from runner.model import Json

from .people import Person
from .prepare import Prepared

Steps = tuple[str | int, ...]

Rule = Literal["media", "version"]


@dataclass(slots=True)
class _Met:
    """The rows of one message in which an expression gave what a rule warns of."""

    prepared: Prepared
    first_row: str
    rows: int = 0


@dataclass(slots=True, kw_only=True)
class Content:
    """MSG630 and MSG631, both warnings."""

    findings: Findings
    _by_row: set[str] = field(default_factory=set)
    _met: dict[tuple[str, Steps, Rule], _Met] = field(default_factory=dict)

    def look(self, prepared: Prepared) -> None:
        """Judges what is written, and marks the message where only its rows can tell the rest."""
        slots = {path for path, _ in prepared.compiled.slots}
        for path, rule in _doubtful(prepared, prepared.draft.fields):
            if path not in slots:
                self._tell(rule, "", prepared.site.below(*path).place())
        if any(_is_judged(prepared, path) for path in slots):
            self._by_row.add(prepared.draft.name)

    def check(self, prepared: Prepared, person: Person, request: Mapping[str, Json]) -> None:
        """Judges what expressions gave."""
        if prepared.draft.name not in self._by_row:
            return
        for path, rule in _doubtful(prepared, request):
            slot = next((slot for slot, _ in prepared.compiled.slots if path[: len(slot)] == slot), None)
            if slot is not None:
                met = self._met.setdefault((prepared.draft.name, slot, rule), _Met(prepared, person.row))
                met.rows += 1

    def report(self) -> None:
        """What expressions gave, once for each rule and place. Data is not repeated."""
        for (_, path, rule), met in self._met.items():
            rows = f"{met.rows:,} times, first at {met.first_row}" if met.rows > 1 else met.first_row
            self._tell(rule, f" ({rows})", met.prepared.site.below(*path).place())
        self._met.clear()

    def _tell(self, rule: Rule, rows: str, place: Place) -> None:
        if rule == "media":
            words = "media of a kind that Bird's pages don't name for MMS: PNG, JPEG, GIF, MP4 or MP3"
            hint = "turn it into one of these, or look at it on a phone of yours first: send --test-to"
            self.findings.warning("MSG630", f"{words}{rows}", place, hint=hint)
        else:
            words = 'version "latest" is what Bird has on the day: nobody can review it'
            hint = "write the version's UUID: then what was reviewed is what goes out"
            self.findings.warning("MSG631", f"{words}{rows}", place, hint=hint)


def _is_judged(prepared: Prepared, path: Steps) -> bool:
    """Whether the value at `path`, or one in it, is one that a rule looks at."""
    is_sms = prepared.draft.channel.platform == "sms"
    return path == TEMPLATE_VERSION or (is_sms and any(path[: len(media)] == media for media in MEDIA_PATHS))


def _doubtful(prepared: Prepared, request: Mapping[str, Json]) -> Iterator[tuple[Steps, Rule]]:
    """The path of each value that a rule warns of; of one item of media at most one."""
    if value_at(request, TEMPLATE_VERSION) == LATEST:
        yield TEMPLATE_VERSION, "version"
    if prepared.draft.channel.platform != "sms":
        return
    for path in MEDIA_PATHS:
        listed = value_at(request, path)
        for index, item in enumerate(listed if isinstance(listed, list) else ()):
            doubtful = _doubtful_key(item) if isinstance(item, Mapping) else None
            if doubtful is not None:
                yield (*path, index, doubtful), "media"


def _doubtful_key(item: Mapping[str, Json]) -> str | None:
    for key in ("contentType", "mediaUrl"):
        value = item.get(key)
        if isinstance(value, str) and "{" not in value and not is_named_media(key, value):
            return key
    return None
