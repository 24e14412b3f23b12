"""The operator's page, over real HTTP: who may see it, what it shows, what it takes, and what it survives."""

import asyncio
import base64
import json
from contextlib import suppress

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from intercom_hil.errors import BenchError
from intercom_hil.operator.prompter import Asked
from intercom_hil.operator.question import GivenFile, SheetField
from intercom_hil.operator.web import LARGEST_ANSWER, WebPage
from intercom_hil.timeline.operator_content import OperatorAnswered
from intercom_hil.timeline.timeline import now
from tests.operator.standing_in import SHEET

ADDRESS, PORT = "127.0.75.61", 8090


@pytest.fixture
async def page():
    page = WebPage(ADDRESS, PORT, bench="lab-2")
    await page.open()
    yield page
    await page.close()


@pytest.fixture
async def browser(page):
    async with httpx.AsyncClient(base_url=page.url, trust_env=False, timeout=5) as client:
        yield client


@pytest.fixture
async def asking(page):
    """A question that stands, as the task that waits for its answer."""
    task = asyncio.create_task(page.ask(Asked(7, SHEET, now() + 60)))
    await asyncio.sleep(0)
    yield task
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def answer(**fields):
    return {"question": 7, "choice": "accepted", **fields}


async def test_the_question_that_stands_is_shown_without_what_is_expected(page, browser, asking):
    state = (await browser.get("state")).json()
    shown = state["question"]
    assert (state["bench"], shown["number"]) == ("lab-2", 7)
    assert next((f["name"], f["changed"], f["words"]) for f in shown["fields"]) == (
        "call_number",
        True,
        "3411",
    )
    assert "expected" not in shown


async def test_an_answer_is_taken_with_who_gave_it_and_photos(browser, asking):
    photo = {"name": "door.jpg", "content": base64.b64encode(b"\xff\xd8").decode()}
    told = await browser.post(
        "answer",
        json=answer(
            choice="refused", fields=["call_number"], by="Ada\n\x1b[2J", attachments=[photo], text="no"
        ),
    )
    assert told.json() == {"problem": ""}
    said, by = await asking
    assert (said.choice, said.fields, by) == ("refused", ("call_number",), "Ada  [2J")
    assert [(a.name, a.content) for a in said.attachments] == [("door.jpg", b"\xff\xd8")]


async def test_the_second_answer_is_told_that_it_is_late(browser, asking):
    await browser.post("answer", json=answer())
    await asking
    late = await browser.post("answer", json=answer())
    assert (late.status_code, "over" in late.json()["problem"]) == (409, True)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 422),
        (b"[]", 422),
        (b"[" * 100_000, 422),
        (json.dumps(answer(question=6)).encode(), 409),
        (json.dumps(answer(choice="perhaps")).encode(), 422),
        (json.dumps(answer(fields=["colour"])).encode(), 422),
        (json.dumps(answer(fields="call_number")).encode(), 422),
        (json.dumps(answer(text="x" * 5000)).encode(), 422),
        (json.dumps(answer(colour="red")).encode(), 422),
        (json.dumps(answer(attachments={})).encode(), 422),
        (json.dumps(answer(attachments=[3])).encode(), 422),
        (json.dumps(answer(attachments=[{"name": "x", "content": "%%%"}])).encode(), 422),
        (json.dumps(answer(attachments=[{"name": "x", "content": ""}] * 7)).encode(), 422),
        (b'{"question": 7, "choice": "accepted", "numbers": {"hz": NaN}}', 422),
    ],
)
async def test_what_is_no_answer_changes_nothing(browser, asking, body, status):
    told = await browser.post("answer", content=body, headers={"Content-Type": "application/json"})
    assert told.status_code == status
    assert told.json()["problem"]
    assert not asking.done()


async def test_another_sites_form_cannot_answer(browser, asking):
    told = await browser.post("answer", content=json.dumps(answer()), headers={"Content-Type": "text/plain"})
    assert told.status_code == 415
    assert not asking.done()


async def test_without_the_token_there_is_nothing_to_see(page, browser, asking):
    site = f"http://{ADDRESS}:{PORT}"
    token = page.url.removeprefix(site).strip("/")
    for path in (
        "/",
        "/state",
        f"/{token[:-1]}/state",
        f"/{token}x/state",
        "/%00/state",
        "//state",
        f"/{token.lower()}/",
    ):
        told = await browser.get(site + path)
        assert told.status_code == 404, path
        assert "3411" not in told.text
    told = await browser.post(f"{site}/x/answer", json=answer())
    assert (told.status_code, asking.done()) == (404, False)


async def test_the_page_runs_nothing_but_its_own(browser):
    told = await browser.get("")
    policy = told.headers["Content-Security-Policy"]
    nonce = policy.partition("script-src 'nonce-")[2].partition("'")[0]
    assert told.text.count(f'nonce="{nonce}"') == 2
    assert "NONCE" not in told.text
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert not any(scheme in told.text for scheme in ("http://", "https://", "innerHTML"))
    assert told.headers["Cache-Control"] == "no-store"
    assert told.headers["Referrer-Policy"] == "no-referrer"
    assert (await browser.get("")).text != told.text


async def test_files_are_handed_out_while_their_question_stands(page, browser):
    odd = SHEET.model_copy(update={"files": (GivenFile(name='../"ca".pem\r\nX: y', content=b"pem"),)})
    asking = asyncio.create_task(page.ask(Asked(8, odd, now() + 60)))
    await asyncio.sleep(0)
    told = await browser.get("file?question=8&place=0")
    assert (told.status_code, told.content) == (200, b"pem")
    assert (
        told.headers["Content-Disposition"] == "attachment; filename*=UTF-8''..%2F%22ca%22.pem%0D%0AX%3A%20y"
    )
    assert "X" not in told.headers
    for wrong in ("question=8&place=1", "question=7&place=0", "question=8&place=x", ""):
        assert (await browser.get(f"file?{wrong}")).status_code == 404
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    assert (await browser.get("file?question=8&place=0")).status_code == 404


async def test_the_page_hears_of_a_change_at_once(page, browser):
    known = (await browser.get("state")).json()["version"]
    waiting = asyncio.create_task(browser.get(f"state?known={known}"))
    await asyncio.sleep(0.1)
    assert not waiting.done()
    asked = Asked(9, SHEET, now() + 60)
    asking = asyncio.create_task(page.ask(asked))
    assert (await waiting).json()["question"]["number"] == 9
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    page.ended(
        asked, OperatorAnswered(number=9, about="form", way="terminal", choice="x", expected="y", waited=1)
    )
    state = (await browser.get("state")).json()
    assert state["question"] is None
    assert (state["ended"][0]["expected"], state["ended"][0]["title"]) == ("y", SHEET.title)


async def test_hostile_values_travel_as_data(page, browser):
    value = "</script><img src=x onerror=alert(1)>"
    odd = SHEET.model_copy(
        update={"fields": (SheetField(name="n", label=value, value=value),), "text": value}
    )
    asking = asyncio.create_task(page.ask(Asked(10, odd, now() + 60)))
    await asyncio.sleep(0)
    told = await browser.get("state")
    assert told.headers["Content-Type"] == "application/json"
    assert told.json()["question"]["fields"][0]["words"] == value
    assert value not in (await browser.get("")).text
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)


async def test_too_large_an_answer_is_refused(page, browser, asking):
    async def body():
        for _ in range(LARGEST_ANSWER // 1_000_000 + 2):
            yield b"x" * 1_000_000

    try:
        told = await browser.post("answer", content=body(), headers={"Content-Type": "application/json"})
        assert told.status_code == 413
    except httpx.NetworkError:
        pass  # it may hang up on the rest
    assert not asking.done()
    assert (await browser.get("state")).status_code == 200


async def raw(data):
    reader, writer = await asyncio.open_connection(ADDRESS, PORT)
    try:
        writer.write(data)
        with suppress(OSError):  # it has hung up: ENOTCONN is no ConnectionError
            writer.write_eof()
        async with asyncio.timeout(5):
            return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    data=st.one_of(
        st.binary(max_size=300),
        st.sampled_from(
            [
                b"GET / HTTP/9.9\r\n\r\n",
                b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n",
                b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n",
                b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nx",
                b"GET /" + b"a" * 40_000,
            ]
        ),
    )
)
async def test_whatever_comes_in_the_page_goes_on(data, page):
    answered = await raw(data)
    assert answered == b"" or answered.startswith(b"HTTP/1.1 ")
    assert page.can(SHEET)


async def test_a_large_post_may_wait_for_the_go_ahead(page, asking):
    path = page.url.partition(str(PORT))[2]
    body = json.dumps(answer()).encode()
    head = (
        f"POST {path}answer HTTP/1.1\r\nHost: {ADDRESS}\r\n"
        "Content-Type: application/json\r\nExpect: 100-continue\r\n"
    )
    reader, writer = await asyncio.open_connection(ADDRESS, PORT)
    writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode())
    assert (await asyncio.wait_for(reader.readline(), 5)).startswith(b"HTTP/1.1 100")
    writer.write(body)
    said, _ = await asyncio.wait_for(asking, 5)
    assert said.choice == "accepted"
    writer.close()


async def test_a_place_that_cannot_be_had_is_named(page):
    with pytest.raises(BenchError, match="cannot listen") as caught:
        await WebPage(ADDRESS, PORT).open()
    assert caught.value.where == "device.operator.web"
    with pytest.raises(BenchError, match="cannot listen"):
        await WebPage("192.0.2.1", PORT).open()


async def test_closing_ends_those_who_wait(page, browser):
    known = (await browser.get("state")).json()["version"]
    waiting = asyncio.create_task(browser.get(f"state?known={known}"))
    await asyncio.sleep(0.05)
    await page.close()
    with pytest.raises(httpx.HTTPError):
        await waiting
    await page.close()
