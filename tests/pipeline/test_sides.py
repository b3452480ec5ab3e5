"""One process or several: the same messages, the same findings, the same order."""

import marshal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from runner.errors import UsageError
from runner.findings import Finding, Findings
from runner.pipeline import Order, gathered
from runner.pipeline.sides import Reload, Worker
from runner.plan import Composed, Sheaf, one_by_one
from runner.project import Project

from .test_together import facts

MANIFEST = """\
apiVersion: flypast/v1
name: spring
parameters: {shop: Acme}
channels:
  sms: {workspaceId: 5a0c8c1e-2f0e-4c0e-9d5d-0d6b1a1f7a11, channelId: 3f2c1f0a-7a44-4b0e-8f0c-2f3a9d1c5b22}
recipients:
  people: {file: people.csv, region: US, where: "name != 'Zoe'"}
messages:
  greet:
    channel: sms
    to: people
    distinct: order
    when: order != "7"
    body: {type: text, text: {text: "Hi {{ name|title }}, {{ shop }} has {{ order }}"}}
  hello: {channel: sms, to: people, distinct: order, body: {type: text, text: {text: "Hi {{ name }}, {{ order }}"}}}
"""
ROWS = 3000


def a_row(number: int) -> str:
    """Most are ordinary; some need a look of their own, and some are broken."""
    odd = {
        3: f'"415 555-01{number % 100:02}",Ada,{number},x',
        500: f'+14155550100,"Two\nlines",{number},x',
        501: f"+14155550101,,{number},x",
        900: "not a number,Bo,1,x",
        1200: "+14155550102,Zoe,1,x",
        1201: "+14155550103,Łukasz,2,x",
        1700: f"+14155550104,Cy,{number},x,too,many",
        2100: f"+14155550105,{'ж' * 90},{number},x",
        2500: "+14155550100,Ada,7,x",
        2501: "+14155550106,Ada,1,x",
        2502: "+14155550106,Bo,1,x",
    }
    return odd.get(number, f"+1415555{100 + number % 100:04},Dana,{number},{'x' * 90}")


def an_order(folder: Path) -> Order:
    rows = "\n".join(map(a_row, range(ROWS)))
    (folder / "people.csv").write_text(f"phone,name,order,more\n{rows}\n")
    path = folder / "spring.yaml"
    path.write_text(MANIFEST)
    return Order(path=path, source=path.read_bytes(), project=Project(root=folder, working=folder))


def all_of(order: Order) -> tuple[list[object], tuple[Finding, ...], int]:
    findings = Findings()
    sheaves = 0

    def counted() -> Iterator[object]:
        nonlocal sheaves
        for item in gathered(order.load(findings), order, findings, []):
            sheaves += isinstance(item, Sheaf)
            yield from one_by_one([item])

    items = [facts(item) if isinstance(item, Composed) else item for item in counted()]
    return items, findings.sorted(), sheaves


def test_several_processes_give_what_one_gives(tmp_path: Path) -> None:
    order = an_order(tmp_path)
    items, findings, sheaves = all_of(order)
    assert len(items) > 2 * (ROWS - 10)
    assert {finding.code for finding in findings} >= {"RCP513", "RCP531", "RCP541", "TPL404", "MSG609"}
    assert sheaves > 20
    for jobs in (2, 3):
        assert all_of(replace(order, jobs=jobs)) == (items, findings, sheaves)


def test_a_manifest_that_changes_meanwhile_is_not_mixed_with_itself(tmp_path: Path) -> None:
    order = an_order(tmp_path)
    read = dict(order.load(Findings()).inputs)
    given = ("phonenumber", ("phone", "name", "order"), [["+14155550100", "Ada", "1"]], ["+14155550100"])
    crowds = marshal.dumps([given])
    filled = Worker(Reload(load=order.load, inputs=read), "hello", None)(crowds)
    ((_, parts),) = marshal.loads(filled)  # noqa: S302
    assert len(parts) == 1
    changed = Reload(load=order.load, inputs=dict.fromkeys(read, "0" * 64))
    with pytest.raises(UsageError, match="changed while it was read"):
        Worker(changed, "hello", None)(crowds)
