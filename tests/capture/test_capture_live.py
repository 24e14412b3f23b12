"""tcpdump in its container on the loopback interface: nothing lost, nothing foreign, no failure unsaid."""

import asyncio
import contextlib
import functools
import socket
import tempfile
import time
from pathlib import Path

import pytest
from scapy.utils import RawPcapNgReader

from intercom_hil.capture.capture import Capture, CaptureSummary
from intercom_hil.errors import BenchError
from intercom_hil.processes.image import ready_engine
from intercom_hil.processes.process_host import ContainerProcessHost
from intercom_hil.timeline.observation import MediaEnded, MediaHeard, MediaStarted, SipMessageSeen
from intercom_hil.timeline.timeline import Timeline
from tests.capture.wire_story import DEVICE, PBX, SIP_DEVICE, SIP_PBX, Talk, key, name_of, protector, sdp, sip

MARKER = ("127.0.43.250", 9)
INVITE = "INVITE sip:101@127.0.43.10 SIP/2.0"


@functools.cache
def engine_and_image():
    return ready_engine(lambda text: None)


@contextlib.asynccontextmanager
async def sniffing_place(folder):
    engine, image = await asyncio.to_thread(engine_and_image)
    place = ContainerProcessHost(
        engine, image, "wire-test", mounts=[folder], cap_add=("NET_RAW", "NET_ADMIN")
    )
    try:
        yield place, await place.start()
    finally:
        await place.stop()


@pytest.fixture(scope="module")
def shared_folder(tmp_path_factory):
    return tmp_path_factory.mktemp("capture")


@pytest.fixture(scope="module")
async def supervised(shared_folder):
    async with sniffing_place(shared_folder) as (_, supervised):
        yield supervised


@pytest.fixture
def folder(shared_folder):
    return Path(tempfile.mkdtemp(dir=shared_folder))


def capture_in(supervised, folder, timeline, **changes):
    settings = {
        "append": timeline.append,
        "name_of": name_of,
        "place": supervised,
        "folder": folder,
        "interface": "lo",
        "sip_ports": frozenset({5060}),
        "addresses": (SIP_DEVICE[0], SIP_PBX[0]),
        "marker": MARKER,
    }
    return Capture(**{**settings, **changes})


def party(address):
    """A socket at an address that swallows what it is sent."""
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind(address)
    return made


@pytest.fixture
async def captured(supervised, folder):
    timeline = Timeline()
    capture = capture_in(supervised, folder, timeline)
    await capture.start()
    try:
        yield capture, timeline, folder
    finally:
        await capture.stop()


async def test_a_secure_call_is_captured_decoded_and_kept(captured):
    capture, timeline, folder = captured
    capture.begin(folder / "one.pcapng")
    with party(SIP_DEVICE) as a, party(SIP_PBX) as b, party(DEVICE) as rtp, party(PBX):
        a.sendto(sip(INVITE, body=sdp(DEVICE, profile="RTP/SAVP", crypto=[key(1)])), SIP_PBX)
        answer = sip("SIP/2.0 200 OK", body=sdp(PBX, profile="RTP/SAVP", crypto=[key(2)]), tags=("f1", "t1"))
        b.sendto(answer, SIP_DEVICE)
        talk = Talk(DEVICE, PBX, protect=protector(key(1)))
        for _ in range(30):
            rtp.sendto(talk.next(), PBX)
        await capture.flush()
        kinds = [type(o.content) for o in timeline]
        assert kinds == [SipMessageSeen, SipMessageSeen, MediaStarted, MediaHeard, MediaHeard, MediaHeard]
        summary = await capture.end()
    assert summary == CaptureSummary(packets=32, dropped=0)
    ended = timeline[len(timeline) - 1].content
    assert isinstance(ended, MediaEnded)
    assert (ended.packets, ended.authenticated, ended.rejected) == (30, 30, 0)
    assert all(abs(o.time - time.time()) < 10 for o in timeline)
    assert len(list(RawPcapNgReader(str(folder / "one.pcapng")))) == 32


async def test_two_thousand_packets_a_second_are_all_captured(captured):
    capture, timeline, folder = captured
    capture.begin(folder / "many.pcapng")
    count, rate = 2000, 2000
    talk = Talk(DEVICE, PBX)
    packets = [talk.next() for _ in range(count)]
    with party(DEVICE) as sender, party(PBX):
        begun = time.monotonic()
        for number, packet in enumerate(packets):
            sender.sendto(packet, PBX)
            if number % 20 == 0:
                await asyncio.sleep(max(0.0, begun + number / rate - time.monotonic()))
        assert await capture.end() == CaptureSummary(packets=count, dropped=0)
    ended = timeline[len(timeline) - 1].content
    assert isinstance(ended, MediaEnded)
    assert (ended.packets, ended.lost) == (count, 0)


async def test_each_scenario_has_its_own_file_and_markers_are_in_none(captured):
    capture, timeline, folder = captured
    with party(SIP_DEVICE) as sender, party(SIP_PBX):
        for name, count in (("a", 2), ("b", 3), ("c", 0)):
            capture.begin(folder / name)
            for _ in range(count):
                sender.sendto(sip(INVITE), SIP_PBX)
                await capture.flush()
            assert await capture.end() == CaptureSummary(packets=count, dropped=0)
            assert len(list(RawPcapNgReader(str(folder / name)))) == count
        sender.sendto(sip(INVITE), SIP_PBX)
        await capture.flush()
    assert len(timeline) == 6
    assert await capture.end() == CaptureSummary(0, 0)


async def test_packets_of_other_hosts_are_left_out(captured):
    capture, timeline, _ = captured
    with party(("127.0.43.77", 5060)) as sender:
        sender.sendto(sip(INVITE), ("127.0.43.77", 5060))
        await capture.flush()
    assert len(timeline) == 0


async def test_sip_over_tcp_is_captured(captured):
    capture, timeline, _ = captured
    server = await asyncio.start_server(lambda reader, writer: writer.close(), *SIP_PBX)
    async with server:
        _, writer = await asyncio.open_connection(*SIP_PBX)
        writer.write(sip(INVITE) * 2)
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        await capture.flush()
    assert [o.content.transport for o in timeline if o.content.kind == "sip"] == ["TCP", "TCP"]


async def test_a_killed_container_is_noticed_at_once(tmp_path):
    async with sniffing_place(tmp_path) as (place, supervised):
        capture = capture_in(supervised, tmp_path, Timeline())
        await capture.start()
        capture.begin(tmp_path / "cut.pcapng")
        await place.kill()
        assert await asyncio.wait_for(asyncio.shield(capture.lost), 5)
        with pytest.raises(BenchError, match="lost"):
            await capture.end()
        assert b"not known" in (tmp_path / "cut.pcapng").read_bytes()
        with pytest.raises(BenchError, match="lost"):
            await capture.flush()
        await capture.stop()


SIGNAL_TCPDUMP = """
for process in /proc/[0-9]*; do
    read name <$process/comm && [ "$name" = tcpdump ] && kill -$0 ${process#/proc/}
done
true
"""


async def signal_tcpdump(supervised, folder, name):
    process = await supervised.start(f"signal-{name}", ["sh", "-c", SIGNAL_TCPDUMP, name], cwd=folder)
    assert (await process.wait(5)).status == 0


async def test_packets_lost_to_the_capture_are_counted(supervised, captured):
    """The negative control: with tcpdump stopped, its kernel buffer must overflow, and that must be told."""
    capture, _, folder = captured
    capture.begin(folder / "lossy.pcapng")
    sent = 30_000
    await signal_tcpdump(supervised, folder, "STOP")
    with party(DEVICE) as sender, party(PBX):
        for _ in range(sent):
            sender.sendto(bytes(1000), PBX)
    await signal_tcpdump(supervised, folder, "CONT")
    lossy = await capture.end()
    assert lossy.dropped > 0
    markers_lost = lossy.packets + lossy.dropped - sent
    assert 0 <= markers_lost < 10
    capture.begin(folder / "whole.pcapng")
    assert await capture.end() == CaptureSummary(packets=0, dropped=0)


async def test_a_killed_tcpdump_is_noticed_at_once(supervised, captured):
    capture, _, folder = captured
    await signal_tcpdump(supervised, folder, "KILL")
    assert await asyncio.wait_for(asyncio.shield(capture.lost), 5)


async def test_a_broken_listener_ends_the_capture_instead_of_being_passed_over(supervised, folder):
    problems = []
    loop = asyncio.get_running_loop()
    before = loop.get_exception_handler()
    loop.set_exception_handler(lambda _, context: problems.append(context["exception"]))

    def refuse(*_):
        raise ValueError("no room")

    capture = capture_in(supervised, folder, Timeline(), append=refuse)
    try:
        await capture.start()
        with party(SIP_DEVICE) as sender, party(SIP_PBX):
            sender.sendto(sip(INVITE), SIP_PBX)
            assert "no room" in await asyncio.wait_for(asyncio.shield(capture.lost), 5)
    finally:
        await capture.stop()
        loop.set_exception_handler(before)
    assert [str(problem) for problem in problems] == ["no room"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"interface": "nosuch0"}, "nosuch0"),
        ({"addresses": ("not an address",)}, "(?i)syntax error|unknown host"),
    ],
)
async def test_what_cannot_be_captured_is_refused_with_tcpdumps_own_words(supervised, folder, changes, words):
    with pytest.raises(BenchError, match=words):
        await capture_in(supervised, folder, Timeline(), **changes).start()
    assert list(folder.glob("*.fifo")) == []


async def test_a_marker_address_in_use_is_refused(supervised, folder):
    with party(MARKER), pytest.raises(BenchError, match="marker address"):
        await capture_in(supervised, folder, Timeline()).start()


async def test_a_file_that_cannot_be_made_is_the_benchs_fault(captured):
    capture, _, folder = captured
    with pytest.raises(BenchError, match="no-such-folder"):
        capture.begin(folder / "no-such-folder" / "a.pcapng")


async def test_stopping_leaves_nothing_behind_and_starting_again_works(supervised, folder):
    for _ in range(2):
        capture = capture_in(supervised, folder, Timeline())
        await capture.start()
        await capture.stop()
        await capture.stop()
        assert not (folder / "lo.fifo").exists()
        assert not capture.lost.done()
