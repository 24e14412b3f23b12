"""The live page's process, over real sockets: who may see and do what, what it survives, and how it ends."""

import asyncio
import os
import subprocess
import sys
import time
from contextlib import suppress

import httpx
import pytest
from live_story import HOSTILE, Reporter, run_reports

from intercom_hil.errors import BenchError
from intercom_hil.live.asking import LivePageWay
from intercom_hil.live.feed import Feed, noted
from intercom_hil.live.process import LiveProcess, Place
from intercom_hil.operator.prompter import Asked
from intercom_hil.operator.question import Answer, GivenFile
from intercom_hil.timeline import Timeline, Witness
from intercom_hil.timeline.device_content import ConsoleLine, DeviceEvent
from intercom_hil.timeline.operator_content import OperatorAnswered
from intercom_hil.timeline.timeline import now
from tests.operator.standing_in import SHEET

ADDRESS = "127.0.75.71"
SOON = 60.0
"""Seconds within which what should happen has happened, on a busy machine too."""


@pytest.fixture(scope="module")
def page():
    """A page for all tests that leave it as it is."""
    process = LiveProcess([Place.parse(f"{ADDRESS}:0", "--live")], bench="door bench")
    yield process
    process.close()


@pytest.fixture
def ending_page():
    """A page that is stopped, or ended."""
    process = LiveProcess([Place.parse(f"{ADDRESS}:0", "--live")], bench="door bench")
    yield process
    process.close()


@pytest.fixture
async def browser(page):
    async with httpx.AsyncClient(base_url=page.pages[0][0], trust_env=False, timeout=SOON) as client:
        yield client


@pytest.fixture
def site(page):
    return page.pages[0][1]


@pytest.fixture
async def run(page):
    reporter = await Reporter.join(page.path)
    await reporter.report(*(report for _, report in run_reports(time.time())))
    yield reporter
    await reporter.leave()


async def until(browser, holds, url="state"):
    """Ask for the state until something holds of it, and return it."""
    async with asyncio.timeout(SOON):
        known = ""
        while True:
            state = (await browser.get(f"{url}?known={known}")).json()
            if holds(state):
                return state
            known = state["version"]


async def shown(browser, words, url="state"):
    return await until(browser, lambda state: words in state["run"], url)


async def test_the_page_shows_the_run_and_grows_with_it(browser, run):
    await shown(browser, "outgoing: the button ends a placed call")
    state = await shown(browser, "outgoing_call_established")
    assert (state["bench"], state["question"]) == ("door bench", None)
    known = state["version"]
    waiting = asyncio.create_task(browser.get(f"state?known={known}"))
    await run.report({"what": "doing", "text": "starting the PBX"}, {"what": "over"})
    assert "starting the PBX" in (await waiting).json()["run"]
    told = (await browser.get("")).text
    assert "starting the PBX" in told  # without a script, too
    assert '<noscript><meta http-equiv="refresh"' in told


async def test_without_the_token_the_run_can_be_looked_at_and_no_more(browser, run, site):
    state = await shown(browser, "outgoing: the button", f"{site}state")
    assert (state["question"], state["ended"]) == (None, [])
    assert "<form" not in state["run"]
    assert "<form" not in (await browser.get(site)).text.partition('id="run"')[2].partition('id="past"')[0]
    for path in ("stop", "answer", "file", "x/stop", "x/state", f"{'x' * 32}/", "//state", "%00"):
        told = await browser.request("POST" if path.endswith(("stop", "answer")) else "GET", site + path)
        assert told.status_code == 404, path
    assert "Stop after this scenario" in (await browser.get("state")).json()["run"]


HERE = {"address": ADDRESS, "localhost": "localhost", "loopback": "127.0.0.1"}


@pytest.mark.parametrize("host", [*HERE.values(), f"{ADDRESS}:9000", "[::1]:8090"])
async def test_the_page_is_there_under_its_own_address(browser, host):
    assert (await browser.get("state", headers={"Host": host})).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "rebound.example",
        "rebound.example:8090",
        "127.0.75.71.example",
        "192.0.2.1",
        "",
        "x@127.0.0.1",
        "[::g]",
    ],
)
async def test_a_name_that_another_site_points_here_is_refused(browser, run, site, host):
    for url in (site, f"{site}state", "state", ""):
        told = await browser.get(url, headers={"Host": host})
        assert told.status_code == 421, url
        assert "door bench" not in told.text
    told = await browser.post("stop", headers={"Host": host})
    assert told.status_code == 421


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://other.example"},
        {"Origin": "null"},
        {"Origin": f"https://{ADDRESS}"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_a_form_on_another_site_changes_nothing(browser, run, headers):
    form = {"Content-Type": "application/x-www-form-urlencoded", **headers}
    assert (await browser.post("stop", headers=form)).status_code == 403
    answer = {"question": 1, "choice": "accepted"}
    assert (await browser.post("answer", json=answer, headers=headers)).status_code == 403
    assert "Stops after" not in (await browser.get("state")).json()["run"]


async def test_the_form_of_the_page_itself_stops_the_run(ending_page):
    address, _ = ending_page.pages[0]
    lanes = [await Reporter.join(ending_page.path, lane) for lane in ("", "gw0")]
    feed = Feed(ending_page.path, "gw1")
    assert not feed.stop_asked
    async with httpx.AsyncClient(base_url=address, trust_env=False, timeout=SOON) as browser:
        origin = "/".join(address.split("/")[:3])
        told = await browser.post("stop", headers={"Origin": origin, "Sec-Fetch-Site": "same-origin"})
        assert (told.status_code, told.headers["Location"]) == (303, "./")
        lanes.append(await Reporter.join(ending_page.path, "gw2"))
        assert [await lane.told() for lane in lanes] == [b"s"] * 3
        async with asyncio.timeout(SOON):
            while not feed.stop_asked:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert "Stops after this scenario" in (await browser.get("state")).json()["run"]
    for reporter in lanes:
        await reporter.leave()


async def test_nothing_but_its_own_script_runs(browser, run):
    await shown(browser, "&lt;/script&gt;")
    told = await browser.get("")
    policy = told.headers["Content-Security-Policy"]
    nonce = policy.partition("script-src 'nonce-")[2].partition("'")[0]
    assert told.text.count("<script") == told.text.count(f'<script nonce="{nonce}">') == 1
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert HOSTILE not in told.text
    for marker in ("NONCE", "<!--RUN-->", "/*STYLE*/", "innerHTML"):
        assert marker not in told.text


async def test_a_text_of_the_devices_is_no_place_to_fill_in(browser, run):
    await run.report({"what": "doing", "text": "NONCE <!--TITLE--> /*STYLE*/"}, {"what": "over"})
    await shown(browser, "NONCE")
    assert "NONCE &lt;!--TITLE--&gt; /*STYLE*/" in (await browser.get("")).text


async def raw(page):
    host, port = page.pages[0][1].split("/")[2].split(":")
    return await asyncio.open_connection(host, int(port))


async def test_whoever_takes_every_place_and_says_nothing_keeps_nobody_out(page, browser, run):
    silent = [await raw(page) for _ in range(100)]
    slow = [await raw(page) for _ in range(20)]
    for _, writer in slow:
        writer.write(b"GET / HTTP/1.1\r\nHost: x")
    assert (await browser.get("state")).status_code == 200
    more = [await raw(page) for _ in range(100)]
    assert (await browser.get("state")).status_code == 200  # over the same connection: it was kept
    assert (await httpx_once(page)).status_code == 200
    for _, writer in (*silent, *slow, *more):
        writer.close()


async def httpx_once(page):
    async with httpx.AsyncClient(trust_env=False, timeout=SOON) as client:
        return await client.get(page.pages[0][0])


@pytest.mark.parametrize(
    "data",
    [
        b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X: " + b"y" * 200_000 + b"\r\n\r\n",
        b"POST /stop HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99999999999\r\n\r\n" + b"z" * 100_000,
        b"\x16\x03\x01" * 10_000,
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: other.example\r\n\r\n",
    ],
    ids=["a huge path", "a huge header", "a huge body", "TLS", "two hosts"],
)
async def test_what_is_huge_or_no_request_changes_nothing(page, browser, run, data):
    reader, writer = await raw(page)
    writer.write(data)
    try:
        with suppress(OSError):  # it has hung up: ENOTCONN is no ConnectionError
            writer.write_eof()
        async with asyncio.timeout(SOON):
            answered = await reader.read()
    except ConnectionError:
        answered = b""
    writer.close()
    assert answered[:12] in (b"", b"HTTP/1.1 400", b"HTTP/1.1 413", b"HTTP/1.1 431"), answered[:80]
    assert "Stops after" not in (await browser.get("state")).json()["run"]


async def test_a_question_is_asked_on_the_page_and_its_answer_comes_back(page, browser, run):
    way = LivePageWay(Feed(page.path, "gw1"))
    odd = SHEET.model_copy(
        update={"files": (GivenFile(name="ca.pem", content=b"\xff\x00pem"),), "expected": "taken"}
    )
    asked = Asked(7, odd, now() + 60)
    answering = asyncio.create_task(way.ask(asked))
    state = await until(browser, lambda state: state["question"])
    question = state["question"]
    assert (question["key"], question["number"], question["lane"]) == ("gw1-7", 7, "gw1")
    assert "expected" not in question
    assert (await browser.get("file?question=gw1-7&place=0")).content == b"\xff\x00pem"
    looked = (await browser.get(page.pages[0][1])).text
    assert "settings: Call number" in looked
    assert "3411" not in looked
    answer = {"question": "gw1-7", "choice": "refused", "fields": ["call_number"], "by": "Ada", "text": "no"}
    photo = {"name": "door.jpg", "content": "/9g="}
    assert (await browser.post("answer", json={**answer, "attachments": [photo]})).json() == {"problem": ""}
    said, by = await answering
    assert isinstance(said, Answer)
    assert (said.choice, said.fields, said.text, by) == ("refused", ("call_number",), "no", "Ada")
    assert [(a.name, a.content) for a in said.attachments] == [("door.jpg", b"\xff\xd8")]
    way.ended(asked, OperatorAnswered(number=7, about="form", way="web page", choice="refused", waited=1.0))
    ended = await until(browser, lambda state: state["ended"])
    assert ended["ended"][0]["title"] == SHEET.title


async def test_a_question_that_was_answered_elsewhere_leaves_the_page(page, browser):
    way = LivePageWay(Feed(page.path))
    first = asyncio.create_task(way.ask(Asked(1, SHEET, now() + 60)))
    state = await until(browser, lambda state: state["question"])
    assert state["question"]["key"] == 1
    first.cancel()
    await until(browser, lambda state: state["question"] is None)


async def test_a_page_that_has_gone_costs_the_run_nothing(ending_page):
    feed, way = Feed(ending_page.path), LivePageWay(Feed(ending_page.path))
    ending_page.close()
    for _ in range(1000):
        feed.send("doing", text="x" * 1000)
    assert not feed.stop_asked
    question = asyncio.create_task(way.ask(Asked(1, SHEET, now() + 60)))
    async with asyncio.timeout(SOON):
        while way.can(SHEET):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    question.cancel()
    Feed("/nowhere/at/all").send("doing", text="x")


async def test_a_page_that_does_not_read_holds_nobody_up(tmp_path):
    server = await asyncio.start_unix_server(lambda reader, writer: None, tmp_path / "page", limit=1)
    feed = Feed(str(tmp_path / "page"))
    begun = time.monotonic()
    for _ in range(20_000):
        feed.send("doing", text="x" * 200)
    assert time.monotonic() - begun < SOON
    assert len(feed._left) <= 1024 * 1024
    feed.close()
    server.close()


async def test_whoever_looks_is_told_how_the_run_ended_and_nothing_is_left(ending_page):
    run = await Reporter.join(ending_page.path)
    await run.report(*(report for _, report in run_reports(time.time())))
    address, _ = ending_page.pages[0]
    async with httpx.AsyncClient(base_url=address, trust_env=False, timeout=SOON) as browser:
        await shown(browser, "outgoing: the button")
        waiting = asyncio.create_task(until(browser, lambda state: "The run is over: pass" in state["run"]))
        await run.report({"what": "ended", "text": "The run is over: pass"})
        closing = asyncio.create_task(asyncio.to_thread(ending_page.close))
        assert "<form" not in (await waiting)["run"]
        await closing
        assert ending_page._process.returncode == 0
        assert not os.path.exists(ending_page.path)  # noqa: ASYNC240
        with pytest.raises(httpx.TransportError):
            await browser.get("state")
    await run.leave()


def test_the_page_ends_when_the_run_is_killed(ending_page):
    ending_page._process.stdin.close()
    assert ending_page._process.wait(SOON) == 0
    assert not os.path.exists(os.path.dirname(ending_page.path))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("scenarios/test_x.py", "is no IP address and port"),
        ("8090", "is no IP address and port"),
        ("localhost:8090", "is no IP address and port"),
        ("127.0.0.1", "is no IP address and port"),
        ("127.0.0.1:", "has no TCP port"),
        ("127.0.0.1:99999", "has no TCP port"),
        ("0.0.0.0:8090", "is every address"),
        ("[::]:8090", "is every address"),
    ],
)
def test_what_is_no_place_for_a_page_is_named(text, problem):
    with pytest.raises(BenchError, match=problem) as caught:
        Place.parse(text, "--live")
    assert caught.value.where == "--live"


def test_a_port_that_cannot_be_had_is_named(page):
    port = page.pages[0][1].rpartition(":")[2].strip("/")
    with pytest.raises(BenchError, match=rf"the live page cannot listen on {ADDRESS} port {port}"):
        LiveProcess([Place.parse(f"{ADDRESS}:{port}", "--live")], bench="b")
    with pytest.raises(BenchError, match=r"the operator's page cannot listen on 192\.0\.2\.1"):
        LiveProcess([Place.parse("192.0.2.1:8090", "x", "the operator's page")], bench="b")


def test_what_is_reported_of_an_observation_holds_no_message_in_full():
    timeline = Timeline()
    timeline.append(Witness.CONSOLE, DeviceEvent(name="e", details="d" * 5000))
    timeline.append(Witness.CONSOLE, ConsoleLine(text="hundreds of them"))
    event, line = (noted(one) for one in timeline)
    assert line is None
    assert len(event["content"]["details"]) == 300
    assert event["content"]["kind"] == "event"


def test_nothing_of_it_is_loaded_where_no_page_is_wanted():
    program = "import sys, intercom_hil.plugin.live_page, intercom_hil.plugin.fixtures; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout
    assert "intercom_hil.plugin.live_page" in loaded
    assert "intercom_hil.live" not in loaded.replace("intercom_hil.plugin.live", "")
