"""The segmenter against two others, written by others: smsutil (Python) and sms-segments-calculator (npm)."""

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import smsutil

from runner.sms import count

from .npm import packages
from .sms_texts import BASIC, EXTENSION, at_random, boundaries

PACKAGE = "sms-segments-calculator"

# Reads a list of texts; says of each its encoding and parts, and null where a grapheme has several code points: that
# package never splits one over two parts, and we do, as phones count code units.
SCRIPT = f"""
const {{ SegmentedMessage }} = require({json.dumps(PACKAGE)});
const texts = JSON.parse(require('fs').readFileSync(0, 'utf8'));
process.stdout.write(JSON.stringify(texts.map((text) => {{
  const message = new SegmentedMessage(text);
  if (message.graphemes.length !== [...text].length) return null;
  return [message.encodingName, message.segmentsCount];
}})));
"""

Found = tuple[str, int]
Npm = Callable[[list[str]], list[Found | None]]


def ours(text: str) -> Found:
    counted = count(text)
    return counted.encoding, counted.segments


def test_the_texts_meet_every_boundary_from_both_sides() -> None:
    seen = {count(text)[:] for text in boundaries()}
    for encoding, alone, joined in (("GSM-7", 160, 153), ("UCS-2", 70, 67)):
        for units in (
            alone - 1,
            alone,
            alone + 1,
            *(joined * parts + off for parts in range(2, 7) for off in (-1, 0, 1)),
        ):
            assert any((encoding, units) == (other, of) for other, _, of in seen), (encoding, units)
    # A wide character that no longer fits its part costs one more than the units say.
    assert {("GSM-7", 3, 306), ("GSM-7", 2, 306), ("UCS-2", 3, 134), ("UCS-2", 2, 134)} <= seen


def test_smsutil_counts_the_same() -> None:
    compared = 0
    for text in (*boundaries(), *at_random(10_000, seed=1)):
        if is_misread_by_smsutil(text):
            continue
        split = smsutil.split(text)
        encoding = "GSM-7" if split.encoding == "gsm0338" else "UCS-2"
        assert (encoding, len(split.parts)) == ours(text), repr(text)
        compared += 1
    assert compared >= 10_000


def is_misread_by_smsutil(text: str) -> bool:
    """It takes the escape (0x1B) for a character of the alphabet, and an empty text for one that needs UCS-2."""
    return (
        not text
        or re.fullmatch(f"[{re.escape(BASIC + EXTENSION)}]*\x1b[{re.escape(BASIC + EXTENSION)}\x1b]*", text) is not None
    )


@pytest.mark.parametrize("text", ["", "\x1b", "plain \x1b"])
def test_what_is_left_out_for_smsutil_is_its_own_mistake(text: str) -> None:
    assert is_misread_by_smsutil(text)
    assert (smsutil.split(text).encoding == "gsm0338") != (ours(text)[0] == "GSM-7")


@pytest.fixture(scope="module")
def npm() -> Npm:
    """Asks the npm package."""
    return _asked(packages())


def _asked(folder: Path) -> Npm:
    def ask(texts: list[str]) -> list[Found | None]:
        done = subprocess.run(
            ["node", "-e", SCRIPT],
            cwd=folder,
            input=json.dumps(texts),
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        return [tuple(each) if each else None for each in json.loads(done.stdout)]

    return ask


@pytest.mark.xdist_group("npm")
def test_the_npm_package_counts_the_same(npm: Npm) -> None:
    # Shorter ones, as it takes 5 µs a character.
    texts = [text for text in (*boundaries(), *at_random(11_000, seed=2, longest=60)) if text]
    compared = 0
    for text, theirs in zip(texts, npm(texts), strict=True):
        if theirs is not None:
            assert theirs == ours(text), repr(text)
            compared += 1
    assert compared >= 10_000


@pytest.mark.xdist_group("npm")
def test_the_npm_package_differs_only_where_a_grapheme_has_several_code_points(npm: Npm) -> None:
    assert npm(["e\u0301", "👍🏽", "a"]) == [None, None, ("GSM-7", 1)]
