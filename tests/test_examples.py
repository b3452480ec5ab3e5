"""Every example does what an example must: it is right, it goes out once, and nobody gets it twice."""

import json
import re
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from runner import __version__
from runner.judge import schema_text

from . import mutants
from .conftest import KEY, Project, Ran, Server

EXAMPLES = Path(__file__).parent.parent / "examples"
STARTERS = sorted(folder.name for folder in (EXAMPLES / "starter").iterdir())
SEND_AT = "send_at: null"  # a time that must lie ahead can't stand in a file
FAST = ("--rate", "unlimited")
COSTLY_CHARACTER = "MSG609"  # a warning; names such as Ελένη are worth their segment


EXAMPLES_LACK = {
    *("length", "role", "hidden"),  # Bird's own to set
    "useMmLite",  # of an older page
    *("startTime", "duration"),  # these come from the people's rows
}


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def has_messages(path: Path) -> bool:
    data = yaml.safe_load(path.read_text())
    return isinstance(data, dict) and "apiVersion" in data and "messages" in data


MANIFESTS = sorted(
    path.relative_to(EXAMPLES).as_posix()
    for path in EXAMPLES.rglob("*.yaml")
    if "starter" not in path.parts and has_messages(path)
)


def ended_well(ran: Ran) -> Ran:
    assert ran.code == 0, f"exit {ran.code}\n{ran.out}\n{ran.err}"
    return ran


def goes_out_once(folder: Project, manifest: str, given: list[str], server: Server) -> int:
    """Validates, plans, sends to the embedded sandbox, then to a server, twice; gives how many messages went out."""
    findings = ended_well(folder.run("validate", manifest, "--format", "json")).json["findings"]
    assert {finding["code"] for finding in findings} <= {COSTLY_CHARACTER}
    plan = ended_well(folder.run("plan", manifest, *given, "--format", "json")).json
    new = plan["totals"]["new"]
    assert new > 0
    embedded = ended_well(folder.run("send", manifest, *given, *FAST, "--sandbox", "--format", "json")).json
    assert embedded["run"] == {"accepted": new, "rejected": 0, "inDoubt": 0}
    real = ["send", manifest, *given, *FAST, "--api-url", server.url, "--yes", "--format", "json"]
    first = ended_well(folder.run(*real, BIRD_ACCESS_KEY=KEY)).json
    assert first["run"] == {"accepted": new, "rejected": 0, "inDoubt": 0}
    assert first["digest"] == plan["digest"]
    again = ended_well(folder.run(*real, BIRD_ACCESS_KEY=KEY)).json
    assert again["run"] == {"accepted": 0, "rejected": 0, "inDoubt": 0}
    assert again["totals"]["accepted"] == new
    assert len(server.taken) == len(set(server.taken)) == new
    return int(new)


@pytest.fixture
def examples(tmp_path: Path) -> Project:
    """A copy outside Git, so that its ledgers go with the test."""
    shutil.copytree(EXAMPLES, tmp_path / "examples")
    return Project(tmp_path / "examples")


def test_there_are_examples_of_every_kind() -> None:
    assert len(MANIFESTS) >= 5
    assert STARTERS == ["mms", "sms", "template"]


@pytest.mark.parametrize("manifest", MANIFESTS)
def test_an_example_is_right_and_goes_out_once(
    manifest: str, examples: Project, serve: Callable[..., Server], tmp_path: Path
) -> None:
    parameters = (tmp_path / "examples" / manifest).parent / "production.yaml"
    given = ["--parameters", str(parameters)] if parameters.exists() else []
    if SEND_AT in (examples.path / manifest).read_text():
        given += ["--set", f"send_at={(datetime.now(UTC) + timedelta(days=3)).isoformat(timespec='seconds')}"]
    goes_out_once(examples, manifest, given, serve("--rate", "100000"))


def test_every_property_of_birds_request_stands_in_an_example() -> None:
    """Each body type, button, typed parameter and top-level field, and every key below them."""
    folder = EXAMPLES / "every-field"
    written = [message for path in folder.glob("*.yaml") for message in load(path).get("messages", {}).values()]
    values = [(path, value) for message in written for path, value in mutants.nodes(message)]
    schema = json.loads(schema_text("request"))
    for definition in ("body", "action", "templateParameter"):
        types = schema["$defs"][definition]["properties"]["type"]["enum"]
        assert set(types) <= {value for path, value in values if path[-1:] == ("type",)}
    assert set(schema["properties"]) - {"receiver"} <= {key for message in written for key in message}
    known = {
        str(path[-2 if path[-1:] == ("$ref",) else -1])
        for path, _ in mutants.nodes(schema)
        if "properties" in path[-2:-1] and "allOf" not in path
    }
    used = {str(step) for path, _ in values for step in path}
    assert known - used == EXAMPLES_LACK


@pytest.mark.parametrize("kind", STARTERS)
def test_a_starter_works_at_once(kind: str, tmp_path: Path, serve: Callable[..., Server]) -> None:
    project = Project(tmp_path / "new")
    project.path.mkdir()
    ended_well(project.run("init", "--example", kind))
    checked = ended_well(project.run("validate", "--format", "json")).json
    assert checked["findings"] == []
    assert checked["notChecked"] == []
    production = ["--parameters", "parameters/production.yaml"]
    without = ended_well(project.run("plan", "campaigns/hello.yaml", "--format", "json")).json
    assert without["totals"]["new"] == goes_out_once(project, "campaigns/hello.yaml", production, serve())


@pytest.mark.parametrize("kind", STARTERS)
def test_a_starter_never_touches_what_is_there(kind: str, tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.write(".gitignore", "mine\n")
    ran = project.run("init", "--example", kind)
    assert ran.code == 4
    assert ".gitignore" in ran.err
    assert [path.name for path in tmp_path.iterdir()] == [".gitignore"]
    assert (tmp_path / ".gitignore").read_text() == "mine\n"


@pytest.mark.parametrize("hosts", [("github",), ("gitlab",), ("github", "gitlab")])
def test_a_starter_has_the_very_pipelines_of_the_examples(hosts: tuple[str, ...], tmp_path: Path) -> None:
    project = Project(tmp_path)
    ended_well(project.run("init", *(word for host in hosts for word in ("--ci", host))))
    found = {path.name.lstrip("."): path.read_bytes() for path in tmp_path.rglob("*.yml")}
    assert found == {path.name: path.read_bytes() for host in hosts for path in (EXAMPLES / "ci" / host).iterdir()}


def test_a_starter_has_githubs_pipelines_where_nobody_names_a_host(tmp_path: Path) -> None:
    ended_well(Project(tmp_path).run("init"))
    names = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.yml")}
    assert names == {f".github/workflows/flypast-{job}.yml" for job in ("review", "send")}


def test_pipelines_install_this_version_and_what_a_send_needs() -> None:
    pipelines = list((EXAMPLES / "ci").rglob("*.yml"))
    assert len(pipelines) == 3
    for path in pipelines:
        text = path.read_text()
        extra = "[postgres]" if "flypast send" in text.replace("name: flypast send", "") else ""
        assert f"PACKAGE: flypast{extra}=={__version__} " in text, path.name


def test_the_large_example_has_exactly_a_thousand_new_messages(examples: Project) -> None:
    plan = ended_well(examples.run("plan", "spring-launch/spring-launch.yaml", "--format", "json")).json
    assert plan["totals"]["messages"] == plan["totals"]["new"] == 1000
    assert sum(plan["countries"].values()) == 1000
    assert plan["messagesBySegments"] == {"1": 963, "2": 37}


def test_the_plan_of_the_large_example_shows_which_characters_double_the_bill(examples: Project) -> None:
    plan = ended_well(examples.run("plan", "spring-launch/spring-launch.yaml", "--format", "json")).json
    ucs2 = plan["ucs2"]
    assert ucs2["segments"] == 2 * ucs2["messages"] == 2 * ucs2["saved"]["segments"] == 74
    assert {each["source"]["name"] for each in ucs2["characters"]} == {"first_name"}
    told = ended_well(examples.run("plan", "spring-launch/spring-launch.yaml")).out
    assert "segments   963 messages take 1, 37 take 2\n" in told
    assert "Outside of GSM-7: 37 messages in UCS-2, 37 segments more" in told
    assert "ë (U+00EB latin small letter e with diaeresis) in 2 messages" in told
    assert "people's data in {{ first_name }}; without it: 2 segments less" in told


def test_a_parameters_file_is_all_that_tells_staging_from_production(examples: Project) -> None:
    for name in ("staging", "production"):
        parameters = examples.path / "shared-channels" / f"{name}.yaml"
        assert set(yaml.safe_load(parameters.read_text())) == {"workspace", "reminder_channel"}
        ended_well(examples.run("plan", "shared-channels/reminder.yaml", "--parameters", parameters))
    assert examples.run("plan", "shared-channels/reminder.yaml").code == 1


def test_every_number_of_the_examples_is_fictional() -> None:
    """555-01xx, in whatever spelling: nobody has these."""
    found = [
        re.sub("[^0-9]", "", number)
        for path in EXAMPLES.rglob("*")
        if path.is_file()
        for number in re.findall(r"(?:\+[0-9]|\([0-9]{3}\))[0-9 -]{7,}[0-9]", path.read_text())
    ]
    assert len(found) > 1000
    assert [number for number in found if not re.fullmatch("1?[0-9]{3}55501[0-9]{2}", number)] == []
