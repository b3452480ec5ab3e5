"""The machine that pipelines run on, made once, as a wheel is built for it; and the database of their ledgers."""

from collections.abc import Iterator

import pytest

from tests.postgres.server import Server, running_server

from . import machine as machines
from .machine import Machine


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    return machines.made(tmp_path_factory.mktemp("machine"))


@pytest.fixture(scope="session")
def database() -> Iterator[Server]:
    with running_server() as server:
        yield server
