"""Pictures of the report and of the sandbox's inbox: real pages of a real command, with the same data each time."""

import tempfile
from base64 import b32encode
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp

from runner.ledger.seam import Intent, Settlement
from runner.ledger.sqlite import create
from tests.conftest import CHANNEL, WORKSPACE, Project
from tests.report.entries import BEGAN, ORIGIN, campaign

from .browser import Scheme, Watched, opened, shot

if TYPE_CHECKING:
    from playwright.async_api import Browser

TEXTS = (
    "Hi {}, your order is on its way. Follow it: https://acme.example/t/8c1",
    "Hi {}, tulips are in season: 20 % off until Sunday. Reply STOP to end.",
    "{}, your table for two is booked: Tuesday, 7.30 pm. See you then!",
)
NAMES = ("Ann", "Robert", "Chloé", "Zoë", "Mateusz", "İpek", "Siobhán")


def report(folder: Path) -> str:
    """The address of the page that `flypast report` writes for a campaign of 12,000 messages."""
    path = folder / "ledger.db"
    at = BEGAN.isoformat(timespec="milliseconds")
    ledger = create(path, origin=ORIGIN, name="acme-prod", at=at)
    rows = [replace(row, key=b32encode(sha256(row.key.encode()).digest()[:20]).decode()) for row in campaign(12_000)]
    for run in dict.fromkeys(row.run for row in rows):
        claim = ledger.claim("spring", run=run, at=at)
        mine = [row for row in rows if row.run == run]
        claim.commit([], [
            Intent(
                key=row.key, edition=row.edition, message=row.message, workspace_id=row.workspace_id,
                channel_id=row.channel_id, reference=row.reference, address=row.address, country=row.country,
                payload_hash=row.payload_hash, segments=row.segments, at=row.intended_at,
                cost=row.cost, currency=row.currency,
            )
            for row in mine
        ])  # fmt: skip
        claim.commit([Settlement(row.key, row.state, row.at, row.message_id, row.code, row.words) for row in mine], [])
        claim.track({row.key: row.told for row in mine if row.told is not None})
        claim.release()
    ledger.close()
    project = Project(folder)
    project.write("spring.yaml", "name: spring\n")
    ran = project.run(
        "report", "spring.yaml", "--report", "html=report.html", FLYPAST_LEDGER=f"sqlite:///{path}"
    )  # fmt: skip
    assert ran.code == 0, ran.err
    page = folder / "report.html"
    page.write_text(page.read_text().replace(f" --ledger sqlite:///{path}", ""))  # it would be another one each time
    return page.as_uri()


async def _report(
    browser: "Browser", file: Path, *, scheme: Scheme = "light", width: int = 1100, height: int = 900, at: str = ""
) -> None:
    """`at` is the heading of the card that stands at its top."""
    with tempfile.TemporaryDirectory() as folder:
        async with opened(
            browser, report(Path(folder)), scheme=scheme, width=width, height=height, runs_scripts=False
        ) as tab:
            if at:
                card = await tab.page.locator("section", has=tab.page.get_by_role("heading", name=at)).bounding_box()
                assert card is not None
                await tab.page.mouse.wheel(0, card["y"] - 24)
                await tab.page.wait_for_timeout(200)
            await shot(tab.page, file)


async def report_light(browser: "Browser", file: Path) -> None:
    await _report(browser, file)


async def report_dark(browser: "Browser", file: Path) -> None:
    """Further down: the charts."""
    await _report(browser, file, scheme="dark", height=704, at="Rate over time")


async def report_narrow(browser: "Browser", file: Path) -> None:
    await _report(browser, file, width=360)


@contextmanager
def _sandbox(folder: Path) -> Iterator[str]:
    process = Project(folder).start("sandbox", "--port", "0", "--fault", "500-after:after:6:first:7")
    assert process.stdout is not None
    yield process.stdout.readline().strip()
    process.terminate()
    process.communicate(timeout=30)


@asynccontextmanager
async def inbox(browser: "Browser", *, scheme: Scheme = "light", width: int = 1240) -> AsyncIterator[Watched]:
    """Three dozen messages to a dozen people, one of whom is looked at."""
    with tempfile.TemporaryDirectory() as folder, _sandbox(Path(folder)) as url:
        async with aiohttp.ClientSession() as session:
            for number in range(36):
                to = "+14155550199" if number == 33 else f"+1415555{100 + number * 5 % 12:04}"
                text = TEXTS[number // 12].format(NAMES[number * 5 % 12 % 7])
                request = {
                    "receiver": {"contacts": [{"identifierKey": "phonenumber", "identifierValue": to}]},
                    "body": {"type": "text", "text": {"text": text}},
                }
                path = f"{url}/workspaces/{WORKSPACE}/channels/{CHANNEL}/messages"
                async with session.post(path, json=request, headers={"Authorization": "AccessKey x"}) as reply:
                    await reply.read()
        async with opened(browser, url, scheme=scheme, width=width, height=800) as tab:
            await tab.page.locator("#counts .badge", has_text="35 delivered").wait_for()
            await tab.page.locator("#people button").nth(5).click()
            await tab.page.locator("#talk li").first.wait_for()
            yield tab


async def _still(tab: Watched) -> None:
    """Every clock says the same, and so does every id."""
    await tab.page.evaluate(
        """for (const each of document.querySelectorAll(".at, .under > span:first-child, .course span:first-child"))
             each.textContent = each.textContent.replace(/\\d\\d:\\d\\d:\\d\\d/, "09:41:00");
           for (const each of document.querySelectorAll(".whole dd"))
             each.textContent = each.textContent.replace(/^[0-9a-f-]{36}$/, "8d1f7a52-3c0b-4f1e-9a77-6b2d40c9e813")"""
    )


async def inbox_light(browser: "Browser", file: Path) -> None:
    """With what arrived as a request, and faults to switch."""
    async with inbox(browser) as tab:
        await tab.page.locator("#show-faults").click()
        await tab.page.locator(".faults li").first.wait_for()
        await _still(tab)
        await shot(tab.page, file)


async def inbox_dark(browser: "Browser", file: Path) -> None:
    async with inbox(browser, scheme="dark") as tab:
        await tab.page.locator("#talk .link").first.click()
        await tab.page.locator(".whole").wait_for()
        await _still(tab)
        await shot(tab.page, file)


async def inbox_narrow(browser: "Browser", file: Path) -> None:
    async with inbox(browser, width=360) as tab:
        await tab.page.locator("#back").click()
        await _still(tab)
        await shot(tab.page, file)
