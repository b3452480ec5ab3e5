"""What a command does not need, it does not load; and how often `validate` does its work, counted instead of timed."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from benchmarks.corpus import write_corpus, write_large
from runner.cli.validate import validate_all
from runner.manifest.discover import discover
from tests.conftest import MANIFEST, Project, unmeasured_environment

# Left out of every command that sends nothing: each takes longer to load than a manifest to check.
HEAVY = {
    *("aiohttp", "asyncio", "babel", "http.client", "importlib.metadata", "jinja2", "jsonschema", "multiprocessing"),
    *("pickle", "sqlite3", "ssl", "statistics", "uvloop", "yarl", "concurrent.futures"),
    *("runner.delivery", "runner.ledger.sqlite", "runner.sandbox", "runner.bird.client", "runner.output.plan_text"),
    *("runner.workers", "runner.manifest.yaml_places", "runner.manifest.yaml_syntax", "runner.pipeline.schedule"),
}
# Left out besides by a `validate` that finds nothing.
UNUSUAL = {
    *("difflib", "phonenumbers", "tempfile", "traceback", "zoneinfo", "runner.recipients.numbering"),
    *("runner.rendering.quick", "runner.rendering.compiling"),
}
# Left out where nothing is read, too.
OF_MANIFESTS = {
    *("yaml", "jsonschema_rs", "phonenumbers", "pathspec", "runner.manifest", "runner.pipeline", "runner.recipients"),
    *("runner.rendering", "runner.plan", "runner.ledger", "runner.judge", "runner.model"),
}
LOADED = """\
import atexit, json, sys
before = set(sys.modules)
atexit.register(lambda: sys.__stderr__.write("\\n" + json.dumps(sorted(set(sys.modules) - before))))
sys.argv = ["flypast", *sys.argv[1:]]
from runner.cli import run
run()
"""
TEMPLATED = MANIFEST.replace("Hi {{ name }}", "Hi {{ name | replace('a', 'b') }}")


def loaded(folder: Path, *arguments: str) -> set[str]:
    """The modules that a command has loaded when it ends."""
    done = subprocess.run(
        [sys.executable, "-c", LOADED, *arguments], cwd=folder, env=unmeasured_environment(), capture_output=True,
        text=True, check=True,
    )  # fmt: skip
    return set(json.loads(done.stderr.splitlines()[-1]))


def test_a_validate_that_finds_nothing_loads_nothing_for_what_it_does_not_do(project: Project) -> None:
    assert loaded(project.path, "validate", "hello.yaml") & (HEAVY | UNUSUAL) == set()


def test_jinja2_is_loaded_for_a_text_that_needs_it(project: Project) -> None:
    """So that the test above can fail."""
    project.write("hello.yaml", TEMPLATED)
    assert loaded(project.path, "validate", "hello.yaml") & HEAVY >= {"jinja2"}


@pytest.mark.parametrize(
    "arguments", [("--version",), ("--help",), ("completion", "bash"), ("completion", "zsh"), ("completion", "fish")]
)
def test_what_reads_no_manifest_loads_nothing_that_does(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    found = loaded(tmp_path, *arguments)
    # The help tells every command's first line, so it loads their modules, and those a few of the nouns.
    nouns = {"runner.model", "runner.plan", "runner.judge", "runner.ledger"} if arguments == ("--help",) else set()
    assert found & (HEAVY | OF_MANIFESTS) <= nouns


def test_the_simplest_filters_and_conditions_need_no_jinja2(project: Project) -> None:
    for text in ("{{ name | upper }}", "{{ name or 'you' }}", "{% if name == 'x' %}y{% else %}{{ name }}{% endif %}"):
        project.write("hello.yaml", MANIFEST.replace("{{ name }}", text))
        assert loaded(project.path, "validate", "hello.yaml") & (HEAVY | UNUSUAL) == {"runner.rendering.quick"}


def test_numbers_of_north_america_need_no_numbering_plans_and_others_do(project: Project) -> None:
    project.write("people.csv", "phone,name\n+447700900123,Ada\n")
    assert "phonenumbers" in loaded(project.path, "validate", "hello.yaml")


def test_validate_loads_few_modules(project: Project) -> None:
    """A bound to look at when it is met: each costs about half a millisecond."""
    found = {name for name in loaded(project.path, "validate", "hello.yaml") if name.startswith("runner.")}
    assert len(found) <= 116, sorted(found)


def counted(paths: list[Path]) -> Counter[str]:
    """How often functions of ours, and opens of the system, were called."""
    calls: Counter[str] = Counter()

    def watch(frame: Any, event: str, called: Any) -> None:
        if event == "call":
            module = frame.f_globals.get("__name__", "")
            if module.startswith("runner."):
                calls[f"{module}.{frame.f_code.co_qualname}"] += 1
        elif event == "c_call" and called is os.open:
            calls["open"] += 1

    sys.setprofile(watch)
    try:
        assert validate_all(paths) == 0
    finally:
        sys.setprofile(None)
    return calls


def test_each_file_is_read_once_and_each_text_compiled_once(tmp_path: Path) -> None:
    paths = write_corpus(tmp_path, 40)
    (tmp_path / ".git").mkdir()
    counted(paths[:1])  # what is made once for a process is made now
    found = counted(paths)
    sources = [path.read_text() for path in paths]
    messages = sum(source.count("    channel: sms\n") for source in sources)
    assert found["runner.manifest.documents.load_document"] == len(paths)
    assert found["runner.manifest.yaml_events.Builder.build"] == len(paths)
    assert found["runner.manifest.yaml_table.Table.read"] == 0, "places are for findings"
    assert found["runner.pipeline.loading.source_of"] == 0, "frames are for findings"
    # The manifest, its channel as rendered, and each message: never a row of its own where rows differ in texts alone.
    judged = found["runner.judge._rust_judge.<locals>.accepts"]
    assert judged <= 2 * len(paths) + found["runner.pipeline.compose.Composer._message"] + 4 * messages
    assert found["runner.judge._rust_judge.<locals>.broken_rules"] <= messages
    clever = sum("{%" in line or " | " in line or " or '" in line for source in sources for line in source.splitlines())
    assert 0 < found["runner.rendering.quick.QuickText.__init__"] <= clever
    assert found["runner.rendering.compiling.Compiler.template"] == 0, "each is of the simplest kind"
    assert found["runner.recipients.phones.countries_of"] == 0, "who tells no countries asks for none"
    assert found["runner.rendering.compiling.Compiler.condition"] <= sum("where:" in source for source in sources)
    assert found["runner.judge._is_blind"] <= 200, "what a schema says of a place is asked once"
    assert found["runner.project.Project.of"] <= len({path.parent for path in paths})


def test_a_contact_of_thousands_is_touched_a_few_times(tmp_path: Path) -> None:
    """The calls of our own functions for one more inline contact: at most 40 of them."""
    calls = []
    for count in (100, 300):
        path = tmp_path / f"{count}.yaml"
        write_large(path, count)
        calls.append(counted([path]).total())
    assert (calls[1] - calls[0]) / 200 <= 40, calls


def test_a_folder_is_searched_and_each_manifest_found(tmp_path: Path) -> None:
    assert list(discover(tmp_path).manifests) == []
    assert sorted(write_corpus(tmp_path, 25)) == list(discover(tmp_path).manifests)


def test_the_corpus_is_the_same_each_time_and_sound(tmp_path: Path) -> None:
    first, again = write_corpus(tmp_path / "a", 30), write_corpus(tmp_path / "b", 30)
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in again]
    assert {len(path.read_text().splitlines()) for path in first} == {60}
