"""Forms submitted in Chromium at the emulated portal: closed doors, certificates, evidence."""

import asyncio
import json
import os
import signal
import socket
import ssl
import threading
from contextlib import asynccontextmanager, suppress

import pytest

from intercom_hil.admin_portal.options import BrowserOptions
from intercom_hil.browser.trust import trusted_key
from intercom_hil.device.configurator_kinds import ConfiguratorContext
from intercom_hil.errors import BenchError, Inconclusive
from intercom_hil.pki import Pki
from intercom_hil.spec.settings import SipSettings
from intercom_hil.timeline import Timeline
from tests.emulator.portal_pages import ServedPortal

ADDRESS = "127.0.41.4"
SETTINGS = SipSettings(
    server_address="192.0.2.10",
    auth_username="door",
    auth_password="correct-horse-1",
    extension="3401",
    call_number="3400",
)
FORM = SETTINGS.model_dump(mode="json")
ACCOUNTS = {
    "account": "admin",
    "password": "admin-secret",
    "viewer": "viewer",
    "viewer_password": "viewer-secret",
}
CERTIFICATE = "-----BEGIN CERTIFICATE-----\nno certificate\n-----END CERTIFICATE-----\n"


@asynccontextmanager
async def configurator(url, timeline=None, folder=None, **options):
    table = BrowserOptions(url=url, **{**ACCOUNTS, **options})
    made = table.make(
        ConfiguratorContext("127.0.41.2", (Timeline() if timeline is None else timeline).append)
    )
    if folder is not None:
        made.begin(folder)
    try:
        await made.open()
        yield made
    finally:
        await made.close()


@pytest.mark.chromium
async def test_wrong_forms_are_refused_by_the_device_and_leave_pictures_and_steps(portal, tmp_path):
    timeline = Timeline()
    async with configurator(portal.url, timeline, tmp_path) as made:
        assert (await made.apply(SETTINGS)).accepted
        wrong = await made.submit({**FORM, "server_port": "ten", "transport": "SCTP", "allow_incoming": 2})
        assert (wrong.accepted, set(wrong.fields)) == (
            False,
            {"server_port", "transport", "allow_incoming"},
        )
        impossible = await made.submit({**FORM, "further_numbers": "3401"})
        assert (impossible.accepted, impossible.fields) == (False, ("further_numbers",))
        refused, text = await made.upload("ca.txt", CERTIFICATE.encode())
        assert (refused.accepted, refused.fields, text) == (False, ("ca_certificate",), "")
    assert len(portal.in_force) == 1
    lines = [json.loads(line) for line in (tmp_path / "portal" / "steps.jsonl").read_text().splitlines()]
    assert [(one["form"], one["task"], one["outcome"]) for one in lines] == [
        (1, "apply", "taken"),
        (2, "submit", "refused"),
        (3, "upload", "refused"),
    ]
    assert "Port Number" in lines[1]["held"]
    assert [step["name"] for step in lines[0]["steps"]][-4:] == [
        "fill the form in",
        "take a picture",
        "submit the form",
        "take a picture",
    ]
    pictures = [one[f"picture of {name}"] for one in lines for name in ("form", "answer")]
    assert sorted(pictures) == sorted(file.name for file in (tmp_path / "portal").glob("*.jpg"))
    kept = b"".join(file.read_bytes() for file in (tmp_path / "portal").iterdir())
    assert not any(secret in kept for secret in (b"correct-horse-1", b"admin-secret"))
    assert any("portal/steps.jsonl, form 2" in str(one.content) for one in timeline)


@pytest.mark.chromium
async def test_who_may_not_meets_a_closed_door_in_the_page_and_behind_it(portal):
    async with configurator(portal.url) as made:
        assert (await made.apply(SETTINGS)).accepted
        viewer = await made.submit({**FORM, "call_number": "9"}, by="viewer")
        nobody = await made.submit({**FORM, "call_number": "9"}, by="nobody")
    assert (viewer.accepted, nobody.accepted) == (False, False)
    assert "step 'Settings' finds nothing" in viewer.message
    assert "asked for directly: 403" in viewer.message
    assert "sent directly: 403 You are not allowed to do this" in viewer.message
    assert "sent directly: 200 Log in" in nobody.message
    assert len(portal.in_force) == 1


@pytest.mark.chromium
async def test_a_door_that_is_hidden_and_not_closed_is_found_open():
    with ServedPortal("form-hidden-not-refused") as portal:
        async with configurator(portal.url) as made:
            assert (await made.apply(SETTINGS)).accepted
            assert (await made.submit({**FORM, "call_number": "9"}, by="viewer")).accepted
        assert portal.in_force[-1].call_number == "9"


@pytest.mark.chromium
async def test_a_browser_that_was_killed_is_begun_anew(portal):
    async with configurator(portal.url) as made:
        assert (await made.apply(SETTINGS)).accepted
        os.kill(made.browser_pid, signal.SIGKILL)
        for _ in range(3):  # the form that was under way is lost, and the next one is not
            with suppress(BenchError):
                assert (await made.apply(SETTINGS)).accepted
                break
        else:
            raise AssertionError("no browser any more")


async def test_an_account_that_the_bench_does_not_have_leaves_it_open():
    table = BrowserOptions(url="http://127.0.41.3:48081", account="admin", password="admin-secret")
    made = table.make(ConfiguratorContext("127.0.41.2", Timeline().append))
    with pytest.raises(Inconclusive):
        await made.submit(FORM, by="viewer")


class TlsFront:
    """TLS in front of a portal: what comes is passed on; the certificate can be changed."""

    def __init__(self, identity, port):
        self.change(identity)
        self._port = port
        self._server = socket.create_server((ADDRESS, 0))
        self.url = f"https://{ADDRESS}:{self._server.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def change(self, identity):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(identity.chain, identity.key)
        self._context = context

    def close(self):
        self._server.close()

    def _serve(self):
        with suppress(OSError):
            while True:
                plain, _ = self._server.accept()
                threading.Thread(target=self._pass_on, args=(plain,), daemon=True).start()

    def _pass_on(self, plain):
        with suppress(OSError):
            outer = self._context.wrap_socket(plain, server_side=True)
            inner = socket.create_connection(("127.0.41.2", self._port))
            threading.Thread(target=_copy, args=(inner, outer), daemon=True).start()
            _copy(outer, inner)


def _copy(source, target):
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


@pytest.fixture
def pki(tmp_path):
    return Pki(tmp_path / "pki")


@pytest.fixture
def front(pki, portal):
    served = TlsFront(pki.server("for the address", ADDRESS, ADDRESS), portal.port)
    yield served
    served.close()


async def test_a_certificate_is_trusted_by_its_authority_or_by_itself_and_no_other(pki, front, tmp_path):
    ca, own, other = tmp_path / "ca.pem", tmp_path / "own.pem", tmp_path / "other.pem"
    ca.write_text(pki.root_pem)
    presented = await asyncio.to_thread(ssl.get_server_certificate, (ADDRESS, int(front.url.split(":")[-1])))
    own.write_text(presented)
    other.write_text(Pki(tmp_path / "other").root_pem)
    key = await trusted_key(front.url, ca, 30)
    assert await trusted_key(front.url, own, 30) == key
    with pytest.raises(BenchError, match="does not vouch"):
        await trusted_key(front.url, other, 30)
    (tmp_path / "empty.pem").write_text("")
    with pytest.raises(BenchError, match="no certificate in it"):
        await trusted_key(front.url, tmp_path / "empty.pem", 30)


@pytest.mark.chromium
async def test_a_certificate_that_changes_is_met_with_a_browser_that_knows_it(pki, front, tmp_path):
    ca = tmp_path / "ca.pem"
    ca.write_text(pki.root_pem)
    async with configurator(front.url, ca=ca) as made:
        assert (await made.apply(SETTINGS)).accepted
        front.change(pki.server("straight from the root", ADDRESS, ADDRESS))
        assert (await made.apply(SETTINGS)).accepted
