"""Imports point one way, and each third-party library has one home."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "runner"

# What each part may import, besides itself and the nouns.
NOUNS = {"errors", "findings", "codes", "model", "bundled", "canonical", "project", "__init__", "files", "states"}
TOOLS = {"git", "judge", "sms", "prices", "ledger", "bird", "scratch", "quiet", "workers", "engine", "pages"}
MAY_IMPORT = {
    "judge": set(),
    "git": set(),
    "sms": set(),
    "prices": set(),
    "scratch": set(),
    "quiet": set(),
    "workers": set(),
    "pages": set(),
    "ledger": set(),
    "engine": {"ledger"},
    "bird": {"delivery"},
    "manifest": {"judge", "quiet", "bird"},
    "recipients": {"prices"},
    "rendering": {"judge"},
    "plan": {"ledger", "bird", "quiet"},
    "guards": {"plan", "prices"},
    "delivery": {"ledger", "bird", "quiet"},
    "report": {"ledger"},
    "sandbox": {"judge", "pages"},
    "output": {"plan", "report", "ledger", "recipients", "sms", "prices", "pages"},
    "pipeline": TOOLS | {"manifest", "recipients", "rendering", "plan", "guards", "delivery"},
    "cli": TOOLS
    | {"pipeline", "manifest", "recipients", "rendering", "plan", "guards", "delivery", "report", "output", "sandbox"},
    "__main__": {"cli"},
}
HOMES = {
    "click": {"cli"},
    "jinja2": {"rendering"},
    "babel": {"rendering"},
    "markupsafe": {"rendering"},
    "yaml": {"manifest"},
    "jsonschema": {"judge"},
    "jsonschema_rs": {"judge"},
    "phonenumbers": {"recipients"},
    "tzdata": {"quiet"},
    "uvloop": {"pipeline"},
    "zoneinfo": {"quiet"},
    "psycopg": {"ledger", "engine"},
    "procrastinate": {"engine"},
    "psycopg_pool": {"engine"},
    "sqlite3": {"ledger", "cli"},
    "aiohttp": {"bird", "sandbox", "pages"},
    "yarl": {"bird", "sandbox"},
    "pathspec": {"manifest"},
}


def part_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(path: Path) -> set[str]:
    """Every module that a file imports, by its full name."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found |= {f"{node.module}.{alias.name}" if node.module == "runner" else node.module for alias in node.names}
    return found


MODULES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_imports_only_what_lies_below_it(path: Path) -> None:
    part = part_of(path)
    parts = {name.split(".")[1] for name in imported(path) if name.startswith("runner.")}
    allowed = NOUNS | {"__version__", part} | MAY_IMPORT.get(part, set())
    assert parts <= allowed, f"{part} imports {sorted(parts - allowed)}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_library_is_imported_only_in_its_home(path: Path) -> None:
    for name in {name.split(".")[0] for name in imported(path)} & HOMES.keys():
        assert part_of(path) in HOMES[name], f"{name} is at home in {sorted(HOMES[name])}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_the_command_line_prints_or_exits(path: Path) -> None:
    if part_of(path) == "cli" or path.name == "strictness.py":  # that one is a development tool of its own
        return
    calls = {
        node.func.id
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert not calls & {"print", "exit", "quit"}
