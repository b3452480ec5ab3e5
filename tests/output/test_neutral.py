"""Hostile names and replies against what terminals and CI runners obey."""

import json
import re
import unicodedata
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from runner.output.neutral import blotted, json_text, neutral

LINE_BREAKS = re.compile("[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")


def obeyed(log: str) -> list[str]:
    """The lines of a log that a runner would take for a command: GitHub's two forms, Azure's and TeamCity's."""
    lines = [line.strip() for line in LINE_BREAKS.split(log)]
    return [line for line in lines if re.match("::.*::", line) or re.search(r"##\w*\[", line)]


def in_annotation(text: str) -> str:
    """What GitHub makes of the words of an annotation."""
    return re.sub("%0[ad]", "\n", text, flags=re.IGNORECASE)


hostile = pytest.mark.parametrize(
    "payload",
    [
        "::add-mask::x",
        "  ::error file=a,line=1::x",
        "\t::stop-commands::x",
        "fine\n::set-output name=a::b",
        "fine\r\n::warning::b",
        "fine\u2028::warning::b",
        "%0A::error::",
        "%0d%0a::error::",
        ":::::error::",
        "x ##[set-output name=a]b",
        "##[group]x",
        "###[endgroup]",
        "##vso[task.setvariable variable=a]b",
        "##teamcity[buildStop]",
    ],
)


@hostile
def test_no_runner_obeys_hostile_text(payload: str) -> None:
    assert obeyed(in_annotation(payload))
    for before in ("", "  ", "#", ":", "name: ", "\n"):
        assert obeyed(in_annotation(before + neutral(payload))) == []
        assert obeyed(in_annotation(before + blotted(payload))) == []


@hostile
def test_no_runner_obeys_hostile_json(payload: str) -> None:
    for value in (payload, {payload: [payload]}, ["##", [payload]]):
        for indent in (None, 2):
            text = json_text(value, indent=indent)
            assert obeyed(text) == []
            assert json.loads(text) == value


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("\x1b]8;;http://t/\x1b\\link", r"\x1b]8;;http://t/\x1b" + "\\link"),
        ("\x9b2J", r"\x9b2J"),
        ("a\x00b\x07\x7f", r"a\x00b\x07\x7f"),
        ("one\ntwo\r\n\tthree", r"one\ntwo\r\n\tthree"),
        ("next\x85line\u2028para\u2029", r"next\x85line\u2028para\u2029"),
        ("user\u202etxt.exe", r"user\u202etxt.exe"),
        ("\u2066a\u2069\u200e\u061c", r"\u2066a\u2069\u200e\u061c"),
        ("pay\u200bpal\ufeff\u2060\u00ad", r"pay\u200bpal\ufeff\u2060\xad"),
        ("ab\u200dc\u200c", r"ab\u200dc\u200c"),
        ("hi\U000e0041", r"hi\U000e0041"),
        ("half \ud83d", r"half \ud83d"),
        ("::error::x", r":\x3aerror:\x3ax"),
        (":::", r":\x3a\x3a"),
        ("a ##[group]", r"a #\x23[group]"),
        ("#[group]", r"\x23[group]"),
        ("50%0Aoff%0doff", r"50\x250Aoff\x250doff"),
        ("🎉\u200dhi", r"🎉\u200dhi"),
        ("hi\u200d🎉", r"hi\u200d🎉"),
    ],
)
def test_what_could_do_harm_is_shown_as_an_escape(text: str, shown: str) -> None:
    assert neutral(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Hi Zoë, 20% off: https://acme.example/a?b=c%20d#top Reply STOP to opt out.",
        "Ελένη Дмитрий محمد שרה अनीता 王小明 さくら 한",
        "e\u0301 a\u0308",
        "🎉 👍🏽 👩\u200d👩\u200d👧 ❤\ufe0f\u200d🔥 🇫🇷 1\ufe0f\u20e3",
        "## Heading, issue #12, list#7, a[0], [x] at 22:30",
        "{{ 7*7 }} </td><script> ![](http://t/) @org/team",
        "a\u00a0b — “c” …",
    ],
)
def test_plain_text_stays_as_it_is(text: str) -> None:
    assert neutral(text) == text


def test_a_blotted_line_keeps_its_width() -> None:
    assert blotted("a\x1b[1m ##[x] ::y é") == "a\ufffd[1m #\ufffd[x] :\ufffdy é"
    assert blotted("plain: #1") == "plain: #1"


def test_every_control_format_separator_and_surrogate_is_shown() -> None:
    unseen = {"Cc", "Cf", "Zl", "Zp", "Cs"}
    passed = [
        f"U+{code:04X}"
        for code in range(0x110000)
        if unicodedata.category(chr(code)) in unseen and not neutral(chr(code)).startswith("\\")
    ]
    assert passed == []


awkward = st.text(alphabet=st.sampled_from(list("#:[]%0aAdDv \n\r\x1b\u2028\u202e\u200d🎉\\x23")), max_size=30)


@given(st.one_of(awkward, st.text(st.characters(exclude_categories=()), max_size=60)))
@example("##" * 3 + "[")
@example("\ud83d\u200d")
def test_any_text_becomes_one_inert_line_and_stays_so(text: str) -> None:
    shown = neutral(text)
    assert not LINE_BREAKS.search(shown)
    assert "\x1b" not in shown
    assert obeyed(shown) == []
    assert shown.encode("utf-8").decode() == shown
    assert neutral(shown) == shown


strings = st.one_of(awkward, st.text(max_size=20))
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), strings),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(strings, inner, max_size=4)),
    max_leaves=12,
)


@given(values)
@example({"##": ["\\##[", "##", ["[", "\\\\##vso["]]})
def test_any_json_parses_back_equal_in_plain_ascii_without_commands(value: Any) -> None:
    text = json_text(value)
    assert json.loads(text) == value
    assert text.isascii()
    assert text.isprintable()
    assert not re.search(r"##\w*\[", text)


def test_json_is_written_with_escapes_and_the_indent_asked_for() -> None:
    assert json_text({"é": "x ##[y]\x7f"}) == r'{"\u00e9": "x #\u0023[y]\u007f"}'
    assert json_text({"a": ["b"]}, indent=1) == '{\n "a": [\n  "b"\n ]\n}'


def test_json_has_no_word_for_nan() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        json_text({"share": float("nan")})
