"""The Admin Portal as a configurator, against a real HTTP server."""

import json
import socket
import threading

import pytest

from intercom_hil.device import ANONYMOUS, Account, Portal
from intercom_hil.errors import BenchError, DeviceCrashed
from intercom_hil.spec.settings import SipSettings
from tests.device.portal_peer import PortalPeer

ADMIN = Account("admin", "admin-secret")
VIEWER = Account("viewer", "viewer-secret")
SETTINGS = SipSettings(
    server_address="127.0.0.10",
    auth_username="door",
    auth_password="hunter22",
    extension="3000",
    call_number="3400",
)
SUBMIT = "PUT /api/devices/door/sip"


@pytest.fixture
def peer():
    peer = PortalPeer()
    yield peer
    peer.close()


@pytest.fixture
async def portal(peer):
    portal = Portal(peer.url, ADMIN)
    await portal.open()
    yield portal
    await portal.close()


async def test_settings_are_in_force_when_accepted(peer, portal):
    answer = await portal.apply(SETTINGS)
    assert answer.accepted
    assert peer.settings == SETTINGS


async def test_one_login_serves_many_requests(peer, portal):
    for _ in range(3):
        await portal.apply(SETTINGS)
    assert peer.requests.count("POST /api/login") == 1


async def test_a_stale_token_is_renewed(peer, portal):
    peer.tokens.clear()
    assert (await portal.apply(SETTINGS)).accepted
    assert peer.requests.count("POST /api/login") == 2


async def test_warnings_are_told(peer, portal):
    answer = await portal.apply(SETTINGS.model_copy(update={"polling_interval": 10}))
    assert answer.accepted
    assert answer.warnings == ("polling_interval: at least 30 s is advised",)


async def test_a_refusal_names_the_fields_and_keeps_secrets(peer, portal):
    errors = [{"field": "auth_password", "message": "'hunter22' is too simple"}, {"field": "extension"}, 7]
    peer.override[SUBMIT] = (422, json.dumps({"errors": errors}).encode())
    answer = await portal.apply(SETTINGS)
    assert not answer.accepted
    assert answer.message == "auth_password: '(redacted)' is too simple; extension: "


async def test_anything_can_be_submitted_raw_and_the_answer_is_given_raw(peer, portal):
    status, body = await portal.submit_raw({**SETTINGS.model_dump(mode="json"), "extension": "30 00"})
    assert status == 422
    assert body["errors"][0]["field"] == "extension"
    assert peer.settings is None
    assert (await portal.submit_raw(b"{not json"))[0] == 422


async def test_others_can_submit_too(peer, portal):
    data = SETTINGS.model_dump(mode="json")
    assert (await portal.submit_raw(data, VIEWER))[0] == 403
    assert (await portal.submit_raw(data, ANONYMOUS))[0] == 401
    assert (await portal.submit_raw(data))[0] == 200


async def test_an_administrator_who_is_none_is_a_bench_error(peer):
    portal = Portal(peer.url, VIEWER)
    await portal.open()
    with pytest.raises(BenchError, match=r"'viewer' may not change .* Account Administrator"):
        await portal.apply(SETTINGS)
    await portal.close()


async def test_a_wrong_password_is_a_bench_error_that_does_not_tell_it(peer):
    with pytest.raises(BenchError, match="'admin' cannot log in") as problem:
        await Portal(peer.url, Account("admin", "wrong-one")).open()
    assert "wrong-one" not in str(problem.value) + repr(Account("admin", "wrong-one"))


async def test_the_device_can_be_named_and_an_unknown_one_is_refused(peer):
    with pytest.raises(BenchError, match=r"no device 'cellar'.*name one of its devices: door, gate"):
        await Portal(peer.url, ADMIN, device="cellar").open()


async def test_a_portal_that_is_gone_is_a_crashed_device(peer, portal):
    peer.close()
    with pytest.raises(DeviceCrashed, match=rf"{peer.url} is gone .nothing listens there.*Remedy"):
        await portal.apply(SETTINGS)
    with pytest.raises(DeviceCrashed):
        await portal.reach()


async def test_a_portal_that_dies_while_asked_is_a_crashed_device():
    listener = socket.create_server(("127.0.45.2", 0))

    def die():
        connection, _ = listener.accept()
        connection.recv(100)
        connection.close()
        listener.close()

    threading.Thread(target=die, daemon=True).start()
    with pytest.raises(DeviceCrashed):
        await Portal(f"http://127.0.45.2:{listener.getsockname()[1]}", ADMIN).open()


async def test_a_portal_that_stays_silent_is_a_bench_error_in_time():
    with socket.create_server(("127.0.45.2", 0)) as silent:
        url = f"http://127.0.45.2:{silent.getsockname()[1]}"
        with pytest.raises(BenchError, match=r"no answer within 0\.2 s to POST /api/login"):
            await Portal(url, ADMIN, timeout=0.2).open()


@pytest.mark.parametrize(
    "reply",
    [
        (200, b"<html>"),
        (200, b"[]"),
        (200, b'{"token": 7}'),
        (500, b""),
        (200, b"\xff"),
        (200, b'{"applied": 1}'),
    ],
)
async def test_an_answer_that_is_none_is_a_bench_error(peer, portal, reply):
    peer.override["POST /api/login"] = reply
    peer.override[SUBMIT] = reply
    with pytest.raises(BenchError, match="cannot log in"):
        await Portal(peer.url, ADMIN).open()
    with pytest.raises(BenchError, match="was answered with status"):
        await portal.apply(SETTINGS)


@pytest.mark.parametrize(
    "url",
    ["", "127.0.0.1", "ftp://127.0.0.1", "http://[", "http://127.0.0.1:99999", "http://no-such.invalid"],
)
async def test_an_address_that_is_none_is_a_bench_error(url):
    with pytest.raises(BenchError, match="correct its address"):
        await Portal(url, ADMIN).open()


async def test_a_closed_portal_refuses_and_opens_again(peer, portal):
    await portal.open()
    await portal.close()
    await portal.close()
    with pytest.raises(BenchError, match="not open"):
        await portal.apply(SETTINGS)
    await portal.open()
    assert (await portal.apply(SETTINGS)).accepted
