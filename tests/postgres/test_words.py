"""What the server's errors mean, and what a server must be: each case for itself."""

import psycopg
import pytest
from psycopg import errors

from runner.errors import Exit, LedgerFault
from runner.ledger.postgres_errors import Unreachable, in_words, no_connection
from runner.ledger.postgres_link import OLDEST, judge_server

WHERE = "postgresql://h/db"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (errors.DiskFull, "the server's disk is full"),
        (errors.InsufficientPrivilege, "this user may not"),
        (errors.ReadOnlySqlTransaction, "can only be read"),
        (errors.LockNotAvailable, "locked for more than 10 s"),
        (errors.DeadlockDetected, "locked for more than 10 s"),
        (errors.QueryCanceled, "cancelled, or a timeout is set"),
        (errors.IndexCorrupted, "is damaged"),
        (errors.UntranslatableCharacter, "can't hold one of these texts"),
        (psycopg.DataError, "can't hold one of these texts"),
        (errors.UndefinedTable, "the ledger's tables are gone"),
        (errors.OutOfMemory, "failed (SQLSTATE 53200)"),
        (psycopg.OperationalError, "the connection to the ledger at postgresql://h/db broke"),
    ],
)
def test_an_error_is_told_in_our_words_and_quotes_nothing(error: type[psycopg.Error], words: str) -> None:
    fault = in_words(error("s3cret row (+14155550100)"), WHERE)
    assert words in fault.message
    assert fault.exit_code is Exit.LEDGER
    assert isinstance(fault, Unreachable) is (error is psycopg.OperationalError)
    assert "s3cret" not in fault.message + (fault.hint or "")


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ('could not translate host name "s3cret@h" to address: Name or service not known', "no address (DNS)"),
        ("Connection refused", "nothing listens there"),
        ('invalid integer value "s3cret" for connection option "connect_timeout"', "has a value that can't be"),
        ("connection timeout expired", "no answer in time"),
        ("SSL error: certificate verify failed", "certificate is not trusted"),
        ("server does not support SSL, but SSL was required", "TLS failed"),
        ('FATAL: database "s3cret" does not exist', "no such database"),
        ("FATAL: the database system is starting up", "starting or stopping"),
        ("FATAL: sorry, too many clients already", "no connection left"),
        ('FATAL: password authentication failed for user "s3cret"', "refuses this user"),
        ("etwas ging schief", "no connection came about"),
    ],
)
def test_why_there_is_no_connection_is_told_in_our_words(told: str, words: str) -> None:
    fault = no_connection(psycopg.OperationalError(told), WHERE)
    assert words in fault.message
    assert "s3cret" not in fault.message + (fault.hint or "")


def test_a_server_that_is_too_old_or_no_primary_is_refused() -> None:
    judge_server(WHERE, OLDEST, False, "UTF8", was_open=False)
    with pytest.raises(LedgerFault, match="too old"):
        judge_server(WHERE, OLDEST - 1, False, "UTF8", was_open=False)
    with pytest.raises(LedgerFault, match="is a standby") as first:
        judge_server(WHERE, OLDEST, True, "UTF8", was_open=False)
    assert not isinstance(first.value, Unreachable)
    with pytest.raises(Unreachable, match="is a standby"):  # a failover: it may be about to be promoted
        judge_server(WHERE, OLDEST, True, "UTF8", was_open=True)
