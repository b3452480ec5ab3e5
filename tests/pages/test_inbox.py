"""The sandbox's inbox in a browser: what somebody sees arrive, looks for, and switches."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from tests.conftest import CHANNEL, WORKSPACE, Project, Serve

from .browser import Scheme, Watched, faults, opened, width_of

if TYPE_CHECKING:
    from playwright.async_api import Browser, Route

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.xdist_group("browser")]

ANN, BOB = "+14155550100", "+12025550101"
HOSTILE = (
    "</span><script>alert(1)</script>",
    "<img src=http://tracker.example/x onerror=alert(2)>",
    '"><svg onload=alert(3)>',
    "javascript:alert(4)",
    "\u202etxt.exe\u0000\ufffe",
)


class Sender:
    """Posts to a sandbox as a program would."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self.session = session
        self.url = url

    def request(self, to: str, text: str, **body: Any) -> dict[str, Any]:
        return {
            "receiver": {"contacts": [{"identifierKey": "phonenumber", "identifierValue": to}]},
            "body": body or {"type": "text", "text": {"text": text}},
        }

    async def send(self, to: str, text: str = "Hi Robert", *, reference: str = "r", **body: Any) -> int:
        request = self.request(to, text, **body) | {"reference": reference}
        path = f"{self.url}/workspaces/{WORKSPACE}/channels/{CHANNEL}/messages"
        async with self.session.post(path, json=request, headers={"Authorization": "AccessKey x"}) as reply:
            return reply.status

    async def send_all(self, people: Sequence[str]) -> None:
        """In one batch per hundred."""
        path = f"{self.url}/workspaces/{WORKSPACE}/channels/{CHANNEL}/batch/messages"
        for start in range(0, len(people), 100):
            requests = [self.request(to, f"Hi {to}") for to in people[start : start + 100]]
            async with self.session.post(
                path, json={"messageRequests": requests}, headers={"Authorization": "AccessKey x"}
            ) as reply:
                assert reply.status == 202


@asynccontextmanager
async def sending(url: str) -> AsyncIterator[Sender]:
    async with aiohttp.ClientSession() as session:
        yield Sender(session, url)


async def until(claim: Any, what: str) -> None:
    """Waits for something that the page is told by and by."""
    ends_s = time.monotonic() + 20
    while not await claim():
        assert time.monotonic() < ends_s, what
        await asyncio.sleep(0.05)


async def live(watched: Watched) -> None:
    await watched.page.wait_for_selector("#live.good")


async def test_messages_arrive_and_their_statuses_move_while_somebody_looks(browser: "Browser", serve: Serve) -> None:
    url = serve().url
    async with sending(url) as sender, opened(browser, url) as watched:
        page = watched.page
        await live(watched)
        assert await page.get_by_text("Nothing has arrived yet.").is_visible()
        await sender.send(ANN, "Hi Ann")
        await sender.send("+14155550199", "Hi nobody")
        await page.get_by_role("button", name=ANN).click()
        await page.wait_for_selector("#talk li")
        assert await page.locator("#talk .bubble").all_inner_texts() == ["Hi Ann"]
        await page.wait_for_selector("#talk [data-status=delivered]")
        await page.wait_for_selector("#people [data-status=delivery_failed]")
        await sender.send(ANN, "and again")
        await page.wait_for_selector("#talk li:nth-child(2)")
        assert await page.locator("#talk .bubble").all_inner_texts() == ["Hi Ann", "and again"]
        assert await page.locator("#people .to").all_inner_texts() == [ANN, "+14155550199"]
        counts = page.locator("#counts .badge")
        await until(lambda: _is(counts, ("2 delivered", "1 delivery failed")), "all of them are counted")


async def test_a_message_stays_though_an_older_answer_comes_after_it(browser: "Browser", serve: Serve) -> None:
    url = serve().url
    async with sending(url) as sender, opened(browser, url) as watched:
        page = watched.page
        await live(watched)
        answers: asyncio.Queue[Any] = asyncio.Queue()

        async def late(route: "Route") -> None:
            answer = await route.fetch()
            await sender.send(ANN)
            await page.wait_for_selector("#people li")
            await page.wait_for_selector("#people [data-status=delivered]")
            await route.fulfill(response=answer)
            answers.put_nowait(await answer.json())

        await page.route("**/inbox/conversations*", late, times=1)
        await page.reload()
        assert (await answers.get())["conversations"] == []
        await page.wait_for_timeout(200)
        assert await page.locator("#people .to").all_text_contents() == [ANN]
        assert await page.locator("#people [data-status=delivered]").count() == 1


async def test_the_request_is_shown_as_it_arrived(browser: "Browser", serve: Serve) -> None:
    url = serve("--fault", "500-after").url
    picture = {"images": [{"mediaUrl": "https://media.example/a.png"}], "text": "Look", "metadata": {"subject": "New"}}
    async with sending(url) as sender, opened(browser, url) as watched:
        assert await sender.send(ANN, reference="order-7", type="image", image=picture) == 500
        page = watched.page
        await page.get_by_role("button", name=ANN).click()
        await page.wait_for_selector("#talk li")
        assert await page.locator("#talk .bubble bdi").all_inner_texts() == [
            "New",
            "▣ https://media.example/a.png",
            "Look",
        ]
        assert await page.get_by_text("sender got HTTP 500 (500-after)").is_visible()
        await page.get_by_role("button", name="request").click()
        shown = json.loads(await page.locator("#talk pre").inner_text())
        assert (shown["reference"], shown["body"]["image"]) == ("order-7", picture)
        assert await page.get_by_text("order-7", exact=True).is_visible()


async def test_search_finds_people_by_what_they_got(browser: "Browser", serve: Serve) -> None:
    url = serve().url
    async with sending(url) as sender, opened(browser, url) as watched:
        await sender.send(ANN, "Your code is 482")
        await sender.send(BOB, "Tulips")
        people = watched.page.locator("#people .to")
        await live(watched)

        async def shown(*wanted: str) -> None:
            await until(lambda: _is(people, wanted), f"{wanted} are listed")

        await shown(BOB, ANN)
        await watched.page.get_by_label("Search conversations").fill("TULIP")
        await shown(BOB)
        await watched.page.get_by_label("Search conversations").fill("nothing like it")
        await shown()
        assert await watched.page.get_by_text("Nobody's number, text or reference has this.").is_visible()
        await watched.page.get_by_label("Search conversations").fill("")
        await shown(BOB, ANN)


async def _is(elements: Any, wanted: tuple[str, ...]) -> bool:
    """What is out of sight counts too, though it is not drawn."""
    return bool(await elements.all_text_contents() == list(wanted))


async def test_faults_go_on_and_off_by_a_click(browser: "Browser", serve: Serve) -> None:
    url = serve("--fault", "429:first:1").url
    async with sending(url) as sender, opened(browser, url) as watched:
        page = watched.page
        await live(watched)
        button = page.locator("#show-faults")
        await until(lambda: _says(button, "Faults: 1 on"), "the fault of the command line is on")
        await button.click()
        row = page.locator(".faults li[data-kind='503']")
        await row.get_by_role("checkbox").check()
        await until(lambda: _says(button, "Faults: 2 on"), "the page heard of it")
        await row.get_by_label("Share in %").fill("100")
        await row.get_by_label("Share in %").press("Enter")

        async def is_refused() -> bool:
            return await sender.send(ANN) == 503

        await until(is_refused, "503 is on")
        await row.get_by_role("checkbox").uncheck()
        await until(lambda: _says(button, "Faults: 1 on"), "the fault of the command line stayed on")
        assert await sender.send(ANN) == 202
        slow = page.locator(".faults li[data-kind=slow]")
        await slow.get_by_role("checkbox").check()
        await slow.get_by_label("For").fill("soon")
        await slow.get_by_label("For").press("Enter")
        assert await page.get_by_role("alert").inner_text() != ""
        watched.strange = [each for each in watched.strange if "422" not in each]  # the browser's own word for it


async def _says(element: Any, text: str) -> bool:
    return bool(await element.inner_text() == text)


async def test_thousands_of_messages_are_read_page_by_page(browser: "Browser", serve: Serve) -> None:
    url = serve("--rate", "100000").url
    people = [f"+1{area}55501{number:02}" for area in (201, 202, 203, 205, 206) for number in range(100)]
    async with sending(url) as sender:
        for start in range(0, len(people), 50):
            await asyncio.gather(*(sender.send(person, f"Hi {person}") for person in people[start : start + 50]))
        for start in range(0, 150, 50):
            await asyncio.gather(*(sender.send(ANN, f"Number {number}") for number in range(start, start + 50)))
    async with opened(browser, url) as watched:
        page = watched.page
        await live(watched)
        rows = page.locator("#people li")
        await until(lambda: _counts(rows, 50), "the first page")
        await page.locator("#people-scroll").evaluate("each => each.scrollTo(0, each.scrollHeight)")
        await until(lambda: _counts(rows, 100), "the next page")
        assert len(set(await page.locator("#people .to").all_text_contents())) == 100
        await page.get_by_label("Search conversations").fill("Hi +12065550177")
        await until(lambda: _counts(rows, 1), "the one who is looked for")
        await page.get_by_label("Search conversations").fill(ANN)
        await page.get_by_role("button", name=ANN).click()
        bubbles = page.locator("#talk li")
        await until(lambda: _counts(bubbles, 50), "the latest messages")
        await page.get_by_role("button", name="Earlier messages").click()
        await until(lambda: _counts(bubbles, 100), "earlier ones")
        texts = await page.locator("#talk .bubble").all_text_contents()
        assert len(set(texts)) == 100


async def test_whoever_is_overtaken_while_somebody_looks_is_still_listed(browser: "Browser", serve: Serve) -> None:
    url = serve("--rate", "100000").url
    people = [f"+1{area}55501{number:02}" for area in (201, 202) for number in range(100)]
    async with sending(url) as sender, opened(browser, f"{url}/#%E0%A4%A") as watched:
        await live(watched)
        rows = watched.page.locator("#people li")
        await sender.send(ANN)
        await until(lambda: _counts(rows, 1), "the first")
        await sender.send_all(people)
        await until(lambda: _counts(rows, 50), "the latest of them")
        for count in (100, 150, 200, 201):
            await watched.page.locator("#people-scroll").evaluate("each => each.scrollTo(0, each.scrollHeight)")
            await until(lambda count=count: _counts(rows, count), "those before")
        assert set(await watched.page.locator("#people .to").all_text_contents()) == {ANN, *people}


async def _counts(rows: Any, wanted: int) -> bool:
    return bool(await rows.count() == wanted)


async def test_a_hostile_text_runs_nothing_and_fetches_nothing(browser: "Browser", serve: Serve) -> None:
    url = serve().url
    async with sending(url) as sender, opened(browser, url) as watched:
        for text in HOSTILE:
            await sender.send(text, text, reference=text)
            picture = {
                "images": [{"mediaUrl": "http://tracker.example/x.png"}],
                "text": text,
                "metadata": {"subject": text},
            }
            await sender.send(ANN, reference=text, type="image", image=picture)
        page = watched.page
        await live(watched)
        await page.get_by_role("button", name=ANN).click()
        await page.wait_for_selector("#talk li:nth-child(5)")
        for button in await page.locator("#talk .link").all():
            await button.click()
        await page.wait_for_selector("#talk li:nth-child(5) pre")
        assert HOSTILE[0] in await page.locator("#talk").inner_text()
        assert await page.locator("img, iframe, object, #talk script, #people script").count() == 0
        assert r"\u202etxt.exe" in await page.locator("#talk li:nth-child(5) pre").inner_text()
        await sender.send("x" * 600)
        longest = page.locator("#people .to", has_text="xxx")
        await longest.wait_for()
        assert await longest.evaluate("each => each.clientHeight") < 60
        for name in HOSTILE[:3]:
            await page.locator("#people button", has_text=name).first.click()
            await until(lambda name=name: _says(page.locator("#who"), name), name)
        await page.reload()  # the address holds whom it shows
        await live(watched)


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_it_keeps_nobody_from_using_it(browser: "Browser", serve: Serve, scheme: Scheme) -> None:
    url = serve("--fault", "500-after:50%").url
    async with sending(url) as sender, opened(browser, url, scheme=scheme) as watched:
        await sender.send(ANN)
        await sender.send(BOB)
        page = watched.page
        await page.get_by_role("button", name=ANN).click()
        await page.get_by_role("button", name="request").click()
        await page.locator("#show-faults").click()
        await page.wait_for_selector(".faults li")
        assert await faults(page) == []


async def test_it_fits_a_phone_one_pane_at_a_time(browser: "Browser", serve: Serve) -> None:
    url = serve().url
    async with sending(url) as sender, opened(browser, url, width=360, height=740) as watched:
        await sender.send(ANN, "word " * 60)
        page = watched.page
        await page.get_by_role("button", name=ANN).click()
        assert not await page.locator("#people").is_visible()
        assert await width_of(page) <= 360
        assert await faults(page) == []
        await page.get_by_role("button", name="Back").click()
        assert await page.locator("#people").is_visible()
        assert ANN in (await page.evaluate("document.activeElement.textContent"))
        await page.locator("#show-faults").click()
        assert await width_of(page) <= 360
        await page.locator("#show-faults").click()
        await page.set_viewport_size({"width": 320, "height": 225})  # a window of 1280 by 900 at 400 %
        await page.get_by_role("button", name=ANN).click()
        await page.wait_for_selector("#talk li")
        assert await page.locator("#talk-scroll").evaluate("each => each.clientHeight") > 225  # no slit: all scrolls
        assert await width_of(page) <= 320


async def test_the_keyboard_is_enough(browser: "Browser", serve: Serve) -> None:
    url = serve().url
    async with sending(url) as sender, opened(browser, url) as watched:
        await sender.send(ANN, "Hi Ann")
        page = watched.page
        await page.wait_for_selector("#people li")
        await page.get_by_label("Search conversations").focus()
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await page.wait_for_selector("#talk li")
        assert await page.locator("#people [aria-current=true]").count() == 1


async def test_another_sandbox_at_the_same_address_is_looked_at_and_switched(
    browser: "Browser", serve: Serve, project: Project
) -> None:
    first = project.start("sandbox", "--port", "0")
    assert first.stdout is not None
    url = first.stdout.readline().strip()
    async with sending(url) as sender, opened(browser, url) as watched:
        page = watched.page
        await sender.send(ANN)
        await page.get_by_role("button", name=ANN).click()
        await page.wait_for_selector("#talk li")
        first.terminate()
        first.communicate(timeout=30)
        await page.wait_for_selector("#live.bad")
        await page.get_by_role("button", name="request").click()  # nobody answers, and nothing breaks
        await page.get_by_label("Search conversations").fill("+1")
        await page.wait_for_timeout(300)
        assert serve("--port", url.rpartition(":")[2]).url == url
        await live(watched)
        await page.locator("#show-faults").click()
        box = page.locator(".faults li[data-kind='503'] [type=checkbox]")
        async with page.expect_event("load"):
            await box.click()  # it is never seen as checked: the page is loaded anew
        await live(watched)
        await page.locator("#show-faults").click()
        await box.check()
        button = page.locator("#show-faults")
        await until(lambda: _says(button, "Faults: 1 on"), "it is switched")
        watched.strange = [each for each in watched.strange if not _is_of_an_end(each)]


def _is_of_an_end(said: str) -> bool:
    """The browser's own words for a server that is gone, or another one."""
    return any(each in said for each in ("ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE", "403"))


async def test_a_page_that_lost_its_sandbox_says_so_and_comes_back(browser: "Browser", serve: Serve) -> None:
    url = serve().url
    async with opened(browser, url) as watched:
        await live(watched)
        await watched.page.route("**/_sandbox/inbox/events", lambda route: route.abort())
        await watched.page.reload()
        await watched.page.wait_for_selector("#live.bad")
        await watched.page.unroute("**/_sandbox/inbox/events")
        await live(watched)
        watched.strange = [each for each in watched.strange if "ERR_FAILED" not in each]
