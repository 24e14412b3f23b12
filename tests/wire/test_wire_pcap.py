"""Capture files: pcap streams read, pcapng files written; scapy is the other end of both."""

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.utils import RawPcapNgReader, RawPcapWriter

from intercom_hil.pcap.pcap import Frame, PcapError, PcapReader
from intercom_hil.pcap.pcapng import PcapngWriter

FRAMES = st.lists(
    st.tuples(st.integers(0, 2**31), st.integers(0, 999_999), st.binary(min_size=1, max_size=80)), max_size=8
)


def stream(frames, *, nano=False, order="<"):
    file = io.BytesIO()
    writer = RawPcapWriter(file, linktype=1, nano=nano, endianness=order)
    writer.write_header(None)
    for seconds, microseconds, data in frames:
        writer.write_packet(
            data, sec=seconds, usec=microseconds * (1000 if nano else 1), wirelen=len(data) + 5
        )
    return file.getvalue()


@given(FRAMES, st.booleans(), st.sampled_from("<>"), st.lists(st.integers(1, 50), max_size=30))
def test_a_stream_gives_the_same_frames_however_it_is_cut(frames, nano, order, cuts):
    data = stream(frames, nano=nano, order=order)
    reader, found, at = PcapReader(), [], 0
    for cut in [*cuts, len(data)]:
        found += reader.feed(data[at : at + cut])
        at += cut
    assert reader.link_type == 1
    assert [f.data for f in found] == [frame for _, _, frame in frames]
    assert [f.size for f in found] == [len(frame) + 5 for _, _, frame in frames]
    assert [f.time for f in found] == pytest.approx([s + u / 1e6 for s, u, _ in frames], abs=1e-6)


def test_what_is_no_pcap_stream_is_refused():
    with pytest.raises(PcapError, match="no pcap"):
        PcapReader().feed(b"tcpdump: no such device\n")
    with pytest.raises(PcapError, match="bytes"):
        PcapReader().feed(stream([]) + struct.pack("<IIII", 1, 1, 1_000_000, 1))


@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_give_frames_or_a_pcap_error(data, with_header):
    try:
        PcapReader().feed(stream([]) + data if with_header else data)
    except PcapError:
        return


def test_a_file_reads_back_with_times_names_and_losses(tmp_path):
    path = tmp_path / "a.pcapng"
    frames = [Frame(1_790_000_000.123456, b"abc", 3), Frame(1_790_000_000.999999, b"x" * 60, 1514)]
    writer = PcapngWriter(
        path, link_type=1, interface="lo", application="bench", capture_filter="host 1.2.3.4"
    )
    for frame in frames:
        writer.write(frame)
    writer.write_statistics(time=1_790_000_001.0, received=3, dropped=1)
    writer.close()
    writer.close()
    read = [(m.tshigh << 32 | m.tslow, m.linktype, m.wirelen, data) for data, m in RawPcapNgReader(str(path))]
    assert read == [(round(f.time * 1e6), 1, f.size, f.data) for f in frames]
    content = path.read_bytes()
    for named in (b"lo\0\0", b"bench", b"\0host 1.2.3.4", struct.pack("<HHQ", 5, 8, 1)):
        assert named in content


def test_an_unknown_number_of_losses_is_said_to_be_unknown(tmp_path):
    path = tmp_path / "a.pcapng"
    writer = PcapngWriter(path, link_type=1, interface="lo", application="bench")
    writer.write_statistics(time=1.0, received=0, dropped=None)
    writer.close()
    assert b"not known" in path.read_bytes()
    assert list(RawPcapNgReader(str(path))) == []
