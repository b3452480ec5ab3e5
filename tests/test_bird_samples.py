"""Bird's own samples, pasted into a manifest as they stand, reach Bird exactly as they stand."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from textwrap import indent
from typing import Any

import pytest

from .conftest import CHANNEL, KEY, WORKSPACE, Project, Server, clean_environment, command

SAMPLES = Path(__file__).parent / "bird_requests"
OTHERS = {"full-request", "channel", "message-accepted"}  # a request whole, and two replies
RECEIVERS = sorted(path.stem for path in SAMPLES.glob("receiver-*.json"))
CONTENTS = sorted(path.stem for path in SAMPLES.glob("*.json") if path.stem not in {*OTHERS, *RECEIVERS})
TO_A_LIST = "list"
WAYS = [*RECEIVERS, TO_A_LIST]

pytestmark = pytest.mark.xdist_group("bird samples")  # one send for all


def written(name: str) -> str:
    return (SAMPLES / f"{name}.json").read_text()


def sample(name: str) -> Any:
    return json.loads(written(name))


def field_of(content: str) -> str:
    """A sample is a body or a template."""
    return "body" if "type" in sample(content) else "template"


def message(content: str, way: str) -> str:
    """Bird's JSON is YAML: it stands in the manifest as it stands in Bird's documentation."""
    receiver = "to: everyone\n" if way == TO_A_LIST else f"receiver:\n{indent(written(way), '  ')}\n"
    return f"channel: sms\n{receiver}{field_of(content)}:\n{indent(written(content), '  ')}\n"


def manifest() -> str:
    messages = "".join(
        f"  {content}-{way}:\n{indent(message(content, way), '    ')}" for content in CONTENTS for way in WAYS
    )
    return (
        "apiVersion: flypast/v1\n"
        "name: bird-samples\n"
        f"channels: {{sms: {{workspaceId: {WORKSPACE}, channelId: {CHANNEL}, mms: true}}}}\n"
        'recipients: {everyone: {contacts: [{identifierValue: "+31612345678"}]}}\n'
        f"messages:\n{messages}"
    )


@dataclass(frozen=True)
class Arrived:
    """What reached the sandbox, by message name."""

    requests: dict[str, Any]
    keys: dict[str, str]
    findings: list[Any]


@pytest.fixture(scope="module")
def arrived(tmp_path_factory: pytest.TempPathFactory) -> Arrived:
    project = Project(tmp_path_factory.mktemp("samples"))
    project.write("samples.yaml", manifest())
    record = project.path / "record.jsonl"
    process = subprocess.Popen(
        command("sandbox", "--port", "0", "--record", record),
        text=True,
        env=clean_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert process.stdout is not None
        server = Server(process.stdout.readline().strip(), record)
        validated = project.run("validate", "samples.yaml", "--format", "json")
        assert validated.code == 0
        keys = {line["request"]["reference"]: line["message"] for line in project.run("render", "samples.yaml").lines}
        sent = project.run(
            "send", "samples.yaml", "--api-url", server.url, "--rate", "200/s", "--yes", BIRD_ACCESS_KEY=KEY
        )
        assert sent.code == 0, sent.err
        lines = server.record
    finally:
        process.terminate()
        process.communicate(timeout=10)
    return Arrived(
        requests={keys[line["reference"]]: line["request"] for line in lines if line["decision"] == "accepted"},
        keys=keys,
        findings=validated.json["findings"],
    )


def test_the_samples_are_bodies_of_every_kind_and_a_template() -> None:
    kinds = {sample(content).get("type", "template") for content in CONTENTS}
    assert kinds == {"text", "image", "file", "template"}
    assert len(RECEIVERS) == 2


def test_only_what_birds_pages_warn_of_themselves_is_warned_of(arrived: Arrived) -> None:
    """Its images end in .avif, which its page on MMS does not name, and its template's version is "latest"."""
    lines = manifest().splitlines()
    told = {(finding["severity"], finding["code"], lines[finding["line"] - 1].strip()) for finding in arrived.findings}
    assert {(severity, code) for severity, code, _ in told} == {("warning", "MSG630"), ("warning", "MSG631")}
    assert all((".avif?" in line) == (code == "MSG630") for _, code, line in told)
    avif = sum(".avif?" in line for line in lines)
    assert len(arrived.findings) == avif + manifest().count('"latest"')


def test_every_sample_validates_and_arrives_once(arrived: Arrived) -> None:
    assert set(arrived.requests) == {f"{content}-{way}" for content in CONTENTS for way in WAYS}
    assert len(arrived.keys) == len(CONTENTS) * len(WAYS)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("content", CONTENTS)
def test_a_sample_arrives_exactly_as_bird_documents_it(content: str, way: str, arrived: Arrived) -> None:
    request = dict(arrived.requests[f"{content}-{way}"])
    assert request.pop("reference").startswith("fp1.")
    receiver = sample("receiver-with-key" if way == TO_A_LIST else way)
    assert request == {"receiver": receiver, field_of(content): sample(content)}
