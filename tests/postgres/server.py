"""A real PostgreSQL server, and a real PgBouncer before it: started, stopped, killed and cut off by the tests."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

_START_S = 60.0
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "on",  # what flypast insists on; the data lie in memory where there is room
    "shared_buffers": "16MB",
    "min_wal_size": "32MB",
    "max_wal_size": "64MB",
    "max_connections": "40",
    "logging_collector": "off",
}


def programs() -> Path | None:
    """The newest PostgreSQL's folder of programs."""
    found = [*Path("/usr/lib/postgresql").glob("*/bin"), *Path("/opt/homebrew/opt").glob("postgresql@*/bin")]
    found += [Path(path).parent for name in ("postgres", "initdb") if (path := shutil.which(name))]
    whole = [each for each in found if (each / "initdb").exists() and (each / "postgres").exists()]
    return max(whole, key=lambda each: [int(part) for part in each.parts if part.isdigit()], default=None)


def must_have(what: str, *, is_there: bool) -> None:
    """Without it: fails where CI is set, else skips, loudly."""
    if is_there:
        return
    words = f"{what} is not installed (on Debian: apt-get install postgresql pgbouncer)"
    if os.environ.get("CI"):
        pytest.fail(words)
    pytest.skip(words)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def as_nobody(folder: Path) -> list[str]:
    """Neither server runs as root: what to put before the command, and the folder given to that user."""
    if os.geteuid() != 0:
        return []
    names = [each.pw_name for each in pwd.getpwall()]
    user = "postgres" if "postgres" in names else "nobody"
    shutil.chown(folder, user)
    return ["setpriv", f"--reuid={user}", f"--regid={pwd.getpwnam(user).pw_gid}", "--clear-groups"]


def scratch() -> Path:
    """In memory where there is room: a commit still syncs, and costs little."""
    memory = Path("/dev/shm")
    has_room = memory.is_dir() and shutil.disk_usage(memory).free > 512 * 1024 * 1024
    return Path(tempfile.mkdtemp(prefix="flypast-postgres-", dir=memory if has_room else None))


@dataclass
class Server:
    """`start` and the ends of it, again and again on the same port."""

    folder: Path
    port: int = field(default_factory=free_port)
    process: "subprocess.Popen[bytes] | None" = None
    databases: int = 0

    def make(self) -> None:
        self._before = as_nobody(self.folder)
        self._bin = programs() or Path()
        self._run("initdb", "-D", self._data, "-U", "postgres", "--auth=trust", "-E", "UTF8", "--locale=C", "--no-sync")
        settings = "".join(f"{name} = '{value}'\n" for name, value in {**_SETTINGS, "port": self.port}.items())
        (self._data / "postgresql.auto.conf").write_text(settings)
        rules = "host all careful,picky 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\n"
        (self._data / "pg_hba.conf").write_text(rules)

    def start(self, **settings: str) -> None:
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        command = [*self._before, str(self._bin / "postgres"), "-D", str(self._data), *options]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log, start_new_session=True)
        self._wait()

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """SIGINT: cuts all off, and ends well. SIGQUIT: as if it had crashed."""
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(_START_S)
        self.process = None

    def restart(self, how: signal.Signals = signal.SIGQUIT, **settings: str) -> None:
        self.stop(how)
        self.start(**settings)

    def new_database(self, **settings: str) -> str:
        """Its URL."""
        self.databases += 1
        name = f"t{self.databases}"
        self.sql(f"CREATE DATABASE {name}")
        for setting, value in settings.items():
            self.sql(f"ALTER DATABASE {name} SET {setting} = '{value}'")
        return self.url(name)

    def url(self, database: str, *, user: str = "postgres", port: int | None = None) -> str:
        return f"postgresql://{user}@127.0.0.1:{port or self.port}/{database}"

    def sql(self, statement: str, *, database: str = "postgres") -> list[tuple[object, ...]]:
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            rows = connection.execute(statement)
            return rows.fetchall() if rows.description else []

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def _run(self, program: str, *arguments: str | Path) -> None:
        command = [*self._before, self._bin / program, *arguments]
        subprocess.run(command, check=True, cwd=self.folder, capture_output=True)

    def _wait(self) -> None:
        deadline = time.monotonic() + _START_S
        while time.monotonic() < deadline:
            assert self.process is not None
            if self.process.poll() is not None:
                raise AssertionError(self.log[-2000:])
            with suppress(psycopg.OperationalError):
                psycopg.connect(self.url("postgres"), connect_timeout=5).close()
                return
            time.sleep(0.05)
        raise AssertionError(self.log[-2000:])


@contextmanager
def running_server() -> Iterator[Server]:
    must_have("PostgreSQL", is_there=programs() is not None)
    folder = scratch()
    folder.chmod(0o755)
    server = Server(folder)
    try:
        server.make()
        server.start()
        yield server
    finally:
        server.stop(signal.SIGQUIT)
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def pooling(server: Server, databases: Sequence[str]) -> Iterator[int]:
    """A PgBouncer that gives each transaction another of a few connections; its port."""
    program = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    must_have("PgBouncer", is_there=program is not None)
    folder, port = scratch(), free_port()
    lines = ["[databases]", *(f"{name} = host=127.0.0.1 port={server.port} user=postgres" for name in databases)]
    lines += ["[pgbouncer]", "listen_addr = 127.0.0.1", f"listen_port = {port}", "unix_socket_dir =", "auth_type = any"]
    lines += ["pool_mode = transaction", "default_pool_size = 3", "min_pool_size = 3", "server_round_robin = 1"]
    lines += [f"logfile = {folder}/log"]
    (folder / "ini").write_text("\n".join(lines))
    command = [*as_nobody(folder), str(program), str(folder / "ini")]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + _START_S
        while time.monotonic() < deadline:
            with suppress(psycopg.OperationalError):
                psycopg.connect(server.url(databases[0], port=port), connect_timeout=5).close()
                break
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait(_START_S)
        shutil.rmtree(folder, ignore_errors=True)
