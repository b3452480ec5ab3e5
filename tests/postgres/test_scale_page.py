"""docs/scale.md does what it shows: from one machine to three workers."""

from pathlib import Path

from tests.test_readme import ROOT, shell
from tests.walkthrough import Shell, walk

__all__ = ["shell"]

SHOWN = "postgresql://postgres@127.0.0.1:5432/postgres"


def test_from_one_machine_to_three_workers_as_the_page_shows(url: str, shell: Shell, tmp_path: Path) -> None:
    """Its own server instead of the page's."""
    page = tmp_path / "scale.md"
    shown = (ROOT / "docs" / "scale.md").read_text()
    page.write_text(shown.replace(SHOWN, url).replace(SHOWN.replace("postgres@", ""), url.replace("postgres@", "")))
    assert walk(page, shell) >= 15
