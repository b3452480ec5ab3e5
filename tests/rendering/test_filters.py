"""Each filter: what it gives, and what it refuses."""

import pytest

from runner.rendering.filters import FILTERS
from runner.rendering.language import Language

from .faults_of import fault_of

VALUES = {
    "text": "  the o'neil-smith (jr)  ",
    "numbers": [3, 1, 2],
    "mixed": [1, "a"],
    "empty": [],
    "names": ["b", "a", "b"],
    "rows": [{"sku": "x", "count": 2}, {"sku": "y", "count": 1}],
    "map": {"b": 1, "a": 2},
    "null": None,
    "gaps": ["a", None],
    "price": 1234.5,
    "tricky": 2.675,
}

GIVES = [
    ("{{ 'aß'|upper }}", "ASS"),
    ("{{ 'AÉ'|lower }}", "aé"),
    ("{{ 'aNNA b'|capitalize }}", "Anna b"),
    ("{{ text|title }}", "  The O'neil-Smith (Jr)  "),
    ("{{ text|trim }}", "the o'neil-smith (jr)"),
    ("{{ '+31 6'|trim('+') }}", "31 6"),
    ("{{ 'a-b-c'|replace('-', '') }}", "abc"),
    ("{{ 'one two three'|truncate(9) }}", "one..."),
    ("{{ 'one two three'|truncate(9, true, '') }}", "one two t"),
    ("{{ 'short'|truncate(9) }}", "short"),
    ("{{ 'a; b;c'|split(';')|join('|') }}", "a|b|c"),
    ("{{ 'a  b c'|split|length }}", "3"),
    ("{{ '<a href=\"x\">&'|escape }}{{ '<'|e }}", "&lt;a href=&quot;x&quot;&gt;&amp;&lt;"),
    ("{{ 'a b&c/é'|urlencode }}", "a%20b%26c/%C3%A9"),
    ("{{ 'a b c'|wordcount }}", "3"),
    ("{{ 12|string ~ 'x' }}", "12x"),
    ("{{ numbers|join('-') }}", "3-1-2"),
    ("{{ numbers|length }}{{ 'abc'|count }}{{ map|length }}", "332"),
    ("{{ numbers|first }}{{ numbers|last }}{{ 'xyz'|first }}{{ 'xyz'|last }}", "32xz"),
    ("{{ numbers|reverse|join }}{{ 'abc'|reverse }}", "213cba"),
    ("{{ numbers|sort|join }}{{ numbers|sort(true)|join }}{{ names|sort(reverse=true)|first }}", "123321b"),
    ("{{ names|unique|join }}", "ba"),
    ("{{ map|list|join }}", "ba"),
    ("{{ numbers|sum }}{{ numbers|min }}{{ numbers|max }}{{ names|max }}", "613b"),
    ("{{ rows|map(attribute='sku')|join }}{{ rows|map('count')|sum }}", "xy3"),
    ("{% for k, v in map|items %}{{ k }}{{ v }}{% endfor %}", "b1a2"),
    ("{% for k, v in map|dictsort %}{{ k }}{{ v }}{% endfor %}", "a2b1"),
    ("{{ (-5)|abs }}{{ 1.5|abs|fixed(1) }}", "51.5"),
    ("{{ price|round }}{{ tricky|round(2)|fixed(3) }}", "12352.680"),
    ("{{ '12'|int + 1 }}{{ ' -7 '|int }}{{ '12.9'|int }}{{ 12.9|int }}", "13-71212"),
    ("{{ '49.95'|float|fixed(1) }}", "50.0"),
    (
        "{{ price|fixed }} {{ price|fixed(0) }} {{ price|fixed(2, ',') }} {{ '49.9'|fixed }}",
        "1234.50 1235 1,234.50 49.90",
    ),
    ("{{ tricky|fixed }} {{ 1.005|fixed }} {{ (-0.001)|fixed }} {{ 5|fixed(1) }}", "2.68 1.01 0.00 5.0"),
    ("{{ '2026-03-02'|date('d. MMMM', locale='de') }}", "2. März"),
    ("{{ '1234.5'|currency('EUR', locale='en') }} {{ price|number(2, locale='de') }}", "€1,234.50 1.234,50"),
    ("{{ 1|plural(one='day', other='days') }} {{ '2'|plural(one='day', other='days') }}", "day days"),
    ("{{ null|default('x') }}{{ null|d }}{{ ''|default('y') }}{{ ''|default('z', true) }}{{ 0|d(1) }}", "xz0"),
]


@pytest.mark.parametrize(("source", "text"), GIVES)
def test_a_filter_gives(source: str, text: str) -> None:
    assert Language().template(source).text(VALUES) == text


def test_every_filter_has_an_example() -> None:
    used = {name for name in FILTERS if any(f"|{name}" in source for source, _ in GIVES)}
    assert used == set(FILTERS)


REFUSES = [
    ("{{ numbers|upper }}", "type", "upper wants text; numbers is a list"),
    ("{{ text|join }}", "type", "join wants a list; text is text"),
    ("{{ gaps|join }}", "null", "null"),
    ("{{ mixed|sort }}", "type", "texts alone or of numbers alone"),
    ("{{ rows|unique }}", "type", "texts alone or of numbers alone"),
    ("{{ empty|first }}", "type", "it is empty"),
    ("{{ empty|max }}", "type", "it is empty"),
    ("{{ rows|map('no') }}", "type", 'maps that all have "no"'),
    ("{{ map|sort|map('x') }}", "type", "a list of maps"),
    ("{{ names|sum }}", "type", "a number"),
    ("{{ 'x'|int }}", "type", "int"),
    ("{{ '1_000'|int }}", "type", "such as 49.95"),
    ("{{ '١٢'|int }}", "type", "such as 49.95"),
    ("{{ 'nan'|float|fixed }}", "type", "such as 49.95"),
    ("{{ '1e999'|float }}", "type", "a number"),
    ("{{ '999999999999999999'|int + 1 }}", "bound", "18 digits"),
    ("{{ (1e17 * 1e17)|fixed }}", "bound", "18 digits before the point"),
    ("{{ (1e17 * 1e17)|round }}", "bound", "18 digits before the point"),
    ("{{ (1e17 * 1e17)|int }}", "bound", "18 digits"),
    ("{{ price|fixed(13) }}", "type", "from 0 to 12"),
    ("{{ price|fixed(2, 'ab') }}", "type", "one character"),
    ("{{ price|round(-1) }}", "type", "from 0 to 12"),
    ("{{ text|truncate('x') }}", "type", "a whole number"),
    ("{{ text|replace(1, 2) }}", "type", "text in its brackets"),
    ("{{ text|split('') }}", "type", "not empty"),
    ("{{ price|string }}", "type", "string wants text; price is a decimal number"),
    ("{{ text|items }}", "type", "items wants a map"),
    ("{{ null|length }}", "null", "null is null and length needs a value"),
]


@pytest.mark.parametrize(("source", "kind", "message"), REFUSES)
def test_a_filter_refuses_what_it_is_not_for(source: str, kind: str, message: str) -> None:
    fault = fault_of(lambda: Language().template(source).text(VALUES))
    assert fault.kind == kind
    assert message in fault.message


def test_a_filter_changes_no_value() -> None:
    values = {"numbers": [3, 1, 2], "map": {"b": 1, "a": 2}}
    language = Language()
    language.template(
        "{{ numbers|sort|join }}{{ numbers|reverse|join }}{{ numbers|list|join }}{{ map|dictsort|length }}"
    ).text(values)
    assert values == {"numbers": [3, 1, 2], "map": {"b": 1, "a": 2}}
