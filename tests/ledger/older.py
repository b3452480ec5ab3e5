"""Ledgers as an older flypast has left them."""

import sqlite3
from contextlib import closing
from pathlib import Path

ADDED = {2: ("resent",), 3: ("cost", "currency", "text_hash"), 5: ("room",)}  # the columns that each version brought


def make_older(path: Path, version: int) -> None:
    """The ledger in the format of that version, which is older than today's."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DROP TABLE deliveries")
        if version < 4:
            _find_keys_by_an_index(connection)
        for since, names in ADDED.items():
            for name in names if since > version else ():
                connection.execute(f"ALTER TABLE messages DROP COLUMN {name}")
        connection.execute(f"PRAGMA user_version = {version}")


def _find_keys_by_an_index(connection: sqlite3.Connection) -> None:
    """As versions 1 to 3 did."""
    [(made,)] = connection.execute("SELECT sql FROM sqlite_schema WHERE name = 'messages'").fetchall()
    assert made.count("key TEXT NOT NULL,") == 1
    connection.execute("DROP INDEX messages_in_order")
    connection.execute("ALTER TABLE messages RENAME TO newer")
    connection.execute(made.replace("key TEXT NOT NULL,", "key TEXT NOT NULL UNIQUE,"))
    connection.execute("INSERT INTO messages SELECT * FROM newer ORDER BY id")
    connection.execute("DROP TABLE newer")
    connection.execute("CREATE INDEX messages_in_order ON messages (manifest, message)")
    connection.execute("DROP TABLE keys")
    connection.execute("ALTER TABLE meta DROP COLUMN indexed")
