"""Steps taken and the form filled in at the emulated portal, in Chromium, by the map that comes along."""

import pytest

from intercom_hil.browser.form import PortalForm
from intercom_hil.browser.portal_map import Step, Target, read_map
from intercom_hil.browser.session import Person, PortalSession
from intercom_hil.browser.wanted import wanted
from intercom_hil.errors import BenchError, DeviceCrashed
from intercom_hil.spec.settings import SipSettings

pytestmark = pytest.mark.chromium
MAP = read_map()
ADMINISTRATOR = Person("admin", "admin-secret")
SETTINGS = SipSettings(
    server_address="192.0.2.10",
    auth_username="door",
    auth_password="correct-horse-1",
    extension="3401",
    call_number="3400",
)


class Album:
    """Keeps pictures in a folder."""

    def __init__(self, folder):
        self.folder = folder

    def picture(self, name, png):
        file = self.folder / "picture.png"
        file.write_bytes(png)
        return file


@pytest.fixture
async def session(chromium, portal, tmp_path):
    opened = PortalSession(chromium, MAP, portal.url, ADMINISTRATOR, keeper=Album(tmp_path))
    try:
        yield opened
    finally:
        await opened.close()


def submitted(**changes):
    return wanted({**SETTINGS.model_dump(mode="json"), **changes}, MAP).values


async def test_the_form_is_filled_in_and_what_stands_there_is_left_alone(session, portal):
    form = PortalForm(session)
    await form.open()
    answer = await form.submit(submitted(further_numbers=["3405", "3406"], encryption="SRTP-only"))
    assert (answer.outcome, answer.fields) == ("taken", ())
    assert portal.in_force[-1].further_numbers == ("3405", "3406")
    await form.open()
    assert (await form.read())["encryption"] == "SRTP-only"
    again = await form.submit(submitted(further_numbers=["3405"], polling_interval=20))
    assert "below the recommended 30 s" in again.message
    filled = [step.what for step in session.steps if step.name == "fill the form in"]
    assert filled[1] == "changed: polling_interval, encryption, auth_password, further_numbers"
    assert portal.in_force[-1].further_numbers == ("3405",)


async def test_what_the_browser_holds_back_the_portal_is_asked_about_all_the_same(session, portal):
    form = PortalForm(session)
    odd = submitted(extension="34 01", server_port="ten", call_number="3401\n", further_numbers=["3405"])
    await form.open()
    held = await form.submit(odd)
    assert held.outcome == "held"
    assert {"server_port", "call_number"} <= set(held.fields)
    await form.open()
    answer = await form.submit(odd, round_the_browser=True)
    assert (answer.outcome, answer.status) == ("refused", 422)
    assert set(answer.fields) == {"extension", "server_port", "call_number"}
    assert portal.in_force == []


async def test_a_session_that_has_ended_is_begun_again(session, portal):
    form = PortalForm(session)
    await form.open()
    await session.page.context.clear_cookies()
    await form.open()
    assert (await form.submit(submitted())).outcome == "taken"
    logged_in = [step.name for step in session.steps if step.name == "log in"]
    assert len(logged_in) == 2


async def test_a_step_that_finds_nothing_says_what_stood_there_with_a_picture(session, tmp_path):
    await session.log_in()
    step = Step(name="Wireless", click=Target(role="link", name="Wireless"), within=0.2)
    with pytest.raises(BenchError) as raised:
        await session.take(step)
    assert "step 'Wireless': looked for a link 'Wireless'" in raised.value.what
    assert 'link "Security Events"' in raised.value.what
    assert str(tmp_path / "picture.png") in raised.value.what
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")


async def test_a_wrong_password_is_the_benchs_error(chromium, portal):
    session = PortalSession(chromium, MAP, portal.url, Person("admin", "not-the-password"))
    try:
        with pytest.raises(BenchError, match="cannot log in"):
            await session.go("form")
    finally:
        await session.close()


async def test_a_portal_that_nobody_answers_at_is_a_device_that_is_gone(chromium, portal):
    session = PortalSession(chromium, MAP, "http://127.0.41.3:48080", ADMINISTRATOR)
    try:
        with pytest.raises(DeviceCrashed, match="is gone"):
            await session.go("form")
    finally:
        await session.close()
