"""Which engine: one explicit table."""

from runner.errors import UsageError
from runner.ledger.places import Place

from .seam import Engine

ENGINES = ("postgres",)


def engine_of(name: str, place: Place) -> Engine:
    """Raises UsageError, in one line, where it is not installed or does not go with this ledger."""
    conninfo = place.conninfo
    if conninfo is None:
        raise UsageError(
            f"--engine {name} needs a ledger in PostgreSQL, which all workers share",
            hint="name it with --ledger postgresql://USER@HOST/DATABASE; docs/scale.md has the way there",
        )
    try:
        from .postgres import PostgresEngine  # noqa: PLC0415 - an extra, and slow to load
    except ImportError:
        raise UsageError(
            "--engine postgres needs the extra engine", hint="install it: pip install 'flypast[engine]'"
        ) from None
    return PostgresEngine(conninfo, where=place.words)
