"""Places: exact lines and columns of keys, values and names, in all styles, through aliases and merges."""

from pathlib import Path
from typing import Literal

import pytest

from runner.findings import Findings, Place
from runner.manifest.documents import Document, load_document


def load(source: str) -> Document:
    findings = Findings()
    document = load_document(source.encode(), Path("x.yaml"), "x.yaml", findings)
    assert findings.sorted() == ()
    assert document is not None
    return document


def cut(document: Document, place: Place) -> str:
    """The text that a place spans; its lines joined by a bar."""
    lines = [document.line(number) for number in range(place.line, place.end_line + 1)]
    lines[-1] = lines[-1][: place.end_column - 1]
    lines[0] = lines[0][place.column - 1 :]
    return "|".join(lines)


SOURCE = """\
# first
é😀: &anchor  Acme   # shop
list:
  - 'one'
  - "two 😀": {k: [1, 2] , z: }
    n: 3

block: |
  line one
  line two

folded: >-
  a
  b
plain: over
  two lines
map: &m
  # inside
  x: 1
  y: {a: b}

# after
none:
"""


@pytest.mark.parametrize(
    ("path", "of", "expected"),
    [
        (("é😀",), "key", "é😀"),
        (("é😀",), "value", "Acme"),
        (("list", 0), "value", "'one'"),
        (("list", 0), "key", "'one'"),
        (("list", 1, "two 😀"), "key", '"two 😀"'),
        (("list", 1, "two 😀"), "value", "{k: [1, 2] , z: }"),
        (("list", 1, "two 😀", "k"), "value", "[1, 2]"),
        (("list", 1, "two 😀", "k", 1), "value", "2"),
        (("list", 1, "two 😀", "z"), "value", ""),
        (("list", 1), "value", '"two 😀": {k: [1, 2] , z: }|    n: 3'),
        (("list", 1), "key", '"two 😀"'),
        (("block",), "value", "||  line one|  line two"),
        (("folded",), "value", ">-|  a|  b"),
        (("plain",), "value", "over|  two lines"),
        (("map",), "value", "x: 1|  y: {a: b}"),
        (("map", "y"), "value", "{a: b}"),
        (("none",), "value", ""),
        ((), "key", "é😀"),
        # the nearest parent that exists
        (("map", "missing"), "key", "map"),
        (("list", 7, "x"), "key", "list"),
        (("block", "x", 1), "key", "block"),
        (("missing",), "key", "é😀"),
    ],
)
def test_keys_and_values_have_their_exact_places(
    path: tuple[str | int, ...], of: Literal["key", "value"], expected: str
) -> None:
    document = load(SOURCE)
    assert cut(document, document.place(path, of=of)) == expected


def test_lines_and_columns_count_from_one_in_code_points() -> None:
    document = load(SOURCE)
    assert document.place(("é😀",)) == Place(path="x.yaml", line=2, column=14, end_line=2, end_column=18)
    assert document.place(("list", 1, "two 😀", "k")).column == 18
    assert document.place(("none",)) == Place(path="x.yaml", line=23, column=6, end_line=23, end_column=6)


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"])
def test_every_line_break_counts_once(line_break: str) -> None:
    document = load(line_break.join(["a: 1", "", "b: 'é'", "c: [x,", "  y]", ""]))
    assert cut(document, document.place(("b",))) == "'é'"
    assert (document.place(("c",)).line, document.place(("c",)).end_line) == (4, 5)
    assert document.line(3) == "b: 'é'"
    assert (document.line(0), document.line(2), document.line(99)) == ("", "", "")


def test_an_empty_document_is_at_its_start() -> None:
    document = load("# nothing\n")
    assert document.place(("a", 1)) == Place(path="x.yaml")
    assert document.name_place((), "x") == Place(path="x.yaml")
    assert document.users(()) == ()
    assert not document.is_plain(())


ALIASES = """\
base: &base
  text: hello
  deep: {a: [1, 2]}
more: &more
  text: other
  size: 3
x-both: &both [*base, *more]
direct: *base
merged:
  <<: *base
  own: 1
several:
  <<: [*more, *base]
chain: &chain
  <<: *more
end: {<<: *chain}
inline: {<<: {text: here}}
whole: {<<: *both}
"""


@pytest.mark.parametrize(
    ("path", "at", "users"),
    [
        (("direct",), (2, 3), [(8, 9)]),
        (("direct", "text"), (2, 9), [(8, 9)]),
        (("direct", "deep", "a", 1), (3, 17), [(8, 9)]),
        (("merged", "text"), (2, 9), [(10, 7)]),
        (("merged", "own"), (11, 8), []),
        (("several", "text"), (5, 9), [(13, 8)]),
        (("several", "deep", "a"), (3, 13), [(13, 15)]),
        (("end", "size"), (6, 9), [(16, 11), (15, 7)]),
        (("inline", "text"), (17, 21), []),
        (("whole", "size"), (6, 9), [(18, 13), (7, 23)]),
        (("base", "text"), (2, 9), []),
        (("end", "nothing"), (16, 6), []),
    ],
)
def test_what_came_through_an_alias_stands_at_its_anchor(
    path: tuple[str | int, ...], at: tuple[int, int], users: list[tuple[int, int]]
) -> None:
    document = load(ALIASES)
    place = document.place(path)
    assert (place.line, place.column) == at
    assert [(user.line, user.column) for user in document.users(path)] == users


def test_the_key_of_an_alias_is_the_one_in_the_file() -> None:
    document = load(ALIASES)
    assert document.place(("direct",), of="key").line == 8
    assert document.place(("merged", "text"), of="key").line == 2


STYLES = """\
plain: Hi {% if name %}{{ x }}{% endif %} first_name {{ y.first_name or first_name }}
single: 'first_name {{ "first_name" if ''first_name'' == x else first_name }}'
double: "first_name {{ \\"first_name\\" ~ first_name }}"
literal: |
  first_name {# first_name #}
  {% raw %}{{ first_name }}{% endraw %}
    {{ x }} {{ first_name|upper }}
folded: >
  {{ my_first_name }}
  é😀 {{ x }} {% for first_name in rows %}
when: country == "first_name" and first_name
"""


@pytest.mark.parametrize(
    ("key", "line", "column"),
    [
        ("plain", 1, 73),
        ("single", 2, 65),
        ("double", 3, 41),
        ("literal", 7, 16),
        ("folded", 10, 21),
        ("when", 11, 35),
    ],
)
def test_names_are_found_in_the_expressions_of_every_style(key: str, line: int, column: int) -> None:
    document = load(STYLES)
    place = document.name_place((key,), "first_name")
    assert cut(document, place) == "first_name"
    assert (place.line, place.column) == (line, column)


def test_a_name_that_is_nowhere_falls_back_to_the_scalar() -> None:
    document = load(STYLES + "only_text: 'x {{ \"odd\" }} odd'\nmap: {a: '{{ b }}'}\n")
    assert document.name_place(("when",), "nothing") == document.place(("when",))
    assert document.name_place(("map",), "b") == document.place(("map",))
    assert document.name_place(("map", "missing"), "b") == document.place(("map",))
    # as the last resort inside a literal, never outside the braces
    assert document.name_place(("only_text",), "odd").column == 19


def test_names_are_found_through_aliases() -> None:
    document = load("a: &a 'Hi {{ x }}'\nb: *a\n")
    assert cut(document, document.name_place(("b",), "x")) == "x"
    assert document.name_place(("b",), "x").line == 1


def test_plain_scalars_are_told_from_quoted_ones() -> None:
    document = load("a: &a 0612345678\nb: '1'\nc: \"1\"\nd: |\n  1\ne: [1]\nf: *a\ng:\n")
    assert {key: document.is_plain((key,)) for key in "abcdefg"} == {
        **dict.fromkeys("afg", True),
        **dict.fromkeys("bcde", False),
    }
    assert document.is_plain(("e", 0))
    assert not document.is_plain(("e", 1))


def test_each_of_many_contacts_has_its_place() -> None:
    document = load("contacts:\n" + "".join(f"  - {{identifierValue: 'x{row}'}}\n" for row in range(3_000)))
    for row in (0, 1_500, 2_999):
        assert document.place(("contacts", row)).line == row + 2
        assert cut(document, document.place(("contacts", row, "identifierValue"))) == f"'x{row}'"


def test_missing_keys_are_looked_for_once_in_shared_merges() -> None:
    levels = "".join(f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}\n" for n in range(1, 17))
    document = load("a0: &a0 {k: v}\n" + levels)
    assert document.place(("a16", "k")).line == 1
    assert document.place(("a16", "missing")).line == 17


CURLY = """\
plain: it’s {{ x }} you’re
single: 'don''t’ \\u2019'
double: "\\u2019 \\U00002019 ’ \\\\u2019 \\x19 \\_"
block: |- # it’s a comment
  one ’
  {# ’ #}{{ x|replace('’', '') }}
folded: >
  two ’
inside: "{# ’ #}{{ x or '’' }}"
raw: "{% raw %}{{ ’ }}{% endraw %}{{ '’' }}"
list: [’]
"""


@pytest.mark.parametrize(
    ("key", "found"),
    [
        ("plain", [(1, 10), (1, 24)]),
        ("single", [(2, 16)]),
        ("double", [(3, 10), (3, 17), (3, 28)]),
        ("block", [(5, 7)]),
        ("folded", [(8, 7)]),
        ("inside", [(9, 26)]),
        ("raw", [(10, 19)]),
        ("list", []),
        ("missing", []),
    ],
)
def test_a_character_is_found_in_the_words_of_every_style(key: str, found: list[tuple[int, int]]) -> None:
    document = load(CURLY)
    places = document.character_places((key,), "’")
    assert [(place.line, place.column) for place in places] == found
    assert {cut(document, place) for place in places} <= {"’", "\\u2019", "\\U00002019"}


def test_an_escape_of_one_letter_is_found_too() -> None:
    document = load(CURLY)
    assert [cut(document, place) for place in document.character_places(("double",), "\u00a0")] == ["\\_"]
    assert [cut(document, place) for place in document.character_places(("double",), "\x19")] == ["\\x19"]
