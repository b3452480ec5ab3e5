"""Markup is safe by how it is made."""

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.pages import Html, badge, element, joined


class Reader(HTMLParser):
    """What a browser makes of it: elements, attributes, text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, list[tuple[str, str | None]]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, attrs))

    def handle_data(self, data: str) -> None:
        self.text += data


def read(markup: str) -> Reader:
    reader = Reader()
    reader.feed(markup)
    reader.close()
    return reader


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"])))
def test_any_text_stays_a_text(text: str) -> None:
    found = read(element("p", text, title=text))
    assert found.tags == [("p", [("title", text)])]
    assert found.text == text


@pytest.mark.parametrize(
    "text", ["</p><script>alert(1)</script>", "' onload='x", '" onload="x', "&lt;b&gt;", "<!--", "]]>"]
)
def test_markup_in_a_text_is_text(text: str) -> None:
    found = read(element("p", element("b", text, title=text), text))
    assert [tag for tag, _ in found.tags] == ["p", "b"]
    assert found.text == text * 2


def test_what_html_cannot_hold_is_shown_as_a_picture_of_it() -> None:
    assert element("p", "a\0b\x1b[31m\ud800\x85") == "<p>a␀b␛[31m��</p>"


def test_attributes_are_named_as_html_has_them() -> None:
    made = element("label", "x", for_="q", class_="a b", aria_label="y", hidden=True, title=None, tabindex=0)
    assert made == '<label for="q" class="a b" aria-label="y" hidden tabindex="0">x</label>'
    assert element("br") == "<br>"


@pytest.mark.parametrize("name", ["onclick", "style", "a b", "x>"])
def test_no_element_has_a_script_or_a_style_of_its_own(name: str) -> None:
    with pytest.raises(ValueError, match="can't be an attribute"):
        element("p", **{name: "alert(1)"})


@pytest.mark.parametrize("name", ["script>", "b onclick", ""])
def test_an_element_has_the_name_of_one(name: str) -> None:
    with pytest.raises(ValueError, match="is no element"):
        element(name)


def test_only_markup_is_taken_as_such() -> None:
    assert joined("<", Html("<br>"), ["&", None, [element("i", "x")]]) == "&lt;<br>&amp;<i>x</i>"


def test_a_state_says_its_word_in_its_colour() -> None:
    assert badge("inDoubt") == '<span class="badge doubt">in doubt</span>'
    assert badge("delivery_failed") == '<span class="badge bad">delivery failed</span>'
    assert badge("some_new_status") == '<span class="badge calm">some_new_status</span>'
    assert badge("3 errors", tone="bad") == '<span class="badge bad">3 errors</span>'
