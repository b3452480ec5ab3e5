"""Text that is no YAML: one finding, at its place, in words that say what to do."""

from pathlib import Path

import pytest
from yaml import YAMLError

from runner.findings import Findings
from runner.manifest.documents import load_document
from runner.manifest.yaml_events import Builder, PureParser
from runner.manifest.yaml_syntax import report_syntax
from runner.manifest.yaml_table import Table
from runner.manifest.yaml_text import Lines

# source, code, (line, column, end line, end column), words in the message, words in the hint
MISTAKES = [
    ("a:\n\tb: 1\n", "YML107", (2, 1, 2, 2), "indented with a tab", "use spaces"),
    ("a: 1\n\tb: 2\n", "YML107", (2, 1, 2, 2), "indented with a tab", "use spaces"),
    ("-\tb: 1\n", "YML107", (1, 2, 1, 3), "a tab stands where", "use spaces"),
    ('é: 1\na: "hello\nb: 1\n', "YML108", (2, 4, 2, 5), "never closed", 'put a "'),
    ("a: 'it\nb: 1\n", "YML108", (1, 4, 1, 5), "never closed", "put a '"),
    ('a: "x\n---\nb"\n', "YML108", (1, 4, 1, 5), "never closed", 'put a "'),
    ('a: "hello\nb: "x"\n', "YML108", (1, 4, 1, 5), "closed only on line 2", 'put a "'),
    ("a: 'it's'\n", "YML109", (1, 8, 1, 10), "follows the closing quote", "''"),
    ('a: "say "hi" now"\n', "YML109", (1, 10, 1, 18), "follows the closing quote", '\\"'),
    ('"a" b: 1\n', "YML109", (1, 5, 1, 9), "follows the closing quote", "quotes"),
    ("a: 1\nname\nc: 3\n", "YML110", (2, 1, 2, 5), 'no "key: value"', "key: value"),
    ("a: 1\nb:2\nc: 3\n", "YML110", (2, 1, 2, 4), 'no "key: value"', 'space after the colon: "b: …"'),
    ("name\nc: 3\n", "YML110", (1, 1, 1, 5), 'no "key: value"', "key: value"),
    ("key: value: more\n", "YML111", (1, 11, 1, 12), '": " inside', 'key: "…"'),
    ("- é😀: Hi there: now\n", "YML111", (1, 15, 1, 16), '": " inside', 'é😀: "…"'),
    ("a: @x\n", "YML112", (1, 4, 1, 5), 'start with "@"', 'a: "@…"'),
    ("a: `x\n", "YML112", (1, 4, 1, 5), 'start with "`"', "quotes"),
    ("a: %x\n", "YML112", (1, 4, 1, 5), 'start with "%"', "quotes"),
    ("%x: 1\n", "YML112", (1, 1, 1, 2), 'start with "%"', "quotes"),
    ("- *bold* text\n", "YML112", (1, 3, 1, 4), 'start with "*"', "quotes"),
    ("a: & b\n", "YML112", (1, 4, 1, 5), 'start with "&"', "quotes"),
    ("a: | text\n", "YML112", (1, 4, 1, 5), 'start with "|"', "quotes"),
    ("a: >5 off\n", "YML112", (1, 4, 1, 5), 'start with ">"', "quotes"),
    ("a: - b\n", "YML112", (1, 4, 1, 5), 'start with "-"', "quotes"),
    ("a: ]x\n", "YML112", (1, 4, 1, 5), 'start with "]"', "quotes"),
    ("text: {{ x }}, hello\n", "YML113", (1, 7, 1, 21), 'starts with "{{"', 'write text: "{{ x }}, hello"'),
    ('- {{ x["F"] }}\n', "YML113", (1, 3, 1, 15), 'starts with "{{"', "write '{{ x[\"F\"] }}'"),
    ("text: {% if x %}a{% endif %}\n", "YML113", (1, 7, 1, 29), 'starts with "{%"', 'write text: "{% if'),
    ("text: {{ x\n  }} y\n", "YML113", (1, 7, 1, 11), 'starts with "{{"', "put all of it in quotes"),
    ('a: "c:\\dir"\n', "YML114", (1, 7, 1, 9), "\\d", "\\\\"),
    ('a: "\\xZZ"\n', "YML114", (1, 5, 1, 7), "\\x", "\\\\"),
    ("a: [1, 2\nb: 3\n", "YML116", (1, 4, 1, 5), '"[" is never closed', '"]"'),
    ("a: {b: [\n", "YML116", (1, 8, 1, 9), '"[" is never closed', '"]"'),
    ("a: [\n  b,\n", "YML116", (1, 4, 1, 5), '"[" is never closed', '"]"'),
    ("a: ['it's']\n", "YML109", (1, 9, 1, 12), "follows the closing quote", "''"),
    ("a: {b: 1\nc: 2\n", "YML116", (1, 4, 1, 5), '"{" is never closed', '"}"'),
    ('a: ["x" "y"]\n', "YML116", (1, 9, 1, 10), '"," or "]" is missing', "quotes"),
    ("a: 1\n  b: 2\n", "YML117", (2, 3, 2, 4), "already has a value", "indent"),
    ("a:\n    b: 1\n  c: 2\n", "YML117", (3, 3, 3, 7), "fits no line above", "align"),
    ("a: |\n   x\n  y\n", "YML117", (3, 3, 3, 4), "fits no line above", "align"),
    ("a: 1\n- b\n", "YML117", (2, 1, 2, 4), "item of a list", "key"),
    ("- a\nb: 1\n", "YML117", (2, 1, 2, 5), '"- " is missing', '"- "'),
    (": 1\n", "YML118", (1, 1, 1, 2), "no key", "key: value"),
    ("--- a: 1\n", "YML118", (1, 6, 1, 7), "---", "next line"),
    ("%YAML 2.0\n---\na: 1\n", "YML118", (1, 1, 1, 2), "1.1 or 1.2", "delete"),
    ("x" * 1100 + ": 1\n", "YML118", (1, 1101, 1, 1102), "1,024", "quotes"),
    ("a: 1\n...\nb: 2\n", "YML122", (3, 1, 3, 2), "after the end", "one document"),
    ("a: !x!foo 1\n", "YML121", (1, 4, 1, 5), "tags", "quotes"),
]


@pytest.mark.parametrize(("source", "code", "at", "message", "hint"), MISTAKES)
def test_each_mistake_is_one_finding_at_its_place(
    source: str, code: str, at: tuple[int, int, int, int], message: str, hint: str
) -> None:
    findings = Findings()
    assert load_document(source.encode(), Path("x"), "x", findings) is None
    (found,) = findings.sorted()
    place = found.place
    assert (found.code, (place.line, place.column, place.end_line, place.end_column)) == (code, at)
    assert message in found.message
    assert hint in (found.hint or "")


@pytest.mark.parametrize(("source", "code"), [mistake[:2] for mistake in MISTAKES])
def test_the_parser_in_python_gives_the_same_codes(source: str, code: str) -> None:
    table, findings = Table(source, source.encode(), PureParser), Findings()
    with pytest.raises(YAMLError) as caught:
        Builder(source, source.encode(), PureParser).build()
    with pytest.raises(YAMLError):
        table.read()
    report_syntax(caught.value, table, Lines(source, "x"), findings)
    assert [found.code for found in findings.sorted()] == [code]


def test_what_is_wrong_before_the_place_is_found_too() -> None:
    findings = Findings()
    load_document(b"to: 1\nto: 2\nx: !t y\nz: [\n", Path("x"), "x", findings)
    assert [found.code for found in findings.sorted()] == ["YML119", "YML121", "YML116"]


def test_hints_show_no_value_that_is_not_a_template() -> None:
    for source in ("name: @Ann\n", "name: Ann: Lee\n", "name: 'Ann' Lee\n", "name: [Ann\nb: 1\n", "Ann Lee\nb: 1\nc\n"):
        findings = Findings()
        load_document(source.encode(), Path("x"), "x", findings)
        assert all("Ann" not in found.message + (found.hint or "") for found in findings.sorted())
