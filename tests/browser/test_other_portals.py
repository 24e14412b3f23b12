"""Portals of other makes, driven by their maps alone: five that look, keep and refuse otherwise."""

import functools
from pathlib import Path

import pytest

from intercom_hil.browser.form import PortalForm
from intercom_hil.browser.portal_map import Target, read_map
from intercom_hil.browser.session import Person, PortalSession
from intercom_hil.browser.wanted import wanted
from intercom_hil.errors import BenchError
from intercom_hil.portal_pages.event_list import EventListReader
from intercom_hil.portal_pages.listed_rows import ListFollower
from intercom_hil.spec.settings import SipSettings
from tests.browser.portals import expected
from tests.browser.portals.dialog import Dialog
from tests.browser.portals.framed import Framed
from tests.browser.portals.plain_form import PlainForm
from tests.browser.portals.single_page import SinglePage
from tests.browser.portals.wizard import Wizard

pytestmark = pytest.mark.chromium
PORTALS = {
    "plain_form": (PlainForm, expected.PLAIN_FORM),
    "single_page": (SinglePage, expected.SINGLE_PAGE),
    "wizard": (Wizard, expected.WIZARD),
    "framed": (Framed, expected.FRAMED),
    "dialog": (Dialog, expected.DIALOG),
}
SETTINGS = SipSettings(**expected.SETTINGS).model_dump(mode="json")
ONE = {"plain_form": "server_port", "single_page": "further_numbers", "wizard": "proxy.address"} | {
    "framed": "permitted_callers",
    "dialog": "auth_username",
}
"""A field that each refuses; the others by night."""
WRONG = {
    "server_address": "not a host",
    "server_port": 99999,
    "polling_interval": 0,
    "auth_username": "door-1",
    "extension": "34 01",
    "call_number": "nobody there",
    "further_numbers": ["3405", "the night guard"],
    "call_timeout": 9999,
    "permitted_callers": ["3400", "not this one"],
    "proxy.address": "not a host",
    "proxy.port": 70000,
    "proxy.username": "gate-1",
}


@functools.cache
def portal_map(name):
    return read_map(Path(expected.__file__).with_name(f"{name}.toml"))


@pytest.fixture(params=PORTALS)
def name(request):
    return request.param


@pytest.fixture
def portal(name):
    with PORTALS[name][0]() as served:
        yield served


@pytest.fixture
async def session(chromium, portal, name):
    opened = PortalSession(chromium, portal_map(name), portal.url, Person(portal.account, portal.password))
    try:
        yield opened
    finally:
        await opened.close()


def with_wrong(field):
    """Return the configuration with a wrong value in one of its fields."""
    outer, _, inner = field.partition(".")
    value = {**SETTINGS["proxy"], inner: WRONG[field]} if inner else WRONG[field]
    return {**SETTINGS, outer: value}


async def submitted(session, form, settings=None):
    await form.open()
    return await form.submit(wanted(settings or SETTINGS, session.map).values, round_the_browser=True)


async def test_every_setting_arrives_and_is_read_back(session, portal, name):
    form = PortalForm(session)
    assert wanted(SETTINGS, session.map).impossible == ()
    answer = await submitted(session, form)
    assert (answer.outcome, answer.fields) == ("taken", ())
    assert portal.kept == PORTALS[name][1]
    await form.open()
    standing = await form.read()
    proxy = {f"proxy.{field}": value for field, value in SETTINGS["proxy"].items()}
    unread = {"ca_certificate", "auth_password", "proxy.password", "proxy"}
    known = {field: value for field, value in {**SETTINGS, **proxy}.items() if field not in unread}
    told = {field: as_read(value) for field, value in known.items()}
    assert {field: as_read(value) for field, value in standing.items() if field != "proxy"} == told


def as_read(value):
    """Return a setting as a form has it, whatever kind of field it is in."""
    return value if isinstance(value, list) else str(value).lower() if isinstance(value, bool) else str(value)


async def test_a_refused_value_names_its_field_and_nothing_changes(session, portal, name):
    form = PortalForm(session)
    answer = await submitted(session, form, with_wrong(ONE[name]))
    assert (answer.outcome, answer.fields) == ("refused", (ONE[name],))
    assert portal.kept == portal.first
    portal.expire()  # whoever was logged in has to log in again, and does
    assert (await submitted(session, form, SETTINGS | {"proxy": None})).outcome == "taken"
    assert "squirrel" not in portal.kept.values()


async def test_its_list_of_events_is_read_and_what_is_new_in_it_is_found(session, portal):
    reader, follower = EventListReader(session, "the map"), ListFollower()
    assert (await reader.read()).rows == ()
    for number in range(12):
        portal.happens("outgoing_call_initiated", "Dialing", f"to {3400 + number}")
    listed = await reader.read()
    assert follower.take(listed.rows, whole=listed.whole) == []
    assert [dict(row)["screen"] for row in listed.rows] == ["Dialing"] * 12
    portal.happens("outgoing_call_failure", "Call Failed", "486 Busy Here")
    listed = await reader.read()
    (new,) = map(dict, follower.take(listed.rows, whole=listed.whole))
    assert (new["event"], new["screen"]) == ("outgoing_call_failure", "Call Failed")
    assert new["details"].endswith("486 Busy Here")
    assert new["time"]


@pytest.mark.nightly
@pytest.mark.parametrize("field", WRONG)
async def test_each_field_is_named_that_a_portal_refuses(session, portal, field):
    answer = await submitted(session, PortalForm(session), with_wrong(field))
    assert (answer.outcome, answer.fields) == ("refused", (field,))
    assert portal.kept == portal.first


@pytest.mark.parametrize("name", ["plain_form", "wizard"])
async def test_a_wrong_password_is_not_the_devices_fault(chromium, portal, name):
    session = PortalSession(chromium, portal_map(name), portal.url, Person(portal.account, "wrong-password"))
    try:
        with pytest.raises(BenchError, match="cannot log in"):
            await session.go("form")
    finally:
        await session.close()


@pytest.mark.parametrize("name", ["framed"])
async def test_a_field_that_is_not_there_is_the_maps_error_and_says_what_stood_there(session):
    await session.go("form")
    await session.find(session.map.placed(session.map.form.submit), "the form is there")
    missing = Target(selector="input", within=Target(selector="tr", having="Rufziehl"))
    with pytest.raises(BenchError) as raised:
        await session.find(session.map.placed(missing), "the field of call_number", within=0.2)
    assert "with 'Rufziehl' in it, in the frame 'frame[name=inhalt]'" in raised.value.what
    assert 'button "Übernehmen"' in raised.value.what
