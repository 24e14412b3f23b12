"""The syslog receiver on real sockets: the emulated intercom, strangers, and bytes of any kind."""

import asyncio
import socket
import ssl
from contextlib import suppress

import pytest

from intercom_hil.emulator.syslog import Syslog, SyslogServer
from intercom_hil.emulator.vocabulary import Show, WriteEvent, WriteLine
from intercom_hil.errors import BenchError
from intercom_hil.event_sources import SourceRole, TlsIdentity
from intercom_hil.event_sources.syslog import SyslogReceiver
from intercom_hil.layouts.known import KEYED_MESSAGE
from intercom_hil.pki import Pki
from intercom_hil.timeline import Pattern, Timeline
from intercom_hil.timeline.observation import DeviceEvent, EventCopy

BENCH, DEVICE, STRANGER = "127.0.74.9", "127.0.74.30", "127.0.74.31"
EVENT = WriteEvent("outgoing_call_failure", "Call Failed", 'busy: "no" — \\ nobody')
AT = 1_795_380_063.25


@pytest.fixture(scope="module")
def identity(tmp_path_factory):
    pki = Pki(tmp_path_factory.mktemp("pki"))
    server = pki.server("for the address", BENCH, BENCH)
    root = tmp_path_factory.mktemp("trust") / "root.pem"
    root.write_text(pki.root_pem)
    return TlsIdentity(server.chain, server.key), root


class Place:
    """A receiver with its timeline."""

    def __init__(self, folder, port, transport, **more):
        self.folder, self.port, self.timeline = folder, port, Timeline()
        self.receiver = SyslogReceiver(
            "syslog",
            address=BENCH,
            port=port,
            transport=transport,
            sender=DEVICE,
            layout=KEYED_MESSAGE,
            append=self.timeline.append,
            **more,
        )

    async def __aenter__(self):
        await self.receiver.open()
        self.receiver.begin(self.folder)
        return self

    async def __aexit__(self, *problem):
        await self.receiver.close()

    async def sees(self, kind, count=1):
        found = await self.timeline.wait(Pattern(kind=kind, text=kind), within=3, count=count)
        assert len(found) >= count, [str(o) for o in self.timeline]
        return found

    @property
    def raw(self):
        return (self.folder / "syslog.log").read_bytes()


def datagram(data, source, port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.bind((source, 0))
        sender.sendto(data, (BENCH, port))


async def stream(data, port, source=DEVICE):
    reader, writer = await asyncio.open_connection(BENCH, port, local_addr=(source, 0))
    try:
        writer.write(data)
        with suppress(OSError):  # it has hung up: ENOTCONN is no ConnectionError
            writer.write_eof()
        async with asyncio.timeout(3):
            return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


@pytest.mark.parametrize("old", [False, True], ids=["rfc5424", "rfc3164"])
@pytest.mark.parametrize(
    ("transport", "counted"), [("udp", True), ("tcp", True), ("tcp", False), ("tls", True), ("tls", False)]
)
async def test_what_the_emulated_intercom_logs_arrives(tmp_path, identity, transport, counted, old):
    own, root = identity
    async with Place(tmp_path, 5601, transport, identity=own if transport == "tls" else None) as place:
        server = SyslogServer(f"{transport}://{BENCH}:5601", old, counted, root)
        sender = Syslog(server, DEVICE)
        for entry in (EVENT, Show("Incoming call answered"), WriteLine("sip registered", (("server", "x"),))):
            sender.write(entry, AT)
        (event,) = await place.sees("event")
        await place.sees("screen")
        await place.sees("note")
        await sender.close()
    assert event.witness == "syslog"
    assert event.content == DeviceEvent(
        name=EVENT.name,
        screen_name=EVENT.screen_name,
        details=EVENT.details,
        failure="busy",
        device_time=AT if not old else int(AT),
    )
    assert [o.content.kind for o in place.timeline] == [
        "syslog",
        "event",
        "syslog",
        "screen",
        "syslog",
        "note",
    ]
    assert place.raw.count(b"<134>") == 3


async def test_a_sender_that_is_there_first_is_heard_once_the_bench_listens(tmp_path):
    sender = Syslog(SyslogServer(f"tcp://{BENCH}:5602"), DEVICE)
    sender.write(EVENT, AT)
    async with Place(tmp_path, 5602, "tcp") as place:
        await place.sees("event")
    await sender.close()


async def test_a_further_source_tells_copies_and_neither_screens_nor_restarts(tmp_path):
    async with Place(tmp_path, 5603, "udp", role=SourceRole(False, False, False)) as place:
        for text in (b"event name=x", b"screen text=y", b"boot model=EMU-1", b"boot model=EMU-1"):
            datagram(b"<13>" + text, DEVICE, 5603)
        await place.sees("syslog", 4)
    assert [o.content.kind for o in place.timeline] == ["syslog", "event_copy", "syslog", "syslog", "syslog"]
    assert place.timeline[1].content == EventCopy(source="syslog", name="x")


async def test_strangers_are_told_once_and_not_read(tmp_path):
    async with Place(tmp_path, 5604, "udp") as place:
        for _ in range(3):
            datagram(b"<13>event name=forged", STRANGER, 5604)
        datagram(b"<13>event name=real", DEVICE, 5604)
        (event,) = await place.sees("event")
        (note,) = await place.sees("note")
    assert event.content.name == "real"
    assert STRANGER in note.content.text
    async with Place(tmp_path, 5604, "tcp") as place:
        assert await stream(b"<13>event name=forged\n", 5604, STRANGER) == b""
        await place.sees("note")
        assert not place.timeline.find(Pattern(kind="event", text=""))


@pytest.mark.parametrize(
    "data", [b"", b"\xff\xfe\x00", b"99999999999 x", b"5", b"GET / HTTP/1.1\r\n\r\n", b"<1>" + b"a" * 200_000]
)
async def test_whatever_a_stream_brings_the_next_one_is_heard(tmp_path, data):
    async with Place(tmp_path, 5605, "tcp") as place:
        await stream(data, 5605)
        await stream(b"<13>event name=afterwards\n", 5605)
        (event,) = await place.sees("event")
        assert event.content.name == "afterwards"
        assert not place.receiver.lost.done()


async def test_a_stream_that_is_no_tls_does_not_disturb_the_others(tmp_path, identity):
    own, root = identity
    async with Place(tmp_path, 5606, "tls", identity=own) as place:
        await stream(b"<13>event name=plain\n", 5606)
        trusting = ssl.create_default_context(cafile=root)
        _, writer = await asyncio.open_connection(BENCH, 5606, ssl=trusting, local_addr=(DEVICE, 0))
        writer.write(b"<13>event name=secured")
        writer.close()
        (event,) = await place.sees("event")
        assert event.content.name == "secured"
    with pytest.raises(ssl.SSLCertVerificationError):
        async with Place(tmp_path, 5606, "tls", identity=own):
            await asyncio.open_connection(BENCH, 5606, ssl=ssl.create_default_context())


async def test_a_boot_message_within_a_scenario_is_a_restart(tmp_path):
    async with Place(tmp_path, 5607, "udp") as place:
        for _ in range(2):  # the first may be that of the start
            datagram(b"<13>boot model=EMU-1", DEVICE, 5607)
        (lost,) = await place.sees("lost")
        assert lost.content.blame == "device"


async def test_a_port_that_is_taken_and_a_certificate_that_is_none_are_told(tmp_path):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind((BENCH, 5608))
        with pytest.raises(BenchError, match=r"udp://127.0.74.9:5608.*in use.*Remedy"):
            async with Place(tmp_path, 5608, "udp"):
                pass
    nothing = tmp_path / "nothing.pem"
    nothing.write_text("nothing")
    with pytest.raises(BenchError, match=r"nothing.pem.*Remedy"):
        async with Place(tmp_path, 5608, "tls", identity=TlsIdentity(nothing, nothing)):
            pass


async def test_a_raw_log_that_cannot_be_kept_loses_the_source(tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "syslog.log").symlink_to("/dev/full")
    async with Place(tmp_path, 5609, "udp") as place:
        place.receiver.begin(tmp_path / "full")
        datagram(b"<13>event name=x", DEVICE, 5609)
        assert "raw log" in await asyncio.wait_for(asyncio.shield(place.receiver.lost), 3)
