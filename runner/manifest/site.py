"""Where an expression stands: a value in a document."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from runner.findings import Place
from runner.model import Json

from .documents import Document

EvaluateText = Callable[[str, "Site"], str | None]
"""Renders a manifest's own string over manifest parameters; None after a finding, or where a value is missing."""

_EXPRESSION = re.compile(r"\{\{.*?\}\}|\{%.*?%\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The value at `path` of `document`: gives the place of a name or of a line of its text."""

    document: Document
    path: tuple[str | int, ...]

    def below(self, *path: str | int) -> "Site":
        return Site(document=self.document, path=(*self.path, *path))

    @property
    def value(self) -> Json:
        held: Json = self.document.data
        for step in self.path:
            held = held[step]
        return held

    def place(self, *, name: str | None = None, line: int | None = None, included: str = "") -> Place:
        """`included` is the file that an `{% include %}` read, where the fault lies in that."""
        if included:
            return Place(path=included, line=line or 1)
        if name:
            return self.document.name_place(self.path, name)
        place = self.document.place(self.path)
        if not line:
            return place
        if self._mark(place) == "|":
            return self._within(place.line + line, 1, None, place.through)
        if place.line != place.end_line:
            return self._folded(line) or place
        return self._within(place.line, place.column, place.end_column, place.through)

    def character_places(self, character: str) -> tuple[Place, ...]:
        """Where the text has a character, in order; the value where that can't be told."""
        return self.document.character_places(self.path, character) or (self.document.place(self.path),)

    def _mark(self, place: Place) -> str:
        """The lines of a `|` are lines of its text; elsewhere YAML folds them."""
        return self.document.line(place.line)[place.column - 1 : place.column]

    def _folded(self, line: int) -> Place | None:
        """The only expression in a line of a text that stands on other lines in the file."""
        lines = str(self.value).split("\n")
        found = _EXPRESSION.findall(lines[line - 1]) if line <= len(lines) else []
        return self.document.words_place(self.path, found[0]) if len(found) == 1 else None

    def _within(self, line: int, column: int, end_column: int | None, through: tuple[Place, ...]) -> Place:
        """The only expression in that stretch of a line; all of the stretch where there are several, or none."""
        written = self.document.line(line)[: None if end_column is None else end_column - 1]
        found = list(_EXPRESSION.finditer(written, column - 1))
        if len(found) == 1:
            start, end = found[0].span()
        else:
            start, end = len(written) - len(written[column - 1 :].lstrip()), len(written.rstrip())
        return Place(
            path=self.document.shown, line=line, column=start + 1, end_line=line, end_column=max(end, start) + 1,
            through=through,
        )  # fmt: skip
