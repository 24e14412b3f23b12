"""H.264 in RTP: access units come back whole, losses are told, and what comes is taken or refused."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intercom_hil.media import h264
from intercom_hil.media.h264 import AccessUnit, Depacketiser, H264Error

units = st.builds(
    lambda importance, kind, body: bytes((importance << 5 | kind,)) + body,
    st.integers(0, 3),
    st.integers(1, 23),
    st.binary(min_size=1, max_size=300),
)


def fragments(unit, size):
    """Cut one NAL unit into FU-A payloads."""
    parts = [unit[at : at + size] for at in range(1, len(unit), size)]
    for place, part in enumerate(parts):
        flags = (0x80 if place == 0 else 0) | (0x40 if place == len(parts) - 1 else 0)
        yield bytes((unit[0] & 0xE0 | 28, flags | unit[0] & 0x1F)) + part


def aggregate(some):
    return b"\x18" + b"".join(len(unit).to_bytes(2, "big") + unit for unit in some)


def payloads(pictures, way):
    """Return one list of payloads for each picture, packed in one of three ways."""
    for picture in pictures:
        if way == "aggregated":
            yield [aggregate(picture)]
        elif way == "fragmented":
            yield [f for unit in picture for f in (fragments(unit, 50) if len(unit) > 51 else [unit])]
        else:
            yield picture


def send(depacketiser, packed, first=65530, lost=()):
    """Feed payloads as a sender would number them; return all that came out."""
    out, sequence = [], first
    for timestamp, picture in enumerate(packed):
        for place, payload in enumerate(picture):
            if sequence not in lost:
                out += depacketiser.take(
                    payload,
                    sequence=sequence & 0xFFFF,
                    timestamp=timestamp * 9000,
                    marker=place == len(picture) - 1,
                )
            sequence += 1
    return out


def stream(picture):
    return b"".join(h264.START_CODE + unit for unit in picture)


@given(
    pictures=st.lists(st.lists(units, min_size=1, max_size=4), min_size=1, max_size=5),
    way=st.sampled_from(["single", "aggregated", "fragmented"]),
)
def test_pictures_come_back_as_they_were_sent(pictures, way):
    got = send(Depacketiser(), payloads(pictures, way))
    assert got == [
        AccessUnit(n * 9000, stream(picture), any(unit[0] & 0x1F == 5 for unit in picture), True)
        for n, picture in enumerate(pictures)
    ]


def test_a_lost_packet_is_told_of_the_unit_that_lacks_it():
    picture = [b"\x65" + bytes(200), b"\x41" + bytes(20)]
    packed = list(payloads([picture, picture, picture], "fragmented"))
    got = send(Depacketiser(), packed, first=0, lost={len(packed[0]) + 1})
    assert [unit.whole for unit in got] == [True, False, True]
    assert got[1].data == stream([picture[1]])


def test_a_lost_marker_does_not_join_two_pictures():
    depacketiser = Depacketiser()
    assert depacketiser.take(b"\x65ab", sequence=1, timestamp=0, marker=False) == []
    first, second = depacketiser.take(b"\x41cd", sequence=2, timestamp=9000, marker=True)
    assert (first.data, first.key, first.whole) == (h264.START_CODE + b"\x65ab", True, True)
    assert (second.data, second.key, second.whole) == (h264.START_CODE + b"\x41cd", False, True)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\x00",
        b"\x19ab",
        b"\x1dab",
        b"\x1fab",
        b"\x1c\x85",
        b"\x1c\xc5ab",
        b"\x1c\x9cab",
        b"\x18",
        b"\x18\x00\x00",
        b"\x18\x00\x05ab",
        b"\x18\x00\x01\x1c",
    ],
)
def test_what_is_no_payload_is_refused_and_its_unit_is_not_whole(payload):
    depacketiser = Depacketiser()
    depacketiser.take(b"\x65ab", sequence=1, timestamp=0, marker=False)
    with pytest.raises(H264Error):
        depacketiser.take(payload, sequence=2, timestamp=0, marker=False)
    (unit,) = depacketiser.take(b"\x41cd", sequence=3, timestamp=0, marker=True)
    assert not unit.whole
    assert unit.data.endswith(b"\x41cd")


def test_a_unit_cannot_grow_without_end():
    depacketiser = Depacketiser()
    depacketiser.take(b"\x1c\x85" + bytes(60_000), sequence=0, timestamp=0, marker=False)
    part, room = b"\x1c\x05" + bytes(60_000), h264.LARGEST_UNIT // 60_000
    for sequence in range(1, room):
        assert depacketiser.take(part, sequence=sequence, timestamp=0, marker=False) == []
    with pytest.raises(H264Error, match="more than"):
        depacketiser.take(part, sequence=room, timestamp=0, marker=False)


@given(
    st.lists(
        st.tuples(
            st.binary(max_size=40) | st.builds(lambda b: b"\x1c" + b, st.binary(max_size=5)),
            st.integers(0, 0xFFFF) | st.integers(0, 4),
            st.integers(0, 2),
            st.booleans(),
        ),
        max_size=40,
    )
)
def test_whatever_comes_it_returns_units_or_refuses(packets):
    depacketiser = Depacketiser()
    for payload, sequence, timestamp, marker in packets:
        with suppress(H264Error):
            got = depacketiser.take(payload, sequence=sequence, timestamp=timestamp, marker=marker)
            assert all(unit.data.startswith(h264.START_CODE) for unit in got)


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ("42c00d8c8d40a0fd00f08846a0", None),
        ("640028acd940780227e5c04400000300040000030 0c03c60c658", (120, 68)),
    ],
)
def test_the_size_of_a_picture_is_read_from_its_parameters(parameters, expected):
    stream = b"\0\0\0\1\x67" + bytes.fromhex(parameters.replace(" ", ""))
    (found,) = h264.sequence_parameters(stream)
    assert found.within_limits
    assert expected is None or (found.width, found.height) == expected


@given(st.binary(max_size=80))
def test_any_parameters_are_read_or_refused(data):
    with suppress(H264Error):
        for found in h264.sequence_parameters(b"\0\0\1\x67" + data):
            assert found.width > 0 < found.height
