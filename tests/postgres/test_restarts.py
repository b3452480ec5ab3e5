"""The server dies and comes back, or its disk fills up, in the middle of a send."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from runner.errors import Exit, LedgerFault
from runner.ledger.postgres_lease import Terms
from runner.ledger.seam import Claim
from runner.model import State
from tests.conftest import KEY, Project
from tests.ledger.conformance import T0, T1, intent, settled, states

from .ledgers import make, opened
from .receiver import receiving
from .sender import run, terms_of
from .server import Server, as_nobody, running_server

PEOPLE = 150


class Asked:
    """Whether a message that arrived has its intent in the database: asked until the server answers."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.wrong: list[str] = []

    def __call__(self, reference: str) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with suppress(psycopg.OperationalError), psycopg.connect(self.url) as connection:
                found = connection.execute("SELECT state FROM flypast.messages WHERE reference = %s", (reference,))
                if found.fetchall() != [("sending",)]:
                    self.wrong.append(reference)
                return
            time.sleep(0.05)
        self.wrong.append(f"{reference}: the server is gone")


@pytest.mark.parametrize("how", [signal.SIGQUIT, signal.SIGINT])
def test_a_send_waits_for_a_server_that_is_restarted_and_goes_on(
    project: Project, server: Server, url: str, how: signal.Signals
) -> None:
    project.people(PEOPLE)
    asked = Asked(url)
    with receiving(asked) as receiver:
        make(url, origin=receiver.url)
        process = project.start(
            *("send", "hello.yaml", "--yes", "--format", "json", "--concurrency", "4", "--skip-channel-check"),
            FLYPAST_LEDGER=url,
            FLYPAST_API_URL=receiver.url,
            BIRD_ACCESS_KEY=KEY,
        )
        while receiver.arrived.total() < PEOPLE // 3:
            assert process.poll() is None
            time.sleep(0.002)
        server.restart(how)
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        assert json.loads(out)["totals"]["accepted"] == PEOPLE
        assert asked.wrong == []
        assert set(receiver.arrived.values()) == {1}
        assert len(receiver.arrived) == PEOPLE


def test_a_send_whose_server_stays_away_stops_and_says_what_it_did(server: Server, url: str) -> None:
    """On its own terms: a lease of a second."""
    make(url, origin="http://127.0.0.1")

    def die(_: str) -> None:
        if receiver.arrived.total() == 20:
            server.stop(signal.SIGQUIT)

    with receiving(die) as receiver:
        with opened(url, origin=None, terms=terms_of(1.0)) as ledger:
            result = run(ledger, receiver.url, PEOPLE, name="first")
        server.start()
        assert result.stopped is not None
        assert result.stopped.kind == "ledger"
        assert result.accepted + result.in_doubt + result.returned == PEOPLE
        with opened(url, origin=None) as after:
            after.claim("spring", run="looking", at=T1, timeout_s=30).release()
            held = {entry.reference: entry.state for entry in after.entries()}
    assert max(receiver.arrived.values()) == 1
    assert all(held[reference] in (State.ACCEPTED, State.IN_DOUBT) for reference in receiver.arrived)


@pytest.fixture
def spare() -> Iterator[Server]:
    """A server that may come to harm."""
    with running_server() as server:
        yield server


def test_a_standby_that_does_not_keep_up_is_not_passed_by(spare: Server) -> None:
    """A commit waits for its synchronous standby; where somebody ends that wait, the run ends too."""
    url = spare.new_database()
    make(url)
    with opened(url, terms=Terms(lease_s=30.0, beat_s=60.0)) as ledger:
        claim = ledger.claim("spring", run="r1", at=T0)
        claim.commit([], [intent("A")])
        spare.sql("ALTER SYSTEM SET synchronous_standby_names = 'far'")
        spare.sql("SELECT pg_reload_conf()")
        time.sleep(0.2)
        ender = subprocess.Popen(
            ["sh", "-c", 'sleep 0.5; exec "$@"', "-", "psql", "-qAtX", spare.url("postgres"), "-c", END_THE_WAIT],
            stdout=subprocess.DEVNULL,
        )
        with pytest.raises(LedgerFault, match="committed without its standby"):
            claim.commit([settled("A")], [intent("B")])
        ender.wait(30)
        assert not claim.may_post()
        with pytest.raises(LedgerFault, match="committed without its standby"):
            claim.commit([], [intent("C")])
        spare.sql("ALTER SYSTEM RESET synchronous_standby_names")
        spare.sql("SELECT pg_reload_conf()")


END_THE_WAIT = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"


def fill(claim: Claim) -> None:
    for number in range(1000):
        claim.commit([], [intent(f"K{number}-{row}") for row in range(100)])


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
def test_a_full_disk_stops_with_all_that_was_written_and_goes_on_when_there_is_room(
    server: Server, tmp_path: Path
) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "none", small], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("no disk can be mounted here")
    for folder in (tmp_path, *tmp_path.parents):
        with suppress(OSError):
            folder.chmod(folder.stat().st_mode | 0o011)
    as_nobody(small)
    try:
        server.sql(f"CREATE TABLESPACE small LOCATION '{small}'")
        url = server.new_database()
        server.sql(f"ALTER DATABASE {urlsplit(url).path[1:]} SET default_tablespace = small")
        make(url)
        with opened(url) as ledger:
            claim = ledger.claim("spring", run="r1", at=T0)
            with pytest.raises(LedgerFault, match="disk is full") as stop:
                fill(claim)
            assert stop.value.exit_code is Exit.LEDGER
            assert len(states(ledger)) > 0
            assert len(states(ledger)) % 100 == 0
            assert claim.may_post()  # what was intended stands
            subprocess.run(["mount", "-o", "remount,size=20m", small], check=True)
            claim.commit([], [intent("B")])
            claim.release()
        server.sql(f"DROP DATABASE {urlsplit(url).path[1:]}")
        server.sql("DROP TABLESPACE small")
    finally:
        subprocess.run(["umount", small], check=False)
