"""The author's own words: what a text may print that no data decides."""

import pytest

from runner.rendering.language import Language

INCLUDED = {"footer.txt": "One\r\n{{ name }} two {% include 'deep.txt' %}", "deep.txt": "\nthree"}


def own_words(source: str) -> list[tuple[str, str, int, str]]:
    template = Language(lambda written, _from: (written, INCLUDED[written])).template(source)
    found = [(words, *template.place(line), line) for words, line in template.own_words() if words.strip()]
    return [(words, file, number, template.written(line) if file else "") for words, file, number, line in found]


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("Hi {{ name }}, bye", ["Hi ", ", bye"]),
        ("a\nb", ["a", "b"]),
        ("{{ name or 'you' }}", ["you"]),
        ("{{ 'a' if vip else 'b' }}", ["a", "b"]),
        ("{{ 'a' ~ name ~ 'b' }}", ["a", "b"]),
        ("{{ name|default('x') }}{{ name|d('y' if vip else 'z') }}", ["x", "y", "z"]),
        ("{% if vip == 'no' %}in{% else %}out{% endif %}", ["in", "out"]),
        ("{% for item in items %}{{ item }};{% endfor %}", [";"]),
        ("{% raw %}{{ ’ }}{% endraw %}", ["{{ ’ }}"]),
    ],
)
def test_what_may_be_printed_as_it_stands(source: str, words: list[str]) -> None:
    assert [found[0] for found in own_words(source)] == words


@pytest.mark.parametrize(
    "source",
    ["{# ’ #}", "{{ name|replace('’', 'x') }}", "{{ recipient['’'] }}", "{% if name == '’' %}{% endif %}", "{{ 5 }}"],
)
def test_what_is_read_and_not_printed_is_no_word(source: str) -> None:
    assert own_words(source + "{{ name }}") == []


def test_words_of_an_included_file_tell_its_name_and_line() -> None:
    assert own_words("Hi\n{% include 'footer.txt' %}") == [
        ("Hi", "", 1, ""),
        ("One", "footer.txt", 1, "One"),
        (" two ", "footer.txt", 2, "{{ name }} two {% include 'deep.txt' %}"),
        ("three", "deep.txt", 2, "three"),
    ]


def test_a_text_of_many_parts_has_words_too() -> None:
    assert len(own_words("{% for item in items %}a{{ item }}{% endfor %}" * 200)) == 200
