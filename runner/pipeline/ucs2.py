"""What makes a text UCS-2: which characters, whose they are, and what the text would take without them."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from unicodedata import category
from unicodedata import name as character_name

from runner.bird.requests import TEXT_PATHS, value_at
from runner.findings import Place
from runner.manifest.parameters import Parameters
from runner.model import Json
from runner.plan import Cause, Forced, Source
from runner.rendering.language import Template
from runner.sms import PLAIN, count, foreign

from .nested import Nested
from .prepare import Prepared, is_sms

TEXT = TEXT_PATHS[0]
OWN = frozenset({"text", "include"})  # sources that are the author's own words
TOLD = 50  # characters of a draft's own whose places are looked for


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What is the same for all texts of a draft.

    `lines` has each character of the author's own words that GSM-7 lacks, with the first line that has it; `letters`
    are those of another script. `looked_up` is the text as written, where it uses `recipient[…]`.
    """

    template: Template | None
    lines: Mapping[str, int]
    letters: frozenset[str]
    names: tuple[str, ...]
    columns: tuple[str, ...]
    looked_up: str

    @property
    def are_typographic(self) -> bool:
        """Whether GSM-7 lacks some of the own characters, and each of them can be written plainly."""
        return bool(self.lines) and self.lines.keys() <= PLAIN.keys()


@dataclass(slots=True)
class Ucs2:
    """Tells of the texts of one manifest. Each draft's own words are looked through once."""

    parameters: Parameters
    _words: dict[str, Words] = field(default_factory=dict)
    _own: dict[str, dict[str, Source]] = field(default_factory=dict)
    _places: dict[tuple[str, str, str], Place | None] = field(default_factory=dict)

    def words(self, prepared: Prepared) -> Words:
        name = prepared.draft.name
        if name not in self._words:
            self._words[name] = _words(prepared)
        return self._words[name]

    def own(self, prepared: Prepared, character: str) -> Source:
        """Where the author's own words have a character."""
        known = self._own.setdefault(prepared.draft.name, {})
        if character not in known:
            known[character] = _own(prepared, self.words(prepared), character) if len(known) < TOLD else Source("text")
        return known[character]

    def forced(self, prepared: Prepared, values: Mapping[str, Json], row: Mapping[str, Json], text: str) -> Forced:
        """`values` are what the text's names stand for; those of `row` come from the person's."""
        words = self.words(prepared)
        if words.letters and (letter := next((each for each in text if each in words.letters), None)):
            return Forced((Cause(letter, self.own(prepared, letter), None),), 0, False)
        met = foreign(text)
        sources = ((each, self._source(prepared, values, row, each)) for each in _told(met))
        causes = tuple(Cause(character, source, PLAIN.get(character)) for character, source in sources)
        return Forced(causes, _saved(text, met), met <= PLAIN.keys())

    def _source(
        self, prepared: Prepared, values: Mapping[str, Json], row: Mapping[str, Json], character: str
    ) -> Source:
        """The author's own words, else of what the text prints the first parameter or column that has the character."""
        words = self.words(prepared)
        if character in words.lines:
            return self.own(prepared, character)
        for name in words.names:
            # A message's own parameter counts as written: what it takes from a column is that column's.
            if name not in row and _has(prepared.draft.parameters.get(name, values.get(name)), character):
                return Source("parameter", name, self._parameter_place(prepared, name, character))
        columns = [*words.columns, *(column for column in row if column in words.looked_up)]
        for name in columns:
            if _has(row.get(name), character):
                return Source("column", name if name in words.columns else f'recipient["{name}"]')
        return Source("expression")

    def _parameter_place(self, prepared: Prepared, name: str, character: str) -> Place | None:
        if name not in prepared.parameters:
            locate = self.parameters.locate.get(name) if name not in self.parameters.given else None
            return locate() if locate is not None else None
        key = (prepared.draft.name, name, character)
        if key not in self._places:
            self._places[key] = prepared.site.below("parameters", name).character_places(character)[0]
        return self._places[key]


_LATIN_OR_NONE = re.compile("LATIN|COMBINING|MODIFIER|MATHEMATICAL|VARIATION SELECTOR|SIGN$|INDICATOR$|SOURCE$")


@lru_cache(maxsize=4096)
def is_of_another_script(character: str) -> bool:
    """Whether this is a letter, or a mark on one, that no text in Latin letters has."""
    is_letter = category(character)[0] in "LM" and character not in PLAIN
    return is_letter and not _LATIN_OR_NONE.search(character_name(character, ""))


def _told(met: Iterable[str]) -> list[str]:
    """The characters worth telling: of letters of other scripts one stands for all."""
    letters = sorted(filter(is_of_another_script, met))
    return sorted(set(met).difference(letters[1:]))


def _saved(text: str, met: Iterable[str]) -> int:
    """Segments less where typographic characters are written plainly, and each other one as any that GSM-7 has."""
    segments = count(text).segments
    if segments == 1:
        return 0
    plain = {ord(character): PLAIN.get(character, "?") for character in met}
    return max(0, segments - count(text.translate(plain)).segments)


def _words(prepared: Prepared) -> Words:
    template = next((template for path, template in prepared.compiled.slots if path == TEXT), None)
    lines = dict(_own_lines(prepared, template)) if is_sms(prepared.draft) else {}
    names = sorted(template.names) if template is not None else []
    through = [prepared.parameters[name] for name in names if name in prepared.parameters]
    inner = [name for each in through if isinstance(each, Template | Nested) for name in sorted(each.names)]
    return Words(
        template=template,
        lines=lines,
        letters=frozenset(filter(is_of_another_script, lines)),
        names=tuple(name for name in names if name != "recipient"),
        columns=tuple(dict.fromkeys(name for name in (*names, *inner) if name != "recipient")),
        looked_up=str(value_at(prepared.draft.fields, TEXT)) if "recipient" in (*names, *inner) else "",
    )


def _own_lines(prepared: Prepared, template: Template | None) -> Iterator[tuple[str, int]]:
    """Each character of the author's own words that GSM-7 lacks, with the first line that has it."""
    if template is None:
        constant = value_at(prepared.compiled.request([""] * len(prepared.compiled.slots)), TEXT)
        lines = [(constant, 1)] if isinstance(constant, str) else []
    else:
        lines = list(template.own_words())
    met = foreign("".join(words for words, _ in lines))
    for words, line in lines if met else ():
        for character in dict.fromkeys(words):
            if character in met:
                met.remove(character)
                yield character, line


def _own(prepared: Prepared, words: Words, character: str) -> Source:
    line, template = words.lines[character], words.template
    included, number = template.place(line) if template is not None else ("", line)
    if template is None or not included:
        return Source("text", place=prepared.site.below(*TEXT).character_places(character)[0])
    column = max(0, template.written(line).find(character)) + 1
    return Source("include", place=Place(path=included, line=number, column=column))


def _has(value: Json, character: str) -> bool:
    """Whether a value would print the character, in this case or the other."""
    text = value if isinstance(value, str) else str(value)
    return character in text or character.upper() in text or character.lower() in text
