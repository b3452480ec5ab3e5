"""What `--ledger postgresql://…` names: a database, and the ledger in its schema `flypast`."""

import os
import re
from dataclasses import dataclass

import psycopg
from psycopg.conninfo import conninfo_to_dict

from runner.errors import Refused, UsageError

from .postgres import name_ledger, open_ledger
from .postgres_link import Address
from .postgres_opening import make, upgrade
from .postgres_runs import open_runs
from .runs import KeysOf, Runs
from .seam import Ledger

_FORM = (
    "give postgresql://USER@HOST/DATABASE, and the password in PGPASSWORD; "
    "in a URL @ : / and % are written %40 %3A %2F and %25 in it"
)
_is_host = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.%]+|/[^@:]*|@[^@:/]*").fullmatch
_is_port = re.compile(r"[0-9]{0,5}").fullmatch
_is_database = re.compile(r"[^@:/?#\x00-\x1f]+").fullmatch


@dataclass(frozen=True, slots=True)
class DatabasePlace:
    """Made by `of`."""

    address: Address

    files = ()
    is_lasting = True
    is_made_by_send = False
    care = "restore the database from a good backup, and look at the server's log and disk"

    @classmethod
    def of(cls, url: str) -> "DatabasePlace":
        """Raises UsageError, whose words repeat nothing of the URL: all of it may be a part of a password."""
        try:
            parts = {name: str(value) for name, value in conninfo_to_dict(url).items() if value is not None}
        except psycopg.Error:
            raise UsageError("--ledger: this PostgreSQL URL can't be read", hint=_FORM) from None
        return cls(Address(conninfo=url, given=frozenset(parts), words=_words(parts)))

    @property
    def words(self) -> str:
        return self.address.words

    @property
    def conninfo(self) -> str:
        return self.address.conninfo

    @property
    def near(self) -> str:
        return self.address.words

    def open(self, *, origin: str | None, is_judged: bool = True) -> Ledger | None:
        return open_ledger(self.address, origin=origin, is_judged=is_judged)

    def make(self, *, origin: str, name: str | None, at: str) -> Ledger:
        make(self.address, origin=origin, name=name, at=at)
        return self.open_or_make(origin=origin, at=at)

    def open_or_make(self, *, origin: str, at: str) -> Ledger:  # noqa: ARG002 - a file's place needs the time
        ledger = self.open(origin=origin)
        if ledger is None:
            raise Refused(
                f"there is no ledger in the database {self.words}",
                hint="make it once with: flypast ledger init NAME, with the same --ledger; a send never makes tables",
            )
        return ledger

    def runs(self, *, origin: str | None, keys_of: KeysOf) -> Runs:
        return open_runs(self.address, origin=origin, keys_of=keys_of)

    def bring_up_to_date(self) -> str | None:
        new = upgrade(self.address)
        return None if new is None else f"of format {new}"

    def give_name(self, name: str) -> None:
        name_ledger(self.address, name)


def _words(parts: dict[str, str]) -> str:
    """Host, port and database, as they may be shown. Raises UsageError for what may be half of a password."""
    hosts = (parts.get("host") or parts.get("hostaddr") or os.environ.get("PGHOST", "")).split(",")
    ports = (parts.get("port") or os.environ.get("PGPORT", "")).split(",")
    database = parts.get("dbname") or os.environ.get("PGDATABASE", "") or parts.get("user", "")
    for what, is_sound, values in (
        ("host", _is_host, filter(None, hosts)),
        ("port", _is_port, ports),
        ("database", _is_database, filter(None, [database])),
    ):
        if not all(is_sound(value) and value.isprintable() for value in values):
            raise UsageError(f"--ledger: the {what} of this PostgreSQL URL can't be one", hint=_FORM)
    ports = ports * len(hosts) if len(ports) == 1 else ports
    shown = [f"{_host(host)}:{port}" if port else _host(host) for host, port in zip(hosts, ports, strict=False)]
    return f"postgresql://{','.join(shown)}/{database}"


def _host(host: str) -> str:
    return f"[{host}]" if ":" in host else host
