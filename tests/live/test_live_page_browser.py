"""The live page in a real browser: by keyboard, at two widths, with a hostile device, judged by axe."""

import asyncio
import time

import httpx
import pytest
from live_story import Reporter, run_reports

from intercom_hil.live.asking import LivePageWay
from intercom_hil.live.feed import Feed
from intercom_hil.live.process import LiveProcess, Place
from intercom_hil.operator.prompter import Asked
from intercom_hil.timeline.timeline import now
from tests.emulator.chromium import WITHIN, Chromium, axe_core
from tests.operator.standing_in import SHEET

ADDRESS = "127.0.75.72"
LANES = ("gw0", "gw1")


@pytest.fixture
def page():
    process = LiveProcess([Place.parse(f"{ADDRESS}:0", "--live")], bench="door bench")
    httpx.get(process.pages[0][1], trust_env=False, timeout=5 * WITHIN)  # it has started
    yield process
    process.close()


@pytest.fixture(scope="module")
async def browser(tmp_path_factory):
    running = await Chromium.start(tmp_path_factory.mktemp("chromium") / "profile")
    try:
        yield running
    finally:
        await running.close()


@pytest.fixture
async def run(page):
    reporters = {lane: await Reporter.join(page.path, lane) for lane in ("", *LANES)}
    for lane, report in run_reports(time.time(), LANES):
        await reporters[lane].report(report)
    yield reporters
    for reporter in reporters.values():
        await reporter.leave()


def says(words):
    return f"document.body.textContent.includes({words!r})"


async def test_a_person_answers_and_stops_by_the_keyboard_while_the_page_grows(page, browser, run):
    acts, _ = page.pages[0]
    await browser.size(390)
    await browser.open(acts)
    await browser.until("document.querySelectorAll('svg.ladder .sip text').length > 6")
    asked = Asked(7, SHEET, now() + 600)
    answering = asyncio.create_task(LivePageWay(Feed(page.path, "gw1")).ask(asked))
    await browser.until(says("Do it."))
    await browser.tab_to("What does the form say?")
    await browser.type("half")
    await run["gw0"].report({"what": "doing", "text": "what the bench does"}, {"what": "over"})
    await browser.until(says("what the bench does"))
    assert await browser.value("document.activeElement.value") == "half"  # the page grew, the text stays
    await browser.tab_to("Stop the run…")
    await browser.press("Enter")
    await run["gw1"].report({"what": "doing", "text": "what it does next"}, {"what": "over"})
    await browser.until(says("what it does next"))
    await browser.tab_to("Stop after this scenario")
    await browser.press("Enter")
    await browser.until(says("Stops after this scenario"))
    assert await run["gw0"].told() == b"s"
    assert await browser.value("document.getElementById('said-text').value") == "half"
    await browser.value(
        "document.querySelector('[name=choice]').click(); document.getElementById('send').click()"
    )
    said, _ = await answering
    assert (said.choice, said.text) == ("accepted", "half")


async def test_what_a_device_says_makes_no_element_and_no_script(page, browser, run):
    for url in page.pages[0]:
        await browser.open(url)
        await browser.until("document.querySelectorAll('svg.ladder .sip text').length > 6")
        assert await browser.value("document.images.length") == 0
        assert await browser.value("document.scripts.length") == 1
        assert "pwned" not in await browser.value("document.title")
        await browser.until(says("</script><img src=x"))


@pytest.mark.nightly
async def test_without_a_script_the_state_is_there_and_loaded_anew(page, browser, run):
    await browser.send("Emulation.setScriptExecutionDisabled", value=True)
    try:
        await browser.send("Page.navigate", url=page.pages[0][0])
        await shows(browser, "outgoing: the button ends a placed call")
        await run["gw0"].report({"what": "doing", "text": "what comes later"}, {"what": "over"})
        await shows(browser, "what comes later")
    finally:
        await browser.send("Emulation.setScriptExecutionDisabled", value=False)


async def shows(browser, words):
    """Wait until a page that has no script to ask shows something."""
    document = None
    async with asyncio.timeout(WITHIN):
        while words not in str(document):
            await asyncio.sleep(0.05)
            document = await browser.send("DOM.getDocument", depth=-1)


async def test_nothing_is_wider_than_the_screen(page, browser, run):
    for url in page.pages[0]:
        await browser.open(url)
        await browser.until("document.querySelectorAll('svg.ladder .sip text').length > 6")
        for width in (390, 1024, 1440):
            await browser.size(width)
            assert await browser.value("document.documentElement.scrollWidth") <= width


@pytest.mark.nightly
async def test_axe_finds_nothing_serious(page, browser, run):
    found, script = [], axe_core()
    question = asyncio.create_task(LivePageWay(Feed(page.path, "gw1")).ask(Asked(7, SHEET, now() + 600)))
    for url in page.pages[0]:
        await browser.open(url)
        await browser.until("document.querySelectorAll('svg.ladder .sip text').length > 6")
        for width, dark in ((390, False), (1440, False), (1440, True)):
            await browser.size(width, dark=dark)
            await browser.value(f"{script}; 0")
            told = await browser.value(
                "axe.run().then(r => r.violations.map(v => [v.impact, v.id, v.nodes.map(n => n.html)]))",
                wait=True,
            )
            found += [(width, dark, *one) for one in told]
    question.cancel()
    assert found == []
