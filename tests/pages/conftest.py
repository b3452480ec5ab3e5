"""The browser that all tests of pages share."""

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from .browser import chromium
from .previews import Previews, previewing

if TYPE_CHECKING:
    from playwright.async_api import Browser


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> "AsyncIterator[Browser]":
    async with chromium() as started:
        yield started


@pytest.fixture
def previews() -> Iterator[Previews]:
    with previewing() as made:
        yield made
