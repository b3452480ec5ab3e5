"""The preview in a browser: what an author does with it, and what nobody can do through it."""

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.conftest import CHANNEL, WORKSPACE, Project

from .browser import Scheme, faults, opened, width_of
from .previews import Previews

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.xdist_group("browser")]

PARTY = """\
apiVersion: flypast/v1
name: party
include: [shared/channels.yaml]
parameters: {place: the garden}
recipients:
  guests: {file: guests.csv}
messages:
  date:
    channel: sms
    to: guests
    body: {type: text, text: {text: "Hi {{ name }}, see you in {{ place }} – it’s on Saturday."}}
  picture:
    channel: sms
    to: guests
    body:
      type: image
      image:
        images: [{mediaUrl: https://acme.example/media/garden.jpg, altText: Tables under trees}]
        text: "{{ name }}, you are invited."
        metadata: {subject: Garden party}
  welcome:
    channel: sms
    to: guests
    template:
      projectId: ce6a2fd6-b2fa-4f5a-a2cd-f3bd15883318
      version: 8d1f7a52-3c0b-4f1e-9a77-6b2d40c9e813
      locale: en
      parameters: [{type: string, key: first_name, value: "{{ name }}"}]
"""
CHANNELS = f"""\
apiVersion: flypast/v1
name: channels
channels:
  sms: {{workspaceId: {WORKSPACE}, channelId: {CHANNEL}, mms: true}}
"""
HOSTILE = (
    "</td><script>alert(1)</script>",
    "<img src=http://tracker.example/x onerror=alert(2)>",
    '"><svg onload=alert(3)>',
    "' autofocus onfocus=alert(4) x='",
    "![](http://tracker.example/)",
    "javascript:alert(5)",
    "<style>@import 'http://tracker.example/'</style>",
    "\N{RIGHT-TO-LEFT OVERRIDE}live\N{ZERO WIDTH SPACE}",
    "{{ 7*7 }}",
)


@pytest.fixture
def party(tmp_path: Path) -> Project:
    made = Project(tmp_path / "party")
    made.path.mkdir()
    made.write("party.yaml", PARTY)
    made.write("shared/channels.yaml", CHANNELS)
    made.write("guests.csv", "phone,name\n+14155550100,Robert\n+14155550101,Zoë\n+14155550102,Hazel\n")
    return made


async def bubble(page: "Page") -> str:
    return (await page.text_content(".phone .bubble")) or ""


async def comes(page: "Page", selector: str, text: str) -> None:
    """Waits until something says so."""
    await page.locator(selector, has_text=text).first.wait_for()


async def test_what_is_saved_is_seen_at_once(browser: "Browser", party: Project, previews: Previews) -> None:
    """In the manifest, in what it includes, in its lists, in parameters."""
    place = party.write("elsewhere/place.yaml", "place: the garden\n")
    async with opened(browser, previews.start(party, "party.yaml", "--parameters", place)) as tab:
        await comes(tab.page, ".phone .bubble", "Hi Robert, see you in the garden")
        party.write("party.yaml", PARTY.replace("see you in", "come to"))
        await comes(tab.page, ".phone .bubble", "Hi Robert, come to the garden")
        party.write("guests.csv", "phone,name\n+14155550103,Ana\n")
        await comes(tab.page, ".phone .bubble", "Hi Ana, come to the garden")
        place.write_text("place: the park\n")
        await comes(tab.page, ".phone .bubble", "Hi Ana, come to the park")
        party.write("shared/channels.yaml", CHANNELS.replace("sms:", "other:"))
        await comes(tab.page, "#findings", 'no channel is called "sms"')
        party.write("shared/channels.yaml", CHANNELS)
        await comes(tab.page, "#status", "live")


async def test_a_file_that_appears_later_is_seen_too(browser: "Browser", party: Project, previews: Previews) -> None:
    (party.path / "shared/channels.yaml").rename(party.path / "elsewhere.yaml")
    async with opened(browser, previews.start(party, "party.yaml")) as tab:
        await comes(tab.page, "#findings", "there is no file")
        (party.path / "elsewhere.yaml").rename(party.path / "shared/channels.yaml")
        await comes(tab.page, ".phone .bubble", "Hi Robert")


async def test_an_error_is_shown_beside_its_line_and_the_last_good_rendering_stays(
    browser: "Browser", party: Project, previews: Previews
) -> None:
    async with opened(browser, previews.start(party, "party.yaml")) as tab:
        await comes(tab.page, ".phone .bubble", "Hi Robert")
        party.write("party.yaml", PARTY.replace("  guests:", "  gests:"))
        await comes(tab.page, "#status", "showing what was saved at")
        assert await tab.page.locator("#findings .frame mark").first.text_content() == "guests"
        assert "did you mean" in (await tab.page.text_content("#findings") or "")
        assert "Hi Robert" in await bubble(tab.page)
        assert (await tab.page.title()).startswith("(!)")
        party.write("party.yaml", "a: [")
        await comes(tab.page, "#findings", "YML")
        assert await tab.page.text_content("h1") == "party"
        assert "Hi Robert" in await bubble(tab.page)
        party.write("party.yaml", PARTY)
        await comes(tab.page, "#status", "live")
        assert await tab.page.locator("#findings > *").count() == 0


async def test_somebody_is_found_by_name_number_and_row(
    browser: "Browser", project: Project, previews: Previews
) -> None:
    project.people(2000)
    async with opened(browser, previews.start(project, "hello.yaml")) as tab:
        page = tab.page
        await comes(page, "#seek", "2,000 recipients")
        assert await page.locator(".people li").count() == 25
        for words, found in (("person 1234", 1), ("+1 (212) 555-01 07", 1), ("people#77", 11), ("nobody at all", 0)):
            await page.fill("#search", words)
            await comes(page, "#seek", f"{found} of 2,000")
            assert await page.locator(".people li").count() == found
        await page.fill("#search", "Person 1234")
        await page.locator(".people a").first.click()
        await comes(page, ".phone .bubble", "Hi Person 1234, welcome.")
        assert "people%231235" in page.url
        await page.fill("#search", "")
        await page.click(".pager [rel=next]")
        await comes(page, ".pager", "2 of 80")
        await comes(page, ".phone .bubble", "Hi Person 25, welcome.")
        await page.go_back()
        await comes(page, ".pager", "1 of 80")


async def test_it_is_used_by_keyboard_alone(browser: "Browser", project: Project, previews: Previews) -> None:
    project.people(60)
    async with opened(browser, previews.start(project, "hello.yaml")) as tab:
        page = tab.page
        await comes(page, ".phone .bubble", "Person 0,")
        await page.keyboard.press("j")
        await comes(page, ".phone .bubble", "Person 1,")
        await page.keyboard.press("ArrowDown")
        await comes(page, ".phone .bubble", "Person 2,")
        await page.keyboard.press("k")
        await comes(page, ".phone .bubble", "Person 1,")
        await page.keyboard.press("/")
        await page.keyboard.type("Person 59")
        await comes(page, "#seek", "1 of 60")
        assert await page.evaluate("document.activeElement.id + document.activeElement.value") == "searchPerson 59"
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("Enter")
        await comes(page, ".phone .bubble", "Person 59,")
        outline = await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid"


async def test_a_key_that_is_held_down_loses_no_step(browser: "Browser", project: Project, previews: Previews) -> None:
    project.people(100)
    async with opened(browser, previews.start(project, "hello.yaml")) as tab:
        page = tab.page
        await comes(page, ".phone .bubble", "Person 0,")
        for key, times, last in (("j", 40, 40), ("k", 30, 10), ("k", 15, 0)):
            for _ in range(times):
                await page.keyboard.press(key)
            await comes(page, ".phone .bubble", f"Person {last},")


async def test_the_next_page_follows_the_last_row_of_one(
    browser: "Browser", project: Project, previews: Previews
) -> None:
    project.people(60)
    async with opened(browser, previews.start(project, "hello.yaml") + "?row=people%2325") as tab:
        await comes(tab.page, ".phone .bubble", "Person 24,")
        await tab.page.keyboard.press("j")
        await comes(tab.page, ".phone .bubble", "Person 25,")
        await comes(tab.page, ".pager", "2 of 3")


async def test_whoever_has_colours_of_their_own_sees_what_is_chosen_and_what_is_a_message(
    browser: "Browser", party: Project, previews: Previews
) -> None:
    async with opened(browser, previews.start(party, "party.yaml")) as tab:
        await comes(tab.page, ".phone .bubble", "Hi Robert")
        await tab.page.emulate_media(forced_colors="active")
        borders = (
            "each => each.map(one => { const s = getComputedStyle(one); return [s.borderTopStyle, s.outlineStyle]; })"
        )
        assert await tab.page.locator(".phone, .bubble").evaluate_all(borders) == [["solid", "none"]] * 2
        chosen = await tab.page.locator(".messages a, .people a").evaluate_all(borders)
        assert [outline for _, outline in chosen] == ["solid", "none", "none", "solid", "none", "none"]


async def test_each_kind_of_message_looks_like_itself(browser: "Browser", party: Project, previews: Previews) -> None:
    async with opened(browser, previews.start(party, "party.yaml")) as tab:
        page = tab.page
        await page.click("#messages >> text=picture")
        await comes(page, ".placeholder", "https://acme.example/media/garden.jpg")
        assert "Garden party" in (await page.text_content(".phone .subject") or "")
        assert await page.locator("img, video, audio, iframe, object, embed, link[rel=preload]").count() == 0
        await page.click("#messages >> text=welcome")
        await comes(page, ".phone .template", "first_name")
        assert "Robert" in await bubble(page)


async def test_what_makes_a_text_ucs2_is_marked_in_it(browser: "Browser", party: Project, previews: Previews) -> None:
    async with opened(browser, previews.start(party, "party.yaml") + "?row=guests%232") as tab:
        await comes(tab.page, ".phone .bubble", "Zoë")
        assert await tab.page.locator(".segments mark").all_text_contents() == ["ë", "–", "’"]
        causes = await tab.page.text_content(".causes") or ""
        assert "U+2019 right single quotation mark" in causes
        assert re.search(r"its own words at party\.yaml:11:\d+", causes)
        assert "people's data in {{ name }}" in causes


async def test_the_request_is_the_one_that_goes_out(browser: "Browser", party: Project, previews: Previews) -> None:
    url = previews.start(party, "party.yaml")
    rendered = party.run("render", "party.yaml", "--row", "guests#2", "--message", "date", "--show-pii").lines[0]
    async with opened(browser, f"{url}?row=guests%232") as tab:
        assert json.loads(await tab.page.text_content("#beside pre.code") or "") == rendered["request"]
        raw = json.loads(await tab.page.locator("#beside pre.raw").text_content() or "")
        assert raw == rendered["request"]


async def test_a_hostile_name_runs_nothing_and_fetches_nothing(
    browser: "Browser", party: Project, previews: Previews, tmp_path: Path
) -> None:
    quoted = ['"' + name.replace('"', '""') + '"' for name in HOSTILE]
    rows = "".join(f"+141555501{index:02},{name}\n" for index, name in enumerate(quoted))
    party.write("guests.csv", f"phone,name\n{rows}")
    url = previews.start(party, "party.yaml")
    file = tmp_path / "page.html"
    assert party.run("preview", "party.yaml", "--export", file, "--show-pii").code == 0
    for name in ("date", "picture", "welcome"):
        async with opened(browser, f"{url}?message={name}") as tab:
            for row, said in enumerate(HOSTILE):
                await tab.page.locator(".people a").nth(row).click()
                await tab.page.locator(".people a[aria-current]", has_text=f"guests#{row + 1}").wait_for()
                assert said in "".join(await tab.page.locator(".phone .bubble").all_text_contents())
    async with opened(browser, url) as tab:
        for said in HOSTILE:
            await tab.page.fill("#search", said)
            for _ in range(3_000):  # until its own answer is there: all of them say 1 of 9
                if await tab.page.get_attribute("#search", "value") == said:
                    break
                await tab.page.wait_for_timeout(10)
            await comes(tab.page, "#seek", "1 of 9")
            assert await tab.page.input_value("#search") == said
    async with opened(browser, file.as_uri()) as tab:
        assert await tab.page.locator("script, img, svg[onload]").count() == 0
        assert all(each.startswith(("file:", "data:")) for each in tab.asked)


async def test_no_request_leaves_the_page_of_its_own_address(
    browser: "Browser", party: Project, previews: Previews
) -> None:
    url = previews.start(party, "party.yaml")
    async with opened(browser, url) as tab:
        await tab.page.click("#messages >> text=picture")
        await comes(tab.page, ".placeholder", "garden.jpg")
        assert [each for each in tab.asked if not each.startswith((url, "data:image/svg"))] == []


@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 1440), ("light", 360)])
async def test_nobody_is_kept_from_using_it(
    browser: "Browser", party: Project, previews: Previews, scheme: Scheme, width: int
) -> None:
    """By axe-core, in light and dark, wide and narrow, with each kind of message; and when it is broken."""
    url = previews.start(party, "party.yaml")
    name = {("light", 1440): "date", ("dark", 1440): "picture"}.get((scheme, width), "welcome")
    async with opened(browser, f"{url}?message={name}", scheme=scheme, width=width) as tab:
        await tab.page.locator("summary", has_text="byte for byte").click()
        assert await faults(tab.page) == []
        assert await width_of(tab.page) <= width
        party.write("party.yaml", PARTY.replace("  guests:", "  gests:"))
        await comes(tab.page, "#status", "showing what was saved at")
        assert await faults(tab.page) == []
        assert await width_of(tab.page) <= width


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 360)])
async def test_the_page_in_a_file_is_read_without_scripts(
    browser: "Browser", party: Project, tmp_path: Path, scheme: Scheme, width: int
) -> None:
    file = tmp_path / "page.html"
    assert party.run("preview", "party.yaml", "--export", file).code == 0
    async with opened(browser, file.as_uri(), scheme=scheme, width=width, runs_scripts=False) as tab:
        bubbles = await tab.page.locator(".phone .bubble").all_inner_texts()
        assert any("see you in" in each for each in bubbles)
        assert await tab.page.locator(".placeholder").first.is_visible()
        assert await tab.page.locator("pre.code").first.is_visible()
        await tab.page.locator("summary", has_text="3 recipients").first.click()
        assert await tab.page.locator("table").first.is_visible()
        assert tab.asked == [file.as_uri()]
    async with opened(browser, file.as_uri(), scheme=scheme, width=width) as tab:
        await tab.page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
        assert await faults(tab.page) == []
        assert await width_of(tab.page) <= width


async def test_the_page_says_when_the_preview_has_ended(browser: "Browser", party: Project, previews: Previews) -> None:
    url = previews.start(party, "party.yaml")
    async with opened(browser, url) as tab:
        await comes(tab.page, "#status", "live")
        previews.running[0].terminate()
        await comes(tab.page, "#status", "flypast preview has ended")
        assert "Hi Robert" in await bubble(tab.page)
        tab.strange.clear()  # Chromium says that the server is gone, as it is


async def test_it_works_without_its_script(browser: "Browser", project: Project, previews: Previews) -> None:
    project.people(60)
    async with opened(browser, previews.start(project, "hello.yaml"), runs_scripts=False) as tab:
        page = tab.page
        await page.locator(".people a").nth(3).click()
        assert "Person 3," in await bubble(page)
        await page.fill("#search", "Person 42")
        await page.keyboard.press("Enter")
        await comes(page, "#seek", "1 of 60")
