"""What the parser says about text that is no YAML, put as what the author did and how to mend it.

libyaml and PyYAML's own parser word the same mistake differently; the rules hold for both.
"""

import re
from collections.abc import Callable

from yaml import YAMLError

from runner.findings import Findings

from .yaml_fault import Fault, Verdict, fault_of
from .yaml_mistakes import quoted, surrogate_words
from .yaml_table import Table
from .yaml_text import Lines

# An unquoted value that starts with a Jinja2 brace, after `key:`, `-` or at the start of a line.
_EXPRESSION = re.compile(r"^\s*(?:-\s+)*(?:(?P<key>[^\s#'\"{\[][^#'\"{]*?):\s+)?(?P<value>\{[{%#].*?)\s*$")
_KEY_AND_VALUE = re.compile(r"^\s*(?:-\s+)*(?P<key>[^\s:][^:]*?)\s*:\s+(?P<value>\S.*?)\s*$")
_STARTERS = {
    "@": "YAML keeps it for later use",
    "`": "YAML keeps it for later use",
    "%": "it starts a directive",
    "&": "it starts an anchor",
    "*": "it starts an alias",
    "|": "it starts a block of text, whose text follows on the next lines",
    ">": "it starts a block of text, whose text follows on the next lines",
    "]": "it ends a list",
    "}": "it ends a mapping",
    ",": "it separates the items of a list",
    "-": "it starts an item of a list, which stands on a line of its own",
    "?": "it starts a key",
}


def report_syntax(error: YAMLError, table: Table, lines: Lines, findings: Findings) -> int:
    """The one finding for a file that could be read only as far as `table` goes; gives the character it stands at."""
    fault = fault_of(error, table, lines)
    verdict = next(verdict for rule in _RULES if (verdict := rule(fault)) is not None)
    place = lines.place(verdict.start, verdict.end)
    findings.error(verdict.code, verdict.message, place, hint=verdict.hint)
    return verdict.start


def _expression(fault: Fault) -> Verdict | None:
    for number in (fault.number, fault.lines.number(fault.began)):
        found = _EXPRESSION.match(fault.lines.line(number))
        if found and fault.at >= fault.lines.start(number) + found.start("value"):
            start = fault.lines.start(number)
            message = f'a text that starts with "{found["value"][:2]}" must be in quotes'
            key = f"{found['key']}: " if found["key"] else ""
            is_whole = re.search(r"[}%#]\}", found["value"])
            hint = f"write {key}{quoted(found['value'])}" if is_whole else "put all of it in quotes"
            return Verdict(
                code="YML113", message=message, hint=hint, start=start + found.start("value"), end=start + found.end()
            )
    return None


def _tab(fault: Fault) -> Verdict | None:
    if "tab character" not in fault.problem and not (fault.character == "\t" and "start any token" in fault.problem):
        return None
    start = fault.lines.start(fault.number)
    end = fault.at + len(fault.text[fault.at :]) - len(fault.text[fault.at :].lstrip("\t"))
    message = "a tab stands where YAML wants spaces" if fault.before.strip() else "this line is indented with a tab"
    return Verdict(
        code="YML107",
        message=message,
        hint="use spaces",
        start=fault.at if fault.before.strip() else start,
        end=max(end, fault.at + 1),
    )


def _open_quote(fault: Fault) -> Verdict | None:
    if "quoted scalar" not in fault.context or "found unexpected" not in fault.problem:
        return None
    return Verdict(
        code="YML108",
        message="this quote is never closed",
        hint=f"put a {fault.text[fault.began]} at the end of the text",
        start=fault.began,
    )


def _after_quote(fault: Fault) -> Verdict | None:
    """Text after a closing quote: that quote was an apostrophe, or opens the next text because one was forgotten."""
    quote = fault.before.rstrip()[-1:]
    if quote not in ("'", '"') or "did not find expected" not in fault.problem or not fault.character.strip():
        return None
    if "','" in fault.problem and fault.character in ("'", '"'):
        return None  # two texts in quotes: a comma is missing
    if fault.last_quote is not None and fault.lines.number(fault.last_quote) != fault.number:
        return Verdict(
            code="YML108",
            message=f"this quote is closed only on line {fault.number}, where more text follows",
            hint=f"put a {quote} at the end of the text",
            start=fault.last_quote,
        )
    within = "write '' for an apostrophe in '…', or use \"…\"" if quote == "'" else 'write \\" for a quote inside "…"'
    return Verdict(
        code="YML109",
        message="text follows the closing quote",
        hint=f"put all of it in quotes: {within}",
        start=fault.at,
        end=fault.line_end,
    )


def _escape(fault: Fault) -> Verdict | None:
    if "quoted scalar" not in fault.context and "double-quoted" not in fault.context:
        return None
    if "escape" not in fault.problem and "hexdecimal" not in fault.problem:
        return None
    # The parsers stop at the backslash, or at one of the characters after it.
    start = fault.text.rfind("\\", 0, fault.at + 1)
    if "Unicode" in fault.problem and re.match(r"\\u[dD][89a-fA-F]", fault.text[start : start + 4]):
        code, message, hint = surrogate_words()
        return Verdict(code=code, message=message, hint=hint, start=start, end=start + 6)
    return Verdict(
        code="YML114",
        message=f'"{fault.text[start : start + 2]}" is no escape that YAML knows',
        hint="write \\\\ for a backslash, or use '…', where a backslash is only a backslash",
        start=start,
        end=start + 2,
    )


def _starter(fault: Fault) -> Verdict | None:
    """An unquoted value whose first character means something to YAML."""
    at = fault.at
    if re.search("anchor|alias|block scalar|directive", fault.context) and "tab" not in fault.problem:
        at = fault.began
    elif not re.search("start any token|node content|entries are not allowed|keys are not allowed", fault.problem):
        return None
    character = fault.text[at : at + 1]
    if character not in _STARTERS:
        return None
    number = fault.lines.number(at)
    key = _KEY_AND_VALUE.match(fault.lines.line(number))
    is_value = key is not None and fault.lines.start(number) + key.start("value") <= at
    hint = f'put the value in quotes: {key["key"]}: "{character}…"' if key and is_value else "put the text in quotes"
    return Verdict(
        code="YML112",
        message=f'an unquoted value can\'t start with "{character}": {_STARTERS[character]}',
        hint=hint,
        start=at,
    )


def _open_bracket(fault: Fault) -> Verdict | None:
    is_at_end = not fault.text[fault.at :].strip()
    if "node content" in fault.problem and is_at_end and fault.open_bracket is not None:
        return _never_closed(fault, fault.open_bracket)
    found = re.search(r"expected ',' or '([\]}])'", fault.problem)
    if found is None:
        return None
    if is_at_end or fault.lines.number(fault.began) != fault.number:
        return _never_closed(fault, fault.began)
    message = f'a "," or "{found[1]}" is missing before this'
    return Verdict(code="YML116", message=message, hint="put texts with , : [ ] { } in quotes", start=fault.at)


def _never_closed(fault: Fault, start: int) -> Verdict:
    closing = "]" if fault.text[start] == "[" else "}"
    return Verdict(
        code="YML116",
        message=f'this "{fault.text[start]}" is never closed',
        hint=f'put a "{closing}" after the last item',
        start=start,
    )


def _colon(fault: Fault) -> Verdict | None:
    """`mapping values are not allowed`: a second `: ` on a line, or a key where none can stand."""
    if "mapping values are not allowed" not in fault.problem:
        return None
    line, start = fault.lines.line(fault.number), fault.lines.start(fault.number)
    found = _KEY_AND_VALUE.match(line)
    if found and fault.at > start + found.start("value"):
        return Verdict(
            code="YML111",
            message='": " inside an unquoted text: YAML takes it for another key',
            hint=f'put the text in quotes: {found["key"]}: "…"',
            start=fault.at,
        )
    key_start = start + len(line) - len(line.lstrip())
    if line.startswith("---") or fault.at - key_start > 1024:
        return None  # its own words are in _anything
    previous = fault.lines.line(fault.number - 1)
    if previous.strip() and not re.search(r":(\s|$)", previous):
        return _missing_colon(fault, fault.number - 1)
    return Verdict(
        code="YML117",
        message="this line is indented under a key that already has a value",
        hint="indent it like the line above; if it goes on with that line's text, put the whole text in quotes",
        start=key_start,
        end=fault.at,
    )


def _no_colon(fault: Fault) -> Verdict | None:
    if "could not find expected ':'" not in fault.problem:
        return None
    return _missing_colon(fault, fault.lines.number(fault.began))


def _missing_colon(fault: Fault, number: int) -> Verdict:
    line, start = fault.lines.line(number), fault.lines.start(number)
    glued = re.match(r"\s*(?:-\s+)*(?P<key>[A-Za-z0-9_-]+):\S", line)
    hint = 'write "key: value"; text that goes on from the line above is indented deeper than its key'
    if glued:
        hint = f'put a space after the colon: "{glued["key"]}: …"'
    return Verdict(
        code="YML110",
        message='this line is no "key: value"',
        hint=hint,
        start=start + len(line) - len(line.lstrip()),
        end=start + len(line.rstrip()),
    )


def _indentation(fault: Fault) -> Verdict | None:
    is_block = "block mapping" in fault.context or "block collection" in fault.context
    if not is_block or fault.before.strip() or fault.character == ":":
        return None
    message, hint = "the indentation of this line fits no line above it", "align it with the line it belongs to"
    if "collection" in fault.context and fault.character != "-":
        message, hint = (
            'a "- " is missing before this: the lines above are a list',
            'start it with "- ", or move it above the list',
        )
    elif fault.character == "-" and fault.text[fault.at + 1 : fault.at + 2] in (" ", "\n", "\r", ""):
        message, hint = 'an item of a list stands among "key: value" lines', "put the list under a key of its own"
    return Verdict(code="YML117", message=message, hint=hint, start=fault.at, end=fault.line_end)


def _second_document(fault: Fault) -> Verdict | None:
    if "<document start>" not in fault.problem:
        return None
    hint = "a file holds one document: one mapping, from the first line to the last"
    return Verdict(code="YML122", message="text after the end of the document", hint=hint, start=fault.at)


def _tag(fault: Fault) -> Verdict | None:
    if "tag" not in fault.problem and "tag" not in fault.context:
        return None
    hint = 'put the value in quotes if the "!" belongs to the text'
    return Verdict(code="YML121", message="tags are not allowed", hint=hint, start=fault.began)


def _anything(fault: Fault) -> Verdict:
    if fault.before.startswith("---"):
        message, hint = 'no mapping can start on the line of "---"', "move it to the next line"
    elif len(fault.before) > 1024:
        message, hint = "a key has at most 1,024 characters", "put the text in quotes if it is no key"
    elif fault.character == ":":
        message, hint = "no key stands before this colon", 'write "key: value"'
    elif "incompatible" in fault.problem or "directive" in fault.problem:
        message, hint = f"not YAML 1.1 or 1.2: {fault.problem}", "delete the line that starts with %"
    else:
        message, hint = f"YAML can't be read here: {fault.problem}", "put the text in quotes if it is one"
    return Verdict(code="YML118", message=message, hint=hint, start=fault.at)


_RULES: tuple[Callable[[Fault], Verdict | None], ...] = (
    _expression,
    _tab,
    _open_quote,
    _escape,
    _after_quote,
    _starter,
    _open_bracket,
    _colon,
    _no_colon,
    _indentation,
    _second_document,
    _tag,
    _anything,
)
