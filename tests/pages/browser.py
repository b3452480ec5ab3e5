"""A headless Chromium for tests of pages. It reaches this machine alone, and a page that asks for more fails its test.

Debian's Chromium, driven by Playwright: in CI their absence is a failure, elsewhere the test is skipped.
"""

import json
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

import pytest

from tests.npm import packages

from .png import smaller

if TYPE_CHECKING:
    from playwright.async_api import Browser, ConsoleMessage, Dialog, Page, Request

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Nothing has a name but this machine: not even Chromium itself asks for anything. It may not sandbox itself as root.
_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
    "--force-color-profile=srgb",
)
_PATIENCE_MS = 180_000  # other tests run beside these, and a machine may be busy
Scheme = Literal["light", "dark"]


@asynccontextmanager
async def chromium(*more: str) -> AsyncIterator["Browser"]:
    """One browser, for all tests of a session; `more` are arguments of its own."""
    found = os.environ.get("FLYPAST_TEST_CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        _absent("Chromium is not installed (on Debian or Ubuntu: sudo apt-get install chromium)")
    try:
        from playwright.async_api import async_playwright
    except ImportError:
        _absent("Playwright is not installed (pip install playwright)")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=found, args=[*_ARGUMENTS, *more], timeout=_PATIENCE_MS
        )
        try:
            yield browser
        finally:
            await browser.close()


def _absent(why: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(f"NO PAGE LOOKED AT: {why}")
    pytest.skip(f"NO PAGE LOOKED AT: {why}")


@dataclass
class Watched:
    """What a page did beside what it is for."""

    page: "Page"
    asked: list[str] = field(default_factory=list)
    strange: list[str] = field(default_factory=list)

    def watch(self) -> "Watched":
        self.page.on("request", self._on_request)
        self.page.on("console", self._on_console)
        self.page.on("pageerror", lambda error: self.strange.append(f"error: {error}"))
        self.page.on("dialog", self._on_dialog)
        self.page.on("popup", lambda page: self.strange.append(f"popup: {page.url}"))
        return self

    def _on_request(self, request: "Request") -> None:
        self.asked.append(request.url)
        is_ours = urlsplit(request.url).hostname == "127.0.0.1" or request.url.startswith(("file:", "data:image/svg"))
        if not is_ours:
            self.strange.append(f"request: {request.url}")

    def _on_console(self, message: "ConsoleMessage") -> None:
        if message.type in ("error", "warning", "assert"):
            self.strange.append(f"console: {message.text}")

    async def _on_dialog(self, dialog: "Dialog") -> None:
        self.strange.append(f"dialog: {dialog.message}")
        await dialog.dismiss()


@asynccontextmanager
async def opened(
    browser: "Browser",
    url: str,
    *,
    scheme: Scheme = "light",
    width: int = 1280,
    height: int = 900,
    runs_scripts: bool = True,
) -> AsyncIterator[Watched]:
    """A page, in a browser that has seen nothing before. It must do nothing strange until it is left."""
    context = await browser.new_context(
        color_scheme=scheme,
        viewport={"width": width, "height": height},
        java_script_enabled=runs_scripts,
        locale="en-US",
        reduced_motion="reduce",
    )
    context.set_default_timeout(_PATIENCE_MS)
    try:
        watched = Watched(await context.new_page()).watch()
        await watched.page.goto(url)
        yield watched
        assert watched.strange == []
    finally:
        await context.close()


async def faults(page: "Page") -> list[str]:
    """What axe-core finds that keeps somebody from using the page: its serious and critical ones, with their places."""
    await page.evaluate((packages() / "node_modules" / "axe-core" / "axe.min.js").read_text())
    result: Any = await page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{each['id']}: {each['help']}: {json.dumps([node['html'][:160] for node in each['nodes'][:3]])}"
        for each in result["violations"]
        if each["impact"] in ("serious", "critical")
    ]


async def width_of(page: "Page") -> int:
    """How wide the page wants to be; more than its window means that it scrolls sideways."""
    return int(await page.evaluate("document.documentElement.scrollWidth"))


async def shot(page: "Page", file: Path, *, is_whole: bool = False) -> None:
    """A picture for the documentation."""
    picture = smaller(await page.screenshot(full_page=is_whole, animations="disabled", caret="hide"))
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(picture)  # noqa: ASYNC240 - a script of its own
