"""What texts and conditions give, and what they say when they can't."""

from collections import ChainMap

import pytest

from runner.rendering.language import Language

from .faults_of import fault_of

VALUES = {
    "first_name": "Anna",
    "vip": "no",
    "age": "18",
    "n": 5,
    "price": 49.95,
    "nick": None,
    "flag": True,
    "tags": ["a", "b", "c"],
    "order": {"items": "a column", "lines": [{"sku": "x", "count": 2}, {"sku": "y", "count": 1}]},
    "recipient": {"first_name": "Anna", "First Name": "Bo"},
}


@pytest.fixture
def language() -> Language:
    return Language()


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("Hi {{ first_name }}!", "Hi Anna!"),
        ("{{ nick or 'there' }}", "there"),
        ("{{ nick|default('there') }}", "there"),
        ("{{ n }}", "5"),
        ("{{ order.items }}", "a column"),
        ("{{ order.lines[0].sku }}{{ order.lines[-1]['sku'] }}", "xy"),
        ("{{ recipient['First Name'] }}", "Bo"),
        ("{% for tag in tags %}{{ loop.index }}{{ tag }}{{ '' if loop.last else ',' }}{% endfor %}", "1a,2b,3c"),
        ("{% for tag in tags if tag != 'b' %}{{ tag }}{{ loop.length }}{% endfor %}", "a2c2"),
        ("{% for tag in nick or [] %}{{ tag }}{% else %}none{% endfor %}", "none"),
        ("{% for key, value in order.lines[0]|items %}{{ key }}={{ value }};{% endfor %}", "sku=x;count=2;"),
        (
            "{% for a in tags %}{% for b in tags %}{{ loop.index }}{% endfor %}{{ loop.index }}{% endfor %}",
            "123112321233",
        ),
        ("{% set total = n * 2 + 1 %}{{ total }}", "11"),
        ("{% if vip == 'yes' %}V{% elif n > 4 %}E{% else %}-{% endif %}", "E"),
        ("{{ 'odd' if n is odd else 'even' }}", "odd"),
        ("{{ 'Hi ' ~ first_name ~ n }}{{ 'a' + 'b' }}", "Hi Anna5ab"),
        ("{{ x if x is defined else 'y' }}", "y"),
        ("{{ '-' if order.note is undefined else order.note }}", "-"),
        ("{% raw %}{{optOutLink}}{% endraw %}", "{{optOutLink}}"),
        ("a {# a note #}b", "a b"),
        ("line\r\n{{ n }}\rend\n", "line\n5\nend\n"),
        ("\n {%- if n %} x {%- endif %} \n", " x \n"),
        ("{{ (7 - 2) * 3 // 4 % 4 - -1 }}", "4"),
        ("no expression\r\n}} %}", "no expression\n}} %}"),
        ("", ""),
    ],
)
def test_a_text_renders(language: Language, source: str, text: str) -> None:
    assert language.template(source).text(VALUES) == text


def test_data_is_never_evaluated(language: Language) -> None:
    template = language.template("{{ first_name }} {{ first_name|upper }}")
    assert template.text({"first_name": "{{ 7*7 }}{% raw %}"}) == "{{ 7*7 }}{% raw %} {{ 7*7 }}{% RAW %}"


def test_names_are_looked_up_in_any_mapping(language: Language) -> None:
    layers: ChainMap[str, object] = ChainMap({"a": "row"}, {"a": "message", "b": "message"})
    assert language.template("{{ a }} {{ b|upper }}").text(layers) == "row MESSAGE"


def test_a_text_that_was_rendered_for_one_person_leaves_nothing_for_the_next(language: Language) -> None:
    template = language.template("{% if a is defined %}{% set b = a %}{% endif %}{{ b if b is defined else '-' }}")
    assert template.text({"a": "x"}) == "x"
    assert template.text({}) == "-"


def test_masked_keeps_the_words_and_hides_what_is_printed(language: Language) -> None:
    source = "Hi {{ first_name }}{% if n > 4 %}, five{% endif %}{% for t in tags %} {{ t|upper }}{% endfor %} {{ 'x' }}"
    assert language.template(source).masked(VALUES) == "Hi ***, five *** *** *** ***"


def test_masked_has_the_faults_that_the_text_has(language: Language) -> None:
    assert fault_of(lambda: language.template("Hi {{ nick }}").masked(VALUES)).kind == "null"


@pytest.mark.parametrize(
    ("source", "names", "guarded"),
    [
        ("{{ a }}{{ b.c }}{{ d['e'] }}", "a b d", ""),
        ("{% set a = b %}{{ a }}", "b", ""),
        ("{% if c == 'x' %}{% set a = 1 %}{% endif %}{{ a }}", "a c", ""),
        ("{% for x in rows %}{{ x }}{{ loop.index }}{{ y }}{% endfor %}", "rows y", ""),
        ("{% for x in rows if x.a == y %}{{ x.b }}{% endfor %}", "rows y", ""),
        ("{{ a if a is defined else b }}", "a b", "a"),
        ("{% if a is not defined or b is undefined %}{{ c }}{% endif %}", "a b c", "a b"),
        ("{{ a|default(b) }}", "a b", ""),
        ("{{ recipient.x is defined }}", "recipient", ""),
    ],
)
def test_free_and_guarded_names_are_told(language: Language, source: str, names: str, guarded: str) -> None:
    template = language.template(source)
    assert template.names == set(names.split())
    assert template.guarded == set(guarded.split())


@pytest.mark.parametrize(
    ("source", "has_expressions", "is_single"),
    [
        ("words", False, False),
        ("{% raw %}{{ x }}{% endraw %}", False, False),
        ("{{ x }}", True, True),
        ("  {{ x|upper }}\n", True, True),
        ("{{ x }}{{ x }}", True, False),
        ("{{ x }}.", True, False),
        ("{% if x %}{{ x }}{% endif %}", True, False),
    ],
)
def test_a_text_knows_what_it_is_made_of(
    language: Language, source: str, has_expressions: bool, is_single: bool
) -> None:
    template = language.template(source)
    assert (template.has_expressions, template.is_single) == (has_expressions, is_single)


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("{{ n }}", 5),
        ("{{ price }}", 49.95),
        ("{{ nick }}", None),
        ("{{ flag }}", True),
        ("{{ tags }}", ["a", "b", "c"]),
        ("{{ n > 3 }}", True),
        ("{{ order.lines|map(attribute='count')|sum }}", 3),
        (" {{ tags|last }}\n", "c"),
    ],
)
def test_a_single_expression_gives_its_value_with_its_type(language: Language, source: str, value: object) -> None:
    given = language.template(source).value(VALUES)
    assert given == value
    assert type(given) is type(value)


FAULTS = [
    # source, kind, line, part of the message, part of the hint
    ("{{ frist_name }}", "undefined", 1, 'unknown name "frist_name"', 'did you mean "first_name"?'),
    ("a\n\n{{ frist_name or 'x' }}", "undefined", 3, "frist_name", "first_name"),
    ("{% if frist_name %}x{% endif %}", "undefined", 1, "frist_name", "first_name"),
    ("{{ frist_name == 'x' }}", "undefined", 1, "frist_name", "first_name"),
    ("{{ frist_name|default('x') }}", "undefined", 1, "frist_name", "first_name"),
    ("{{ zzz|default('x') }}", "undefined", 1, "zzz", "x if x is defined"),
    ("{{ recipient['First Nam'] }}", "undefined", 1, 'recipient has no "First Nam"', 'did you mean "First Name"?'),
    ("{{ tags[3] }}", "undefined", 1, 'tags has no "3"', ""),
    ("{{ optOutLink }}", "undefined", 1, "optOutLink", "{% raw %}{{optOutLink}}{% endraw %}"),
    ("{{ now() }}", "undefined", 1, 'unknown name "now"', "no clock"),
    ("{{ random() }}", "undefined", 1, 'unknown name "random"', "no randomness"),
    ("{{ env }}", "undefined", 1, 'unknown name "env"', "environment"),
    ("{{ range(3) }}", "undefined", 1, 'unknown name "range"', "loop over a list"),
    ("{% for t in tags %}{{ loop.previtem }}{% endfor %}", "undefined", 1, "no item before", ""),
    ("{{ nick }}", "null", 1, "nick is null", "{{ nick or 'there' }}"),
    ("{{ nick|upper }}", "null", 1, "nick is null", "(nick or 'there')|upper"),
    ("{{ nick ~ 'x' }}", "null", 1, "nick is null", ""),
    ("{{ nick.x }}", "null", 1, "nick is null", ""),
    ("{% for x in nick %}{% endfor %}", "null", 1, "nick is null", "nick or []"),
    ("{{ nick > 1 }}", "null", 1, "nick is null", ""),
    ("{{ price }}", "type", 1, "price is a decimal number", "{{ price|fixed(2) }}"),
    ("{{ price|round(1) }}", "type", 1, "decimal number", "{{ price|fixed(2) }}"),
    ("{{ flag }}", "type", 1, "flag is true or false", "'yes' if flag else 'no'"),
    ("{{ tags }}", "type", 1, "tags is a list", "tags|join(', ')"),
    ("{{ order }}", "type", 1, "order is a map", "order.key"),
    ("{{ first_name.upper }}", "type", 1, "first_name is text", "{{ first_name|upper }}"),
    ("{% for c in first_name %}{% endfor %}", "type", 1, "first_name is text", "split"),
    ("{{ 'x' if age == 18 else 'y' }}", "type", 1, "age is text", 'age == "18"'),
    ("{{ 'x' if age > 17 else 'y' }}", "type", 1, "age is text", "age|float"),
    ("{{ first_name + 1 }}", "type", 1, "first_name is text", "~"),
    ("{{ n / 0 }}", "type", 1, "divides by 0", ""),
    ("{% set a, b = tags %}", "type", 1, "more or fewer items", ""),
    ("{{ 'x' in n }}", "type", 1, "n is a whole number", ""),
    ("{{ first_name.upper() }}", "refused", 1, "no .upper()", "{{ first_name|upper }}"),
    ("{{ age.replace('-', ' ') }}", "refused", 1, "no .replace()", '{{ age|replace("-", " ") }}'),
    ("{{ first_name|uper }}", "refused", 1, 'no filter "uper"', "upper"),
    ("{{ first_name|upper(1) }}", "refused", 1, "upper doesn't take", "without brackets"),
    ("{{ first_name|replace(old='a', old='b', new='c') }}", "refused", 1, "replace doesn't take", "replace(old, new)"),
    ("{{ first_name|replace('a') }}", "refused", 1, "replace doesn't take", "replace(old, new)"),
    ("{{ n is od }}", "refused", 1, 'no test "od"', "odd"),
    ("{{ upper(first_name) }}", "refused", 1, "upper is a filter", "|upper"),
    ("x\n{{ 'V' if flag }}", "refused", 2, "needs its `else`", "else ''"),
    ("{{ first_name[:2] }}", "refused", 1, "no slices", "truncate"),
    ("{{ 1 < n < 9 }}", "refused", 1, "chained", "and"),
    ("{{ {'a': 1} }}", "refused", 1, "no maps", ""),
    ("{{ [n] }}", "refused", 1, "a list in an expression", ""),
    ("{% macro m() %}{% endmacro %}", "refused", 1, "no macros", "include"),
    ("{% import 'x' as y %}", "refused", 1, "imported", "include"),
    ("{% set x %}a{% endset %}", "refused", 1, "{% set %} takes one expression", ""),
    ("{% for loop in tags %}{% endfor %}", "refused", 1, "`loop`", ""),
    ("{{ ﬁ }}", "refused", 1, "look like others", 'recipient["ﬁ"]'),
    ("a\n{% if a %}x", "syntax", 2, "{% if %} is never closed", "{% endif %}"),
    ("a\n{{ first name }}", "syntax", 2, "goes on unexpectedly: name", 'recipient["First Name"]'),
    ("{{ }}", "syntax", 1, "missing", "{{ first_name }}"),
    ("{{ x", "syntax", 1, "never closed", ""),
    ("No {#1", "syntax", 1, "{# is never closed", "{{ '{#' }}"),
    ("{% do x %}", "syntax", 1, "no {% do %}", "if, for, set"),
    (r"{{ '\d' }}", "syntax", 1, "backslash", ""),
    (r"{{ '\ud83d' }}", "syntax", 1, "surrogate", ""),
    ("a\n{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}", "bound", 2, "open brackets", ""),
    ("{{ 99999999999999999999 }}", "bound", 1, "18 digits", ""),
    ("{{ 999999999 * 9999999999 }}", "bound", 1, "18 digits", ""),
    ("x" * 65_537, "bound", 1, "65,536 bytes", ""),
    ("é" * 40_000, "bound", 1, "65,536 bytes", ""),
    ("{{ 1 }}" + "é" * 40_000, "bound", 1, "65,536 bytes", ""),
    ("{{ 1 }}" * 2_500, "bound", 1, "2,000 parts", ""),
    ("{% include 'x' %}", "include", 1, "nothing can be included", ""),
]


@pytest.mark.parametrize("case", FAULTS, ids=[row[0][:40] for row in FAULTS])
def test_a_mistake_is_told_in_plain_words_with_its_line_and_the_fix(
    language: Language, case: tuple[str, str, int, str, str]
) -> None:
    source, kind, line, message, hint = case
    fault = fault_of(lambda: language.template(source).text(VALUES))
    assert (fault.kind, fault.line, fault.source) == (kind, line, "")
    assert message in fault.message
    assert hint in (fault.hint or "")


def test_no_words_of_a_fault_hold_a_value(language: Language) -> None:
    secret: dict[str, object] = {"a": "SECRET", "b": None, "c": ["SECRET"], "m": {}, "price": 31337.5}
    sources = [
        "{{ a.x }}",
        "{{ a + 1 }}",
        "{{ m[a] }}",
        "{{ b[a] }}",
        "{{ a > 1 }}",
        "{{ c }}",
        "{{ price }}",
        "{{ a|int }}",
    ]
    sources += [
        "{{ a == 1 }}",
        "{% for x in a %}{% endfor %}",
        "{{ 1 == price ~ 'x' }}",
        "{{ c|sum }}",
        "{{ a in price }}",
    ]
    for source in sources:
        fault = fault_of(lambda source=source: language.template(source).text(secret))  # type: ignore[misc]
        words = f"{fault.message} {fault.hint} {fault.name}"
        assert "SECRET" not in words, source
        assert "31337" not in words, source


def test_the_name_of_a_null_or_unknown_thing_is_told(language: Language) -> None:
    assert fault_of(lambda: language.template("{{ nick }}").text(VALUES)).name == "nick"
    assert fault_of(lambda: language.template("x {{ zzz|upper }}").text(VALUES)).name == "zzz"


@pytest.mark.parametrize(
    ("source", "holds"),
    [
        ('vip == "yes"', False),
        ('not (vip == "yes")', True),
        ("flag", True),
        ("flag and n == 5", True),
        ("not flag", False),
        ('nick == "x"', False),
        ("nick is none", True),
        ("age|int >= 18", True),
        ('(nick or first_name) == "Anna"', True),
        ('first_name in ["Anna", "Bo"]', True),
        ('"b" in tags', True),
        ('"nn" in first_name', True),
        ("x is defined", False),
        ("x is defined and x == 1", False),
        ('"First Name" in recipient', True),
        ("n not in [1, 2]", True),
        ("n > 1 if flag else n < 1", True),
        ("flag\n  and\n  n is gt 3", True),
        ("tags == tags", True),
        ("n == 5.0", True),
    ],
)
def test_a_condition_is_exactly_true_or_false(language: Language, source: str, holds: bool) -> None:
    assert language.condition(source).holds(VALUES) is holds


@pytest.mark.parametrize(
    ("source", "kind", "message"),
    [
        ("vip", "type", 'vip is text: write vip == "yes"'),
        ("not vip", "type", 'vip is text: write vip == "yes"'),
        ("vip and n == 5", "type", 'vip is text: write vip == "yes"'),
        ("n == 5 and vip", "type", 'vip is text: write vip == "yes"'),
        ("nick", "null", 'nick is null: write nick == "yes"'),
        ("n", "type", "n is a whole number: write n > 0"),
        ("tags", "type", 'tags is a list: write "x" in tags'),
        ("zzz", "undefined", 'unknown name "zzz"'),
        ("first_name ~ 'x'", "type", "this gives text, not true or false"),
        ("{{ flag }}", "syntax", "a condition is written without braces"),
        ("", "syntax", "the condition is empty"),
        ('vip = "yes"', "syntax", "the condition goes on unexpectedly"),
        ("vip == true", "type", "vip is text and true is true or false: they are never equal"),
        ("include 'x'", "syntax", "the condition goes on unexpectedly"),
    ],
)
def test_a_condition_that_is_neither_says_what_to_write(
    language: Language, source: str, kind: str, message: str
) -> None:
    fault = fault_of(lambda: language.condition(source).holds(VALUES))
    assert fault.kind == kind
    assert message in fault.message
    assert fault.line == 1


def test_a_condition_tells_its_names(language: Language) -> None:
    condition = language.condition('a == "x" and b is defined and c.d == 1')
    assert condition.names == {"a", "b", "c"}
    assert condition.guarded == {"b"}


def test_the_same_text_gives_the_same_bytes_from_a_new_language() -> None:
    source = "{% for k, v in m|items %}{{ k }}{{ v }}{% endfor %}{{ tags|unique|join }}{{ price|fixed }}"
    values = {"m": {"b": 1, "a": 2}, "tags": ["z", "y", "z"], "price": 2.675}
    assert {Language().template(source).text(values) for _ in range(3)} == {"b1a2zy2.68"}


def test_all_that_a_text_must_not_hold_is_told_at_once() -> None:
    fault = fault_of(lambda: Language().template("{{ a | upcase }} {{ b | fixd }}\n{{ c.y() }} {{ now() }}"))
    told = [(each.line, each.message) for each in (fault, *fault.others)]
    assert [line for line, _ in told] == [1, 1, 2, 2], told
    assert len({message for _, message in told}) == 4


def test_a_text_that_is_refused_tells_which_names_it_needs() -> None:
    """Those that it gives itself are none of them, nor those that are called, which are told already."""
    for source, names in (
        ("{{ a ** b }} {{ c.upper() }} {{ d | nope(e) }} {{ f(g) }} {{ f }}", "abcdeg"),
        ("{% set a = b %}{% for c in d %}{{ a }}{{ c }}{{ loop.index }}{% endfor %}{{ 2 ** 2 }}", "bd"),
        ("{% macro a(b) %}{{ b }}{{ c }}{% endmacro %}{{ a(d) }}", "cd"),
        ("{% import 'x' as a %}{% from 'y' import b, c as d %}{{ a }}{{ b }}{{ d }}{{ e }}", "e"),
        ("{{ a if a is defined else 'x' }}{{ 2 ** 2 }}{{ b }}", "b"),
        ("{{ a.__class__ }}{{ b }}", ""),
    ):
        fault = fault_of(lambda source=source: Language().template(source))  # type: ignore[misc]
        assert fault.names == frozenset(names), source


def test_a_macro_and_its_call_are_one_mistake() -> None:
    fault = fault_of(lambda: Language().template("{% macro greet() %}Hi{% endmacro %}{{ greet() }}"))
    assert ("macros" in fault.message, fault.others) == (True, ())


def test_setting_a_value_in_a_namespace_is_refused_with_and_without_making_one() -> None:
    assert "namespaces" in fault_of(lambda: Language().template("{% set ns.a = 1 %}")).message
    fault = fault_of(lambda: Language().template("{% set ns = namespace() %}{% set ns.a = 1 %}"))
    assert (fault.name, fault.others) == ("namespace", ())
