"""Findings for what PyYAML lets pass: duplicate keys, tags, aliases to nothing, numbers and keys that no JSON has."""

import re
from collections.abc import Callable, Iterator

from runner.findings import Findings

from .scalars import Refused, resolve
from .yaml_events import MAX_DEPTH, MAX_NODES, OutOfBounds
from .yaml_table import ALIAS, MAPPING, MAX_KEPT, PLAIN, Kind, Mistake, Table
from .yaml_text import Lines

_CUTTING = re.compile(r"(?<![ \t])[ \t]+#(?![\s#]|flypast:|yaml-language-server)")
_TAG_DIRECTIVE = re.compile(r"^%TAG\b[^\r\n]*", re.MULTILINE)
_NUMBERS = {
    Refused.NOT_FINITE.value: ("YML126", "JSON has no infinity and no not-a-number"),
    Refused.TOO_LARGE.value: ("YML127", "this number is too large for any JSON number"),
    Refused.TOO_SMALL.value: ("YML127", "this number is so small that it would become 0"),
    Refused.MINUS_ZERO.value: ("YML127", "minus zero is no number to send"),
}
Words = tuple[str, str, str]  # code, message, hint


def quoted(text: str) -> str:
    """A text as a YAML scalar in quotes."""
    if '"' in text or "\\" in text:
        return "'" + text.replace("'", "''") + "'"
    return f'"{text}"'


def report_bound(bound: OutOfBounds, lines: Lines, findings: Findings) -> None:
    """YML102, YML103: the file is refused whole."""
    if bound.kind == "depth":
        message = f"nested more than {MAX_DEPTH} levels deep"
        findings.error("YML103", message, lines.place(bound.index), hint="a manifest needs fewer than 20")
        return
    findings.error(
        "YML102",
        f"more than {MAX_NODES:,} values, counting what each alias stands for",
        lines.place(bound.index),
        hint="keep long lists of people in a .csv or .jsonl file; use fewer aliases",
    )


def has_tag_directive(text: str, lines: Lines, findings: Findings) -> bool:
    """YML121 for `%TAG` lines, before parsing: libyaml's time grows with the square of their number."""
    directive = _TAG_DIRECTIVE.search(text) if "%TAG" in text else None
    if directive is None:
        return False
    hint = "delete the line: only plain YAML is read"
    findings.error("YML121", "tags are not allowed", lines.place(*directive.span()), hint=hint)
    return True


def report_mistakes(table: Table, lines: Lines, findings: Findings, *, but: int | None = None) -> None:
    """One finding for each mistake that was kept, and one that says how many more there are of a kind.

    A mistake that starts at the character `but` has been reported.
    """
    for mistake in table.mistakes:
        if mistake.start == but:
            continue
        code, message, hint = _WORDS[mistake.kind](mistake, table, lines)
        also = [lines.place(*mistake.first)] if mistake.first else []
        fix = quoted(_expression_text(mistake, table)) if mistake.kind is Kind.EXPRESSION else None
        findings.error(code, message, lines.place(mistake.start, mistake.end), hint=hint, also=also, fix=fix)
    for kind, count in table.counts.items():
        if count > MAX_KEPT:
            last = next(mistake for mistake in reversed(table.mistakes) if mistake.kind is kind)
            code = _WORDS[kind](last, table, lines)[0]
            findings.error(code, _rest(count, lines), lines.place(last.start, last.end))


def _rest(count: int, lines: Lines) -> str:
    return f"{count - MAX_KEPT:,} more like this in {lines.shown}: {count:,} in all"


def may_be_cut(text: str) -> bool:
    """Whether a `#` follows white space and has none after it, as in `Buy now #sale`."""
    return (" #" in text or "\t#" in text) and _CUTTING.search(text) is not None


def warn_of_cuts(table: Table, lines: Lines, findings: Findings) -> None:
    """YML128: a text without quotes that ends at a ` #`, which is a comment to YAML and a hashtag to people."""
    nodes = {table.end(node): node for node in _texts(table)}
    cuts = [(match.end() - 1, nodes[end]) for match in _CUTTING.finditer(table.text) if (end := match.start()) in nodes]
    for hash_index, node in cuts[:MAX_KEPT]:
        number = lines.number(hash_index)
        line_end = lines.start(number) + len(lines.line(number).rstrip())
        findings.warning(
            "YML128",
            'the text ends here: YAML takes what follows " #" for a comment',
            lines.place(hash_index, line_end),
            hint=_cut_hint(table, node, line_end),
        )
    if len(cuts) > MAX_KEPT:
        findings.warning("YML128", _rest(len(cuts), lines), lines.place(cuts[MAX_KEPT][0]))


def _texts(table: Table) -> Iterator[int]:
    """Values without quotes that stayed text, or are empty because all of it is the comment."""
    for node in range(len(table)):
        if table.kinds[node] == PLAIN and table.keys[node] is None:
            written = table.text[table.start(node) : table.end(node)]
            if not written or isinstance(resolve(written), str):
                yield node


def _cut_hint(table: Table, node: int, line_end: int) -> str:
    start = table.start(node)
    whole = table.text[start:line_end].strip()
    if "\n" in whole or "\r" in whole or _is_of_a_person(table, node):
        return 'put the whole value in quotes, or a space after "#" if it is a comment'
    key = f"{table.keys[node - 1]}: " if table.keys[node - 1] else ""
    return f'write {key}{quoted(whole)}, or put a space after "#" if it is a comment'


def _is_of_a_person(table: Table, node: int) -> bool:
    """Whether a value stands in a list of people, whose data no message may show."""
    at = 0
    while table.kinds[at] != ALIAS and at != node:
        children = table.items(at)
        if table.kinds[at] != MAPPING and at == 0:
            return True
        inner = next(child for child in children if child <= node < table.afters[child])
        if table.keys[inner - 1] == "contacts":
            return True
        at = inner
    return False


def _duplicate(mistake: Mistake, _table: Table, lines: Lines) -> Words:
    line = lines.number(mistake.first[0]) if mistake.first else 0
    message = f'the key "{mistake.words}" stands here a second time; the first is on line {line}'
    if mistake.words == "<<":
        return "YML119", message, "write one: <<: [*first, *second]"
    return "YML119", message, "delete one of the two, or give it another name"


def _expression(mistake: Mistake, table: Table, _lines: Lines) -> Words:
    written = quoted(_expression_text(mistake, table))
    return "YML113", 'a text that starts with "{{" must be in quotes', f"write {written}"


def _expression_text(mistake: Mistake, table: Table) -> str:
    return " ".join(table.text[mistake.start : mistake.end].split())


def _number(mistake: Mistake, _table: Table, _lines: Lines) -> Words:
    code, message = _NUMBERS[mistake.words]
    return code, message, "put it in quotes if it is text"


def _tag(mistake: Mistake, _table: Table, _lines: Lines) -> Words:
    if mistake.words.startswith("!!"):
        return "YML121", f'tags are not allowed: "{mistake.words}"', "delete the tag: YAML is read as plain data"
    return (
        "YML121",
        f'tags are not allowed: "{mistake.words}"',
        'put the value in quotes if the "!" belongs to the text',
    )


def _anchor(mistake: Mistake, _table: Table, _lines: Lines) -> Words:
    message = f'no anchor "&{mistake.words}" stands before this'
    return (
        "YML123",
        message,
        f'put the value in quotes if the "*" belongs to the text, or define &{mistake.words} above',
    )


_WORDS: dict[Kind, Callable[[Mistake, Table, Lines], Words]] = {
    Kind.DUPLICATE: _duplicate,
    Kind.EXPRESSION: _expression,
    Kind.NUMBER: _number,
    Kind.TAG: _tag,
    Kind.UNKNOWN_ANCHOR: _anchor,
    Kind.KEY: lambda *_: ("YML120", "a key must be text, not a list or a mapping", "put the key in quotes"),
    Kind.SECOND_DOCUMENT: lambda *_: (
        "YML122",
        "a second document starts here; a file holds one",
        'move it to a file of its own, or delete the "---"',
    ),
    Kind.RECURSION: lambda mistake, *_: (
        "YML124",
        f'"*{mistake.words}" stands inside the value that it names',
        "an alias can only name a value that is complete before it",
    ),
    Kind.MERGE: lambda *_: (
        "YML125",
        '"<<" merges mappings, and this is none',
        'write "<<: *name", where &name marks a mapping, or put the key in quotes if it is a name',
    ),
    Kind.SURROGATE: lambda *_: surrogate_words(),
}


def surrogate_words() -> Words:
    return (
        "YML115",
        "this escape is half of a pair, and no character of its own",
        'write the character itself, or its whole code as in "\\U0001F600"',
    )
