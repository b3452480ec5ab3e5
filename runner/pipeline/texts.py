"""Rules for the words of a message, once rendered: not empty, not too many segments, none of them by accident."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter

from runner.bird.requests import value_at
from runner.findings import Findings, Place
from runner.model import Json
from runner.plan import Cause, Forced, Source
from runner.sms import PLAIN, Segments, called

from .people import Person
from .prepare import Prepared
from .ucs2 import OWN, TEXT, Ucs2

Path = tuple[str, ...]

ROWS_SHOWN = 3
OTHERS_SHOWN = 9  # places of characters, besides the first
SMART = "have it written plainly with policy.smartEncoding: true"
TOLD = 5  # characters of a text that a finding names; the rest are counted


@dataclass(slots=True, kw_only=True)
class Texts:
    """Judges texts. What the author's own words do wrong is told once; what people's data does, per row or column."""

    findings: Findings
    most_segments: int
    ucs2: Ucs2
    _typographic: dict[str, "_Costly"] = field(default_factory=dict)
    _told: set[tuple[str, str]] = field(default_factory=set)
    _costly: dict[tuple[str, str], "_Costly"] = field(default_factory=dict)

    def report(self) -> None:
        """MSG609 for what people's data costs, once for each message and column; MSG620 for the author's own words."""
        for (_, column), costly in self._costly.items():
            words = f"characters in {column} that GSM-7 lacks turn texts into UCS-2: {costly.words()}"
            place = costly.prepared.site.below(*TEXT).place(name=column)
            hint = SMART if costly.is_typographic else "leave the name out, or keep it and pay for it"
            self.findings.warning("MSG609", words, place, hint=hint)
        for costly in self._typographic.values():
            self._report_typographic(costly)
        self._costly.clear()
        self._typographic.clear()

    def check_words(self, prepared: Prepared) -> None:
        """Notes an SMS text whose own words have characters that GSM-7 lacks, if all can be written plainly."""
        if not prepared.is_smart and self.ucs2.words(prepared).are_typographic:
            self._typographic.setdefault(prepared.draft.name, _Costly(prepared))

    def _report_typographic(self, costly: "_Costly") -> None:
        """MSG620, at the first of them; the counts are of the rows that were looked at."""
        prepared, own = costly.prepared, self.ucs2.words(costly.prepared).lines
        places = [place for each in own for place in _places(prepared, each, self.ucs2.own(prepared, each))]
        verb = "is" if len(own) == 1 else "are"
        cost = f", {costly.words()}" if costly.rows else ""
        self.findings.warning(
            "MSG620",
            f"{_called(own)} {verb} not in GSM-7: the whole text becomes UCS-2, 70 characters a segment, not 160{cost}",
            min(places),
            hint=f"write {_plainly(own)}, or {SMART}",
            also=sorted(places)[1 : 1 + OTHERS_SHOWN],
        )

    def is_quiet(self, text: str, segments: Segments) -> bool:
        """Whether neither `check` nor `check_sms` has anything to tell of an SMS."""
        encoding, parts, _ = segments
        return (
            parts <= self.most_segments
            and (parts == 1 or encoding == "GSM-7")
            and not text.endswith("\n")
            and text != ""
            and not text.isspace()
        )

    def remarkable(self, texts: Sequence[str], segments: Sequence[Segments]) -> list[int]:
        """Which of many texts are not quiet, or no UTF-8: one look at all where none is. `segments` are theirs."""
        if not texts:
            return []
        encodings, parts, _ = zip(*segments, strict=True)
        if "UCS-2" in encodings and not _is_utf8("".join(texts)):
            return list(range(len(texts)))
        most = max(parts)
        are_short = most <= self.most_segments and (most == 1 or "UCS-2" not in encodings)
        if are_short and "" not in texts and not any(map(str.isspace, map(itemgetter(-1), texts))):
            return []
        return [index for index, text in enumerate(texts) if not self.is_quiet(text, segments[index])]

    def check(self, prepared: Prepared, person: Person, request: Mapping[str, Json]) -> None:
        """MSG602: a text that renders to nothing."""
        for path in prepared.text_paths:
            text = value_at(request, path)
            if isinstance(text, str) and not text.strip():
                self._add("MSG602", "the text is empty", prepared, person, path)

    def check_sms(
        self, prepared: Prepared, person: Person, text: str, segments: Segments, forced: Callable[[], Forced] | None
    ) -> None:
        """MSG603: a newline at the end; MSG601: more segments than allowed; MSG609: characters that cost segments."""
        if text.endswith("\n"):
            self.findings.warning(
                "MSG603",
                "the text ends in a newline, which is sent and may cost a segment",
                prepared.site.below(*TEXT).place(),
                hint="write |- instead of |, or remove the last line break",
            )
        if segments.segments > self.most_segments:
            words = f"{segments.segments} segments, and policy.limits.segmentsPerMessage is {self.most_segments}"
            self._add("MSG601", words, prepared, person, TEXT)
        if forced is not None and segments.segments > 1 and forced().saved:
            self._check_encoding(prepared, person, forced(), segments.segments)

    def _add(self, code: str, words: str, prepared: Prepared, person: Person, path: Path) -> None:
        """At the text itself where all people get the same one, else at the person's row."""
        place = prepared.site.below(*path).place
        if prepared.is_same_for_all(path) or person.recipient is None:
            self.findings.error(code, words, place())
            return
        where = f"{prepared.draft.name} {'.'.join(path)}"
        self.findings.error(code, f"{person.row}: {words}", person.place, also=(place(),), group=where)

    def _check_encoding(self, prepared: Prepared, person: Person, forced: Forced, segments: int) -> None:
        own = [cause for cause in forced.causes if cause.source.kind in OWN]
        lasting = [cause for cause in own if cause.replacement is None]
        columns = [cause.source.name for cause in forced.causes if cause.source.kind == "column"]
        noted = self._typographic.get(prepared.draft.name)
        if columns and not lasting:
            self._costly.setdefault((prepared.draft.name, columns[0]), _Costly(prepared)).add(person, forced)
        elif noted is not None and forced.is_typographic:
            noted.add(person, forced)
        else:
            others = [cause for cause in forced.causes if cause not in own]
            self._once(prepared, person, lasting or others or own, forced, segments)

    def _once(self, prepared: Prepared, person: Person, causes: Sequence[Cause], forced: Forced, segments: int) -> None:
        """MSG609 for what is the same for many rows: the author's words, a parameter, what an expression makes."""
        if (prepared.draft.name, "MSG609") in self._told:
            return
        self._told.add((prepared.draft.name, "MSG609"))
        source = causes[0].source
        parameter = f" in parameter {source.name}" if source.kind == "parameter" else ""
        change = f"makes {segments} segments of {segments - forced.saved}"
        known = [cause.character for cause in causes if cause.replacement is not None]
        self.findings.warning(
            "MSG609",
            f"{_called([cause.character for cause in causes])}{parameter} {change}: GSM-7 lacks it, so all of the text "
            f"becomes UCS-2 (first at {person.row})",
            source.place or prepared.site.below(*TEXT).place(),
            hint=f"write {_plainly(known)}"
            if len(known) == len(causes)
            else "write the text without it, or keep it and pay for it",
        )


@dataclass(slots=True)
class _Costly:
    """The rows of one message whose data costs more segments than their words would."""

    prepared: Prepared
    first_rows: list[str] = field(default_factory=list)
    rows: int = 0
    segments: int = 0
    is_typographic: bool = True

    def add(self, person: Person, forced: Forced) -> None:
        self.rows += 1
        self.segments += forced.saved
        self.is_typographic = self.is_typographic and forced.is_typographic
        if len(self.first_rows) < ROWS_SHOWN:
            self.first_rows.append(person.row)

    def words(self) -> str:
        rest = ", …" if self.rows > len(self.first_rows) else ""
        rows = f"{self.rows:,} row{'s' if self.rows > 1 else ''} ({', '.join(self.first_rows)}{rest})"
        return f"{self.segments:,} more segment{'s' if self.segments > 1 else ''} for {rows}"


def _is_utf8(text: str) -> bool:
    try:
        return text.encode() is not None
    except UnicodeEncodeError:
        return False


def _places(prepared: Prepared, character: str, source: Source) -> list[Place]:
    if source.kind == "text":
        return list(prepared.site.below(*TEXT).character_places(character))
    return [source.place] if source.place is not None else []


def _called(characters: Iterable[str]) -> str:
    """The first few: itself where it is seen, its code point and its name."""
    found = list(characters)
    named = [f'"{each}" ({called(each)})' if each.isprintable() else called(each) for each in found[:TOLD]]
    if len(found) > TOLD:
        return f"{', '.join(named)} and {len(found) - TOLD} more"
    return f"{', '.join(named[:-1])} and {named[-1]}" if len(named) > 1 else named[0]


def _plainly(characters: Iterable[str]) -> str:
    """How to write them: `' for ’ and - for –`."""
    found = list(characters)
    ways = [_plain_way(each) for each in found[:TOLD]]
    more = ["the rest plainly too"] if len(found) > TOLD else []
    return ", ".join([*ways, *more])


def _plain_way(character: str) -> str:
    shown = character if character.isprintable() else f"U+{ord(character):04X}"
    words = {"": "nothing", " ": "a plain space", "\n": "a line break"}
    return f"{words.get(PLAIN[character], PLAIN[character])} for {shown}"
