"""`flypast limits`: shown, set while others send, and refused where there are none."""

import re
import time
from pathlib import Path

import pytest

from runner.ledger.paces import Share
from tests.conftest import Project
from tests.test_output_schemas import fits

from .ledgers import make, opened
from .pacer import SHARES
from .test_shared_pace import begun, busiest, instants, pacer

WORKSPACE, CHANNEL = "5a0c8c1e-2f0e-4c0e-9d5d-0d6b1a1f7a11", "3f2c1f0a-7a44-4b0e-8f0c-2f3a9d1c5b22"
BOTH = (Share(WORKSPACE, 50.0), Share(f"{WORKSPACE}/{CHANNEL}", 0.5))


@pytest.fixture
def used(url: str) -> str:
    """A ledger that somebody has sent with, and was throttled."""
    make(url)
    with opened(url) as ledger:
        paces = ledger.paces()
        paces.take(BOTH, wanted=1, block_s=0.1)
        paces.hold(BOTH[0], for_s=300.0, sent_at_s=time.time() + 60)
    return url


def test_they_are_shown_to_people_and_machines(project: Project, used: str) -> None:
    shown = project.run("limits", "--ledger", used)
    assert shown.code == 0, shown.err
    workspace, channel = shown.out.splitlines()
    assert re.fullmatch(f"workspace {WORKSPACE}  50/s(; now [0-9]+/s)?; held [345] min", workspace), workspace
    assert channel == f"  channel {CHANNEL}  30/m"
    assert max(map(len, shown.out.splitlines())) <= 80
    whole, own = fits("limits", project.run("limits", "--ledger", used, "--format", "json").json)["limits"]
    assert (whole["scope"], whole["channelId"], whole["askedPerSecond"]) == (WORKSPACE, None, 50.0)
    assert 35 <= whole["nowPerSecond"] <= 50
    assert 0 < whole["heldSeconds"] <= 300
    assert (own["scope"], own["channelId"], own["nowPerSecond"]) == (f"{WORKSPACE}/{CHANNEL}", CHANNEL, 0.5)


def test_one_is_set_and_given_back(project: Project, used: str) -> None:
    ran = project.run("limits", "set", WORKSPACE.upper(), "200/s", "--ledger", used)
    assert (ran.code, ran.out, ran.err) == (0, f"{WORKSPACE}: 200/s, from now on\n", "")
    by_itself = project.run("limits", "--ledger", used, "set", CHANNEL, "30/m")
    assert by_itself.out == f"{WORKSPACE}/{CHANNEL}: 30/m, from now on\n"
    shown = project.run("limits", "--ledger", used).out
    assert re.search(f"{WORKSPACE}  200/s, set; now [0-9]+/s; held ", shown), shown
    assert max(map(len, shown.splitlines())) <= 80
    assert f"{CHANNEL}  30/m, set" in shown
    back = project.run("limits", "set", WORKSPACE, "default", FLYPAST_LEDGER=used)
    assert back.out == f"{WORKSPACE}: what each send asks for, from now on\n"
    assert f"{WORKSPACE}  50/s" in project.run("limits", "--ledger", used).out


def test_a_scope_that_nobody_used_and_a_pace_above_birds_are_told(project: Project, used: str) -> None:
    ran = project.run("limits", "set", f"{CHANNEL}/{WORKSPACE}", "600/s", "--ledger", used)
    assert ran.code == 0
    assert "no send with this ledger has used this scope yet" in ran.err
    assert "Bird lets 500/s through by default" in ran.err
    assert f"workspace {CHANNEL}\n  channel {WORKSPACE}  600/s, set\n" in project.run("limits", "--ledger", used).out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("sms-us", "20/s"), "is no scope"),
        ((f"{WORKSPACE}/{CHANNEL}/x", "20/s"), "is no scope"),
        ((WORKSPACE, "20"), "write it like 20/s or 30/m, or default"),
        ((WORKSPACE, "0/s"), "write it like 20/s or 30/m, or default"),
        ((WORKSPACE, "unlimited"), "write it like 20/s or 30/m, or default"),
    ],
)
def test_what_can_not_be_set_is_a_mistake_of_usage(
    project: Project, used: str, arguments: tuple[str, str], words: str
) -> None:
    before = project.run("limits", "--ledger", used).out
    ran = project.run("limits", "set", *arguments, "--ledger", used)
    assert (ran.code, words in ran.err) == (2, True), ran.err
    assert project.run("limits", "--ledger", used).out.splitlines()[1] == before.splitlines()[1]


def test_there_are_none_without_such_a_ledger(project: Project, url: str) -> None:
    ran = project.run("limits", "--ledger", url)
    assert (ran.code, "there is no ledger at" in ran.err) == (4, True)
    for file in ((), ("--ledger", "sqlite:///x.db")):
        ran = project.run("limits", *file)
        assert (ran.code, "limits are kept in a PostgreSQL ledger" in ran.err) == (2, True)
    make(url)
    empty = project.run("limits", "--ledger", url)
    assert (empty.code, empty.out, "nobody has sent with this ledger yet" in empty.err) == (0, "", True)


def test_a_limit_that_is_set_counts_for_those_who_send_already(url: str, tmp_path: Path) -> None:
    """Each way: from 1000/s to 100/s, and on to 500/s."""
    make(url)
    files = [tmp_path / "a", tmp_path / "b"]
    workers = [pacer(url, file, seconds=60, rate=1000) for file in files]
    try:
        begun(files)
        rates = []
        for limit in (100.0, 500.0):
            with opened(url) as ledger:
                ledger.paces().set_limit(SHARES[0], limit)
            time.sleep(1.2)  # a worker looks once a second where it waits for long
            since_s = time.monotonic()
            time.sleep(1.0)
            found = [at for at in instants(*files) if since_s <= at < since_s + 1]
            rates.append(busiest(found))
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
    assert rates[0] <= 110 + len(files) < rates[1] <= 550 + len(files)
