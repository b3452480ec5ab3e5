"""The one look: readable in light and dark, and without a word to anybody else."""

import base64
import hashlib
import re
from importlib.resources import files
from typing import get_args

import pytest

from runner.output.preview import ASSETS
from runner.pages import SERVED_HEADERS, STATES, Tone, asset, document, element

_LIGHT, _DARK = (
    dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", part))
    for part in asset("look.css").partition("@media (prefers-color-scheme: dark)")[::2]
)
GROUNDS = ("ground", "surface", "sunken")
PAIRS = [
    *(
        (text, ground)
        for text in ("ink", "soft", "faint", "accent", "good", "bad", "doubt", "note")
        for ground in GROUNDS
    ),
    *((tone, f"{tone}-wash") for tone in get_args(Tone)),
    *((text, "accent-wash") for text in ("ink", "soft", "accent")),
    *((text, f"{tone}-wash") for text in ("ink", "soft") for tone in ("bad", "doubt", "note")),
    *((text, "bubble") for text in ("on-bubble", "soft", "accent")),
    *(("on-accent", ground) for ground in ("accent", "accent-hover")),
    ("on-mark", "mark"),
]
DRAWN = [(name, "surface") for name in ("edge", *(f"chart-{number}" for number in range(1, 6)))]


def lightness(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """As WCAG 2 counts it."""
    darker, lighter = sorted((lightness(one), lightness(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("colours", [_LIGHT, _DARK], ids=["light", "dark"])
def test_every_text_can_be_read_on_every_ground_that_it_stands_on(colours: dict[str, str]) -> None:
    assert {pair: contrast(colours[pair[0]], colours[pair[1]]) for pair in PAIRS} == {
        pair: ratio for pair in PAIRS if (ratio := contrast(colours[pair[0]], colours[pair[1]])) >= 4.5
    }
    assert [pair for pair in DRAWN if contrast(colours[pair[0]], colours[pair[1]]) < 3] == []


def test_dark_has_every_colour_that_light_has() -> None:
    assert _LIGHT.keys() == _DARK.keys()


def test_no_asset_asks_anybody_for_anything() -> None:
    names = [each.name for each in files("runner.pages").iterdir() if each.name.endswith((".css", ".js", ".svg"))]
    assert set(ASSETS) <= set(names)
    for name in names:
        assert not re.search(r"url\(|@import|https?:|//[a-z]+\.", asset(name).replace("// ", "")), name


def test_every_state_has_a_tone_of_the_look() -> None:
    assert {tone for _, tone in STATES.values()} <= set(get_args(Tone))
    for tone in get_args(Tone):
        assert f".badge.{tone}" in asset("look.css") or tone == "calm"


def test_a_file_allows_its_own_styles_and_nothing_else() -> None:
    made = document("A <title>", element("p", "x"), styles=("look.css", "phone.css"))
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', made)
    (style,) = re.findall(r"<style>(.*?)</style>", made, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy.split("; ") == [
        "default-src 'none'",
        f"style-src 'sha256-{digest}'",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    assert "<script" not in made
    assert "<title>A &lt;title&gt;</title>" in made


def test_a_served_page_takes_styles_and_scripts_from_its_own_server_alone() -> None:
    made = document("x", styles=("look.css",), script="preview.js", is_served=True)
    assert '<link rel="stylesheet" href="look.css">' in made
    assert '<script src="preview.js" defer></script>' in made
    policy = dict(part.split(" ", 1) for part in SERVED_HEADERS["Content-Security-Policy"].split("; "))
    assert policy.pop("img-src") == "data:"
    assert set(policy.values()) == {"'none'", "'self'"}
    assert policy["default-src"] == "'none'"
