"""The Admin Portal as a configurator, against a real HTTP server."""

import gzip
import itertools
import json
import resource
import socket
import threading
import time
from contextlib import suppress

import pytest

from intercom_hil.device.portal import ANONYMOUS, Account, Portal
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


class RawPeer:
    """A server that answers every connection with the same bytes, some at once and the rest one by one."""

    def __init__(self, answer, slowly=b""):
        self._listener = socket.create_server(("127.0.45.2", 0))
        self.url = f"http://127.0.45.2:{self._listener.getsockname()[1]}"
        self._answer, self._slowly, self._done = answer, slowly, threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self):
        while not self._done.is_set():
            connection, _ = self._listener.accept()
            with connection, suppress(OSError):
                connection.recv(65536)
                for part in self._answer:
                    connection.sendall(part)
                for byte in self._slowly:
                    connection.sendall(bytes([byte]))
                    if self._done.wait(0.05):
                        return
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65536):
                    pass

    def close(self):
        self._done.set()
        with suppress(OSError):
            socket.create_connection(self._listener.getsockname()).close()
        self._thread.join(5)
        self._listener.close()


def http(body, *fields, length=None):
    head = [f"Content-Length: {len(body) if length is None else length}", *fields]
    return [("HTTP/1.1 200 OK\r\n" + "".join(f"{field}\r\n" for field in head) + "\r\n").encode(), body]


def repeated(part, times):
    return [*http(b"", length=len(part) * times), *itertools.repeat(part, times)]


HOSTILE = {
    "endless": (repeated(b"x" * (1 << 20), 100), "more than 4194304 bytes"),
    "gzip bomb": (http(gzip.compress(b"x" * (400 << 20), 1), "Content-Encoding: gzip"), "when decompressed"),
    "no gzip": (http(b"x", "Content-Encoding: gzip"), "cannot be decompressed"),
    "unknown coding": (http(b"x", "Content-Encoding: br"), "encoded as 'br'"),
    "nested": (http(b"[" * 200_000), "nested too deeply"),
    "nested to the bound": (http(b"[" * 900 + b"]" * 900), "cannot log in|nested too deeply"),
    "no charset": (http(b"x", "Content-Type: text/html; charset=zlib_codec"), "cannot log in"),
    "token of no ASCII": (http(json.dumps({"token": "é"}).encode()), "none that a header can have"),
    "token with a line": (http(json.dumps({"token": "a\r\nX: y"}).encode()), "none that a header can have"),
    "token too long": (http(json.dumps({"token": "a" * 9000}).encode()), "none that a header can have"),
    "half a character": (http(b'{"token": "\\ud800"}'), "cannot log in|list of devices"),
    "escape sequences": (http(b"\x1b[2J\x1b]0;x\x07"), "cannot log in"),
    "binary": (http(bytes(range(256))), "cannot log in"),
}


@pytest.mark.parametrize("what", HOSTILE)
async def test_whatever_a_portal_answers_is_one_error_in_bounded_memory(what):
    answer, says = HOSTILE[what]
    peer = RawPeer(answer)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(BenchError, match=says) as caught:
        await Portal(peer.url, ADMIN).open()
    peer.close()
    assert caught.value.where == peer.url
    assert caught.value.remedy
    assert "\x1b" not in str(caught.value)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 << 10  # KiB


@pytest.mark.parametrize("at_once", [[], http(b"", length=1000)[:1]], ids=["head", "body"])
async def test_a_portal_that_drips_bytes_is_given_up_in_time(at_once):
    peer = RawPeer(at_once, b"HTTP/1.1 200 OK\r\n" + b"x" * 1000)
    begun = time.monotonic()
    with pytest.raises(BenchError, match=r"no answer within 0\.4 s to POST /api/login"):
        await Portal(peer.url, ADMIN, timeout=0.4).open()
    assert time.monotonic() - begun < 5
    peer.close()


async def test_a_compressed_answer_is_read_all_the_same():
    compressed = RawPeer(http(gzip.compress(b'{"token": "x"}'), "Content-Encoding: gzip"))
    with pytest.raises(BenchError, match="list of devices was answered with status 200"):
        await Portal(compressed.url, ADMIN).open()
    compressed.close()


async def test_what_a_portal_says_does_not_move_the_tester_s_cursor(peer, portal):
    peer.override[SUBMIT] = (
        422,
        json.dumps({"errors": [{"field": "x", "message": "\x1b[2Jbad\x1b]0;t\x07"}]}).encode(),
    )
    assert (await portal.apply(SETTINGS)).message == "x: bad"
    peer.override[SUBMIT] = (500, b"\x1b[31moops")
    with pytest.raises(BenchError, match="status 500: oops"):
        await portal.apply(SETTINGS)
