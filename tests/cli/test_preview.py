"""`flypast preview` without a browser: what it writes into a file, and what it does not take."""

import json
import re
import signal
from html import unescape
from pathlib import Path

import pytest

from runner.bundled import bundled
from tests.conftest import Project

from .test_reports import INPUTS, NAMES_ALL

EXAMPLES = sorted(
    path
    for path in bundled("examples").rglob("*.yaml")
    if "\nmessages:" in path.read_text() and "starter" not in path.parts and "ci" not in path.parts
)

SETS = {
    "sms": ("--set", "send_at=2026-12-01T09:00:00Z"),
    "reminder": ("--parameters", str(bundled("examples") / "shared-channels" / "staging.yaml")),
}


def export(project: Project, *arguments: str, code: int = 0) -> str:
    file = project.path / "page.html"
    ran = project.run("preview", *arguments, "--export", file)
    assert ran.code == code, ran.err
    assert ran.out == ""
    return file.read_text()


def read(page: str) -> str:
    """What there is to read, without markup."""
    return unescape(re.sub(r"<[^>]*>", " ", page.partition("<body>")[2]))


def test_the_page_shows_each_message_with_its_figures(project: Project) -> None:
    text = read(export(project, "hello.yaml"))
    for said in (
        "hello.yaml",
        "greet",
        "3 recipients through sms",
        "Hi ***, welcome.",
        "US 3",
        "people's data is masked",
    ):
        assert said in text
    assert "POST" in text
    assert "/workspaces/" in text


def test_people_are_masked_unless_somebody_says_otherwise(project: Project) -> None:
    masked = export(project, "hello.yaml")
    assert "Person" not in masked
    assert "5550100" not in masked
    assert "+1…00" in masked
    shown = export(project, "hello.yaml", "--show-pii")
    assert "Hi Person 0, welcome." in shown
    assert "+12015550100" in shown
    assert "people's data is shown" in read(shown).replace("\n", " ")


@pytest.mark.parametrize("manifest", EXAMPLES, ids=lambda path: path.stem)
def test_no_number_and_no_value_of_an_example_stands_in_a_masked_page(manifest: Path, tmp_path: Path) -> None:
    project = Project(tmp_path)
    sets = SETS.get(manifest.stem, ())
    page = export(project, str(manifest), *sets)
    rendered = project.run("render", manifest, "--show-pii", *sets).lines
    assert rendered
    contacts = [contact for line in rendered for contact in line["request"]["receiver"]["contacts"]]
    values = [value for contact in contacts for name, value in contact.items() if name not in ("identifierKey", "type")]
    assert [value for value in values if isinstance(value, str) and value in page] == []


def test_the_page_asks_nobody_and_runs_nothing(project: Project) -> None:
    page = export(project, "hello.yaml")
    assert "<script" not in page
    assert not re.search(r"<(img|iframe|object|embed|video|audio|form|base)\b", page)
    assert re.findall(r'(?:src|href)="((?!#|data:image/svg)[^"]*)"', page) == []
    assert "default-src 'none'" in page
    assert len(page) < 100_000


def test_errors_are_in_the_page_too_and_in_the_exit_code(project: Project) -> None:
    manifest = (project.path / "hello.yaml").read_text()
    project.write("hello.yaml", manifest.replace("channel: sms", "channel: smss"))
    text = read(export(project, "hello.yaml", code=1))
    assert "1 error" in text
    assert 'did you mean "sms"?' in text
    assert "Hi {{ name }}, welcome." in text  # as it is written


def test_a_manifest_that_cannot_be_read_has_a_page_that_says_so(project: Project) -> None:
    project.write("hello.yaml", "messages: [")
    text = read(export(project, "hello.yaml", code=1))
    assert "the manifest can't be read" in text
    assert "YML" in text


def test_without_the_list_the_message_stands_as_it_is_written(project: Project) -> None:
    manifest = (project.path / "hello.yaml").read_text()
    project.write("hello.yaml", manifest.replace("{file: people.csv}", "{file: secret.csv, columns: [phone, name]}"))
    text = read(export(project, "hello.yaml"))
    assert "Hi {{ name }} , welcome." in re.sub(r"\s+", " ", text)
    assert "secret.csv is not here" in text


def test_what_turns_a_line_around_turns_no_request_around(project: Project) -> None:
    project.write("people.csv", "phone,name\n+14155550100,\u202eevil\u200b\n")
    page = export(project, "hello.yaml", "--show-pii")
    request = project.run("render", "hello.yaml", "--show-pii").lines[0]["request"]
    pretty, raw = re.findall(r"<pre[^>]*>(.*?)</pre>", page, re.DOTALL)
    assert "Hi \\u202eevil\\u200b, welcome." in pretty
    assert "Hi <bdi>\u202e</bdi>evil\u200b, welcome." in raw
    for shown in (pretty, raw):
        assert json.loads(unescape(re.sub(r"<[^>]*>", "", shown))) == request


def test_what_is_missing_is_not_shown_as_rendered(project: Project) -> None:
    manifest = (project.path / "hello.yaml").read_text()
    project.write("hello.yaml", manifest.replace("welcome.", "{{ place }}.") + "parameters: {place: null}\n")
    assert "place" in read(export(project, "hello.yaml"))
    assert "Hi ***, ***." in read(export(project, "hello.yaml", "--set", "place=Rome"))


def test_inline_people_are_masked_in_the_frames_of_a_page(project: Project) -> None:
    manifest = (project.path / "hello.yaml").read_text()
    people = "{contacts: [{identifierValue: '+1415555', parameters: {name: Roberta}}]}"
    project.write("hello.yaml", manifest.replace("{file: people.csv}", people))
    page = export(project, "hello.yaml")
    assert "RCP537" in page
    assert "Roberta" not in page
    assert "1415555" not in page


def test_the_page_is_the_same_whoever_reads_the_clock(project: Project) -> None:
    pages = [re.sub(r"Made by .*? UTC", "", export(project, "hello.yaml")) for _ in range(2)]
    assert pages[0] == pages[1]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--show-pii",), "--show-pii goes with --export"),
        (("--open", "--export", "page.html"), "--open goes without --export"),
        (("--export", "-"), "--export writes a file"),
        (("--recipients", "people=-"), "standard input can't be read again"),
        (("--recipients", "nobody=people.csv", "--export", "page.html"), 'no recipient list "nobody"'),
    ],
)
def test_what_cannot_be_is_refused(project: Project, arguments: tuple[str, ...], words: str) -> None:
    ran = project.run("preview", "hello.yaml", *arguments)
    assert ran.code == 2
    assert words in ran.err
    assert not (project.path / "page.html").exists()


def test_a_library_has_nothing_to_show(project: Project) -> None:
    project.write("lib.yaml", "apiVersion: flypast/v1\nname: lib\nrecipients: {people: {file: people.csv}}\n")
    ran = project.run("preview", "lib.yaml", "--export", "page.html")
    assert ran.code == 2
    assert "has no messages" in ran.err


def test_a_page_that_cannot_be_written_is_the_disks_fault(project: Project) -> None:
    (project.path / "page").mkdir()
    ran = project.run("preview", "hello.yaml", "--export", "page/")
    assert ran.code in (2, 9)
    ran = project.run("preview", "hello.yaml", "--export", "hello.yaml/page.html")
    assert ran.code == 9


@pytest.mark.parametrize("path", [name for name in INPUTS if name != "expected.json"] + ["hello.yaml", "link.html"])
def test_no_page_takes_the_place_of_an_input(project: Project, path: str) -> None:
    for name, content in (INPUTS | {"hello.yaml": NAMES_ALL}).items():
        project.write(name, content)
    (project.path / "link.html").symlink_to("people.csv")
    before = (project.path / path).read_bytes()
    ran = project.run("preview", "hello.yaml", "--parameters", "given.yaml", "--export", f"./{path}")
    assert (ran.code, ran.err.count("that file is an input, and the page would overwrite it")) == (2, 1), ran.err
    assert (project.path / path).read_bytes() == before


def test_standard_input_may_be_exported(project: Project) -> None:
    people = (project.path / "people.csv").read_text()
    ran = project.run("preview", "hello.yaml", "--recipients", "people=-", "--export", "page.html", stdin=people)
    assert ran.code == 0
    assert "3 messages, people's data masked" in ran.err


def test_a_browser_is_opened_only_where_it_is_asked_for(project: Project) -> None:
    told = project.path / "told"
    script = project.write("browser", f'#!/bin/sh\necho "$1" > {told}.new && mv {told}.new {told}\n')
    script.chmod(0o755)
    for option in ((), ("--open",)):
        process = project.start("preview", "hello.yaml", *option, BROWSER=str(script))
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        while option and not told.exists():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
        assert process.returncode == 0
        assert told.exists() == bool(option)
    assert told.read_text().strip() == url
