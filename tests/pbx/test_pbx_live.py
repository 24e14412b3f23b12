"""The PBX for real: Asterisk in a container, parties that register and call, loss and restart."""

import asyncio
import contextlib
import os
import re
import secrets
import signal
import socket
import ssl
import time
from pathlib import Path

import pytest
from sip_phone import Phone

from intercom_hil.errors import BenchError
from intercom_hil.pbx.config import TlsTransport
from intercom_hil.pbx.endpoint import Endpoint
from intercom_hil.pbx.pbx import Pbx
from intercom_hil.processes.image import ready_engine
from intercom_hil.processes.process_host import ContainerProcessHost
from intercom_hil.timeline import Timeline, Witness
from intercom_hil.timeline.pattern import Condition, Pattern

PBX, DEVICE, STATION, COLLECTOR = "127.0.42.1", "127.0.42.21", "127.0.42.20", "127.0.42.9"
SIP = (PBX, 5060)
NAMES = {(PBX, 5060): "pbx", (DEVICE, 5071): "device", (STATION, 5070): "3400"}


def event(name, **fields):
    conditions = {key: Condition(one_of=(value,)) for key, value in fields.items()}
    return Pattern(kind="pbx_event", text=name, fields={"name": Condition(one_of=(name,)), **conditions})


def sip(**fields):
    conditions = {key: Condition(one_of=(value,)) for key, value in fields.items()}
    return Pattern(kind="sip", text=str(fields), witness=Witness.PBX, fields=conditions)


class Lab:
    """The PBX under test, the way to its container, and the timeline of the test that runs."""

    def __init__(self, folder, address=PBX, tls=()):
        self.engine, self.image = ready_engine(lambda _: None)
        self.timeline = Timeline()
        self.folder = folder
        self.place = None
        (folder / "pbx").mkdir(parents=True)
        self.pbx = Pbx(
            address=address,
            sip_port=5060,
            http_port=8088,
            ami_port=5038,
            hep_address=(COLLECTOR, 9060 if address == PBX else 9061),
            folder=folder / "pbx",
            open_host=self.open_host,
            append=lambda *said: self.timeline.append(*said),
            name_of=lambda address, port: NAMES.get((address, port), f"{address}:{port}"),
            tls=tls,
        )

    async def open_host(self, folder=None):
        mounts = [folder or self.folder]
        self.place = ContainerProcessHost(
            self.engine, self.image, f"test-{secrets.token_hex(2)}", mounts=mounts
        )
        return await self.place.start()

    async def sees(self, pattern, count=1):
        found = await self.timeline.wait(pattern, within=5, count=count)
        assert len(found) >= count, pattern
        return found


def host_pid_of(pid_file):
    """The process that wrote its number, as its container counts, into a file, as the host counts."""
    for candidate in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if str(pid_file.parents[1]).encode() in candidate.read_bytes().split(b"asterisk\0")[-1]:
                return int(candidate.parent.name)
    raise AssertionError("no such process")


@contextlib.asynccontextmanager
async def running(lab):
    try:
        await lab.pbx.start()
        yield lab
    finally:
        await lab.pbx.stop()
        if lab.place:
            await lab.place.stop()


@pytest.fixture(scope="module")
async def module_lab(tmp_path_factory):
    async with running(Lab(tmp_path_factory.mktemp("lab"))) as lab:
        yield lab


@pytest.fixture
async def lab(module_lab):
    module_lab.timeline = Timeline()
    await module_lab.pbx.start()
    yield module_lab
    await module_lab.pbx.reset()
    assert await module_lab.pbx.channels() == []


@pytest.fixture
async def device():
    phone = await Phone("1001", "secret", SIP, display='"Front Door" ').open((DEVICE, 5071))
    yield phone
    phone.close()


@pytest.fixture
async def station(lab):
    phone = await Phone("3400", "", SIP).open((STATION, 5070))
    await lab.pbx.set_endpoint(Endpoint("3400", "", contact=f"sip:3400@{STATION}:5070"))
    yield phone
    phone.close()


async def test_a_known_party_registers_and_the_pbx_testifies_in_three_ways(lab, device):
    await lab.pbx.set_endpoint(Endpoint("1001", "secret"))
    assert await device.register() == 200
    call_id = device.call_id
    await lab.sees(event("ChallengeSent", interface="ami", call_id=call_id))
    await lab.sees(event("SuccessfulAuth", interface="ami", call_id=call_id))
    await lab.sees(event("ContactStatusChange", interface="ari"))
    (ok,) = await lab.sees(sip(method="REGISTER", status=200, call_id=call_id))
    assert (ok.content.sender, ok.content.receiver, ok.content.transport) == ("pbx", "device", "UDP")
    messages = [o.content.status for o in lab.timeline if o.content.kind == "sip"]
    assert messages == [None, 401, None, 200]
    times = [o.time for o in lab.timeline if o.content.kind == "sip"]
    assert times == sorted(times)


async def test_a_wrong_password_is_refused_and_told(lab, device):
    await lab.pbx.set_endpoint(Endpoint("1001", "another"))
    assert await device.register() == 401
    await lab.sees(event("ChallengeResponseFailed", interface="ami", call_id=device.call_id))


async def test_a_stranger_is_refused(lab, device):
    assert await device.register() == 401
    assert (await device.call("3400"))[0] == 401


async def test_a_call_reaches_the_station_as_the_device_sent_it(lab, device, station):
    await lab.pbx.set_endpoint(Endpoint("1001", "secret"))
    status, answer = await device.call("3400")
    assert status == 200
    assert f"c=IN IP4 {PBX}" in answer
    invite = next(r for r in station.requests if r.startswith("INVITE"))
    assert re.search(rf'(?m)^From: "Front Door" <sip:1001@{re.escape(PBX)}>;tag=', invite)
    assert f"c=IN IP4 {PBX}" in invite
    assert "P-Asserted-Identity" not in invite
    await lab.sees(event("Dial"), count=3)
    (inner,) = await lab.sees(sip(method="INVITE", status=200, sender="3400"))
    assert inner.content.media[0].payload_types == (8,)
    assert len(await lab.pbx.channels()) == 2


@pytest.mark.parametrize("status", [404, 408, 486, 488, 603])
async def test_the_stations_refusal_reaches_the_device_unchanged(lab, device, station, status):
    await lab.pbx.set_endpoint(Endpoint("1001", "secret"))
    station.answers = (status,)
    assert (await device.call("3400"))[0] == status


async def test_nobody_registered_and_nobody_known_is_not_found(lab, device):
    await lab.pbx.set_endpoint(Endpoint("1001", "secret"))
    await lab.pbx.set_endpoint(Endpoint("3400", "secret"))
    assert (await device.call("3400"))[0] == 404
    assert (await device.call("9999"))[0] == 404


async def test_a_registered_device_is_called_at_its_contact(lab, device, station):
    await lab.pbx.set_endpoint(Endpoint("1001", "secret"))
    await device.register()
    assert (await station.call("1001"))[0] == 200
    invite = next(r for r in device.requests if r.startswith("INVITE"))
    assert invite.startswith(f"INVITE sip:1001@{DEVICE}:5071 ")
    assert f"<sip:3400@{PBX}>" in invite


async def test_a_changed_endpoint_is_in_force_at_once_and_stays_registered(lab, device, station):
    await lab.pbx.set_endpoint(Endpoint("1001", "secret", options={"moh_passthrough": "no"}))
    await device.register()
    await lab.pbx.set_endpoint(Endpoint("1001", "secret", media_encryption="sdes"))
    assert (await station.call("1001"))[0] == 200 or device.requests
    invite = next(r for r in device.requests if r.startswith("INVITE"))
    assert "RTP/SAVP" in invite
    assert "a=crypto:1 AES_CM_128_HMAC_SHA1_80" in invite
    assert (await device.call("3400"))[0] == 488  # a plain offer, where SRTP is asked for


@pytest.mark.parametrize("change", [{"media_encryption": "sdes"}, {"shortest_registration": 30}])
async def test_a_registration_can_be_taken_back_after_a_change(lab, device, change):
    """Asterisk writes an AOR anew with what it has: what was registered would stand in it for ever."""
    await lab.pbx.set_endpoint(Endpoint("1001", "secret"))
    await device.register()
    await lab.pbx.set_endpoint(Endpoint("1001", "secret", **change))
    await device.register()
    assert await lab.pbx.registered("1001")
    await device.register(expires=0)
    (*_, ok) = await lab.sees(sip(method="REGISTER", status=200, call_id=device.call_id))
    assert "Contact:" not in ok.content.raw
    assert not await lab.pbx.registered("1001")


async def test_optional_encryption_takes_a_plain_offer(lab, device, station):
    await lab.pbx.set_endpoint(Endpoint("1001", "secret", media_encryption="optional"))
    assert (await device.call("3400"))[0] == 200


async def test_reset_hangs_up_forgets_registrations_and_routes(lab, device, station):
    await lab.pbx.set_endpoint(Endpoint("1001", "secret"))
    await device.register()
    await lab.pbx.route("5000", "Answer()", "Wait(60)")
    assert (await device.call("5000"))[0] == 200
    assert await lab.pbx.channels()
    await lab.pbx.reset()
    assert await lab.pbx.channels() == []
    await lab.sees(sip(method="BYE", status=None))
    assert await device.register() == 401
    await lab.pbx.set_endpoint(Endpoint("1001", "secret"))
    await lab.pbx.set_endpoint(Endpoint("3400", "", contact=f"sip:3400@{STATION}:5070"))
    assert (await station.call("1001"))[0] == 404
    assert (await device.call("5000"))[0] == 404


async def test_reset_keeps_what_it_is_told_to_keep(lab, device, station):
    await lab.pbx.set_endpoint(Endpoint("1001", "secret"))
    await device.register()
    await lab.pbx.reset(keep=["1001"])
    await lab.pbx.set_endpoint(Endpoint("3400", "", contact=f"sip:3400@{STATION}:5070"))
    assert (await station.call("1001"))[0] == 200


async def test_a_route_is_replaced_as_a_whole(lab, device):
    await lab.pbx.set_endpoint(Endpoint("1001", "secret"))
    await lab.pbx.route("5000", "Answer()", "Wait(60)")
    await lab.pbx.route("5000", "Hangup(17)")
    assert (await device.call("5000"))[0] == 486
    await lab.pbx.route("_6XXX", "UserEvent(Called,number: ${EXTEN})", "Hangup(1)")
    assert (await device.call("6123"))[0] == 404
    await lab.sees(event("ChannelUserevent"))


@pytest.mark.parametrize("step", ["Answer", "Answer(", "", "No Such(1)", "Wait(1\r\nAction: Command)"])
async def test_a_step_that_is_none_is_refused(lab, step):
    with pytest.raises(BenchError):
        await lab.pbx.route("5000", step)


@pytest.mark.parametrize("name", ["", "a b", "../1", "1;2", "1\n", "-"])
async def test_a_name_that_is_none_is_refused(name):
    with pytest.raises(BenchError, match="no name"):
        Endpoint(name, "x")


async def test_a_value_the_pbx_refuses_is_quoted(lab):
    with pytest.raises(BenchError, match=r"PUT .*endpoint/1001 was refused: 400"):
        await lab.pbx.set_endpoint(Endpoint("1001", "x", options={"rtp_timeout": "never"}))
    await lab.pbx.set_endpoint(Endpoint("1001", "x"))


async def test_malformed_sip_appears_in_the_pbx_log(lab, device):
    device.transport.sendto(b"OPTIONS sip:x SIP/2.0\r\nFrom: \xff<<\r\n\r\n" + b"x" * 40, SIP)
    (line,) = await lab.sees(event("WARNING", interface="log"))
    assert "text" in line.content.fields


async def test_after_a_restart_the_pbx_knows_what_it_knew(lab, device, station):
    await lab.pbx.set_endpoint(Endpoint("1001", "secret"))
    await lab.pbx.stop()
    with pytest.raises(BenchError, match="not running"):
        await lab.pbx.channels()
    await lab.pbx.start()
    assert (await device.call("3400"))[0] == 200
    assert not lab.pbx.lost.done()


async def test_while_it_starts_the_pbx_refuses_nobody_who_has_the_right_credentials(lab, device):
    """Its ports open last: before that there is no answer, and a device asks again."""
    await lab.pbx.set_endpoint(Endpoint("1001", "secret"))
    assert await device.register() == 200
    await lab.pbx.stop()
    answers = []

    async def ask_on():
        while 200 not in answers:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.05):
                    answers.append(await device.register())

    await asyncio.gather(lab.pbx.start(), asyncio.wait_for(ask_on(), 20))
    assert answers == [200]


@pytest.mark.parametrize(
    ("asked", "shortest", "granted"), [(2, 3, 2), (1, 3, 2), (5, 6, 5), (30, 3, 29), (100_000, 3, 7199)]
)
async def test_a_registration_lasts_as_long_as_was_asked_within_sane_bounds(
    lab, device, asked, shortest, granted
):
    """Asterisk rounds what is left down: asked for 2 s it granted 1, asked for 1 s none at all."""
    await lab.pbx.set_endpoint(Endpoint("1001", "secret", shortest_registration=shortest))
    assert await device.register(expires=asked) == 200
    (ok,) = await lab.sees(sip(method="REGISTER", status=200, call_id=device.call_id))
    assert re.search(r"Contact:.*;expires=(\d+)", ok.content.raw)[1] == str(granted)


async def test_a_registration_may_be_granted_for_less_than_was_asked(lab, device):
    await lab.pbx.set_endpoint(Endpoint("1001", "secret", longest_registration=8))
    assert await device.register(expires=3600) == 200
    (ok,) = await lab.sees(sip(method="REGISTER", status=200, call_id=device.call_id))
    assert re.search(r"Contact:.*;expires=(\d+)", ok.content.raw)[1] == "7"


async def test_a_killed_container_is_a_lost_pbx(lab):
    await lab.place.kill()
    assert await asyncio.wait_for(lab.pbx.lost, 5)
    (lost,) = lab.timeline.find(Pattern(kind="lost", text="lost"))
    assert (lost.content.instrument, lost.content.blame) == ("pbx", "bench")
    with pytest.raises(BenchError):
        await lab.pbx.channels()
    await lab.pbx.stop()
    await lab.pbx.start()
    assert await lab.pbx.channels() == []


async def test_a_pbx_that_hangs_is_found_though_another_sign_of_life_is_still_awaited(lab):
    lab.pbx._process.signal(signal.SIGSTOP)
    awaited = asyncio.create_task(lab.pbx._sign_of_life(lab.pbx._ami))
    await asyncio.sleep(0)
    try:
        with pytest.raises(BenchError, match="Asterisk has not answered"):
            await lab.pbx.check()
    finally:
        await awaited
        await lab.pbx.stop()
        await lab.pbx.start()
    await lab.pbx.check()


async def test_an_address_that_is_not_ours_is_an_error_that_names_it(tmp_path):
    with pytest.raises(BenchError, match=r"192\.0\.2\.1:5060/udp: the PBX cannot listen"):
        await Lab(tmp_path, address="192.0.2.1").pbx.start()


async def test_a_taken_port_is_an_error_that_names_it(tmp_path):
    taken = socket.create_server(("127.0.42.3", 5038))
    with taken, pytest.raises(BenchError, match=r"127\.0\.42\.3:5038/tcp: the PBX cannot listen"):
        await Lab(tmp_path, address="127.0.42.3").pbx.start()


async def test_a_pbx_that_dies_while_it_starts_is_an_error_that_quotes_its_log(tmp_path):
    lab = Lab(tmp_path, address="127.0.42.3")
    starting = asyncio.create_task(lab.pbx.start())
    booting = tmp_path / "pbx" / "run" / "asterisk.pid"
    end = time.monotonic() + 10
    while not booting.exists():
        assert time.monotonic() < end
        await asyncio.sleep(0.002)
    os.kill(host_pid_of(booting), signal.SIGKILL)
    with pytest.raises(
        BenchError, match="the PBX did not start: Asterisk ended with signal SIGKILL; its log ends"
    ):
        await starting
    await lab.place.stop()


@pytest.fixture
async def certificate(tmp_path):
    """A self-signed certificate and its key, from the image's own openssl."""
    argv = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    argv += ["-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "cert.pem")]
    argv += ["-subj", "/CN=pbx", "-addext", f"subjectAltName=IP:{PBX}"]
    maker = Lab(tmp_path / "maker")
    place = await maker.open_host(tmp_path)
    program = await place.start("openssl", argv, cwd=tmp_path)
    assert (await program.wait(10)).status == 0
    await maker.place.stop()
    return tmp_path / "cert.pem", tmp_path / "key.pem"


async def test_sip_over_tls_is_heard_in_clear_and_named_tls(certificate, tmp_path):
    chain, key = certificate
    lab = Lab(tmp_path, address="127.0.42.2", tls=(TlsTransport(5061, chain, key),))
    async with running(lab):
        context = ssl.create_default_context(cafile=str(chain))
        context.check_hostname = False
        reader, writer = await asyncio.open_connection("127.0.42.2", 5061, ssl=context)
        request = (
            "OPTIONS sip:127.0.42.2 SIP/2.0\r\nVia: SIP/2.0/TLS 127.0.42.21:5071;branch=z9hG4bK1\r\n"
            "From: <sip:1001@127.0.42.2>;tag=1\r\nTo: <sip:127.0.42.2>\r\nCall-ID: tls\r\nCSeq: 1 OPTIONS\r\n"
            "Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
        )
        writer.write(request.encode())
        assert await asyncio.wait_for(reader.readline(), 5) == b"SIP/2.0 401 Unauthorized\r\n"
        (answer,) = await lab.sees(sip(method="OPTIONS", status=401))
        assert answer.content.transport == "TLS"
        writer.close()
