"""Ledgers as an older flypast has left them."""

import sqlite3
from contextlib import closing
from pathlib import Path

ADDED = {2: ("resent",), 3: ("cost", "currency", "text_hash")}  # the columns that each version brought


def make_older(path: Path, version: int) -> None:
    """The ledger in the format of that version."""
    with closing(sqlite3.connect(path)) as connection, connection:
        for since, names in ADDED.items():
            for name in names if since > version else ():
                connection.execute(f"ALTER TABLE messages DROP COLUMN {name}")
        connection.execute(f"PRAGMA user_version = {version}")
