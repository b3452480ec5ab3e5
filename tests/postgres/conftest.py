"""One server for all tests that use it: they run in one process, one after another."""

from collections.abc import Iterator

import pytest

from .fleet import fleet
from .server import Server, running_server

__all__ = ["fleet"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent.name == "postgres":
            item.add_marker(pytest.mark.xdist_group("postgres"))


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    with running_server() as server:
        yield server


@pytest.fixture
def url(server: Server) -> str:
    """A new database's."""
    return server.new_database()
