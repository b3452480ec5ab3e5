"""The segmenter against the tables of the standard, every boundary, and a slow reference that cuts real parts."""

from typing import Literal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from runner.sms import PLAIN, Segments, called, count, cut, forcing, foreign, plainer, room

ESCAPE = 0x1B

# TS 23.038, 6.2.1: one line per septet, as the standard prints it. 0x1B leads to the extension table.
DEFAULT_ALPHABET = {
    0x00: "@", 0x01: "\u00a3", 0x02: "$", 0x03: "\u00a5",
    0x04: "\u00e8", 0x05: "\u00e9", 0x06: "\u00f9", 0x07: "\u00ec",
    0x08: "\u00f2", 0x09: "\u00c7", 0x0A: "\n", 0x0B: "\u00d8",
    0x0C: "\u00f8", 0x0D: "\r", 0x0E: "\u00c5", 0x0F: "\u00e5",
    0x10: "\u0394", 0x11: "_", 0x12: "\u03a6", 0x13: "\u0393",
    0x14: "\u039b", 0x15: "\u03a9", 0x16: "\u03a0", 0x17: "\u03a8",
    0x18: "\u03a3", 0x19: "\u0398", 0x1A: "\u039e", ESCAPE: None,
    0x1C: "\u00c6", 0x1D: "\u00e6", 0x1E: "\u00df", 0x1F: "\u00c9",
    0x20: " ", 0x21: "!", 0x22: '"', 0x23: "#", 0x24: "\u00a4", 0x25: "%", 0x26: "&", 0x27: "'",
    0x28: "(", 0x29: ")", 0x2A: "*", 0x2B: "+", 0x2C: ",", 0x2D: "-", 0x2E: ".", 0x2F: "/",
    0x30: "0", 0x31: "1", 0x32: "2", 0x33: "3", 0x34: "4", 0x35: "5", 0x36: "6", 0x37: "7",
    0x38: "8", 0x39: "9", 0x3A: ":", 0x3B: ";", 0x3C: "<", 0x3D: "=", 0x3E: ">", 0x3F: "?",
    0x40: "\u00a1", 0x41: "A", 0x42: "B", 0x43: "C", 0x44: "D", 0x45: "E", 0x46: "F", 0x47: "G",
    0x48: "H", 0x49: "I", 0x4A: "J", 0x4B: "K", 0x4C: "L", 0x4D: "M", 0x4E: "N", 0x4F: "O",
    0x50: "P", 0x51: "Q", 0x52: "R", 0x53: "S", 0x54: "T", 0x55: "U", 0x56: "V", 0x57: "W",
    0x58: "X", 0x59: "Y", 0x5A: "Z", 0x5B: "\u00c4", 0x5C: "\u00d6", 0x5D: "\u00d1", 0x5E: "\u00dc", 0x5F: "\u00a7",
    0x60: "\u00bf", 0x61: "a", 0x62: "b", 0x63: "c", 0x64: "d", 0x65: "e", 0x66: "f", 0x67: "g",
    0x68: "h", 0x69: "i", 0x6A: "j", 0x6B: "k", 0x6C: "l", 0x6D: "m", 0x6E: "n", 0x6F: "o",
    0x70: "p", 0x71: "q", 0x72: "r", 0x73: "s", 0x74: "t", 0x75: "u", 0x76: "v", 0x77: "w",
    0x78: "x", 0x79: "y", 0x7A: "z", 0x7B: "\u00e4", 0x7C: "\u00f6", 0x7D: "\u00f1", 0x7E: "\u00fc", 0x7F: "\u00e0",
}  # fmt: skip
# TS 23.038, 6.2.1.1.
EXTENSION = {
    0x0A: "\f", 0x14: "^", 0x28: "{", 0x29: "}", 0x2F: "\\", 0x3C: "[", 0x3D: "~", 0x3E: "]", 0x40: "|",
    0x65: "\u20ac",
}  # fmt: skip

SEPTETS: dict[str, tuple[int, ...]] = {
    **{character: (septet,) for septet, character in DEFAULT_ALPHABET.items() if character is not None},
    **{character: (ESCAPE, septet) for septet, character in EXTENSION.items()},
}


def reference(text: str) -> Segments:
    """Encodes each character, then fills part after part with whole characters."""
    if all(character in SEPTETS for character in text):
        return packed("GSM-7", [len(SEPTETS[character]) for character in text], 160, 153)
    return packed("UCS-2", [len(character.encode("utf-16-be", "surrogatepass")) // 2 for character in text], 70, 67)


def packed(encoding: Literal["GSM-7", "UCS-2"], widths: list[int], alone: int, joined: int) -> Segments:
    if sum(widths) <= alone:
        return Segments(encoding, 1, sum(widths))
    parts: list[list[int]] = [[]]
    for width in widths:
        if sum(parts[-1]) + width > joined:
            parts.append([])
        parts[-1].append(width)
    return Segments(encoding, len(parts), sum(widths))


def test_the_tables_of_this_test_are_whole() -> None:
    assert sorted(DEFAULT_ALPHABET) == list(range(128))
    assert len(SEPTETS) == 127 + 10


@pytest.mark.parametrize(("septet", "character"), sorted(DEFAULT_ALPHABET.items()))
def test_each_character_of_the_default_alphabet_takes_one_septet(septet: int, character: str | None) -> None:
    if character is None:
        assert (septet, count("\x1b").encoding) == (ESCAPE, "UCS-2")
    else:
        assert count(character) == Segments("GSM-7", 1, 1)
        assert forcing(character) == ()


@pytest.mark.parametrize("character", EXTENSION.values())
def test_each_character_of_the_extension_takes_two_septets(character: str) -> None:
    assert count(character) == Segments("GSM-7", 1, 2)
    assert forcing(character) == ()


def test_every_other_character_of_the_basic_plane_forces_ucs_2() -> None:
    others = [chr(code) for code in range(0x10000) if chr(code) not in SEPTETS]
    assert forcing("".join(others)) == tuple(enumerate(others))
    assert {count(character) for character in others} == {Segments("UCS-2", 1, 1)}


@pytest.mark.parametrize(
    ("text", "segments", "units"),
    [
        ("", 1, 0),
        ("a" * 160, 1, 160),
        ("a" * 161, 2, 161),
        ("a" * 306, 2, 306),
        ("a" * 307, 3, 307),
        ("a" * 459, 3, 459),
        ("a" * 460, 4, 460),
        ("€" * 80, 1, 160),
        ("a" * 159 + "€", 2, 161),
        ("€" * 81, 2, 162),
        # An escape pair at septets 153 and 154 moves on whole, and here that costs a part.
        ("a" * 152 + "€" + "a" * 152, 3, 306),
        ("a" * 151 + "€" + "a" * 153, 2, 306),
        ("a" * 152 + "€" + "a" * 151, 2, 305),
        # 76 pairs fill 152 of 153 septets: one is lost in every part.
        ("€" * 152, 2, 304),
        ("€" * 153, 3, 306),
        ("€" * 228, 3, 456),
        ("€" * 229, 4, 458),
    ],
)
def test_gsm_7_parts(text: str, segments: int, units: int) -> None:
    assert count(text) == Segments("GSM-7", segments, units)


@pytest.mark.parametrize(
    ("text", "segments", "units"),
    [
        ("ł", 1, 1),
        ("ł" * 70, 1, 70),
        ("ł" * 71, 2, 71),
        ("ł" * 134, 2, 134),
        ("ł" * 135, 3, 135),
        ("😀" * 35, 1, 70),
        ("a" * 69 + "😀", 2, 71),
        ("😀" * 36, 2, 72),
        # A surrogate pair at units 67 and 68 moves on whole.
        ("ł" * 66 + "😀" + "ł" * 66, 3, 134),
        ("ł" * 65 + "😀" + "ł" * 67, 2, 134),
        ("ł" * 66 + "😀" + "ł" * 65, 2, 133),
        ("😀" * 66, 2, 132),
        ("😀" * 67, 3, 134),
        ("😀" + "\uffff" * 132, 2, 134),
        # What takes two septets in GSM-7 takes one unit here.
        ("ł" + "€" * 69, 1, 70),
        ("\ud83d" * 70, 1, 70),
    ],
)
def test_ucs_2_parts(text: str, segments: int, units: int) -> None:
    assert count(text) == Segments("UCS-2", segments, units)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", ()),
        ("It’s 20 €", ((2, "’"),)),
        ("😀 ab ł", ((0, "😀"), (5, "ł"))),
        ("Français", ((4, "ç"),)),
    ],
)
def test_forcing_names_each_character_and_its_index(text: str, expected: tuple[tuple[int, str], ...]) -> None:
    assert forcing(text) == expected


near_boundaries = st.lists(
    st.tuples(st.sampled_from(["a", "é", "€", "[", "\f", "\n"]), st.integers(min_value=1, max_value=160)), max_size=5
).map(lambda runs: "".join(character * times for character, times in runs))
with_pairs = st.lists(
    st.tuples(st.sampled_from(["a", "€", "ł", "😀", "\ud83d", "\u200d"]), st.integers(min_value=1, max_value=70)),
    max_size=5,
).map(lambda runs: "".join(character * times for character, times in runs))


@given(st.one_of(near_boundaries, with_pairs, st.text(max_size=300), st.text(alphabet="".join(SEPTETS), max_size=500)))
@example("€" * 700)
@example("😀" * 500)
def test_any_text_is_counted_as_the_reference_counts_it(text: str) -> None:
    assert count(text) == reference(text)
    assert bool(forcing(text)) == (count(text).encoding == "UCS-2")


typographic = st.text(st.sampled_from([*PLAIN, *"aé€[ \n😀ж\u202e"]), max_size=200)


@pytest.mark.parametrize("character", PLAIN)
def test_a_typographic_character_is_written_in_gsm_7_and_in_no_more_bytes(character: str) -> None:
    assert count(character).encoding == "UCS-2"
    assert count(PLAIN[character]).encoding == "GSM-7"
    assert len(PLAIN[character].encode()) <= len(character.encode())


@given(typographic)
@example("…" * 70)  # 210 dots would take two segments
@example("’" * 71)
@example("It’s 😀")
def test_a_text_is_written_plainly_only_where_that_makes_it_gsm_7_and_no_longer(text: str) -> None:
    plain = "".join(PLAIN.get(character, character) for character in text)
    is_better = count(plain).encoding == "GSM-7" and count(plain).segments <= count(text).segments
    assert plainer(text) == (plain if is_better else text)
    assert plainer(plainer(text)) == plainer(text)


@given(st.text(alphabet="".join(SEPTETS), max_size=200))
def test_a_text_in_gsm_7_stays_as_it_is(text: str) -> None:
    assert plainer(text) == text


@given(st.text(max_size=100))
def test_foreign_characters_are_those_that_force_ucs_2(text: str) -> None:
    assert foreign(text) == {character for _, character in forcing(text)}


@pytest.mark.parametrize(
    ("character", "words"),
    [("’", "U+2019 right single quotation mark"), ("\t", "U+0009 tab"), ("\x93", "U+0093 control character"),
     ("😀", "U+1F600 grinning face"), ("\ue000", "U+E000 unnamed")],
)  # fmt: skip
def test_a_character_is_called_by_its_code_point_and_name(character: str, words: str) -> None:
    assert called(character) == words


@given(st.text(st.sampled_from("a€ł😀\n"), max_size=400))
@example("a" * 152 + "€" + "a" * 152)
@example("ł" * 66 + "😀" + "ł" * 66)
def test_a_text_is_cut_into_the_parts_that_are_counted(text: str) -> None:
    found, parts = count(text), cut(text)
    assert "".join(parts) == text
    assert len(parts) == found.segments
    size = room(found) // found.segments
    units = [len(part.encode("utf-16-le")) // 2 if found.encoding == "UCS-2" else count(part).units for part in parts]
    assert max(units) <= size
    assert sum(units) == found.units
