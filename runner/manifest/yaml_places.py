"""From a path in the data to the stretch of the file where it was written."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .yaml_table import ALIAS, MAPPING, PLAIN, SEQUENCE, Table

Span = tuple[int, int]  # from the first character up to the one after the last

_MAX_SEARCHED = 65_536  # characters of a scalar in which a name is looked for
# What is no expression comes first, so that nothing in it is taken for one.
_EXPRESSIONS = re.compile(
    r"\{%[-+]?\s*raw\s*[-+]?%\}.*?\{%[-+]?\s*endraw\s*[-+]?%\}|\{#.*?#\}|(?P<inner>\{\{.*?\}\}|\{%.*?%\})", re.DOTALL
)
_LITERALS = {"'": re.compile(r"''[^']*''|\"[^\"]*\"")}  # an apostrophe is doubled inside '…'
_LITERAL = re.compile(r"'[^']*'|\"[^\"]*\"")


_BLOCKS = ("|", ">")
# In "…": a code point of two, four or eight digits, or a letter that stands for one.
_ESCAPE = re.compile(
    r"\\(?:(?P<digits>x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U00(?:0[0-9a-fA-F]|10)[0-9a-fA-F]{4})|.)", re.DOTALL
)
_ESCAPES = {"t": "\t", "_": "\u00a0", "L": "\u2028", "P": "\u2029", "N": "\u0085", "e": "\x1b", "0": "\x00"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """As far as a path leads: the node of the value, of its key (None in a list), the aliases passed on the way."""

    value: int
    key: int | None = None
    aliases: tuple[int, ...] = ()
    is_whole: bool = True


class Places:
    """Looks paths up in a table. Children of a node are listed when they are first asked for."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._items: dict[int, list[int]] = {}
        self._pairs: dict[int, dict[str, Span]] = {}
        self._sources: dict[int, list[tuple[int, ...]]] = {}  # what a mapping merges, each after the aliases to it

    def find(self, path: Sequence[str | int]) -> Found | None:
        """The nearest that exists of a path, `is_whole` when all of it does; None where the document is empty."""
        if not len(self._table):
            return None
        found = Found(value=0)
        for part in path:
            step = self._step(found.value, part)
            if step is None:
                return Found(value=found.value, key=found.key, aliases=found.aliases, is_whole=False)
            found = Found(value=step.value, key=step.key, aliases=found.aliases + step.aliases)
        target = self._table.resolved(found.value)
        if target is None or target == found.value:
            return found
        return Found(value=target, key=found.key, aliases=(*found.aliases, found.value))

    def value_span(self, found: Found) -> Span:
        return self._span(found.value)

    def key_span(self, found: Found) -> Span:
        """The key; for an item of a list, and for the whole document, the first key that stands in it."""
        if found.key is not None:
            return self._span(found.key)
        has_key = self._table.kinds[found.value] == MAPPING and self._table.afters[found.value] > found.value + 1
        return self._span(found.value + 1 if has_key else found.value)

    def alias_spans(self, found: Found) -> list[Span]:
        return [self._span(alias) for alias in found.aliases]

    def is_plain(self, found: Found) -> bool:
        return found.is_whole and (self._table.kinds[found.value] == PLAIN or self._table.is_expression(found.value))

    def name_span(self, found: Found, name: str) -> Span:
        """Where `name` is used in the expressions of a scalar, or in all of it when there is no brace."""
        start, end = self._span(found.value)
        raw = self._table.text[start : min(end, start + _MAX_SEARCHED)]
        kind = self._table.kinds[found.value]
        if (
            not found.is_whole
            or kind in (SEQUENCE, ALIAS)
            or (kind == MAPPING and not self._table.is_expression(found.value))
        ):
            return start, end
        parts = list(_expressions(raw))
        literal = _LITERALS.get(kind, _LITERAL)
        as_name = re.compile(rf"(?<![\w.]){re.escape(name)}\b")
        for blank, pattern in ((True, as_name), (False, re.compile(rf"\b{re.escape(name)}\b"))):
            for at, part in parts:
                searched = literal.sub(lambda match: " " * len(match[0]), part) if blank else part
                if match := pattern.search(searched):
                    return start + at + match.start(), start + at + match.end()
        return start, end

    def character_spans(self, found: Found, character: str) -> list[Span]:
        """Where a scalar has a character, as itself or escaped: in its words, else in its expressions."""
        kind = self._table.kinds[found.value]
        if not found.is_whole or kind in (MAPPING, SEQUENCE, ALIAS):
            return []
        start, end = self._span(found.value)
        raw = self._table.text[start : min(end, start + _MAX_SEARCHED)]
        if kind in _BLOCKS:  # a comment may stand beside its sign
            head = raw.find("\n") + 1
            start, raw = start + head, raw[head:]
        is_escaped = kind == '"'
        words, but_comments = _blanked(raw)
        spans = list(_written(words, character, is_escaped=is_escaped))
        spans = spans or list(_written(but_comments, character, is_escaped=is_escaped))
        return sorted((start + at, start + to) for at, to in spans)

    def _span(self, node: int) -> Span:
        return self._table.start(node), self._table.end(node)

    def _step(self, node: int, part: str | int) -> Found | None:
        """One part of a path further; through the alias where `node` is one."""
        target = self._table.resolved(node)
        if target is None:
            return None
        passed = () if target == node else (node,)
        if isinstance(part, int):
            items = self._children(target) if self._table.kinds[target] == SEQUENCE else []
            return Found(value=items[part], aliases=passed) if 0 <= part < len(items) else None
        if self._table.kinds[target] != MAPPING:
            return None
        return self._member(target, part, passed, set())

    def _member(self, mapping: int, name: str, passed: tuple[int, ...], seen: set[int]) -> Found | None:
        """A key of the mapping itself, else of what it merges: the first source that has it."""
        pair = self._members(mapping).get(name)
        if pair is not None:
            return Found(key=pair[0], value=pair[1], aliases=passed)
        seen.add(mapping)
        for *through, source in self._sources.get(mapping, ()):
            target = self._table.resolved(source)
            if target is None or target in seen or self._table.kinds[target] != MAPPING:
                continue
            aliases = (*passed, *through) if target == source else (*passed, *through, source)
            if found := self._member(target, name, aliases, seen):
                return found
        return None

    def _children(self, node: int) -> list[int]:
        if node not in self._items:
            self._items[node] = self._table.items(node)
        return self._items[node]

    def _members(self, mapping: int) -> dict[str, Span]:
        if mapping in self._pairs:
            return self._pairs[mapping]
        pairs: dict[str, Span] = {}
        children = self._table.items(mapping)
        for key, value in zip(children[::2], children[1::2], strict=True):
            if self._table.is_merge(key):
                self._sources.setdefault(mapping, self._merged(value))
            else:
                pairs.setdefault(self._table.keys[key] or "", (key, value))
        self._pairs[mapping] = pairs
        return pairs

    def _merged(self, value: int) -> list[tuple[int, ...]]:
        sources = self._table.merge_sources(value)
        if sources == [value] or self._table.kinds[value] != ALIAS:
            return [(source,) for source in sources]
        return [(value, source) for source in sources]


def _written(raw: str, character: str, *, is_escaped: bool) -> Iterator[Span]:
    yield from (match.span() for match in re.finditer(re.escape(character), raw))
    for match in _ESCAPE.finditer(raw) if is_escaped else ():
        digits = match["digits"]
        if (chr(int(digits[1:], 16)) if digits else _ESCAPES.get(match[0][1])) == character:
            yield match.span()


def _blanked(raw: str) -> tuple[str, str]:
    """As long as before: without expressions and comments, and without comments alone, which nobody ever reads."""

    def blank(match: re.Match[str]) -> str:
        is_comment = match[0].startswith("{#")
        return "\0" * len(match[0]) if is_comment or match["inner"] else match[0]

    words = _EXPRESSIONS.sub(blank, raw)
    return words, _EXPRESSIONS.sub(lambda match: match[0] if match["inner"] else blank(match), raw)


def _expressions(raw: str) -> Iterator[tuple[int, str]]:
    """The `{{ }}` and `{% %}` of a text with their offsets; all of a text without braces, as in `when`."""
    if "{{" not in raw and "{%" not in raw:
        yield 0, raw
        return
    for match in _EXPRESSIONS.finditer(raw):
        if match["inner"]:
            yield match.start(), match["inner"]
