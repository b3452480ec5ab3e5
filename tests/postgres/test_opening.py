"""Which databases hold a ledger that can be trusted, who makes and changes its tables, and what is never shown."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from runner.errors import Exit, FlypastError, LedgerFault, Locked, Refused, UsageError
from runner.ledger import postgres_tables as tables
from runner.ledger.places import parse_ledger_url, without_password
from runner.ledger.postgres_link import Connection, Meta
from runner.ledger.postgres_opening import judge_format, upgrade
from runner.model import State
from tests.ledger.conformance import T0, T1, intent, seen, settled, states

from .ledgers import ORIGIN, make, opened, place_of
from .server import Server, free_port, running_server

ROOT = Path(__file__).parents[2]


def refusal(url: str, *, origin: str | None = ORIGIN) -> FlypastError:
    with pytest.raises(FlypastError) as stop:
        place_of(url).open(origin=origin)
    return stop.value


def test_only_init_makes_the_tables(server: Server, url: str) -> None:
    place = place_of(url)
    assert place.open(origin=ORIGIN) is None
    with pytest.raises(Refused, match="there is no ledger in the database") as stop:
        place.open_or_make(origin=ORIGIN, at=T0)
    assert stop.value.exit_code is Exit.REFUSED
    assert "flypast ledger init" in (stop.value.hint or "")
    assert server.sql("SELECT nspname FROM pg_namespace WHERE nspname = 'flypast'", database=name_of(url)) == []
    place.make(origin=ORIGIN, name="acme", at=T0).close()
    with opened(url) as ledger:
        assert (ledger.name, ledger.origin) == ("acme", ORIGIN)
    with pytest.raises(LedgerFault, match="there is a schema flypast"):
        place.make(origin=ORIGIN, name="other", at=T0)


def name_of(url: str) -> str:
    return url.rpartition("/")[2]


def test_a_ledger_gets_its_name_once(url: str) -> None:
    make(url)
    place_of(url).give_name("acme")
    with pytest.raises(Refused, match="has a name already"):
        place_of(url).give_name("other")


def test_a_ledger_is_bound_to_one_api(url: str) -> None:
    make(url)
    wrong = refusal(url, origin="https://other.example")
    assert (wrong.exit_code, "is bound to https://api.bird.com" in wrong.message) == (Exit.REFUSED, True)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"synchronous_commit": "off"}, "synchronous_commit is off"),
        ({"synchronous_commit": "local"}, None),
        ({"synchronous_commit": "remote_write"}, None),
    ],
)
def test_a_server_that_may_lose_a_commit_is_refused(
    server: Server, settings: dict[str, str], words: str | None
) -> None:
    url = server.new_database()
    make(url)
    for name, value in settings.items():
        server.sql(f"ALTER DATABASE {name_of(url)} SET {name} = '{value}'")
    if words is None:
        with opened(url) as ledger:
            assert list(ledger.check()) == []
        return
    wrong = refusal(url)
    assert wrong.exit_code is Exit.LEDGER
    assert words in wrong.message
    with opened(url, is_judged=False) as ledger:
        assert list(ledger.check()) == [f"the server: {words}"]


def test_a_session_that_stops_waiting_for_the_disk_is_noticed_at_its_next_commit(url: str) -> None:
    """A pooler may give a transaction another session than the one that was looked at."""
    make(url)
    with opened(url) as ledger:
        claim = ledger.claim("spring", run="r1", at=T0)
        ledger._writer._usable().execute("SET synchronous_commit = off")
        with pytest.raises(LedgerFault, match="synchronous_commit is off"):
            claim.commit([], [intent("A")])
        assert states(ledger) == {}


@pytest.fixture(scope="module")
def spare() -> Iterator[Server]:
    with running_server() as server:
        yield server


def test_what_a_server_must_be(spare: Server) -> None:
    """One server through several lives, as each start takes its time."""
    url, local = spare.new_database(), spare.new_database(synchronous_commit="local")
    make(url)
    spare.restart(signal.SIGINT, fsync="off")
    assert "fsync is off" in refusal(url).message
    spare.restart(signal.SIGINT, synchronous_standby_names="far")
    assert "passes its synchronous standby by" in refusal(local).message
    spare.stop(signal.SIGINT)
    (spare.folder / "data" / "standby.signal").touch()
    spare.start()
    wrong = refusal(url)
    assert (wrong.exit_code, "is a standby" in wrong.message) == (Exit.LEDGER, True)
    (spare.folder / "data" / "standby.signal").unlink()
    spare.restart(signal.SIGINT)
    with opened(url) as ledger:
        assert list(ledger.check()) == []


def test_a_database_in_another_encoding_is_refused(server: Server) -> None:
    server.sql("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0 LOCALE 'C'")
    assert "holds text as LATIN1" in refusal(server.url("latin")).message


def test_a_newer_or_unknown_format_is_refused_and_left_alone(server: Server, url: str) -> None:
    make(url)
    for held in (tables.FORMAT + 1, 0):
        server.sql(f"UPDATE flypast.meta SET format = {held}", database=name_of(url))
        wrong = refusal(url)
        assert (wrong.exit_code, f"is of format {held}" in wrong.message) == (Exit.LEDGER, True)
        assert "left as it is" in (wrong.hint or "")
        with pytest.raises(LedgerFault, match=f"is of format {held}"):
            place_of(url).bring_up_to_date()
        assert server.sql("SELECT format FROM flypast.meta", database=name_of(url)) == [(held,)]


def test_an_older_format_is_brought_up_to_date_by_init_alone_and_when_nobody_runs(server: Server, url: str) -> None:
    make(url)
    address, to = place_of(url).address, tables.FORMAT + 1
    steps = {tables.FORMAT: ("ALTER TABLE flypast.messages ADD COLUMN mood text",)}
    with opened(url) as ledger:
        claim = ledger.claim("spring", run="r1", at=T0)
        with pytest.raises(Locked, match="another run of spring holds the ledger"):
            upgrade(address, to=to, steps=steps)
        claim.release()
    assert upgrade(address, to=to, steps=steps) == to
    assert upgrade(address, to=to, steps=steps) is None
    assert server.sql("SELECT format FROM flypast.meta", database=name_of(url)) == [(to,)]
    assert server.sql("SELECT count(mood) FROM flypast.messages", database=name_of(url)) == [(0,)]


def test_a_ledger_of_format_2_gets_the_table_of_delivery_statuses_and_knows_what_it_knew(
    server: Server, url: str
) -> None:
    make(url)
    with opened(url) as ledger:
        claim = ledger.claim("spring", run="r1", at=T0)
        claim.commit([], [intent("A")])
        claim.commit([settled("A")], [])
        claim.release()
    for statement in ("DROP TABLE flypast.deliveries", "UPDATE flypast.meta SET format = 2"):
        server.sql(statement, database=name_of(url))
    with pytest.raises(Refused, match="is of format 2, and this flypast needs 3"):
        place_of(url).open(origin=ORIGIN)
    assert upgrade(place_of(url).address) == 3
    with opened(url) as ledger:
        assert list(ledger.check()) == []
        claim = ledger.claim("spring", run="r2", at=T0)
        assert claim.track({"A": seen("id-A")}) == 1
        assert dict(ledger.deliveries("spring").counts) == {"delivered": 1}
        claim.release()


def test_a_run_on_an_older_format_is_refused_and_told_the_command() -> None:
    old = Meta(format=1, identity="0" * 16, origin=ORIGIN, name=None)
    with pytest.raises(Refused, match="is of format 1, and this flypast needs 2") as stop:
        judge_format(old, "postgresql://h/db", to=2, steps={1: ("SELECT 1",)})
    assert "flypast ledger init" in (stop.value.hint or "")


def test_half_an_upgrade_is_none(url: str) -> None:
    make(url)
    steps = {tables.FORMAT: ("ALTER TABLE flypast.messages ADD COLUMN mood text", "SELECT 1 FROM flypast.nowhere")}
    with pytest.raises(LedgerFault):
        upgrade(place_of(url).address, to=tables.FORMAT + 1, steps=steps)
    with opened(url) as ledger:
        assert list(ledger.check()) == []


def test_a_user_with_no_more_than_it_needs_can_run_and_one_with_less_is_told(server: Server, url: str) -> None:
    make(url)
    database = name_of(url)
    for role in ("nobody_yet", "runs"):
        server.sql(f"CREATE ROLE {role} LOGIN", database=database)
    wrong = refusal(server.url(database, user="nobody_yet"))
    assert (wrong.exit_code, "this user may not" in wrong.message, "USAGE" in (wrong.hint or "")) == (9, True, True)
    server.sql("GRANT USAGE ON SCHEMA flypast TO runs", database=database)
    server.sql("GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA flypast TO runs", database=database)
    with opened(server.url(database, user="runs")) as ledger:
        claim = ledger.claim("spring", run="r1", at=T0)
        claim.commit([], [intent("A")])
        claim.commit([settled("A")], [])
        assert claim.purge("2027-01-01T00:00:00Z") == 1
        claim.release()
        assert list(ledger.check()) == []
        with pytest.raises(LedgerFault, match="this user may not"):
            ledger.scrub(run="r2", at=T1)  # only who owns the table may write it anew
    with opened(url) as ledger:
        ledger.scrub(run="r2", at=T1)


def test_what_a_purge_drops_is_in_no_page_of_the_table(server: Server, url: str) -> None:
    make(url)
    database = name_of(url)
    with opened(url) as ledger:
        claim = ledger.claim("spring", run="r1", at=T0)
        claim.commit([], [intent("A")])
        claim.commit([settled("A", words="canary words")], [])
        assert claim.purge("2027-01-01T00:00:00Z") == 1
        claim.release()
        [(before,)] = server.sql("SELECT pg_relation_filepath('flypast.messages')", database=database)
        server.sql("CHECKPOINT")
        data = server.folder / "data"
        assert b"canary words" in (data / str(before)).read_bytes()
        with psycopg.connect(url) as looker:
            looker.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            looker.execute("SELECT 1")
            looker.execute("SELECT count(*) FROM flypast.claims")
            ledger.scrub(run="r2", at=T1)  # one that began after the purge sees nothing of before
        [(after,)] = server.sql("SELECT pg_relation_filepath('flypast.messages')", database=database)
        server.sql("CHECKPOINT")
        assert after != before
        assert b"canary words" not in (data / str(after)).read_bytes()
        assert b"+14155550100" not in (data / str(after)).read_bytes()


def test_a_session_that_still_sees_what_was_purged_is_waited_for(url: str) -> None:
    make(url)
    with opened(url) as ledger:
        claim = ledger.claim("spring", run="r1", at=T0)
        claim.commit([], [intent("A")])
        claim.commit([settled("A")], [])
        with psycopg.connect(url) as looker:
            looker.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            looker.execute("SELECT count(*) FROM flypast.messages")
            claim.purge("2027-01-01T00:00:00Z")
            claim.release()
            with pytest.raises(Locked, match="another session of the database") as stop:
                ledger.scrub(run="r2", at=T1)
            assert "still in the table" in (stop.value.hint or "")
        ledger.scrub(run="r2", at=T1, timeout_s=30)


@pytest.mark.parametrize(
    ("act", "words"),
    [
        ("ALTER TABLE flypast.messages DROP COLUMN words", "the column messages.words is missing"),
        ("ALTER TABLE flypast.messages ADD COLUMN mood text", "an unknown column: messages.mood"),
        ("ALTER TABLE flypast.messages ALTER COLUMN at DROP NOT NULL", "the column messages.at is not as flypast"),
        ("DROP INDEX flypast.messages_in_order", "the index messages.messages_in_order is missing"),
        ("CREATE RULE nothing AS ON UPDATE TO flypast.messages DO ALSO NOTHING", "an unknown rule: nothing"),
        ("UPDATE flypast.messages SET epoch = 9", "the message A is of a claim that was never made"),
        ("UPDATE flypast.messages SET state = 'sending'", "the message A is sending, but its claim has ended"),
        ("UPDATE flypast.claims SET commits = 0", "claims: spring counts fewer commits (0) than claims were made (1)"),
        ("UPDATE flypast.meta SET identity = 'x'", "meta: the ledger's identity is not 16 digits of hex"),
    ],
)
def test_what_is_not_as_flypast_makes_it_is_found(server: Server, url: str, act: str, words: str) -> None:
    make(url)
    with opened(url) as ledger:
        claim = ledger.claim("spring", run="r1", at=T0)
        claim.commit([], [intent("A")])
        claim.commit([settled("A")], [])
        claim.release()
    server.sql(act, database=name_of(url))
    with opened(url) as ledger:
        assert any(found.startswith(words) for found in ledger.check())


# What is never shown


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:s3cret@ca9ary@host/db",
        "postgresql://me:s3cret/ca9ary@host/db",
        "postgresql://me:s3cret%zzca9ary@host/db",
        "postgresql://host/db?s3cret=ca9ary",
        "postgresql://me:s3cret@host:ca9ary/db",
        "postgresql://me:s3cret@host/db:ca9ary",
        "postgresql://me:s3cret@host/d\u202eb",
    ],
)
def test_a_url_that_is_none_is_a_mistake_of_which_nothing_is_repeated(url: str) -> None:
    with pytest.raises(UsageError) as stop:
        parse_ledger_url(url)
    said = stop.value.message + (stop.value.hint or "")
    assert "s3cret" not in said
    assert "ca9ary" not in said
    assert stop.value.exit_code is Exit.USAGE


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("postgresql://me:s3cret@db.example:6432/flypast?sslmode=verify-full", "postgresql://db.example:6432/flypast"),
        ("postgres://me@a,b/db?target_session_attrs=primary", "postgresql://a,b/db"),
        ("postgresql://a:1,b:2/db", "postgresql://a:1,b:2/db"),
        ("postgresql:///db?host=/var/run/postgresql", "postgresql:///var/run/postgresql/db"),
        ("postgresql://me@[::1]:5432/db", "postgresql://[::1]:5432/db"),
    ],
)
def test_a_ledger_is_shown_by_its_host_and_database(url: str, words: str) -> None:
    place = place_of(url)
    assert (place.words, place.near) == (words, words)
    assert "s3cret" not in repr(place)


def test_a_command_is_repeated_without_its_url() -> None:
    assert without_password("--ledger=postgresql://me:s3cret@h/db") == "--ledger=postgresql://…"
    assert without_password("postgres://me:s3cret@h/db") == "postgres://…"
    assert without_password("sqlite:///l.db") == "sqlite:///l.db"


def test_a_server_that_can_not_be_reached_is_told_in_our_own_words(server: Server, url: str) -> None:
    server.sql("CREATE ROLE picky LOGIN PASSWORD 'right'")
    wrong = {
        f"postgresql://picky:s3cret@127.0.0.1:{server.port}/{name_of(url)}": "the server refuses this user",
        f"postgresql://me:s3cret@127.0.0.1:{free_port()}/db": "nothing listens there",
        f"postgresql://me:s3cret@127.0.0.1:{server.port}/nowhere": "no such database",
        "postgresql://me:s3cret@nowhere.invalid/db": "no address (DNS)",
        f"postgresql://me:s3cret@127.0.0.1:{server.port}/db?sslmode=require": "TLS failed",
    }
    for address, words in wrong.items():
        said = refusal(address)
        assert words in said.message, said.message
        assert said.exit_code is Exit.LEDGER
        assert "s3cret" not in said.message + (said.hint or "")
    make(url)
    assert "this user may not" in refusal(f"postgresql://picky:right@127.0.0.1:{server.port}/{name_of(url)}").message


@pytest.mark.parametrize(
    ("module", "extra", "command"),
    [("psycopg", "postgres", ["status"]), ("procrastinate", "engine", ["worker", "--engine", "postgres"])],
)
def test_without_the_extra_one_line_names_it(module: str, extra: str, command: list[str]) -> None:
    code = f"import sys; sys.modules[{module!r}] = None; from runner.cli import run; run()"
    done = subprocess.run(
        [sys.executable, "-c", code, *command, "--ledger", "postgresql://me:s3cret@host/db"],
        cwd=ROOT, capture_output=True, text=True, check=False, env={**os.environ, "BIRD_ACCESS_KEY": "any-will-do"},
    )  # fmt: skip
    assert done.returncode == Exit.USAGE, done.stderr
    assert f"needs the extra {extra}" in done.stderr
    assert f"pip install 'flypast[{extra}]'" in done.stderr
    assert "s3cret" not in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_database_is_none_of_ours(server: Server, url: str) -> None:
    """Where the address leads to another ledger than before, nothing more is written."""
    make(url)
    with opened(url) as ledger:
        claim = ledger.claim("spring", run="r1", at=T0)
        server.sql("UPDATE flypast.meta SET identity = 'another'", database=name_of(url))
        server.sql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name_of(url)}'")
        with pytest.raises(LedgerFault, match="another one than before"):
            claim.commit([], [intent("A")])


def test_a_ledger_that_does_not_say_which_it_is_is_damaged(server: Server, url: str) -> None:
    make(url)
    server.sql("UPDATE flypast.meta SET origin = ''", database=name_of(url))
    assert "does not say which API it is for" in refusal(url).message
    server.sql("DELETE FROM flypast.meta", database=name_of(url))
    assert "does not say which ledger it is" in refusal(url).message


def test_what_can_not_be_read_is_told_and_the_rest_is_looked_at_all_the_same(server: Server, url: str) -> None:
    make(url)
    server.sql("DROP TABLE flypast.messages", database=name_of(url))
    with opened(url) as ledger:
        found = list(ledger.check())
        assert "the column messages.key is missing" in found
        assert any("tables are gone" in words for words in found)
        with pytest.raises(LedgerFault, match="tables are gone"), ledger.snapshot():
            ledger.counts("spring")


def test_a_transaction_that_the_server_has_undone_is_no_commit(url: str) -> None:
    make(url)

    def fail(connection: Connection) -> None:
        with suppress(psycopg.Error):
            connection.execute("SELECT 1 FROM nowhere")

    with opened(url) as ledger, pytest.raises(LedgerFault, match="the server undid what was written"):
        ledger._writer.write(fail)


def test_a_text_that_the_server_can_not_hold_is_not_sent(url: str) -> None:
    make(url)
    with opened(url) as ledger:
        claim = ledger.claim("spring", run="r1", at=T0)
        with pytest.raises(LedgerFault, match="can't hold one of these texts"):
            claim.commit([], [intent("A")._replace(reference="a\0b")])
        claim.commit([], [intent("B")])
        claim.commit([settled("B", State.REJECTED, words="Bird said \0")], [])
        assert [entry.words for entry in ledger.entries()] == ["Bird said \ufffd"]
