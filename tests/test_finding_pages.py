"""The pages of docs/findings: each code has one, its wrong example yields that code alone, its right one nothing.

An example is a part of a manifest, `spring.yaml`, and what else it needs: a line such as `people.csv`: names the file
that the next block is, and a block of `sh` the command where it is not `flypast validate spring.yaml`. Sections that
no block has are added. `<U+0007>`, `<byte E9>`, `<101 times [>` `<in 7 days>` and `<UTC in 3 minutes>` (a time
of day) stand for what they say.
"""

import io
import json
import os
import re
import shlex
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import cycle
from pathlib import Path

import pytest

from runner.cli.main import flypast
from runner.codes import codes, page, title
from runner.judge import judge
from runner.manifest.explain import mistakes

from .conftest import CHANNEL, WORKSPACE

SPRING, VALIDATE = "spring.yaml", "flypast validate spring.yaml"
FOLDER = Path(__file__).parent.parent / "docs" / "findings"
PAGES = sorted(path.stem for path in FOLDER.glob("*.md"))
BLOCK = re.compile(r"(?:^`(?P<path>[^`\n]+)`:\n\n)?^```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
STAND_IN = re.compile(r"<([0-9]+ times .*?|U\+[0-9A-F]{4}|byte [0-9A-F]{2}|(?:UTC )?in [0-9]+ (?:days|minutes))>")
ABSENT = {"TPL408": "babel"}  # codes of packages that must be missing
SECTIONS = {
    "name": "name: spring\n",
    "channels": f"channels:\n  sms: {{workspaceId: {WORKSPACE}, channelId: {CHANNEL}}}\n",
    "recipients": "recipients:\n  people:\n    contacts:\n"
    '      - {identifierValue: "+14155550100", parameters: {first_name: Ann}}\n',
    "messages": "messages:\n  greet: {channel: sms, to: people, body: {type: text, text: {text: Hi}}}\n",
}


@dataclass(kw_only=True)
class Example:
    """What one section of a page shows."""

    files: dict[str, str] = field(default_factory=dict)
    command: str = VALIDATE

    def write(self, folder: Path) -> None:
        manifests = shlex.split(self.command.partition(" --")[0])
        for name, text in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(stood_for(self.completed(text) if name in manifests else text))

    def completed(self, text: str) -> str:
        """A part of a manifest made whole; what is added comes first, for a mistake may swallow what follows it."""
        version = "" if has_key(text, "apiVersion") else "apiVersion: flypast/v1\n"
        others = [other for other in self.files.values() if other is not text]
        missing = [
            part
            for key, part in SECTIONS.items()
            if not has_key(text, key)
            and not (key in ("channels", "recipients") and any(has_key(o, key) for o in others))
        ]
        return version + "".join(missing) + text


def has_key(text: str, key: str) -> bool:
    return re.search(rf"^{key}:", text, re.MULTILINE) is not None


def stood_for(text: str) -> bytes:
    return b"".join(
        meant(part) if odd else part.encode()
        for odd, part in zip(cycle((False, True)), STAND_IN.split(text), strict=False)
    )


def meant(stand_in: str) -> bytes:
    """What one stands for, given without its brackets."""
    first, _, rest = stand_in.partition(" ")
    if first == "byte":
        return bytes([int(rest, 16)])
    if first in ("in", "UTC"):
        number, unit = rest.removeprefix("in ").split()
        at = datetime.now(UTC) + timedelta(**{unit: int(number)})
        return at.strftime("%H:%M" if first == "UTC" else "%Y-%m-%dT%H:%M:%SZ").encode()
    if first.startswith("U+"):
        return bytes.fromhex(first[2:]).decode("utf-16-be").encode()
    return int(first) * rest.removeprefix("times ").encode()


def example(code: str, name: str) -> Example:
    section = page(code).split(f"\n## {name}\n")[1].split("\n## ")[0]
    shown = Example()
    for block in BLOCK.finditer(section):
        if block["kind"] == "sh":
            shown.command = block["text"].strip()
        else:
            shown.files[block["path"] or SPRING] = block["text"]
    shown.files.setdefault(SPRING, "")
    return shown


def found_by(shown: Example) -> tuple[int, list[tuple[str, str]]]:
    """The exit code of the command, and the code and severity of each finding.

    It runs in this process: as processes of their own the examples would take a minute.
    """
    if (text := shown.files.get("spring.json")) is not None:  # what no YAML file can give the rules to judge
        broken = list(mistakes(judge("manifest").errors(json.loads(text)), json.loads(text)))
        return bool(broken), [(mistake.code, "error") for mistake in broken]
    out, err = io.StringIO(), io.StringIO()
    program, name, *arguments = shlex.split(shown.command)
    assert program == "flypast"
    with redirect_stdout(out), redirect_stderr(err):
        ended = flypast.main([name, "--format", "json", *arguments], standalone_mode=False)
    found = [(finding["code"], finding["severity"]) for finding in json.loads(out.getvalue()).get("findings", ())]
    beside = re.findall(r"^(warning|info)\[(\w+)\]", err.getvalue(), re.MULTILINE)  # what doesn't stop a plan
    return ended, [*found, *((code, severity) for severity, code in beside)]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in [name for name in os.environ if name.startswith(("BIRD_", "FLYPAST_", "GITHUB_"))]:
        monkeypatch.delenv(name)
    return tmp_path


def test_every_code_has_a_page_and_every_page_a_code() -> None:
    assert set(PAGES) == set(codes())


@pytest.mark.parametrize("code", PAGES)
def test_the_wrong_example_yields_exactly_that_code(code: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if code in ABSENT:
        monkeypatch.setitem(sys.modules, ABSENT[code], None)
    shown = example(code, "Wrong")
    shown.write(folder)
    ended, found = found_by(shown)
    assert set(found) == {(code, codes()[code].severity)}
    assert ended == (codes()[code].severity == "error")


@pytest.mark.parametrize("code", PAGES)
def test_the_right_example_yields_nothing(code: str, folder: Path) -> None:
    shown = example(code, "Right")
    shown.write(folder)
    assert found_by(shown) == (0, [])


@pytest.mark.parametrize("code", PAGES)
def test_a_page_has_a_title_words_and_two_examples(code: str) -> None:
    text = page(code)
    words, examples = text.split("\n## ", 1)
    assert text.startswith(f"# {code}: {title(code)}\n\n")
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == ["Wrong", "Right"]
    assert len(words.splitlines()) >= 4
    assert "stand" in words or not STAND_IN.search(examples)
    assert text.count("```") == 2 * len(BLOCK.findall(text)) > 2
