"""The README and docs/ are run as a new user would: console blocks in order, in one folder; YAML is judged."""

import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from runner.judge import judge

from .walkthrough import Block, Shell, blocks, is_like, walk

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
PAGES = [README, *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "docs" / "guides").glob("*.md"))]
NEEDS_POSTGRESQL = "scale"  # tests/postgres walks that one
WALKED = [
    page
    for page in PAGES[1:]
    if page.stem != NEEDS_POSTGRESQL and any(block.kind == "console" for block in blocks(page))
]


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = str(taken.getsockname()[1])
    folder = tmp_path / "home"
    folder.mkdir()
    made = Shell(folder=folder, port=port)
    yield made
    made.end()


def test_the_readme_does_what_it_shows(shell: Shell) -> None:
    assert walk(README, shell, manifests_in="hello") >= 15


@pytest.mark.parametrize("page", WALKED, ids=lambda page: page.stem)
def test_a_page_does_what_it_shows(page: Path, shell: Shell) -> None:
    assert walk(page, shell) >= 3


def judged(data: dict[str, Any]) -> list[str]:
    return [f"{list(error.path)}: {error.message}" for error in judge("manifest").errors(data)]


@pytest.mark.parametrize(
    "block", [block for block in blocks(README) if block.kind == "yaml"], ids=lambda b: f"line {b.line}"
)
def test_yaml_is_what_it_says(block: Block) -> None:
    """Whole manifests and parts of them by the schema; workflows at least as YAML."""
    data = yaml.safe_load(block.text)
    if "jobs" not in data:
        assert judged({"apiVersion": "flypast/v1", "name": "part", **data}) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_block_is_run_or_judged_or_marked_as_not(page: Path) -> None:
    """`console` is run and `yaml` judged; `text` is a drawing. All else says `not-run` where it begins."""
    unmarked = [block for block in blocks(page) if block.is_run and block.kind not in ("console", "yaml", "text")]
    assert [f"{page.name}:{block.line}: {block.kind}" for block in unmarked] == []
    assert page.read_text().count("```") == 2 * len(blocks(page))


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)]+)\)", README.read_text()):
        assert target.startswith("https://") or (README.parent / target.partition("#")[0]).exists(), target


@pytest.mark.parametrize(
    ("shown", "printed", "alike"),
    [
        (["a", "…", "d"], "a\nb\nc\nd\n", True),
        (["a", "…", "d"], "a\nd\n", True),
        (["a … d"], "a b c d\n", True),
        (["a"], "a\nb\n", False),
        (["a", "b"], "a\nc\n", False),
        (["…", "b"], "a\nc\n", False),
    ],
)
def test_an_ellipsis_stands_for_anything_and_nothing_else_does(shown: list[str], printed: str, alike: bool) -> None:
    assert is_like(shown, printed) is alike
