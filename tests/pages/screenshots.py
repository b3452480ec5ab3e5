"""`make screenshots`: the pictures of the documentation, taken of the real pages.

A picture is a function here: it gets the browser and the file to write. What a clock says is the same in all of them.
"""

import asyncio
import shutil
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

from docs import make_site
from tests.conftest import Project

from . import pictures
from .browser import chromium, opened, shot
from .previews import Previews, previewing

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

ROOT = Path(__file__).parent.parent.parent
IMAGES = ROOT / "docs" / "images"
MOST_BYTES = 150_000

Picture = Callable[["Browser", Path], Awaitable[None]]


async def preview_light(browser: "Browser", file: Path) -> None:
    with example("spring-launch") as (project, previews):
        url = previews.start(project, "spring-launch.yaml")
        async with opened(browser, f"{url}?q=chlo&row=launch-list%2386", width=1240, height=800) as tab:
            await ready(tab.page)
            await shot(tab.page, file)


async def preview_dark(browser: "Browser", file: Path) -> None:
    with example("picture") as (project, previews):
        url = previews.start(project, "picture.yaml")
        async with opened(browser, url, scheme="dark", width=1240, height=800) as tab:
            await ready(tab.page)
            await shot(tab.page, file)


async def preview_narrow(browser: "Browser", file: Path) -> None:
    with example("reminders") as (project, previews):
        url = previews.start(project, "reminders.yaml")
        async with opened(browser, url, width=360, height=900) as tab:
            await ready(tab.page)
            await shot(tab.page, file)


async def preview_error(browser: "Browser", file: Path) -> None:
    """The moment after a slip of the pen."""
    with example("reminders") as (project, previews):
        url = previews.start(project, "reminders.yaml")
        async with opened(browser, url, width=1240, height=760) as tab:
            await ready(tab.page)
            manifest = (project.path / "reminders.yaml").read_text()
            project.write("reminders.yaml", manifest.replace("{{ first_name }}, see you", "{{ frist_name }}, see you"))
            await tab.page.locator("#status", has_text="showing what was saved at").wait_for()
            await ready(tab.page)
            await shot(tab.page, file)


async def preview_export(browser: "Browser", file: Path) -> None:
    with example("every-field") as (project, _), tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "page.html"
        project.run("preview", "sms.yaml", "--set", "send_at=2026-12-01T09:00:00Z", "--export", page)
        async with opened(browser, page.as_uri(), width=1200, height=900, runs_scripts=False) as tab:
            await shot(tab.page, file)


async def docs_light(browser: "Browser", file: Path) -> None:
    with documentation() as address:
        async with opened(browser, f"{address}/index.html", width=1240, height=800) as tab:
            await shot(tab.page, file)


async def docs_narrow(browser: "Browser", file: Path) -> None:
    with documentation() as address:
        async with opened(browser, f"{address}/guides/in-doubt.html", scheme="dark", width=360, height=800) as tab:
            await shot(tab.page, file)


PICTURES: dict[str, Picture] = {
    "preview-light": preview_light,
    "preview-dark": preview_dark,
    "preview-narrow": preview_narrow,
    "preview-error": preview_error,
    "preview-export": preview_export,
    "report-light": pictures.report_light,
    "report-dark": pictures.report_dark,
    "report-narrow": pictures.report_narrow,
    "inbox-light": pictures.inbox_light,
    "inbox-dark": pictures.inbox_dark,
    "inbox-narrow": pictures.inbox_narrow,
    "docs-light": docs_light,
    "docs-narrow": docs_narrow,
}


@contextmanager
def example(name: str) -> Iterator[tuple[Project, Previews]]:
    """A bundled example in a repository of its own, and what starts previews of it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        shutil.copytree(ROOT / "examples" / name, path)
        (path / ".git").mkdir()
        with previewing() as previews:
            yield Project(path), previews


@contextmanager
def documentation() -> Iterator[str]:
    """The address of the site of docs/, made and served here."""
    with tempfile.TemporaryDirectory() as folder:
        assert make_site.make(Path(folder)) == 0
        handler = partial(Silent, directory=str(Path(folder) / "site"))
        with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            Thread(target=server.serve_forever, daemon=True).start()
            yield f"http://127.0.0.1:{server.server_port}"
            server.shutdown()


class Silent(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (its name)
        pass


async def ready(page: "Page") -> None:
    """All is there, and every clock says the same."""
    await page.locator(".phone .bubble").first.wait_for()
    await page.evaluate(
        """for (const each of document.querySelectorAll("#status span"))
             each.textContent = each.textContent.replace(/\\d\\d:\\d\\d:\\d\\d/, "09:41:00")"""
    )


async def take(names: list[str]) -> int:
    too_large = []
    async with chromium("--enable-features=OverlayScrollbar") as browser:  # no empty strip where one would be
        for name in names or PICTURES:
            file = IMAGES / f"{name}.png"
            await PICTURES[name](browser, file)
            size = file.stat().st_size
            sys.stdout.write(f"{file.relative_to(ROOT)}: {size:,} bytes\n")
            if size > MOST_BYTES:
                too_large.append(name)
    for name in too_large:
        sys.stderr.write(f"{name} is larger than {MOST_BYTES:,} bytes: show less on it\n")
    return 1 if too_large else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(take(sys.argv[1:])))
