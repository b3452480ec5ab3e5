"""Every command on a ledger in PostgreSQL, and a password that is nowhere."""

import json
import os
import signal
import time
from collections.abc import Iterator

import pytest

from tests.conftest import KEY, Project, Ran, Serve

from .receiver import receiving
from .server import Server

PASSWORD = "ca9ary-pa55word"


@pytest.fixture
def careful(server: Server, url: str) -> Iterator[str]:
    """A database's URL with a password that is needed."""
    database = url.rpartition("/")[2]
    server.sql(f"DROP ROLE IF EXISTS careful; CREATE ROLE careful LOGIN PASSWORD '{PASSWORD}'")
    server.sql(f"ALTER DATABASE {database} OWNER TO careful")
    yield f"postgresql://careful:{PASSWORD}@127.0.0.1:{server.port}/{database}"
    server.sql(f"DROP DATABASE {database} WITH (FORCE)")


def test_the_whole_way_in_ci_and_the_password_is_nowhere(project: Project, serve: Serve, careful: str) -> None:
    sandbox = serve()
    said: list[str] = []

    def flypast(*words: str, code: int = 0) -> Ran:
        ran = project.run(
            *words, FLYPAST_LEDGER=careful, FLYPAST_API_URL=sandbox.url, BIRD_ACCESS_KEY=KEY, CI="true"
        )  # fmt: skip
        assert ran.code == code, ran.err
        said.append(ran.out + ran.err)
        return ran

    assert "no ledger at postgresql://127.0.0.1:" in flypast("plan", "hello.yaml").out
    assert "make it once with: flypast ledger init NAME" in flypast("send", "hello.yaml", "--yes", code=4).err
    assert "none yet at postgresql://" in flypast("doctor", code=1).out
    assert "ledger acme-prod for http://127.0.0.1:" in flypast("ledger", "init", "acme-prod").out
    assert "is there already" in flypast("ledger", "init").out
    assert "3 accepted" in flypast("send", "hello.yaml", "--yes").out
    assert "0 accepted" in flypast("send", "hello.yaml", "--yes").out
    assert len(set(sandbox.taken)) == len(sandbox.taken) == 3
    assert json.loads(flypast("status", "--format", "json").out)["totals"]["accepted"] == 3
    refreshed = flypast("status", "hello.yaml", "--refresh", "--format", "json").json
    assert (refreshed["refresh"]["found"], refreshed["totals"]["delivery"]["notLookedUp"]) == (3, 0)
    assert [line["delivery"]["status"] != "" for line in flypast("ledger", "export").lines] == [True] * 3
    assert "3 addresses dropped" in flypast("ledger", "purge", "--older-than", "0s", "--yes").out
    assert json.loads(flypast("ledger", "verify", "--format", "json").out)["totals"]["purged"] == 3

    for wrong in (careful.replace(PASSWORD, f"{PASSWORD}-not"), careful.replace("@", "@@")):
        said += _all(project, wrong)
    assert [text for text in said if PASSWORD in text] == []


def _all(project: Project, url: str) -> list[str]:
    ran = project.run("status", "--ledger", url)
    assert ran.code in (2, 9), ran.err
    return [ran.out, ran.err]


def test_a_run_that_is_interrupted_repeats_its_command_without_the_password(
    project: Project, server: Server, url: str
) -> None:
    project.people(200)
    secret = url.replace("postgres@", f"postgres:{PASSWORD}@")
    with receiving(slow_s=0.05) as receiver:
        project.run("ledger", "init", "--ledger", url, "--api-url", receiver.url)
        process = project.start(
            *("send", "hello.yaml", "--yes", "--concurrency", "2", "--skip-channel-check"),
            *("--ledger", secret, "--api-url", receiver.url),
            BIRD_ACCESS_KEY=KEY,
        )
        while receiver.arrived.total() < 5:
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Go on with: flypast send hello.yaml" in err
    assert "postgresql://…" in err
    assert PASSWORD not in out + err
    held = server.sql("SELECT until IS NULL, is_clean FROM flypast.claims", database=url.rpartition("/")[2])
    assert held == [(True, True)]  # the next run need not wait


def test_a_run_that_is_killed_is_followed_when_its_lease_is_over(project: Project, server: Server, url: str) -> None:
    project.people(200)
    database = url.rpartition("/")[2]
    with receiving(slow_s=0.05) as receiver:
        options = ["--ledger", url, "--api-url", receiver.url, "--skip-channel-check"]
        project.run("ledger", "init", *options[:4])
        process = project.start("send", "hello.yaml", "--yes", "--concurrency", "2", *options, BIRD_ACCESS_KEY=KEY)
        while receiver.arrived.total() < 5:
            assert process.poll() is None
            time.sleep(0.01)
        process.kill()
        process.communicate()
        receiver.slow_s = 0.0
        second = project.run("send", "hello.yaml", "--yes", *options, BIRD_ACCESS_KEY=KEY)
        assert second.code == 8
        assert f"pid {process.pid} on {os.uname().nodename}" in second.err
        assert "if it is dead, that is known in at most" in second.err
        server.sql("UPDATE flypast.claims SET until = clock_timestamp()", database=database)  # as it does by itself
        third = project.run("send", "hello.yaml", "--yes", "--format", "json", *options, BIRD_ACCESS_KEY=KEY)
        totals = third.json["totals"]
        assert (third.code, totals["messages"]) == (6 if totals["inDoubt"] else 0, 200)
        assert totals["accepted"] + totals["inDoubt"] == 200
        assert totals["inDoubt"] <= 2
        assert set(receiver.arrived.values()) == {1}


def test_a_second_signal_leaves_at_once_though_the_server_is_away(project: Project, server: Server, url: str) -> None:
    """It would wait for it as long as its lease holds, 25 s."""
    project.people(200)
    with receiving(slow_s=0.02) as receiver:
        options = ["--ledger", url, "--api-url", receiver.url, "--skip-channel-check"]
        project.run("ledger", "init", *options[:4])
        process = project.start("send", "hello.yaml", "--yes", "--concurrency", "2", *options, BIRD_ACCESS_KEY=KEY)
        while receiver.arrived.total() < 5:
            assert process.poll() is None
            time.sleep(0.01)
        server.stop(signal.SIGQUIT)
        began_s = time.monotonic()
        try:
            process.send_signal(signal.SIGINT)
            time.sleep(0.3)
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=60)
        finally:
            process.kill()
            server.start()
        assert process.returncode == 9, err
        assert "flypast send hello.yaml" in err
        assert time.monotonic() - began_s < 20
