"""Rules for the words of a message, once rendered: not empty, not too many segments, none of them by accident."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from unicodedata import name as character_name

from runner.bird.requests import TEXT_PATHS
from runner.findings import Findings, Place
from runner.model import Json
from runner.sms import Segments, count, forcing

from .people import Person
from .prepare import Prepared, value_at

Path = tuple[str, ...]

ROWS_SHOWN = 3

TEXT = TEXT_PATHS[0]
_PLAINER = {"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u2013": "-", "\u2014": "-", "\u2026": "...",
            "\u00a0": " ", "\u202f": " ", "\u2022": "-", "`": "'"}  # fmt: skip


@dataclass(slots=True, kw_only=True)
class Texts:
    """Judges texts. What the author's own words do wrong is told once; what people's data does, per row or column."""

    findings: Findings
    most_segments: int
    _told: set[tuple[str, str]] = field(default_factory=set)
    _costly: dict[tuple[str, str], "_Costly"] = field(default_factory=dict)

    def report(self) -> None:
        """MSG609 for what people's data costs: once for each message and column, however many rows."""
        for (_, column), costly in self._costly.items():
            words = f"characters in {column} that GSM-7 lacks turn texts into UCS-2: {costly.words()}"
            place = costly.prepared.site.below(*TEXT).place(name=column)
            self.findings.warning("MSG609", words, place, hint="leave the name out, or keep it and pay for it")
        self._costly.clear()

    def is_quiet(self, text: str, segments: Segments) -> bool:
        """Whether neither `check` nor `check_sms` has anything to tell of an SMS."""
        return (
            segments.segments <= self.most_segments
            and (segments.segments == 1 or segments.encoding == "GSM-7")
            and not text.endswith("\n")
            and text.strip() != ""
        )

    def check(self, prepared: Prepared, person: Person, request: Mapping[str, Json]) -> None:
        """MSG602: a text that renders to nothing."""
        for path in prepared.text_paths:
            text = value_at(request, path)
            if isinstance(text, str) and not text.strip():
                self._add("MSG602", "the text is empty", prepared, person, path)

    def check_sms(
        self, prepared: Prepared, person: Person, values: Mapping[str, Json], text: str, segments: Segments
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
        if segments.encoding == "UCS-2" and segments.segments > 1:
            self._check_encoding(prepared, person, values, text, segments.segments)

    def _add(self, code: str, words: str, prepared: Prepared, person: Person, path: Path) -> None:
        """At the text itself where all people get the same one, else at the person's row."""
        place = prepared.site.below(*path).place
        if prepared.is_same_for_all(path) or person.recipient is None:
            self.findings.error(code, words, place())
            return
        where = f"{prepared.draft.name} {'.'.join(path)}"
        self.findings.error(code, f"{person.row}: {words}", person.place, also=(place(),), group=where)

    def _check_encoding(
        self, prepared: Prepared, person: Person, values: Mapping[str, Json], text: str, segments: int
    ) -> None:
        forced = list(dict.fromkeys(character for _, character in forcing(text)))
        fewer = count("".join("?" if character in forced else character for character in text)).segments
        if fewer >= segments:
            return
        change = f"makes {segments} segments of {fewer}: GSM-7 lacks it, so all of the text becomes UCS-2"
        own = [character for character in forced if character in _written(prepared)]
        row = person.recipient.parameters if person.recipient is not None else {}
        names = [name for name in _printed(prepared) if any(character in str(values.get(name)) for character in forced)]
        columns = [name for name in names if name in row]
        if own:
            self._once(prepared, person, f"{_called(own)} {change}", self._character_place(prepared, own[0]), own)
        elif columns:
            self._costly.setdefault((prepared.draft.name, columns[0]), _Costly(prepared)).add(person, segments - fewer)
        else:
            source = f"parameter {names[0]}" if names else "a file that is included, or a parameter"
            place = prepared.site.below(*TEXT).place()
            self._once(prepared, person, f"{_called(forced)} in {source} {change}", place, forced)

    def _once(self, prepared: Prepared, person: Person, message: str, place: Place, characters: list[str]) -> None:
        if (prepared.draft.name, "MSG609") in self._told:
            return
        self._told.add((prepared.draft.name, "MSG609"))
        plain = _PLAINER.get(characters[0])
        hint = f"write {plain!r} instead" if plain else "write the text without it, or keep it and pay for it"
        self.findings.warning("MSG609", f"{message} (first at {person.row})", place, hint=hint)

    @staticmethod
    def _character_place(prepared: Prepared, character: str) -> Place:
        return prepared.site.below(*TEXT).text_place(character)


@dataclass(slots=True)
class _Costly:
    """The rows of one message whose data costs more segments than their words would."""

    prepared: Prepared
    first_rows: list[str] = field(default_factory=list)
    rows: int = 0
    segments: int = 0

    def add(self, person: Person, segments: int) -> None:
        self.rows += 1
        self.segments += segments
        if len(self.first_rows) < ROWS_SHOWN:
            self.first_rows.append(person.row)

    def words(self) -> str:
        rest = ", …" if self.rows > len(self.first_rows) else ""
        rows = f"{self.rows:,} row{'s' if self.rows > 1 else ''} ({', '.join(self.first_rows)}{rest})"
        return f"{self.segments:,} more segment{'s' if self.segments > 1 else ''} for {rows}"


def _written(prepared: Prepared) -> str:
    written = value_at(prepared.draft.fields, TEXT)
    return written if isinstance(written, str) else ""


def _printed(prepared: Prepared) -> list[str]:
    """The names that the text uses, in a fixed order."""
    return sorted({name for path, template in prepared.compiled.slots if path == TEXT for name in template.names})


def _called(characters: list[str]) -> str:
    named = [f'"{each}" (U+{ord(each):04X} {character_name(each, "unnamed").lower()})' for each in characters[:3]]
    more = f" and {len(characters) - 3} more" if len(characters) > 3 else ""
    return f"{', '.join(named)}{more}"
