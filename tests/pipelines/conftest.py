"""The machine that pipelines run on: made once, as a wheel is built for it."""

import pytest

from . import machine as machines
from .machine import Machine


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    return machines.made(tmp_path_factory.mktemp("machine"))
