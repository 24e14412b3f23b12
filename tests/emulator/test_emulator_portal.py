"""The Admin Portal over real HTTP, with good and bad manners."""

import asyncio
import json
import random

from emulator_process import SETTINGS
from portal_pages import Visitor

DEVICE_SIP = "/api/devices/door/sip"


async def test_only_the_administrator_configures_and_secrets_stay_inside(start, peer):
    intercom = await start()
    http = intercom.http
    assert (await http.get("/api/devices")).status_code == 401
    assert (await http.put(DEVICE_SIP, json=SETTINGS)).status_code == 401
    wrong = await http.post("/api/login", json={"account": "admin", "password": "viewer-secret"})
    assert wrong.status_code == 401

    await intercom.login("viewer", "viewer-secret")
    assert (await http.get("/api/devices")).json() == [{"id": "door", "name": "Front door"}]
    assert (await intercom.submit()).status_code == 403
    assert (await http.get(DEVICE_SIP)).json() == {}

    await intercom.login()
    answer = await intercom.submit(polling_interval=5, further_numbers=["3401"])
    assert answer.json()["applied"] is True
    assert "polling_interval" in answer.json()["warnings"][0]
    shown = (await http.get(DEVICE_SIP)).json()
    assert shown["further_numbers"] == ["3401"]
    assert "secret" not in str(shown)
    assert (await http.delete(DEVICE_SIP)).status_code == 405
    assert (await http.get("/api/devices/back/sip")).status_code == 404


async def test_a_refused_form_names_the_field_and_changes_nothing(start, peer):
    intercom = await start()
    await intercom.configure()
    for change, field in (
        ({"auth_username": "do or"}, "auth_username"),
        ({"server_port": 0}, "server_port"),
        ({"transport": "SCTP"}, "transport"),
        ({"further_numbers": ["3401", "bob@"]}, "further_numbers.1"),
        ({"transport": "TLS", "ca_certificate": "no PEM"}, "ca_certificate"),
        ({"display_name": "a\r\nb"}, "display_name"),
    ):
        answer = await intercom.submit(**change)
        assert answer.status_code == 422, change
        assert [error["field"] for error in answer.json()["errors"]] == [field]
        assert answer.json()["errors"][0]["message"]
    assert (await intercom.http.get(DEVICE_SIP)).json()["auth_username"] == "door"
    assert intercom.console.data.count(b"config applied") == 1


async def test_pages_and_interface_are_of_one_device(start, peer):
    intercom = await start("--fault", "wrong-label")
    await intercom.configure(further_numbers=["3401"])
    host, _, port = intercom.ready["portal"].removeprefix("http://").partition(":")
    admin = Visitor(host, int(port))
    devices = await asyncio.to_thread(lambda: admin.follow(admin.log_in()))
    assert "Registered" in devices.text
    form = await asyncio.to_thread(admin.form)
    assert form.values("further_numbers") == ["3401"]
    assert form.labels["call_timeout"] == "Ring Time"
    mark = len(intercom.console.data)
    changes = {"server_address": SETTINGS["server_address"], "extension": "1002", "auth_password": ""}
    done = await asyncio.to_thread(admin.submit, {**changes, "further_numbers": []}, page=form)
    assert done.status == 303
    await intercom.console.expect("sip registered", after=mark)
    shown = (await intercom.http.get(DEVICE_SIP)).json()
    assert (shown["extension"], shown["further_numbers"]) == ("1002", [])
    await intercom.press()
    await intercom.event("outgoing_call_initiated")
    assert "Dialing" in (await asyncio.to_thread(admin.get, "/events")).text


async def test_a_head_request_and_a_password_that_is_no_text_leave_the_portal_working(start):
    intercom = await start()
    assert (await intercom.http.head("/api/devices")).status_code == 401
    login = {"account": "admin", "password": "\ud800"}
    answer = await intercom.http.post("/api/login", content=json.dumps(login))
    assert answer.status_code == 401
    await intercom.login()


RANDOM = random.Random(7)
BAD_REQUESTS = [
    b"rubbish\r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n",
    b"GET /\x00\xff HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET / HTTP/1.1\r\n\r\n",
    b"POST /api/login HTTP/1.1\r\nHost: x\r\nContent-Length: nine\r\n\r\n",
    b"POST /api/login HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n\r\n[1, 2, 3",
    b"POST /api/login HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\n" + b"[" * 300_000,
    b"POST /api/login HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n" + b"[" * 100_000,
    b"GET / HTTP/1.1\r\nHost: x\r\nBig: " + b"x" * 100_000,
    *(RANDOM.randbytes(200) + b"\r\n\r\n" for _ in range(5)),
]


async def test_bad_manners_get_a_status_and_leave_the_portal_working(start, tmp_path):
    intercom = await start()
    host, _, port = intercom.ready["portal"].removeprefix("http://").partition(":")
    for request in BAD_REQUESTS:
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(request)
        answer = await asyncio.wait_for(reader.read(65_536), 3)
        assert answer.split()[0] == b"HTTP/1.1", request[:60]
        assert answer.split()[1] in (b"400", b"401", b"413", b"431"), request[:60]
        writer.close()
    await intercom.login()


async def test_a_body_that_is_no_login_is_refused(start):
    intercom = await start()
    for body in (b"", b"{", b"[]", b"null", b'{"account": {"a": 1}}', b"\xff\xfe"):
        answer = await intercom.http.post("/api/login", content=body)
        assert answer.status_code in (400, 401), body
        assert answer.json()["error"]
