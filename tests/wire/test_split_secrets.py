"""A secret that is split between packets is replaced in the capture, and nothing else changes."""

import struct
from itertools import pairwise

import pytest

from intercom_hil.pcap.pcap import Frame
from intercom_hil.pcap.pcapng import PcapngWriter, read_pcapng
from intercom_hil.redaction.redaction import Redactor
from intercom_hil.wire.split_secrets import SplitSecrets

SECRET = "s3cret-0815-long"
SENT = f"POST /events HTTP/1.1\r\nAuthorization: Bearer {SECRET}\r\n\r\n{{}}".encode()
ADDRESSES = bytes([192, 0, 2, 30, 192, 0, 2, 10])


def ipv4(protocol, data, *, fragment=0, number=7, ends=ADDRESSES):
    return struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(data), number, fragment, 64, protocol, 0) + ends + data


def ipv6(following, data):
    return struct.pack("!IHBB", 6 << 28, len(data), following, 64) + bytes(32) + data


def segment(sequence, data, port=40000):
    return struct.pack("!HHIIBBHHH", port, 8099, sequence % 2**32, 0, 5 << 4, 0x18, 1000, 0, 0) + data


@pytest.fixture(scope="module")
def redactor():
    learned = Redactor()
    learned.learn(SECRET)
    return learned


def grams(text):
    return {text[i : i + 3] for i in range(len(text) - 2)}


def stored(path, frames, redactor):
    """Write frames as the bench does, and return their bytes as they are in the file then."""
    split = SplitSecrets()
    writer = PcapngWriter(path, link_type=101, interface="lo", application="test")
    for number, data in enumerate(frames):
        kept = redactor.data(data)
        split.take(kept, 101, writer.write(Frame(number, kept, len(kept))))
    writer.close()
    split.replace(path, redactor.data)
    return [frame.data for _, frame in read_pcapng(path.read_bytes())]


def cut(data, *places):
    return [data[a:b] for a, b in pairwise((0, *places, len(data)))]


@pytest.mark.parametrize("begin", [1000, 2**32 - 50])
@pytest.mark.parametrize("places", [(50,), (48, 50, 52), tuple(range(1, len(SENT)))])
@pytest.mark.parametrize("network", [lambda data: ipv4(6, data), lambda data: ipv6(6, data)])
def test_between_segments_in_any_order_and_sent_again(tmp_path, redactor, begin, places, network):
    mark = grams(redactor.data(SECRET.encode()))
    at, frames = begin, []
    for part in cut(SENT, *places):
        frames.append(network(segment(at, part)))
        at += len(part)
    for sent in (
        frames,
        frames[::-1],
        [*frames, *frames],
        [frames[0], network(segment(5, SENT, 41000)), *frames[1:]],
    ):
        kept = stored(tmp_path / "capture.pcapng", sent, redactor)
        assert [len(data) for data in kept] == [len(data) for data in sent]
        whole = b"".join(data[-len(part) :] for data, part in zip(kept, cut(SENT, *places), strict=False))
        if sent[: len(frames)] == frames:
            assert SECRET.encode() not in whole
            assert whole.replace(b"redacted", b"").startswith(b"POST /events")
            assert whole.endswith(b"\r\n\r\n{}")
        for part in cut(SENT, *places):
            secret = (
                grams(part) & grams(SECRET.encode()) - mark
            )  # what stands for it may have three letters of it
            assert not any(gram in data[40:] for gram in secret for data in kept), part


def test_between_fragments_of_a_datagram(tmp_path, redactor):
    datagram = struct.pack("!HHHH", 5060, 5060, 8 + len(SENT), 0) + SENT
    first, last = datagram[:56], datagram[56:]
    frames = [ipv4(17, first, fragment=0x2000), ipv4(17, last, fragment=7)]
    extension = [struct.pack("!BBHI", 17, 0, 1, 9) + first, struct.pack("!BBHI", 17, 0, 56, 9) + last]
    for sent in (frames, frames[::-1], [ipv6(44, part) for part in extension]):
        kept = b"".join(
            sorted(
                (data for data in stored(tmp_path / "c.pcapng", sent, redactor)),
                key=lambda d: b"POST" not in d,
            )
        )
        assert not any(SECRET.encode()[i : i + 4] in kept for i in range(13))


def test_what_does_not_follow_is_not_put_together(tmp_path, redactor):
    half, other = SENT[:50], SENT[50:]
    frames = [
        ipv4(6, segment(0, half)),
        ipv4(6, segment(51, other)),  # a byte is missing
        ipv4(6, segment(50, other, port=40001)),
        ipv4(6, segment(50, other), ends=ADDRESSES[::-1]),
        ipv4(17, half, fragment=0x2000, number=1),
        ipv4(17, other, fragment=7, number=2),
        b"\x45",
        b"",
        bytes(60),
    ]
    assert stored(tmp_path / "capture.pcapng", frames, redactor) == frames
