"""Texts of plain names and plain conditions take a short way: it must give what the compiled program gives."""

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.rendering.faults import ExpressionFault
from runner.rendering.fuel import Fuel
from runner.rendering.language import Condition, Language, Template
from runner.rendering.plain import PlainCondition, PlainText, compared, pieces_of
from runner.rendering.quick import QuickText, read_quickly

NAMES = ("a", "b", "c")
WORDS = st.text(st.characters(codec="utf-8", exclude_characters="{"), max_size=6)
SOURCES = st.lists(st.one_of(WORDS, st.sampled_from([f"{{{{ {name} }}}}" for name in NAMES])), max_size=6).map("".join)
# What may look plain and is not, or is and may not look it.
PIECES = st.sampled_from(
    [
        *("{", "}", "{{", "}}", "{{a}}", "{{ a }}", "{{\tb}}", "{{ a", "a }}", "{{{ a }}}", "{ {{ a }} }", "{{- a -}}"),
        *("{{+ a }}", "{{ a_b }}", "{{ a__b }}", "{{ __a__ }}", "{{ _a }}", "{{ a_ }}", "{{ true }}", "{{ none }}"),
        *("{{ not }}", "{{ self }}", "{{ loop }}", "{{ recipient }}", "{{ if }}", "{{ é }}", "{{ a | upper }}", "{{}}"),
        *(
            "{% raw %}{{ a }}{% endraw %}",
            "{# a #}",
            "{#",
            "%}",
            "#}",
            "\n",
            "\r\n",
            "\r",
            " ",
            "\u2028",
            "é",
            "{{\na\n}}",
        ),
        *(
            "{{\na\n}}",
            "{{ 1 }}",
            "{{ 'a' }}",
            "{{ a }}{{ b }}",
            "{{ a b }}",
            "{{ " + "a" * 61 + " }}",
            "{{ " + "a" * 201 + " }}",
        ),
    ]
)
QUICK = st.builds(
    lambda name, blank, filters, other, text: {
        0: f"{{{{{blank}{name}{blank}|{blank}{f'{blank}|'.join(filters)}{blank}}}}}",
        1: f"{{{{{blank}{name} or{blank}{other}{blank}}}}}",
        2: f"{{%{blank}if {name}{blank}=={blank}{other}{blank}%}}{text}{{%{blank}else{blank}%}}{name}{{% endif %}}",
        3: f"{{% if {name} != {other} %}}{{{{ {name} }}}}{text}{{{{ b | upper }}}}{{% endif %}}",
        4: f"{{% if {name} %}}{text}{{{{ {name} or {other} }}}}{{% endif %}}",
        5: f"{text}{{% {'else' if blank else 'endif'} %}}",
        6: f"{{% if {name}{blank} %}}",
    },
    st.sampled_from((*NAMES, *NAMES, "a_b", "a__b", "not", "loop", "a.b", "recipient", "é", "a" * 61)),
    st.sampled_from(("", " ", " ", "\t ", "\n")),
    st.lists(
        st.sampled_from(("upper", "lower", "trim", "title", "capitalize", "reverse", "uppe")), min_size=1, max_size=6
    ),
    st.sampled_from(
        ("'x'", '"x y"', "''", "'é'", "'__a__'", "'{{'", "'%}'", "'}}'", "'a\nb'", "'it\\'s'", "b", "3", "'\u2028'")
    ),
    WORDS,
)
QUICK_SOURCES = st.lists(
    st.one_of(
        st.tuples(QUICK, st.integers(0, 9)).map(
            lambda each: each[0][each[1] % 5 if each[1] < 9 else 5 + len(each[0][0]) % 2]
        ),
        SOURCES,
    ),
    max_size=5,
).map("".join)
TRICKY = st.lists(st.one_of(PIECES, WORDS), max_size=6).map("".join)
ANYTHING: st.SearchStrategy[object] = st.one_of(
    WORDS,
    st.integers(),
    st.sampled_from(
        [
            10**18 - 1,
            10**18,
            -(10**18),
            True,
            None,
            1.5,
            [],
            {},
            "{{ a }}",
            "é" * 20_000,
            "x" * 16_384,
            "x" * 65_536,
        ]
    ),
)
VALUES: st.SearchStrategy[dict[str, object]] = st.dictionaries(st.sampled_from((*NAMES, "a_b")), ANYTHING)
TEXT_VALUES: st.SearchStrategy[dict[str, object]] = st.fixed_dictionaries(
    dict.fromkeys((*NAMES, "a_b"), st.one_of(WORDS, st.sampled_from(("x", "x y", "ß" * 20, "ŉ" * 16_000))))
)
TEXTS = st.sampled_from(
    ["yes", "", "a b", "a_b", "__a__", "é", "{{", "{", "it's", 'say "yes"', "\\", "\\n", "\n", "x" * 70]
)
CONDITIONS = st.builds(
    lambda name, blank, sign, quote, text: f"{blank}{name}{blank}{sign}{blank}{quote}{text}{quote}{blank}",
    st.sampled_from(("a", "a_b", "a__b", "__a__", "true", "not", "not a", "a.b", "é")),
    st.sampled_from(("", " ", "\t", "\n")),
    st.sampled_from(("==", "!=", "=", "<", "in", "is")),
    st.sampled_from(("'", '"')),
    TEXTS,
)
LANGUAGE = Language()


def outcome(template: Template, values: dict[str, object], *, continuing: bool = False) -> tuple[object, ...]:
    try:
        return ("text", template.text(values, continuing=continuing))
    except ExpressionFault as fault:
        return (fault.kind, fault.message, fault.hint, fault.line, fault.name)


def all_of(template: Template, values: dict[str, object]) -> list[object]:
    """Everything that a template can be asked."""
    lines = list(template.own_words())
    asked: list[object] = [
        template.is_plain, template.is_single, template.has_expressions, template.label, template.names,
        template.guarded, lines, [template.place(line) for _, line in lines],
        [template.written(line) for _, line in lines if template.has_expressions], outcome(template, values),
    ]  # fmt: skip
    if template.is_plain:
        texts = {name: [value] * 2 for name in template.names if isinstance(value := values.get(name), str)}
        asked.append(template.together(texts) if len(texts) == len(template.names) else None)
    for ask in (template.masked, template.value) if template.is_single else (template.masked,):
        try:
            asked.append(ask(values))
        except ExpressionFault as fault:
            asked.append((fault.kind, fault.message, fault.hint, fault.line, fault.name))
    return asked


def made(make: "Language", source: str) -> Template | str:
    try:
        return make.template(source)
    except ExpressionFault as fault:
        return f"{fault.kind} {fault.message} {fault.line}"


@settings(max_examples=300, deadline=None)
@given(SOURCES, VALUES)
def test_the_fast_way_gives_the_same_bytes_or_the_same_fault(source: str, values: dict[str, object]) -> None:
    fast = LANGUAGE.template(source)
    slow = LANGUAGE.template(source + "{% if false %}{% endif %}")  # a tag closes the fast way, and prints nothing
    assert outcome(fast, values) == outcome(slow, values)


@settings(max_examples=600, deadline=None)
@given(st.one_of(SOURCES, TRICKY, QUICK_SOURCES), st.one_of(VALUES, TEXT_VALUES))
def test_a_text_read_by_pattern_is_in_everything_as_the_one_that_is_compiled(
    source: str, values: dict[str, object]
) -> None:
    short = made(LANGUAGE, source)
    try:
        long: Template | str = LANGUAGE.compiler.template(source, "")
    except ExpressionFault as fault:
        long = f"{fault.kind} {fault.message} {fault.line}"
    if isinstance(short, str) or isinstance(long, str):
        assert short == long
    else:
        assert all_of(short, values) == all_of(long, values)


@settings(max_examples=150, deadline=None)
@given(QUICK_SOURCES, st.one_of(VALUES, TEXT_VALUES, TEXT_VALUES), st.integers(0, 60))
def test_what_is_read_by_pattern_burns_the_same_fuel(source: str, values: dict[str, object], per_message: int) -> None:
    """A tank that is nearly empty is empty at the same place, and what the message's next text has left is the same."""
    spent = []
    for make in (Language.template, lambda language, source: language.compiler.template(source, "")):
        language = Language(fuel=Fuel(per_message))
        try:
            template = make(language, source)
        except ExpressionFault:
            return
        language.fuel.refill()
        spent.append((outcome(template, values, continuing=True), language.fuel.left))
    assert spent[0] == spent[1]


@settings(max_examples=400, deadline=None)
@given(CONDITIONS, VALUES)
def test_a_condition_read_by_pattern_holds_where_the_compiled_one_does(source: str, values: dict[str, object]) -> None:
    def asked(make: object) -> object:
        try:
            condition: Condition = make(source)  # type: ignore[operator]
            return condition.names, condition.guarded, condition.holds(values)
        except ExpressionFault as fault:
            return (fault.kind, fault.message, fault.hint, fault.line, fault.name)

    assert asked(LANGUAGE.condition) == asked(LANGUAGE.compiler.condition)


def test_what_most_manifests_have_is_read_by_pattern() -> None:
    for source in ("Hi {{ first_name }}, see {{link}}.", "no expression", "", "{a} {{ b }}", "two\nlines {{ c }}\n"):
        assert type(LANGUAGE.template(source)) is PlainText, source
    for source in (
        "Hi {{ name or 'there' }}",
        "{{ name | upper }}{{ a|trim|title }}",
        "{% if vip == 'yes' %}Come {{ a }}{% else %}See you{% endif %}!",
        "{% if note %}{{ note }}{% endif %}",
    ):
        assert type(LANGUAGE.template(source)) is QuickText, source
    for source in ('vip == "yes"', "status != 'gone'"):
        assert type(LANGUAGE.condition(source)) is PlainCondition, source


@pytest.mark.parametrize(
    "source", ["{{ true }}", "{{ a or 'x' }}", "{{ __a__ }}", "{{- a }}", "{% raw %}{% endraw %}", "a\r\n"]
)
def test_all_else_is_compiled(source: str) -> None:
    assert pieces_of(source) is None


@pytest.mark.parametrize(
    "source",
    [
        *(
            "{{ a | upper() }}",
            "{{ a | reverse }}",
            "{{ a or b }}",
            "{{ a or '__b__' }}",
            "{{- a | upper }}",
            "{{ a\n| upper }}",
        ),
        *("{% if a %}", "{% endif %}", "{% if a %}{% if b %}{% endif %}{% endif %}", "{% if a > 'b' %}{% endif %}"),
        *(
            "{% if a %}{% else %}{% else %}{% endif %}",
            "{% if a %}{% elif b %}{% endif %}",
            "{% if not a %}{% endif %}",
        ),
        *("{{ a | upper }}" * 150 + "{{ a }}", "{{ a | upper }}" + "x" * 16_384, "{{ a | upper }}\r\n"),
    ],
)
def test_what_is_not_of_the_simplest_kind_is_compiled(source: str) -> None:
    assert read_quickly(source) is None


def test_more_names_than_a_text_has_room_for_are_told_by_the_compiled_way() -> None:
    assert pieces_of("{{ a }}" * 400) is not None
    assert pieces_of("{{ a }}" * 401) is None
    assert pieces_of("x" * 16_385) is None
    assert compared('a == "' + "x" * 16_384 + '"') is None


def test_a_text_that_falls_back_burns_no_more_fuel_than_before() -> None:
    """Compiling in the midst of a message must not fill its tank again."""
    language = Language()
    template = language.template("{{ a }}")
    spent = language.fuel.spent
    with pytest.raises(ExpressionFault):
        template.text({"a": None}, continuing=True)
    compiled = Language()
    whole = compiled.compiler.template("{{ a }}", "")
    with pytest.raises(ExpressionFault):
        whole.text({"a": None}, continuing=True)
    assert language.fuel.spent - spent == compiled.fuel.spent


def test_plain_texts_and_conditions_need_no_jinja2() -> None:
    code = (
        "import sys; from runner.rendering.language import Language; language = Language();"
        "assert language.template('Hi {{ a }}').text({'a': 'you'}) == 'Hi you';"
        "assert language.template('Hi {{ a | upper }}').text({'a': 'you'}) == 'Hi YOU';"
        "assert language.condition('a == \"you\"').holds({'a': 'you'});"
        "assert 'jinja2' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
