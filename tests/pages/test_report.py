"""The report in a browser that runs no script: readable, narrow or dark, and deaf to hostile names."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner.model import State
from runner.output.report_html import report_html
from runner.output.report_told import ReportTold
from runner.report import collect
from tests.report.entries import ORIGIN, campaign, entry

from .browser import Scheme, faults, opened, width_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from playwright.async_api import Browser

    from runner.ledger.seam import Entry

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.xdist_group("browser")]

HOSTILE = (
    "</td><script>alert(1)</script>",
    "<img src=http://tracker.example/x onerror=alert(2)>",
    '"><svg onload=alert(3)>',
    "</style><script>alert(4)</script>",
    "]]><x/>&lt;script&gt;",
)


def written(folder: Path, entries: "Iterable[Entry]") -> str:
    """The address of a report's file."""
    facts = collect(entries, ledger="acme-prod", origin=ORIGIN, manifest="spring")
    told = ReportTold(facts=facts, passing=frozenset({"12001"}), asked=" spring.yaml", show_pii=True)
    file = folder / "report.html"
    file.write_text(report_html(told), encoding="ascii")
    return file.as_uri()


async def test_it_is_read_without_scripts_and_asks_nobody_for_anything(browser: "Browser", tmp_path: Path) -> None:
    url = written(tmp_path, campaign(3000))
    async with opened(browser, url, runs_scripts=False) as watched:
        page = watched.page
        assert await page.title() == "Report: spring"
        assert await page.locator("h2").all_inner_texts() == [
            *(
                "What to do next",
                "Outcomes",
                "Delivery",
                "Why Bird rejected",
                "In doubt",
                "Rate over time",
                "Latency",
                "Countries",
            ),
            *("Messages", "Channels", "Runs", "What is not known"),
        ]
        assert await page.locator("figure rect").count() > 10
        box = await page.locator("figure rect").first.bounding_box()
        assert box is not None
        assert box["height"] > 5
        assert await page.locator(".steps code").first.inner_text() == "flypast reconcile spring.yaml"
        assert [asked for asked in watched.asked if not asked.startswith("data:")] == [url]


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_it_keeps_nobody_from_reading(browser: "Browser", tmp_path: Path, scheme: Scheme) -> None:
    async with opened(browser, written(tmp_path, campaign(2000)), scheme=scheme) as watched:
        assert await faults(watched.page) == []


async def test_it_fits_a_phone(browser: "Browser", tmp_path: Path) -> None:
    async with opened(browser, written(tmp_path, campaign(2000)), width=360, height=740) as watched:
        assert await width_of(watched.page) <= 360
        assert await faults(watched.page) == []


@pytest.mark.parametrize("width", [360, 1100])
async def test_words_in_charts_are_large_enough_and_no_table_is_cut_off_on_a_desk(
    browser: "Browser", tmp_path: Path, width: int
) -> None:
    async with opened(browser, written(tmp_path, campaign(12_000)), width=width) as watched:
        sizes = await watched.page.locator(".charts text").evaluate_all(
            "all => all.map(each => parseFloat(getComputedStyle(each).fontSize) * each.getScreenCTM().a)"
        )
        assert min(sizes) >= 11.5
        assert max(sizes) <= 15.5
        cut = await watched.page.locator(".scrolls").evaluate_all("all => all.map(e => e.scrollWidth > e.clientWidth)")
        assert width < 1100 or not any(cut)


async def test_it_can_be_printed_with_all_that_it_says(browser: "Browser", tmp_path: Path) -> None:
    async with opened(browser, written(tmp_path, campaign(2000)), scheme="dark") as watched:
        paper = await watched.page.pdf(format="A4")
        assert paper.startswith(b"%PDF")
        await watched.page.emulate_media(media="print", color_scheme="light")
        tables = watched.page.locator(".scrolls")
        for index in range(await tables.count()):
            assert await tables.nth(index).evaluate("each => getComputedStyle(each).overflowX") == "visible"


async def test_a_hostile_name_runs_nothing_and_fetches_nothing(browser: "Browser", tmp_path: Path) -> None:
    names = ("manifest", "edition", "message", "run", "code", "words", "country", "channel_id", "workspace_id")
    entries = [
        entry(n, state, **dict.fromkeys(names, payload), address=f"custom:{payload}")
        for n, (payload, state) in enumerate((payload, state) for payload in HOSTILE for state in State)
    ]
    async with opened(browser, written(tmp_path, entries)) as watched:
        assert await watched.page.locator("script, img, iframe, object, [onload], [onerror]").count() == 0
        assert await watched.page.get_by_text(HOSTILE[0]).count() > 3
        assert await faults(watched.page) == []


async def test_an_empty_ledger_has_a_page(browser: "Browser", tmp_path: Path) -> None:
    async with opened(browser, written(tmp_path, []), runs_scripts=False) as watched:
        assert await watched.page.get_by_text("nothing was sent from it").is_visible()
