"""The schemas against two judges of others: check-jsonschema (Python) and ajv (npm, in its strict mode).

They read what we read, and must take and refuse what our schema findings (SCH…) take and refuse. What our reader finds
wrong in a file as YAML (YML…) is left out: which document it holds then is no question for a schema. What other layers
judge (references, expressions, people) plays no part, for it is not asked.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from runner.findings import Findings
from runner.judge import judge, schema_names, schema_text
from runner.manifest.documents import Document, load_document, looks_like_manifest
from runner.manifest.explain import schema_findings

from . import mutants
from .npm import packages

ROOT = Path(__file__).parent.parent
SCHEMA = ROOT / "schemas" / "manifest.schema.json"

# Strict: no unknown keyword, no keyword that is ignored, no format without a meaning. Not so `strictTypes` and
# `strictRequired`: a rule of ours (`if`, `then`) narrows a property whose type stands beside it, not inside it. A
# format says something and judges nothing, as draft 2020-12 has it.
AJV = """
const Ajv = require('ajv/dist/2020').default;
const asked = JSON.parse(require('fs').readFileSync(0, 'utf8'));
process.stdout.write(JSON.stringify(asked.map(([schema, instances]) => {
  const ajv = new Ajv({strict: true, strictTypes: false, strictRequired: false, validateSchema: true});
  ajv.addFormat('date-time', true);
  const takes = ajv.compile(schema);
  return instances.map((instance) => takes(instance));
})));
"""


@cache
def documents() -> Mapping[Path, Document]:
    """Every manifest of the examples and the cases that can be read as YAML without an error."""
    found = {}
    for path in sorted((*(ROOT / "examples").rglob("*.y*ml"), *(ROOT / "tests" / "cases").rglob("*.y*ml"))):
        if path.is_file() and looks_like_manifest(source := path.read_bytes()):
            findings = Findings()
            document = load_document(source, path, path.relative_to(ROOT).as_posix(), findings)
            if document is not None and not findings.has_errors:
                found[path] = document
    return found


def ours(document: Document) -> bool:
    """Whether no schema finding is told of it."""
    findings = Findings()
    schema_findings(document, findings)
    return not findings.has_errors


def ajv(asked: list[tuple[Any, list[Any]]]) -> list[list[bool]]:
    done = subprocess.run(
        ["node", "-e", AJV],
        cwd=packages(),
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stderr == ""
    answers: list[list[bool]] = json.loads(done.stdout)
    return answers


def test_the_documents_are_many_and_of_both_kinds() -> None:
    verdicts = [ours(document) for document in documents().values()]
    assert verdicts.count(True) > 100
    assert verdicts.count(False) > 20


def test_check_jsonschema_takes_and_refuses_the_same_files() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--schemafile", SCHEMA, "--output-format", "json", *documents()],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    told = json.loads(done.stdout)
    refused = {Path(error["filename"]) for error in told["errors"]}
    assert told["parse_errors"] == []
    assert differences(path not in refused for path in documents()) == []


def test_check_jsonschema_takes_every_schema_for_one() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--check-metaschema", *sorted((ROOT / "schemas").glob("*.json"))],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stdout.strip()) == (0, "ok -- validation done")


def test_ajv_takes_and_refuses_the_same_files() -> None:
    schema = json.loads(SCHEMA.read_text())
    (theirs,) = ajv([(schema, [document.data for document in documents().values()])])
    assert differences(theirs) == []


def test_ajv_takes_every_schema_for_one_and_decides_as_our_judge_does() -> None:
    """Requests of every kind, and thousands with one change; in a manifest, too."""
    requests = [*mutants.requests(), *mutants.mutants(2000, seed=3)]
    manifests = [mutants.in_manifest(request) for request in requests]
    held: dict[str, list[Any]] = {"request": requests, "manifest": manifests}
    names = schema_names()
    theirs = ajv([(json.loads(schema_text(name)), held.get(name, [])) for name in names])
    for name, answers in zip(names, theirs, strict=True):
        mine = [judge(name).is_valid(instance) for instance in held.get(name, [])]
        assert answers == mine, name
        assert not answers or 0.05 < answers.count(True) / len(answers) < 0.95


def differences(theirs: Iterator[bool] | list[bool]) -> list[str]:
    return [
        f"{document.shown}: {'they take it, we do not' if they else 'we take it, they do not'}"
        for document, they in zip(documents().values(), theirs, strict=True)
        if ours(document) != they
    ]


@pytest.mark.parametrize("name", schema_names())
def test_a_schema_refers_to_nothing_outside_itself(name: str) -> None:
    """So that an exported one works without the others, and without a network."""
    schema = json.loads(schema_text(name))
    references = {value for path, value in mutants.nodes(schema) if path and path[-1] in ("$ref", "$dynamicRef")}
    defined = {f"#/$defs/{part}" for part in schema.get("$defs", ())}
    assert {reference for reference in references if isinstance(reference, str)} <= defined
