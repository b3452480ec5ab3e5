"""`make docs` builds the site: every command and key has its place, and no page fetches anything from elsewhere."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from docs import make_site
from tests.test_docs import COMMANDS

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("docs")
    assert make_site.make(folder) == 0  # strict: a link that leads nowhere is an error
    return folder / "site"


class Page(HTMLParser):
    """What a page of the site would load, and the ids that a link can lead to."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.ids: set[str] = set()
        self.feed(path.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.ids.add(given.get("id") or "")
        if tag in ("script", "img", "iframe", "source"):
            self.loads.append(given.get("src") or "")
        if tag == "link" and given.get("rel") in ("stylesheet", "preload", "modulepreload", "icon"):
            self.loads.append(given.get("href") or "")


@pytest.mark.xdist_group("site")
def test_every_command_has_its_place(site: Path) -> None:
    ids = Page(site / "reference" / "commands.html").ids
    assert {f"flypast-{name.replace(' ', '-')}" for name in COMMANDS} <= ids


@pytest.mark.xdist_group("site")
def test_every_option_and_its_variable_are_told(site: Path) -> None:
    text = (site / "reference" / "commands.html").read_text()
    assert "--pause-between DURATION" in text
    assert "FLYPAST_PAUSE_BETWEEN" in text


@pytest.mark.xdist_group("site")
def test_every_key_has_its_place(site: Path) -> None:
    schema = json.loads((ROOT / "schemas" / "manifest.schema.json").read_text())
    text = (site / "reference" / "keys.html").read_text()
    keys = {key for definition in (schema, *schema["$defs"].values()) for key in definition.get("properties", {})}
    assert [key for key in sorted(keys) if f"<code>{key}</code>" not in text] == []
    assert "<code>limits.segmentsPerMessage</code>" in text
    assert "<code>images[].mediaUrl</code>" in text


@pytest.mark.xdist_group("site")
def test_every_finding_has_a_page(site: Path) -> None:
    written = {path.stem for path in (ROOT / "docs" / "findings").glob("*.md")}
    assert {path.stem for path in (site / "findings").glob("*.html")} == written


@pytest.mark.xdist_group("site")
def test_no_page_loads_anything_from_elsewhere(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    loads = {address for page in pages for address in Page(page).loads}
    assert loads
    assert [address for address in sorted(loads) if re.match(r"[a-z]+:|//", address)] == []
    styles = "".join(path.read_text() for path in site.rglob("*.css"))
    assert re.findall(r"url\(['\"]?(https?:|//)", styles) == []


@pytest.mark.xdist_group("site")
def test_marks_of_ours_do_not_show(site: Path) -> None:
    assert [page for page in site.rglob("*.html") if "not-run" in page.read_text()] == []
