"""Limits as rows of a database: slots, holds and cuts that all who ask see."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest

from runner.errors import LedgerFault
from runner.ledger.paces import Block, Share
from runner.ledger.postgres_paces import PostgresPaces
from runner.ledger.postgres_place import DatabasePlace

from .ledgers import make, opened, place_of
from .sender import terms_of
from .server import Server, pooling

BLOCK_S = 0.1
WIDE, NARROW, OTHER = Share("w", 2000.0), Share("w/a", 20.0), Share("w/b", None)


@pytest.fixture
def paces(url: str) -> Iterator[PostgresPaces]:
    make(url)
    with opened(url) as ledger:
        yield ledger.paces()


def take(paces: PostgresPaces, *shares: Share, wanted: int = 1000, block_s: float = BLOCK_S) -> Block:
    return paces.take(shares, wanted=wanted, block_s=block_s)


def sql(server: Server, url: str, statement: str) -> list[tuple[object, ...]]:
    return server.sql(statement, database=url.rpartition("/")[2])


def test_a_block_is_of_the_rate_and_the_next_one_begins_where_it_ends(paces: PostgresPaces) -> None:
    first, second, third = (take(paces, WIDE, OTHER, wanted=100_000, block_s=30.0) for _ in range(3))
    assert (first.slots, second.slots, third.slots) == (60_000, 60_000, 0)
    assert first.start_s == pytest.approx(first.at_s, abs=0.021)
    assert second.start_s == pytest.approx(first.start_s + 30)
    assert third.wait_s == pytest.approx(second.start_s - third.at_s)  # no more than a block ahead
    assert first.spacing_s == pytest.approx(1 / 2000)


def test_nobody_gets_more_than_was_wanted_and_the_rest_is_there_for_others(paces: PostgresPaces) -> None:
    first, second = take(paces, WIDE, OTHER, wanted=3), take(paces, WIDE, NARROW, wanted=1)
    assert (first.slots, second.slots) == (3, 1)
    assert second.start_s <= max(first.start_s + 3 / 2000, second.at_s)


def test_a_slow_channel_does_not_hold_up_its_workspace(paces: PostgresPaces) -> None:
    narrow = Share("w/a", 0.1)
    slow, again = take(paces, WIDE, narrow), take(paces, WIDE, narrow)
    assert (slow.slots, again.slots) == (1, 0)
    assert slow.spacing_s == pytest.approx(10)
    assert again.wait_s <= 10
    assert take(paces, WIDE, OTHER).slots == 200


def test_time_that_nobody_used_is_not_saved_up(paces: PostgresPaces) -> None:
    first = take(paces, WIDE, OTHER, wanted=1)
    time.sleep(0.3)
    second = take(paces, WIDE, OTHER)
    assert second.start_s == second.at_s > first.at_s + 0.2
    assert second.slots == 200


def test_without_a_limit_there_is_no_distance(paces: PostgresPaces) -> None:
    block = take(paces, Share("w", None), OTHER, wanted=64)
    assert (block.slots, block.spacing_s, block.wait_s <= 0) == (64, 0.0, True)


def test_a_slow_rate_gives_one_at_a_time(paces: PostgresPaces) -> None:
    slow = Share("w", 0.01)
    first, second = take(paces, slow, OTHER), take(paces, slow, OTHER)
    assert (first.slots, second.slots) == (1, 0)
    assert 0 < second.wait_s < 100


def test_many_who_ask_at_once_get_no_slot_twice(url: str) -> None:
    make(url)

    def asks(_number: int) -> list[Block]:
        with opened(url) as ledger:
            return [take(ledger.paces(), WIDE, OTHER, wanted=7) for _ in range(10)]

    with ThreadPoolExecutor(6) as together:
        found = sorted((block for blocks in together.map(asks, range(6)) for block in blocks if block.slots),
                       key=lambda block: block.start_s)  # fmt: skip
    assert len(found) > 10
    for before, after in pairwise(found):
        assert after.start_s >= before.start_s + before.slots * before.spacing_s - 1e-6


def test_a_hold_is_everybodys_and_a_storm_is_one_cut(paces: PostgresPaces, server: Server, url: str) -> None:
    block, since_s = take(paces, WIDE, OTHER), time.monotonic()
    with opened(url) as ledger:
        for _ in range(5):
            ledger.paces().hold(WIDE, for_s=300, sent_at_s=block.at_s)
    held = take(paces, WIDE, NARROW)
    assert (held.slots, 0 < held.wait_s <= 300) == (0, True)
    (limit, *_) = paces.limits()
    now_per_s = limit.now_per_s or 0.0
    assert 1400 <= now_per_s <= 1400 + 20 * (time.monotonic() - since_s)  # 0.7 of it once, and it creeps back
    assert 0 < limit.held_s <= 300
    sql(server, url, "UPDATE flypast.paces SET held_until = 0")
    later = take(paces, WIDE, OTHER)
    assert 1400 <= 1 / later.spacing_s < 2000
    paces.hold(WIDE, for_s=0.0, sent_at_s=later.at_s)
    assert (paces.limits()[0].now_per_s or 0) < now_per_s


def test_a_longer_hold_is_not_cut_short_by_another(paces: PostgresPaces) -> None:
    block = take(paces, WIDE, OTHER)
    for for_s in (60.0, 1.0):
        paces.hold(WIDE, for_s=for_s, sent_at_s=block.at_s)
    assert take(paces, WIDE, OTHER).wait_s > 50


def test_no_cut_goes_below_one_a_second_nor_below_a_slower_limit(paces: PostgresPaces) -> None:
    for rate, floor in ((3.0, 1.0), (0.5, 0.5)):
        share = Share(f"w{rate}", rate)
        at_s = take(paces, share, OTHER).at_s
        for number in range(10):
            paces.hold(share, for_s=0.0, sent_at_s=at_s + 10 + number)
        now_per_s = {limit.scope: limit.now_per_s for limit in paces.limits()}[share.scope]
        assert floor <= (now_per_s or 0) < 3


def test_a_limit_that_was_set_comes_before_what_is_asked_for(paces: PostgresPaces) -> None:
    take(paces, WIDE, OTHER)
    assert paces.set_limit("w", 100.0)
    assert not paces.set_limit("v", 100.0)
    time.sleep(0.2)
    for asked in (2000.0, 10.0, None):
        block = take(paces, Share("w", asked), OTHER, wanted=1)
        assert block.slots == 1
        assert block.spacing_s == pytest.approx(0.01)
    assert paces.set_limit("w", None)
    assert take(paces, WIDE, OTHER).spacing_s == pytest.approx(1 / 2000)


def test_a_faster_limit_does_not_wait_for_the_slow_one_before_it(paces: PostgresPaces) -> None:
    paces.set_limit("w", 1 / 60)
    assert take(paces, WIDE, OTHER).slots == 1
    paces.set_limit("w", 1000.0)
    assert take(paces, WIDE, OTHER).slots == 100


def test_a_clock_that_was_set_back_stops_nobody_for_as_long(paces: PostgresPaces, server: Server, url: str) -> None:
    take(paces, WIDE, OTHER)
    ahead = "extract(epoch FROM clock_timestamp()) + 3600"
    sql(
        server,
        url,
        f"UPDATE flypast.paces SET next_at = {ahead}, held_until = {ahead}, cut_at = {ahead}, cut_per_s = 1",
    )
    block = take(paces, WIDE, OTHER)
    assert block.slots == 200
    assert block.spacing_s == pytest.approx(1 / 2000)
    paces.hold(WIDE, for_s=60.0, sent_at_s=block.at_s)
    assert 0 < take(paces, WIDE, OTHER).wait_s <= 60.0


def test_it_goes_on_where_the_server_came_back(paces: PostgresPaces, server: Server) -> None:
    before = take(paces, WIDE, OTHER, wanted=1)
    server.restart()
    assert take(paces, WIDE, OTHER, wanted=1).at_s > before.at_s


def test_where_the_server_stays_away_nobody_gets_a_slot(server: Server) -> None:
    url = server.new_database()
    make(url)
    with opened(url, terms=terms_of(1.0)) as ledger:
        take(ledger.paces(), WIDE, OTHER)
        server.stop()
        try:
            since_s = time.monotonic()
            with pytest.raises(LedgerFault, match="can't be reached"):
                take(ledger.paces(), WIDE, OTHER)
            assert time.monotonic() - since_s > 0.5
        finally:
            server.start()


def test_who_asks_a_ledger_that_was_closed_makes_no_new_connection(url: str) -> None:
    make(url)
    with opened(url) as ledger:
        paces = ledger.paces()
    with pytest.raises(LedgerFault, match="was closed"):
        take(paces, WIDE, OTHER)


def test_without_the_right_to_write_it_is_said_at_once(server: Server, url: str) -> None:
    make(url)
    sql(server, url, "DROP ROLE IF EXISTS looker; CREATE ROLE looker LOGIN; GRANT USAGE ON SCHEMA flypast TO looker")
    sql(server, url, "GRANT SELECT ON ALL TABLES IN SCHEMA flypast TO looker")
    with opened(url.replace("postgres@", "looker@")) as ledger, pytest.raises(LedgerFault, match="may not do that"):
        take(ledger.paces(), WIDE, OTHER)


def test_a_pooler_may_give_each_question_another_session(server: Server) -> None:
    url = server.new_database(default_transaction_isolation="serializable")
    make(url)
    name = url.rpartition("/")[2]
    with pooling(server, [name]) as port, opened(server.url(name, port=port)) as ledger:
        for number in range(20):
            assert take(ledger.paces(), WIDE, OTHER, wanted=5).slots in (0, 5), number
        assert ledger.paces().limits()[0].asked_per_s == 2000.0


def test_an_older_ledger_gets_the_table_from_init_and_from_nothing_else(server: Server, url: str) -> None:
    make(url)
    for table in ("deliveries", "shards", "runs", "paces"):
        sql(server, url, f"DROP TABLE flypast.{table}")
    sql(server, url, "UPDATE flypast.meta SET format = 1")
    place = place_of(url)
    assert isinstance(place, DatabasePlace)
    with pytest.raises(Exception, match="is of format 1"):
        place.open(origin=None)
    assert place.bring_up_to_date() is not None
    with opened(url) as ledger:
        assert take(ledger.paces(), WIDE, OTHER).slots == 200
        assert list(ledger.check()) == []
