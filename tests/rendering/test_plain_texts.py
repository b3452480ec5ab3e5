"""A text of plain names takes a fast way: it must give what the compiled program gives, or the same fault."""

from hypothesis import given, settings
from hypothesis import strategies as st

from runner.rendering.faults import ExpressionFault
from runner.rendering.language import Language, Template

NAMES = ("a", "b", "c")
WORDS = st.text(st.characters(codec="utf-8", exclude_characters="{"), max_size=6)
SOURCES = st.lists(st.one_of(WORDS, st.sampled_from([f"{{{{ {name} }}}}" for name in NAMES])), max_size=6).map("".join)
VALUES: st.SearchStrategy[dict[str, object]] = st.dictionaries(
    st.sampled_from(NAMES),
    st.one_of(
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
    ),
)
LANGUAGE = Language()


def outcome(template: Template, values: dict[str, object]) -> tuple[object, ...]:
    try:
        return ("text", template.text(values))
    except ExpressionFault as fault:
        return (fault.kind, fault.message, fault.hint, fault.line, fault.name)


@settings(max_examples=300, deadline=None)
@given(SOURCES, VALUES)
def test_the_fast_way_gives_the_same_bytes_or_the_same_fault(source: str, values: dict[str, object]) -> None:
    fast = LANGUAGE.template(source)
    slow = LANGUAGE.template(source + "{% if false %}{% endif %}")  # a tag closes the fast way, and prints nothing
    assert outcome(fast, values) == outcome(slow, values)
