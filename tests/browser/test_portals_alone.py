"""The portals of other makes by themselves: no way in without a log-in, and each judges values itself."""

import http.client
import json
from urllib.parse import urlsplit

import pytest

from tests.browser.portals.dialog import Dialog
from tests.browser.portals.expected import DIALOG, SINGLE_PAGE
from tests.browser.portals.framed import Framed
from tests.browser.portals.plain_form import PlainForm
from tests.browser.portals.single_page import SinglePage
from tests.browser.portals.wizard import Wizard

BEHIND = {
    PlainForm: "/intercom",
    SinglePage: "/rest/intercom",
    Wizard: "/assistant/2",
    Framed: "/sip.htm",
    Dialog: "/api/settings",
}


def asked(portal, method, path, body=None, **headers):
    parts = urlsplit(portal.url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read().decode(portal.charset)
    finally:
        connection.close()


@pytest.mark.parametrize("make", BEHIND, ids=lambda make: make.__name__)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_nobody_gets_in_without_a_log_in(make, method):
    with make() as portal:
        status, headers, said = asked(portal, method, BEHIND[make], b"" if method == "POST" else None)
        assert status == 401 or headers["Location"].startswith("/login")
        assert "<form" not in said
        assert portal.submissions == 0


FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def test_the_single_page_is_not_the_one_that_judges():
    with SinglePage() as portal:
        who = json.dumps({"mail": portal.account, "password": portal.password})
        _, headers, _ = asked(portal, "POST", "/rest/session", who)
        session = headers["Set-Cookie"].partition(";")[0]
        wrong = json.dumps(SINGLE_PAGE | {"port": 99999})
        status, _, said = asked(portal, "PUT", "/rest/intercom", wrong, Cookie=session)
        assert (status, json.loads(said)) == (422, {"invalid": {"port": "1 to 65535"}})
        assert portal.kept["port"] == 5060


def test_the_dialogue_is_not_the_one_that_judges():
    with Dialog() as portal:
        who = f"user={portal.account}&pw={portal.password}"
        _, headers, _ = asked(portal, "POST", "/signin", who, **FORM)
        session = headers["Set-Cookie"].partition(";")[0]
        wrong = json.dumps(DIALOG | {"server.port": "0"})
        status, _, said = asked(portal, "POST", "/api/settings", wrong, Cookie=session)
        assert (status, json.loads(said)["toast"]) == (400, "Not saved. Port must be 1–65535.")
        assert portal.kept["server.port"] == "5060"
