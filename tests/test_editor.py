"""The schemas in an editor: the YAML language server, asked as an editor asks it."""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from runner.findings import Findings, Place
from runner.manifest.discover import discover
from runner.manifest.documents import Document, load_document
from runner.manifest.explain import UNKNOWN_KEY, schema_findings
from runner.model import Json

from .conftest import Project
from .lsp import LanguageServer
from .npm import packages

ROOT = Path(__file__).parent.parent
MANIFESTS = [path for path in discover(ROOT / "examples").manifests if "starter" not in path.parts]
MODELINE = "# yaml-language-server: $schema="
STARTERS = ("sms", "mms", "template")

Editor = Callable[..., LanguageServer]


@pytest.fixture
def editor() -> Iterator[Editor]:
    """Starts the server in a folder, with the user's settings of `yaml`; it never looks for schemas elsewhere."""
    running: list[LanguageServer] = []

    def start(root: Path, **settings: Any) -> LanguageServer:
        binary = packages() / "node_modules" / "yaml-language-server" / "bin" / "yaml-language-server"
        yaml = {"schemaStore": {"enable": False, "url": ""}, "completion": True, "hover": True, "validate": True}
        running.append(
            LanguageServer(["node", str(binary), "--stdio"], root=root, settings={"yaml": {**yaml, **settings}})
        )
        return running[-1]

    yield start
    for server in running:
        server.__exit__(None, None, None)


def by_settings(project: Project) -> dict[str, Any]:
    """What stands in an editor's settings instead of a line in each file, once the schema was exported."""
    assert project.run("schema", "manifest", "--export", "schemas").code == 0
    return {"schemas": {"./schemas/manifest.schema.json": ["campaigns/**/*.yaml"]}}


def units(text: str) -> int:
    """The width of a text as the protocol counts it: in UTF-16."""
    return len(text.encode("utf-16-le")) // 2


def spans(document: Document, place: Place) -> dict[str, dict[str, int]]:
    """The protocol's form of a place of ours."""

    def at(line: int, column: int) -> dict[str, int]:
        return {"line": line - 1, "character": units(document.line(line)[: column - 1])}

    return {"start": at(place.line, place.column), "end": at(place.end_line, place.end_column)}


def read(path: Path, text: str) -> Document:
    document = load_document(text.encode(), path, path.name, Findings())
    assert document is not None
    return document


def keys(data: Json, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The paths of all keys of a document."""
    for step, value in data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ():
        if isinstance(step, str):
            yield (*path, step)
        yield from keys(value, (*path, step))


def is_free(path: Sequence[str | int]) -> bool:
    """Whether the names below are somebody's own: parameters of ours and of people, free maps of Bird's."""
    return any(step in ("parameters", "extraInformation") or str(step).startswith("x-") for step in path[:-1])


def test_every_manifest_of_ours_names_the_schema_and_gets_no_diagnostic(editor: Editor) -> None:
    server = editor(ROOT)
    for path in MANIFESTS:
        text = path.read_text()
        assert text.partition("\n")[0] == f"{MODELINE}../../schemas/manifest.schema.json", path
        server.show(path, text)
    assert {path.name: server.diagnostics(path) for path in MANIFESTS} == {path.name: [] for path in MANIFESTS}


def test_what_init_makes_needs_no_settings_and_no_network(editor: Editor, project: Project) -> None:
    for example in STARTERS:
        assert project.run("init", example, "--example", example).code == 0
    server = editor(project.path)
    files = [path for example in STARTERS for path in sorted((project.path / example).rglob("*.yaml"))]
    for path in files:
        server.show(path, path.read_text())
    assert [server.diagnostics(path) for path in files] == [[]] * len(files)
    for example in STARTERS:
        hello = project.path / example / "campaigns" / "hello.yaml"
        assert hello in files
        wrong = hello.with_name("wrong.yaml")
        server.show(wrong, hello.read_text().replace("\nmessages:", "\nmesages:"))
        assert [each["message"] for each in server.diagnostics(wrong)] == ["Property mesages is not allowed."]


WRONG = """\
apiVersion: flypast/v1
name: wrong
recipents: {}
channels:
  sms: {x-ray: "🎉\u00e9", workspaceId: "{{ w }}", channelId: "{{ c }}", rat: 20/s}
messages:
  announce:
    channel: sms
    too: people
    to: people
    body:
      type: text
      text: {text: "Hi 🎉", txet: hi}
policy:
  quietHours: {from: "21:00", until: "08:00", zone: recipient, then: defer, thn: fail}
"""


@pytest.mark.parametrize("named", ["by the settings", "by the first line", "by a key"])
def test_a_misspelt_key_is_marked_where_we_mark_it(named: str, editor: Editor, project: Project) -> None:
    path = project.path / "campaigns" / "wrong.yaml"
    schema = (ROOT / "schemas" / "manifest.schema.json").as_posix()
    head = {"by the first line": f"{MODELINE}{schema}\n", "by a key": f"$schema: {schema}\n"}.get(named, "")
    text = head + WRONG
    server = editor(project.path, **({} if head else by_settings(project)))
    document, findings = read(path, text), Findings()
    schema_findings(document, findings)
    server.show(path, text)
    theirs = server.diagnostics(path)
    assert {each["source"] for each in theirs} == {"yaml-schema: flypast manifest"}
    assert {finding.code for finding in findings.sorted()} == {UNKNOWN_KEY}
    assert sorted((each["message"], json.dumps(each["range"])) for each in theirs) == sorted(
        (f"Property {key} is not allowed.", json.dumps(spans(document, finding.place)))
        for finding in findings.sorted()
        for key in [finding.message.split('"')[1]]
    )
    assert len(theirs) == 6


CHANNEL = "channels:\n  sms:\n    rate: 20/s\n    @"
LIST = "recipients:\n  people:\n    file: people.csv\n    @"
MESSAGE = "messages:\n  announce:\n    channel: sms\n    @\n    body:\n      type: text\n"
TYPE = "messages:\n  announce:\n    channel: sms\n    to: people\n    body:\n      type: @"
IMAGE = "messages:\n  announce:\n    channel: sms\n    body:\n      type: image\n      image:\n        @"
DELIVERY = "policy:\n  delivery: @"
QUIET = "policy:\n  quietHours:\n    zone: recipient\n    @"


OFFERED = {
    "@": {"channels", "recipients", "messages", "policy", "include", "parameters"},
    CHANNEL: {"workspaceId", "channelId", "platform", "mms"},
    LIST: {"contacts", "identifier", "region", "where", "columns"},
    MESSAGE: {"to", "exclude", "when", "parameters", "distinct", "tags", "template", "scheduledFor"},
    IMAGE: {"images", "text", "metadata"},
    QUIET: {"from", "until", "then"},
    TYPE: {"text", "image", "file"},
    DELIVERY: {"at-most-once", "resend-absent", "at-least-once"},
}


def test_keys_and_values_are_completed(editor: Editor, project: Project) -> None:
    server = editor(project.path, **by_settings(project))
    for number, (begun, offered) in enumerate(OFFERED.items()):
        path = project.path / "campaigns" / f"begun-{number}.yaml"
        text = f"apiVersion: flypast/v1\nname: begun\n{begun}"
        before = text.partition("@")[0]
        server.show(path, text.replace("@", ""))
        server.diagnostics(path)
        items = server.at("completion", path, before.count("\n"), len(before) - before.rfind("\n") - 1)["items"]
        labels = {item["label"] for item in items}
        assert offered <= labels, begun
        if begun not in (TYPE, DELIVERY):
            assert all(item.get("documentation") for item in items if item["label"] in offered), begun
        if begun != "@":
            assert not {"apiVersion", "include", "edition"} & labels, "keys of elsewhere"


def test_a_key_shows_what_it_means_and_where_that_was_read(editor: Editor) -> None:
    """Every key of every example, but for names that are somebody's own."""
    server = editor(ROOT)
    silent = []
    shown = set()
    for path in MANIFESTS:
        text = path.read_text()
        document = read(path, text)
        server.show(path, text)
        for key in keys(document.data):
            place = document.place(key, of="key")
            if is_free(key) or document.users(key):
                continue
            start = spans(document, place)["start"]
            hover = server.at("hover", path, start["line"], start["character"] + 1)
            words = hover["contents"]["value"] if hover else ""
            if "manifest.schema.json" not in words or len(words.splitlines()) < 3:
                silent.append(f"{path.name}:{place.line}: {'.'.join(map(str, key))}")
            shown.add(key[-1])
    assert silent == []
    assert {"channel", "distinct", "mediaUrl", "stopAfter", "rate", "where", "type"} <= shown


def described(schema: Any, root: Any, place: str = "") -> Iterator[tuple[str, str | None]]:
    """Every property that a schema declares and its description, its own or that of what it refers to.

    Rules (`if`, `then`, `else`, and what stands in `allOf`) narrow what is declared elsewhere.
    """
    for name, part in schema.get("properties", {}).items():
        yield f"{place}/{name}", description(part, root)
    for keyword in ("properties", "$defs"):
        for name, part in schema.get(keyword, {}).items():
            if isinstance(part, dict):
                yield from described(part, root, f"{place}/{name}")
    for keyword in ("items", "additionalProperties", "else"):
        if isinstance(schema.get(keyword), dict) and (keyword != "else" or "allOf" not in place):
            yield from described(schema[keyword], root, place)


def description(part: Any, root: Any) -> str | None:
    while isinstance(part, dict) and "description" not in part and "$ref" in part:
        part = root["$defs"][part["$ref"].removeprefix("#/$defs/")]
    return part.get("description") if isinstance(part, dict) else None


@pytest.mark.parametrize("name", ["manifest", "request"])
def test_every_key_has_a_description_that_says_something(name: str) -> None:
    schema = json.loads((ROOT / "schemas" / f"{name}.schema.json").read_text())
    found = dict(described(schema, schema))
    assert len(found) > 150
    assert [place for place, words in found.items() if len(words or "") < 15 or words == place] == []
