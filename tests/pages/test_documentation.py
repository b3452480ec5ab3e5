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


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
async def test_it_keeps_nobody_from_reading(browser: "Browser", site: str, scheme: Scheme, width: int) -> None:
    async with opened(browser, f"{site}/index.html", scheme=scheme, width=width) as tab:
        for name in ("index", "manifest", "guides/in-doubt", "findings/TPL403"):
            await tab.page.goto(f"{site}/{name}.html")
            assert await faults(tab.page) == [], name
            assert await width_of(tab.page) <= width, name
