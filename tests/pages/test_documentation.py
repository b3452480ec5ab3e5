"""The site of the documentation in a browser: for whoever reads it on a phone, in the dark, or by the keyboard."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from .browser import Scheme, faults, opened, width_of
from .screenshots import documentation

if TYPE_CHECKING:
    from playwright.async_api import Browser

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.xdist_group("browser")]


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with documentation() as address:
        yield address


@pytest.mark.parametrize(
    ("name", "scheme", "width"),
    [("index", "light", 1280), ("guides/in-doubt", "dark", 390), ("comparison", "light", 390)],
)
async def test_it_keeps_nobody_from_reading(
    browser: "Browser", site: str, name: str, scheme: Scheme, width: int
) -> None:
    async with opened(browser, f"{site}/{name}.html", scheme=scheme, width=width) as tab:
        assert await faults(tab.page) == []
        assert await width_of(tab.page) <= width
