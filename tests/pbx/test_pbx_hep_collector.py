"""The collector of the PBX's mirror: datagrams in, SIP messages on the timeline, in the true order."""

import socket

import pytest

from intercom_hil.errors import BenchError
from intercom_hil.pbx.hep_collector import HepCollector, transport_of
from intercom_hil.pbx.testimony import PbxTestimony, as_kept, said_again
from intercom_hil.timeline import Timeline, Witness
from intercom_hil.timeline.pattern import Pattern
from intercom_hil.wire.hep import HepPacket

PBX, DEVICE = ("127.0.42.1", 5060), ("127.0.42.21", 5071)
COLLECTOR = ("127.0.42.41", 9060)


def message(via="UDP", call_id="c", start="OPTIONS sip:x SIP/2.0", sent_by="h"):
    return (
        f"{start}\r\nVia: SIP/2.0/{via} {sent_by};branch=z9hG4bK1\r\nFrom: <sip:a@x>;tag=1\r\n"
        f"To: <sip:b@x>\r\nCall-ID: {call_id}\r\nCSeq: 1 OPTIONS\r\n\r\n"
    ).encode()


def packet(source=DEVICE, destination=PBX, protocol=17, payload=None, time=1000.0):
    return HepPacket(source, destination, protocol, payload or message(), time)


@pytest.fixture
async def mirror():
    """The collector's timeline, and what sends it datagrams and waits for observations."""
    timeline = Timeline()
    names = {PBX: "pbx", DEVICE: "device"}
    collector = HepCollector(PBX[0], timeline.append, lambda *at: names.get(at, "stranger"))
    await collector.open(COLLECTOR)
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    async def send(*datagrams, kind="sip"):
        for datagram in datagrams:
            sender.sendto(datagram, COLLECTOR)
        expected = Pattern(kind=kind, text=kind)
        return await timeline.wait(expected, within=5, after=0.0, count=len(datagrams))

    yield timeline, collector, send
    sender.close()
    await collector.close()
    await collector.close()


async def test_a_mirrored_message_is_seen_by_the_pbx(mirror):
    _, _, send = mirror
    (seen,) = await send(bytes(packet()))
    assert (seen.witness, seen.time) == (Witness.PBX, 1000.0)
    assert (seen.content.sender, seen.content.receiver, seen.content.transport) == ("device", "pbx", "UDP")


async def test_times_cut_to_the_millisecond_do_not_turn_the_order_round(mirror):
    timeline, _, send = mirror
    times = [1000.000600, 1000.000, 1000.0009, 1000.002, 999.5]
    await send(*(bytes(packet(time=t)) for t in times))
    assert [o.time for o in timeline] == pytest.approx([1000.0006, 1000.0006, 1000.0009, 1000.002, 999.5])


async def test_messages_that_came_at_once_over_a_connection_are_seen_one_by_one(mirror):
    """The PBX mirrors with each message all that it had read."""
    _, _, send = mirror
    first, second = (
        message("TLS", call_id=name).replace(b"\r\n\r\n", b"\r\nContent-Length: 0\r\n\r\n")
        for name in ("c", "d")
    )
    at_once = bytes(packet(protocol=6, payload=first + second))
    begun = bytes(packet(protocol=6, payload=first + second[:30]))
    seen = await send(at_once, at_once, begun, bytes(packet(protocol=6, payload=second)))
    assert [o.content.call_id for o in seen] == ["c", "d", "c", "d"]
    assert [o.content.deviations for o in seen] == [()] * 4


async def test_the_pbx_s_own_side_given_as_localhost_is_the_pbx(mirror):
    _, _, send = mirror
    reply = message(start=OK, sent_by="127.0.42.21:5071")
    (seen,) = await send(bytes(packet(source=("127.0.0.1", 5060), destination=DEVICE, payload=reply)))
    assert (seen.content.sender, seen.content.receiver) == ("pbx", "device")


OK = "SIP/2.0 200 OK"
REQUEST = "OPTIONS sip:x SIP/2.0"


@pytest.mark.parametrize("own", ["127.0.0.1", "192.0.2.9", "127.0.42.20"])
@pytest.mark.parametrize(
    ("start", "via", "by_pbx"),
    [
        (REQUEST, "127.0.42.21:5071", False),
        (OK, "127.0.42.21:5071", True),
        (REQUEST, "127.0.42.1:5060", True),
        (OK, "127.0.42.1:5060", False),
        (OK, "127.0.42.1;rport=5060;received=192.0.2.9", False),
    ],
)
async def test_the_pbx_s_own_side_is_the_pbx_whatever_address_it_gives(mirror, own, start, via, by_pbx):
    """Over UDP it gives the first address of the port: the bench's, a station's, or localhost."""
    _, _, send = mirror
    there, here = DEVICE, (own, 5060)
    source, destination = (here, there) if by_pbx else (there, here)
    payload = message(start=start, sent_by=via)
    (seen,) = await send(bytes(packet(source, destination, payload=payload)))
    names = (seen.content.sender, seen.content.receiver)
    assert names == (("pbx", "device") if by_pbx else ("device", "pbx"))
    assert "127.0.42.1:5060" in (seen.content.source, seen.content.destination)


async def test_after_a_flush_everything_mirrored_before_is_on_the_timeline(mirror):
    timeline, collector, _ = mirror
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as pbx:
        for number in range(100):
            pbx.sendto(bytes(packet(payload=message(call_id=f"c{number}"))), COLLECTOR)
    await collector.flush()
    assert len(timeline) == 100
    assert collector.rejected == 0


async def test_what_was_mirrored_is_kept_and_read_again_without_the_pbx(tmp_path):
    timeline, again, testimony = Timeline(), tmp_path / "pbx.log", PbxTestimony(PBX[0])
    testimony.begin(again, 1.0)

    def keep(data):
        testimony.keep("hep", data, 2.0)

    collector = HepCollector(PBX[0], timeline.append, lambda *at: "{}:{}".format(*at), keep)
    packets = [bytes(packet(payload=message(call_id=f"c{n}"), time=1000.0 + n)) for n in range(3)]
    for data in (*packets, b"no HEP", bytes(packet(payload=b"\xff\xfe"))):
        collector.datagram_received(data, None)
    events = [
        ("ami", {"Event": "ChallengeSent", "Service": "PJSIP", "SessionID": "c0", "Timestamp": "1000.25"}),
        ("ari", {"type": "Dial", "peer": {"name": "PJSIP/3401-1"}, "timestamp": "no time"}),
    ]
    for kind, event in events:
        testimony.keep(kind, as_kept(event), 3.0)
    testimony.keep("log", b"[x] NOTICE[1] res.c: a line\nof two", 4.0)
    testimony.end(5.0)
    testimony.keep("log", b"[x] NOTICE[1] res.c: too late", 6.0)
    found, until = said_again(again, lambda *at: "{}:{}".format(*at))
    assert until == 5.0
    assert [(o.time, o.content) for o in found[: len(timeline)]] == [(o.time, o.content) for o in timeline]
    assert [(o.time, o.content.name) for o in found[len(timeline) :]] == [
        (1000.25, "ChallengeSent"),
        (3.0, "Dial"),
        (4.0, "NOTICE"),
    ]
    whole = again.read_bytes()
    for damaged in (whole[:-3], whole[1:], whole[: whole.index(b"end ")], whole + b"x", b"", whole + whole):
        again.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"its? |entry"):
            said_again(again, lambda *at: "")


async def test_what_is_no_sip_is_told_as_such(mirror):
    _, _, send = mirror
    (seen,) = await send(bytes(packet(payload=b"\xff\xfe")), kind="malformed_sip")
    assert seen.content.sender == "device"


async def test_what_is_no_hep_is_counted_and_harms_nothing(mirror):
    timeline, collector, send = mirror
    timeline_length = len(timeline)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        for nonsense in (b"", b"HEP3", b"HEP3\xff\xff", bytes(packet())[:-40], b"\0" * 2000):
            stranger.sendto(nonsense, COLLECTOR)
        await send(bytes(packet()))
    assert collector.rejected == 5
    assert len(timeline) == timeline_length + 1


async def test_a_taken_address_is_named(mirror):
    with pytest.raises(BenchError, match=r"127\.0\.42\.41:9060/udp: cannot listen"):
        await HepCollector(PBX[0], Timeline().append, lambda a, p: a).open(COLLECTOR)


@pytest.mark.parametrize(
    ("protocol", "via", "transport"),
    [(17, "UDP", "UDP"), (6, "TCP", "TCP"), (6, "TLS", "TLS"), (6, "tls", "TLS")],
)
def test_tls_is_told_from_tcp_by_the_topmost_via(protocol, via, transport):
    assert transport_of(packet(protocol=protocol, payload=message(via))) == transport


def test_a_body_that_looks_like_a_via_is_none():
    payload = message("TCP") + b"Via: SIP/2.0/TLS x\r\n"
    assert transport_of(packet(protocol=6, payload=payload)) == "TCP"
