"""What PostgreSQL's errors mean, in our own words: its own may quote a row, a user, or half of a password."""

import psycopg
from psycopg import errors

from runner.errors import LedgerFault


class Unreachable(LedgerFault):
    """There is no connection, or it broke before a commit was asked for: nothing of the transaction is there."""


class Unsure(LedgerFault):
    """A commit was asked for, and no answer came."""


class NotKept(LedgerFault):
    """It is committed where it was asked for, but not where it also had to be."""


_AGAIN = "nothing goes out twice: send again when the server is well"
_GRANTS = "give it SELECT, INSERT and UPDATE on the tables of the schema flypast, and USAGE on the schema"
# By what libpq and servers write while connecting, where they tell no code. The first that fits.
_CONNECTING = (
    (("invalid ",), "a part of its URL has a value that can't be: a port, a number, an sslmode"),
    (
        ("could not translate host name", "name or service not known", "name resolution"),
        "its name has no address (DNS)",
    ),
    (("connection refused", "no such file or directory"), "nothing listens there"),
    (("timeout expired", "timed out", "timeout"), "no answer in time"),
    (("certificate", "hostname mismatch"), "its TLS certificate is not trusted, or not its own"),
    (("ssl", "tls"), "TLS failed, or one side does not want it (sslmode)"),
    (("does not exist",), "the server has no such database or user"),
    (("starting up", "shutting down", "recovery", "not yet accepting"), "the server is starting or stopping"),
    (("too many", "remaining connection slots", "no more connections"), "the server has no connection left"),
    (
        ("password", "authentication", "pg_hba", "no such user", "not permitted"),
        "the server refuses this user: look at the user, the password and the server's rules (pg_hba.conf)",
    ),
)


def in_words(error: psycopg.Error, where: str) -> LedgerFault:
    """As LedgerFault; Unreachable where it broke the connection."""
    if is_over(error):
        return Unreachable(f"the connection to the ledger at {where} broke", hint=_AGAIN)
    words, hint = _words(error)
    return LedgerFault(words.format(where=where), hint=hint)


def no_connection(error: psycopg.Error, where: str) -> Unreachable:
    """While connecting."""
    told = str(error).lower()
    why = next(
        (words for signs, words in _CONNECTING if any(sign in told for sign in signs)), "no connection came about"
    )
    return Unreachable(f"the ledger at {where} can't be reached: {why}")


def is_over(error: psycopg.Error) -> bool:
    """Whether the connection is of no use any more, and what it was asked for is not known to be refused."""
    if error.sqlstate is None:
        return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    return error.diag.severity_nonlocalized in ("FATAL", "PANIC") or error.sqlstate.startswith("08")


def is_no_ledger(error: psycopg.Error) -> bool:
    return isinstance(error, errors.UndefinedTable | errors.InvalidSchemaName)


def _words(error: psycopg.Error) -> tuple[str, str | None]:  # noqa: PLR0911 - a table
    match error:
        case errors.DiskFull():
            return "the server's disk is full: the ledger at {where} can't be written", f"make room there; {_AGAIN}"
        case errors.InsufficientPrivilege():
            return "this user may not do that to the ledger at {where}", _GRANTS
        case errors.ReadOnlySqlTransaction():
            return (
                "the ledger at {where} can only be read: the server is a standby, or this user's default is read only",
                ("name the primary; with several hosts, add target_session_attrs=primary to the URL"),
            )
        case errors.LockNotAvailable() | errors.DeadlockDetected() | errors.SerializationFailure():
            return "another session kept the ledger at {where} locked for more than 10 s", "let it end, then try again"
        case errors.QueryCanceled():
            return (
                "the server ended a statement on the ledger at {where}: it was cancelled, or a timeout is set",
                _AGAIN,
            )
        case errors.DataCorrupted() | errors.IndexCorrupted() | errors.IoError():
            return "the server says that the ledger at {where} is damaged, or its disk failed", (
                "nothing more was sent; look at the server's log, and restore the database where it is needed"
            )
        case psycopg.DataError():
            return "the ledger at {where} can't hold one of these texts: a NUL, or no valid Unicode", None
        case _ if is_no_ledger(error):
            return (
                "the ledger's tables are gone from {where}",
                "restore the database; a new ledger would send all again",
            )
        case _:
            return f"the ledger at {{where}} failed (SQLSTATE {error.sqlstate or 'unknown'})", "see the server's log"
