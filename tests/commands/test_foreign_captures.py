"""``judge capture`` of what strangers send: half calls, loss, two interfaces, any link; nobody is accused."""

import cProfile
import re
import struct

import pytest

from intercom_hil import reports
from intercom_hil.commands.judge_capture import judge_capture
from intercom_hil.errors import BenchError
from intercom_hil.spec.verdict import Verdict

DEVICE, PBX, OTHER = "192.0.2.30", "192.0.2.10", "192.0.2.99"
SDP = "v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\nm=audio {port} RTP/AVP 8\r\n"


def packet(source, destination, payload, *, identification=0):
    addresses = [bytes(map(int, host.split("."))) for host, _ in (source, destination)]
    udp = struct.pack("!HHHH", source[1], destination[1], 8 + len(payload), 0) + payload
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), identification, 0, 64, 17, 0)
    return head + addresses[0] + addresses[1] + udp


def message(start, *, call, cseq, sender="device", to_tag="", branch="", more="", body=""):
    """Return a SIP message of a dialog that the device began."""
    method = cseq.split()[1]
    contact = DEVICE if (sender == "device") else PBX
    lines = [
        start,
        f"Via: SIP/2.0/UDP {DEVICE};branch=z9hG4bK{branch or cseq.replace(' ', '')}{call}",
        "From: <sip:3401@192.0.2.10>;tag=ours",
        f"To: <sip:3400@192.0.2.10>{';tag=' + to_tag if to_tag else ''}",
        f"Call-ID: {call}",
        f"CSeq: {cseq}",
        *([] if start.startswith("SIP/2.0") else ["Max-Forwards: 70"]),
        *([f"Contact: <sip:3401@{contact}>"] if method in ("INVITE", "REGISTER") else []),
        *([more] if more else []),
        *(["Content-Type: application/sdp"] if body else []),
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join([*lines, "", body]).encode()


def sip(at, text, *, to_device=False):
    ends = ((PBX, 5060), (DEVICE, 5060)) if to_device else ((DEVICE, 5060), (PBX, 5060))
    return at, packet(*ends, text, identification=int(at * 1000) & 0xFFFF)


def registration(at=0.0):
    register = message("REGISTER sip:192.0.2.10 SIP/2.0", call="reg", cseq="1 REGISTER")
    answer = message("SIP/2.0 200 OK", call="reg", cseq="1 REGISTER", to_tag="r")
    return [sip(at, register), sip(at + 0.01, answer, to_device=True)]


def call(at=1.0, *, acknowledged=True, answers=1):
    offer, answer = SDP.format(host=DEVICE, port=4000), SDP.format(host=PBX, port=5000)
    invite = message("INVITE sip:3400@192.0.2.10 SIP/2.0", call="c1", cseq="1 INVITE", body=offer)
    ok = message("SIP/2.0 200 OK", call="c1", cseq="1 INVITE", sender="pbx", to_tag="theirs", body=answer)
    ack = message("ACK sip:3401@192.0.2.10 SIP/2.0", call="c1", cseq="1 ACK", to_tag="theirs", branch="a")
    bye = message("BYE sip:3401@192.0.2.10 SIP/2.0", call="c1", cseq="2 BYE", to_tag="theirs")
    gone = message("SIP/2.0 200 OK", call="c1", cseq="2 BYE", to_tag="theirs")
    found = [sip(at, invite)]
    found += [sip(at + 0.1 + 0.5 * n, ok, to_device=True) for n in range(answers)]
    found += [sip(at + 0.15, ack)] if acknowledged else []
    return [*found, sip(at + 4.0, bye), sip(at + 4.01, gone, to_device=True)]


def written(path, packets, *, link=101, wrap=lambda data: data, cut=65535):
    data = struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, link)
    for at, raw in packets:
        frame = wrap(raw)
        kept = frame[:cut]
        seconds, fraction = divmod(round((1700000000 + at) * 1e6), 10**6)
        data += struct.pack("<IIII", seconds, fraction, len(kept), len(frame)) + kept
    path.write_bytes(data)
    return path


def ends_of(raw):
    there = (DEVICE, 5060), (PBX, 5060)
    return there if of_device(raw) else there[::-1]


def of_device(raw):
    return raw[12:16] == bytes(map(int, DEVICE.split(".")))


def told(path, **changes):
    lines = []
    verdict = judge_capture(path, lines.append, **changes)
    return verdict, "\n".join(lines)


def broken(text):
    return [line for line in text.partition("verdicts")[2].splitlines() if " fail: " in line]


def test_the_one_that_registers_is_the_device(tmp_path):
    verdict, text = told(written(tmp_path / "x.pcap", [*registration(), *call()]))
    assert f"device {DEVICE} (it alone registers)" in text
    assert f"pbx {PBX}" in text
    assert broken(text) == []
    assert verdict is Verdict.PASS
    assert re.search(r"not judged: any of the \d+ requirements \(the wire alone does not show them\)", text)


def test_who_cannot_be_told_from_others_is_asked_for(tmp_path):
    path = written(tmp_path / "x.pcap", call())
    with pytest.raises(BenchError, match=f"none registers: .*{DEVICE}.*name it with --device"):
        told(path)
    assert "(as named)" in told(path, device=[DEVICE])[1]


def test_a_capture_without_sip_has_no_verdict(tmp_path):
    path = written(tmp_path / "x.pcap", [(0.0, packet((DEVICE, 4000), (PBX, 53), b"no SIP at all here"))])
    verdict, text = told(path)
    assert verdict is Verdict.NONE
    assert "no device: there is no SIP that could be read" in text


def test_every_beginning_and_every_end_of_a_lawful_capture_accuses_nobody(tmp_path):
    packets = [*registration(), *call(), *registration(7.0), *call(8.0)[1:]]
    for begun in range(len(packets)):
        for ended in (len(packets), begun + 3, begun + 5):
            part = packets[begun:ended]
            _, text = told(written(tmp_path / "x.pcap", part), device=[DEVICE], pbx=[PBX])
            assert broken(text) == [], (begun, ended)


def test_every_single_packet_that_was_lost_to_the_capture_accuses_nobody(tmp_path):
    packets = [*registration(), *call()]
    for lost in range(len(packets)):
        part = packets[:lost] + packets[lost + 1 :]
        _, text = told(written(tmp_path / "x.pcap", part), device=[DEVICE], pbx=[PBX])
        assert broken(text) == [], f"without packet {lost}"


def rung_at_two(lost, tag="b"):
    """A call that rings at two places and is taken at one, which hangs up; without a packet that was lost."""

    def forked(start, cseq, tag="", branch="", body=""):
        sender = "pbx" if start.startswith("SIP") else "device"
        return message(start, call="c1", cseq=cseq, sender=sender, to_tag=tag, branch=branch, body=body)

    def hung_up(start):
        return theirs(start, "7 BYE").replace(b"tag=theirs", b"tag=%s" % tag.encode())

    invite = forked("INVITE sip:3400@192.0.2.10 SIP/2.0", "1 INVITE", body=SDP.format(host=DEVICE, port=4000))
    ok = forked("SIP/2.0 200 OK", "1 INVITE", "b", body=SDP.format(host=PBX, port=5000))
    packets = [
        sip(1.0, invite),
        *(sip(1.1, forked("SIP/2.0 180 Ringing", "1 INVITE", there), to_device=True) for there in "ab"),
        sip(1.3, ok, to_device=True),
        sip(1.4, forked("ACK sip:3401@192.0.2.10 SIP/2.0", "1 ACK", "b", "a")),
        sip(4.0, hung_up(f"BYE sip:3401@{DEVICE} SIP/2.0"), to_device=True),
        sip(4.01, hung_up("SIP/2.0 200 OK")),
    ]
    return [*registration(), *(one for place, one in enumerate(packets) if place not in lost)]


def test_a_dialog_that_began_by_what_nobody_captured_is_one_all_the_same(tmp_path):
    for lost in [(), (0,), (2,), (3,), (2, 3), (2, 3, 4), (1, 2, 3), (0, 2, 3)]:
        _, text = told(written(tmp_path / "x.pcap", rung_at_two(lost)), device=[DEVICE], pbx=[PBX])
        assert broken(text) == [], lost


def test_a_stranger_who_hangs_up_is_one_where_the_call_was_captured(tmp_path):
    _, text = told(written(tmp_path / "x.pcap", rung_at_two((), tag="z")), device=[DEVICE], pbx=[PBX])
    assert [line.split()[:2] for line in broken(text)] == [["SIP-18", "fail:"]]


def test_an_answer_that_was_never_acknowledged_is_found_where_the_other_side_missed_it_too(tmp_path):
    path = written(tmp_path / "x.pcap", [*registration(), *call(acknowledged=False, answers=4)])
    _, text = told(path)
    assert "SIP-07 fail: 200 without its ACK" in text
    path = written(tmp_path / "x.pcap", [*registration(), *call(acknowledged=False)])
    _, text = told(path)
    assert "SIP-07 inconclusive" in text
    assert "never sent it again" in text


def theirs(start, cseq, *, more="", body=""):
    """Return a message of the other side, within the dialog that the device began, or what answers it."""
    return "\r\n".join(
        [
            start,
            f"Via: SIP/2.0/UDP {PBX};branch=z9hG4bKt{cseq.split()[1][:3]}",
            "From: <sip:3400@192.0.2.10>;tag=theirs",
            "To: <sip:3401@192.0.2.10>;tag=ours",
            "Call-ID: c1",
            f"CSeq: {cseq}",
            "Max-Forwards: 70",
            more,
            "Content-Type: application/sdp",
            f"Content-Length: {len(body)}",
            "",
            body,
        ]
    ).encode()


def moved_call():
    """A call whose sound the other side has moved, with the device's sound alone."""
    to = SDP.format(host=OTHER, port=6000).replace("1 1 IN", "1 2 IN")
    ours = SDP.format(host=DEVICE, port=4000).replace("1 1 IN", "1 2 IN")
    again = theirs(f"INVITE sip:3401@{DEVICE} SIP/2.0", "7 INVITE", more=f"Contact: <sip:a@{PBX}>", body=to)
    taken = theirs("SIP/2.0 200 OK", "7 INVITE", more=f"Contact: <sip:3401@{DEVICE}>", body=ours)
    ack = theirs(f"ACK sip:3401@{DEVICE} SIP/2.0", "7 ACK", more="X-None: 0")
    moving = [sip(3.0, again, to_device=True), sip(3.01, taken), sip(3.02, ack, to_device=True)]
    sound = [
        (
            1.2 + 0.02 * n,
            packet((DEVICE, 4000), goes, struct.pack("!BBHII", 128, 8, n, 160 * n, 5) + bytes(160)),
        )
        for n in range(180)
        for goes in [(PBX, 5000) if n < 91 else (OTHER, 6000)]
    ]
    return [*registration(), *call(), *moving], sound


def test_sound_that_was_moved_by_a_message_nobody_captured_accuses_nobody(tmp_path):
    signalling, sound = moved_call()
    for lost in [(), (3,), (7,), (7, 8), (3, 7)]:
        part = [item for place, item in enumerate(signalling) if place not in lost]
        _, text = told(written(tmp_path / "x.pcap", sorted(part + sound)), device=[DEVICE], pbx=[PBX])
        assert broken(text) == [], f"without {lost}"
        assert "180 audio packets" in text or "91 audio packets" in text


def test_a_device_that_was_off_has_not_let_its_registration_end(tmp_path):
    def granted(at, number, seconds=5):
        asked, answer = registration(at)
        more = b"Contact: <sip:3401@192.0.2.30>;expires=%d\r\nContent-Length" % seconds
        texts = asked[1][28:], answer[1][28:].replace(b"Content-Length", more)
        cseq = f"CSeq: {number} REGISTER".encode(), f"bK{number}".encode()
        new = (t.replace(b"CSeq: 1 REGISTER", cseq[0]).replace(b"bK1", cseq[1]) for t in texts)
        return [sip(at + 0.01 * n, text, to_device=bool(n)) for n, text in enumerate(new)]

    for number, verdict in ((2, "fail"), (3, "inconclusive")):
        path = written(tmp_path / "x.pcap", [*granted(0.0, 1), *granted(60.0, number)])
        assert f"SIP-15 {verdict}" in told(path)[1]
    restarted = [(at, raw.replace(b"reg\r", b"anew\r")) for at, raw in granted(60.0, 1)]
    restarted = [sip(at, raw[28:], to_device=not of_device(raw)) for at, raw in restarted]
    assert "SIP-15 inconclusive" in told(written(tmp_path / "x.pcap", [*granted(0.0, 1), *restarted]))[1]


@pytest.mark.parametrize(("reached", "verdict"), [(False, "inconclusive"), (True, "fail")])
def test_who_never_heard_that_it_is_registered_renews_nothing(tmp_path, reached, verdict):
    packets = asked(2.0) if reached else []
    for at, number in ((0.0, 1), (0.5, 1), (1.5, 1), (3.5, 1), (60.0, 2)):
        for late, raw in registration(at):
            text = raw[28:].replace(b"1 REGISTER", b"%d REGISTER" % number)
            text = text.replace(b"bK1REGISTER", b"bK%dREGISTER" % number)
            text = text if of_device(raw) else text.replace(b"@192.0.2.30>", b"@192.0.2.30>;expires=5")
            packets.append(sip(late, text, to_device=not of_device(raw)))
    _, text = told(written(tmp_path / "x.pcap", sorted(packets)), device=[DEVICE], pbx=[PBX])
    assert f"SIP-15 {verdict}: " in text


def test_a_provisional_response_that_nobody_captured_leaves_it_open_whether_a_request_was_to_be_repeated(
    tmp_path,
):
    late = [(at if place == 0 else at + 4.0, raw) for place, (at, raw) in enumerate(call())]
    _, text = told(written(tmp_path / "x.pcap", [*registration(), *late]))
    assert broken(text) == []
    assert "SIP-17 inconclusive" in text


def asked(at):
    """The other side asks what the device is able to, and is answered."""
    ask = message(f"OPTIONS sip:3401@{DEVICE} SIP/2.0", call=f"o{at}", cseq="1 OPTIONS", sender="pbx")
    answer = message("SIP/2.0 200 OK", call=f"o{at}", cseq="1 OPTIONS", to_tag="o")
    return [sip(at, ask, to_device=True), sip(at + 0.01, answer)]


@pytest.mark.parametrize(
    ("reached", "verdict"), [([], "inconclusive"), (asked(2.0), "fail"), (asked(0.2), "inconclusive")]
)
@pytest.mark.parametrize("row", ["SIP-13", "SIP-16"])
def test_what_comes_for_the_device_may_get_lost_behind_the_capture(tmp_path, row, reached, verdict):
    """At the server, say, while the address translation of the door's router has closed."""
    if row == "SIP-16":
        packets = [one for at in (1.0, 1.5, 2.5, 4.5) for one in registration(at)]
    else:
        contact, body = f"Contact: <sip:3401@{DEVICE}>", SDP.format(host=DEVICE, port=4000)
        invite = message(
            f"INVITE sip:3401@{DEVICE} SIP/2.0", call="c9", cseq="1 INVITE", sender="pbx", body=body
        )
        ok = message("SIP/2.0 200 OK", call="c9", cseq="1 INVITE", to_tag="x", body=body)
        ack = message(f"ACK sip:3401@{DEVICE} SIP/2.0", call="c9", cseq="1 ACK", to_tag="x", more=contact)
        packets = [*registration(), sip(0.9, invite, to_device=True)]
        for at in (1.0, 1.5, 2.5, 4.5):
            packets += [sip(at, ok), sip(at + 0.02, ack, to_device=True)]
    path = written(tmp_path / "x.pcap", sorted([*packets, *reached]))
    assert f"{row} {verdict}: " in told(path, device=[DEVICE], pbx=[PBX])[1]


@pytest.mark.parametrize(
    ("reached", "verdict"), [([], "inconclusive"), (asked(2.0), "fail"), (asked(30.0), "inconclusive")]
)
@pytest.mark.parametrize("row", ["SIP-07", "SIP-09"])
def test_what_never_reached_the_device_need_not_be_answered(tmp_path, row, reached, verdict):
    """The other side sends again what is lost behind the capture; later the device is there once more."""
    if row == "SIP-09":
        packets = [*asked(0.5)]
        packets += [(at, raw) for at in (1.0, 1.5, 2.5, 4.5) for _, raw in asked(1.0)[:1]]
    else:
        packets = [one for one in call(acknowledged=False, answers=4) if one[0] < 4.0]
    path = written(tmp_path / "x.pcap", sorted([*registration(), *packets, *reached, *asked(60.0)]))
    _, text = told(path, device=[DEVICE], pbx=[PBX])
    assert f"{row} {verdict}: " in text


def test_packets_of_two_interfaces_out_of_order_count_once(tmp_path):
    once = [*registration(), *call()]
    routed = [(at + 0.001, raw[:8] + b"\x3f" + raw[9:]) for at, raw in once]
    verdict, text = told(written(tmp_path / "x.pcap", [*routed, *once]))
    assert verdict is Verdict.PASS
    assert f"{len(once)} packets were captured twice" in text
    assert text.count("INVITE from device to pbx") == 1


def test_a_device_beside_its_server_at_one_address_goes_by_its_port(tmp_path):
    local = [(at, raw[:12] + bytes((127, 0, 0, 1)) * 2 + raw[20:]) for at, raw in [*registration(), *call()]]
    moved = [
        (at, raw[:20] + struct.pack("!HH", *((5061, 5060) if of_device(before) else (5060, 5061))) + raw[24:])
        for (at, raw), (_, before) in zip(local, [*registration(), *call()], strict=True)
    ]
    path = written(tmp_path / "x.pcap", moved)
    verdict, text = told(path)
    assert "device 127.0.0.1:5061 (it alone registers)" in text
    assert "pbx 127.0.0.1:5060" in text
    assert broken(text) == []
    assert verdict is Verdict.PASS
    assert "(as named)" in told(path, device=["127.0.0.1:5061"])[1]
    with pytest.raises(BenchError, match=r"several parties are at 127.0.0.1: 127.0.0.1:506.*ADDRESS:PORT"):
        told(path, device=["127.0.0.1"])


def test_a_proxy_that_passes_a_registration_on_is_not_the_device(tmp_path):
    second = f"\r\nVia: SIP/2.0/UDP {OTHER};branch=z9hG4bKcame\r\nFrom".encode()
    passed = [
        (at, packet(*ends_of(raw), raw[28:].replace(b"\r\nFrom", second, 1))) for at, raw in registration()
    ]
    with pytest.raises(BenchError, match="none registers"):
        told(written(tmp_path / "x.pcap", passed))


def test_a_proxy_is_known_by_its_record_route_where_nobody_captured_what_lies_behind(tmp_path):
    route = f"\r\nRecord-Route: <sip:{PBX};lr>\r\nCSeq".encode()
    packets = [
        (at, raw if of_device(raw) else packet(*ends_of(raw), raw[28:].replace(b"\r\nCSeq", route, 1)))
        for at, raw in call()
    ]
    verdict, text = told(written(tmp_path / "x.pcap", packets), device=[PBX])
    assert broken(text) == []
    assert "1 calls are not judged" in text
    assert verdict is Verdict.NONE


def test_what_a_proxy_passes_on_is_not_held_against_it(tmp_path):
    """A call through a device that is a proxy, with the answers of two stations (RFC 3261 §16.7)."""
    beyond = ((DEVICE, 5060), (OTHER, 5060))
    packets = []
    for at, raw in call():
        own = raw[28:].replace(b"\r\nFrom", b"\r\nVia: SIP/2.0/UDP 192.0.2.10;branch=z9hG4bKcame\r\nFrom", 1)
        there = of_device(raw)
        ends = beyond if there else beyond[::-1]
        came = raw[28:].replace(f"UDP {DEVICE};".encode(), f"UDP {PBX};".encode())
        hops = [((PBX, 5060), (DEVICE, 5060)), ends] if there else [ends, ((DEVICE, 5060), (PBX, 5060))]
        texts = [came, own] if there else [own, came]
        packets += [
            (at + 0.01 * n, packet(*hop, text)) for n, (hop, text) in enumerate(zip(hops, texts, strict=True))
        ]
    again = [(at + 0.05, raw.replace(b"tag=theirs", b"tag=second")) for at, raw in packets[2:4]]
    packets += [
        (
            1.5 + 0.02 * n,
            packet((DEVICE, 4000), (PBX, 5000), struct.pack("!BBHII", 128, 8, n, 160 * n, 5) + bytes(160)),
        )
        for n in range(60)
    ]
    verdict, text = told(written(tmp_path / "x.pcap", sorted([*packets, *again])), device=[DEVICE], pbx=[PBX])
    assert broken(text) == []
    assert "1 calls are not judged: the device passes them on as a proxy" in text
    assert verdict is Verdict.NONE


def test_records_with_the_interface_are_read(tmp_path):
    path = written(tmp_path / "x.pcap", [*registration(), *call()])
    plain = path.read_bytes()
    data, at = struct.pack("<I", 0xA1B2CD34) + plain[4:24], 24
    while at < len(plain):
        size = struct.unpack_from("<I", plain, at + 8)[0]
        data += plain[at : at + 16] + bytes(8) + plain[at + 16 : at + 16 + size]
        at += 16 + size
    path.write_bytes(data)
    assert told(path)[0] is Verdict.PASS


def test_what_comes_before_damage_is_judged_and_the_rest_left_open(tmp_path):
    path = written(tmp_path / "x.pcap", [*registration(), *call()])
    path.write_bytes(path.read_bytes() + struct.pack("<IIII", 1, 1, 1 << 30, 1) + bytes(50))
    verdict, text = told(path)
    assert verdict is Verdict.INCONCLUSIVE
    assert "the file is damaged after 7 packets (pcap record of 1073741824 bytes)" in text
    assert "SIP-02 inconclusive" in text


@pytest.mark.parametrize("length", [0, 5, 11, 12, 19, 20, 40])
def test_a_packet_that_says_any_length_is_no_end_of_the_reading(tmp_path, length):
    odd = [(at, raw[:2] + struct.pack("!H", length) + raw[4:]) for at, raw in call()[:1]]
    verdict, _ = told(written(tmp_path / "x.pcap", [*registration(), *odd, *call(20.0)]))
    assert verdict is Verdict.PASS


def test_a_packed_file_is_read(tmp_path):
    import gzip

    path = written(tmp_path / "x.pcap", [*registration(), *call()])
    path.write_bytes(gzip.compress(path.read_bytes()))
    assert told(path)[0] is Verdict.PASS
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(BenchError, match="cannot be read"):
        told(path)


_LLC = b"\xaa\xaa\x03\0\0\0\x08\0"


@pytest.mark.parametrize(
    ("link", "head"),
    [
        (105, b"\x08\x01" + bytes(22) + _LLC),
        (105, b"\x88\x01" + bytes(22) + b"\0\0" + _LLC),
        (105, b"\x88\x03" + bytes(28) + b"\0\0" + _LLC),
        (127, b"\0\0\x08\0" + bytes(4) + b"\x88\x01" + bytes(22) + b"\0\0" + _LLC),
        (127, b"\0\0\x09\0\x02\0\0\0\x20" + b"\x88\x01" + bytes(22) + b"\0\0" + b"\0\0" + _LLC),
    ],
    ids=["data", "qos", "four addresses", "radiotap", "radiotap, padded"],
)
def test_wireless_frames_are_read(tmp_path, link, head):
    path = written(tmp_path / "x.pcap", [*registration(), *call()], link=link, wrap=lambda raw: head + raw)
    assert told(path)[0] is Verdict.PASS


def test_encrypted_wireless_frames_show_nothing(tmp_path):
    head = b"\x08\x41" + bytes(22) + _LLC
    path = written(tmp_path / "x.pcap", registration(), link=105, wrap=lambda raw: head + raw)
    assert told(path)[0] is Verdict.NONE


def test_the_report_is_a_run_folder_with_the_ladder(tmp_path):
    path = written(tmp_path / "x.pcap", [*registration(), *call()])
    folder = tmp_path / "judged"
    told(path, folder=folder)
    reports.render(folder)
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "x.pcap, judged without a bench" in page
    assert "<svg" in page
    with pytest.raises(BenchError, match="not empty"):
        told(path, folder=folder)


def stepped(packets, *, after, by):
    """The same packets, with the clock set back by seconds after some of them."""
    return [(at - (by if place >= after else 0.0), raw) for place, (at, raw) in enumerate(packets)]


def test_a_clock_that_is_set_back_meanwhile_accuses_nobody(tmp_path):
    packets = [*registration(), *call(), *registration(7.0), *call(8.0)[1:]]
    for by in (0.3, 2.0, 3600.0):
        for after in range(1, len(packets)):
            path = written(tmp_path / "x.pcap", stepped(packets, after=after, by=by))
            _, text = told(path, device=[DEVICE], pbx=[PBX])
            assert broken(text) == [], (by, after)
        assert "the times in the file go back by" in text


def test_what_a_clock_has_no_part_in_is_found_all_the_same(tmp_path):
    packets = [*registration(), *call()]
    bad = [(at, raw.replace(b"Max-Forwards", b"Min-Forwards")) for at, raw in packets]
    path = written(tmp_path / "x.pcap", stepped(bad, after=4, by=2.0))
    assert {line.split()[0] for line in broken(told(path, device=[DEVICE])[1])} == {"SIP-02"}


@pytest.mark.parametrize("of_theirs", [True, False])
def test_one_direction_alone_accuses_nobody(tmp_path, of_theirs):
    packets = [
        one for one in [*registration(), *call(), *call(8.0)[1:]] if of_device(one[1]) is not of_theirs
    ]
    _, text = told(written(tmp_path / "x.pcap", packets), device=[DEVICE], pbx=[PBX])
    assert broken(text) == []


def test_a_port_that_mirrors_everything_twice_accuses_nobody(tmp_path):
    """Also where the copies come a little later, and out of order with what they are copies of."""
    packets = [*registration(), *call()]
    twice = sorted([*packets, *((at + 0.005, raw) for at, raw in packets)])
    _, text = told(written(tmp_path / "x.pcap", twice), device=[DEVICE], pbx=[PBX])
    assert broken(text) == []


def proven_registration():
    """A registration with credentials, which the server takes."""
    proof = 'Authorization: Digest username="3401", realm="x", nonce="n", response="0"'
    ask = message("REGISTER sip:192.0.2.10 SIP/2.0", call="reg", cseq="1 REGISTER", more=proof)
    answer = message("SIP/2.0 200 OK", call="reg", cseq="1 REGISTER", to_tag="r")
    return [sip(0.0, ask), sip(0.01, answer, to_device=True)]


@pytest.mark.parametrize(
    ("servers", "word"),
    [
        ([], "REG-05 pass"),
        ([PBX], "REG-05 pass"),
        ([OTHER], "REG-05 inconclusive: credentials for a stranger.*which servers are the device's"),
        (["192.0.2.77"], "REG-05 inconclusive: credentials for a stranger.*is registered there"),
    ],
)
def test_a_server_that_was_named_wrongly_makes_no_stranger_of_another_one(tmp_path, servers, word):
    with_another = [*proven_registration(), (1.0, packet(("192.0.2.77", 5060), (DEVICE, 5060), OPTIONS))]
    _, text = told(written(tmp_path / "x.pcap", with_another), device=[DEVICE], pbx=servers)
    assert re.search(word, text)
    assert broken(text) == []


OPTIONS = theirs(f"OPTIONS sip:3401@{DEVICE} SIP/2.0", "9 OPTIONS", more="X-None: 0")


def test_one_address_is_not_the_device_and_its_server(tmp_path):
    path = written(tmp_path / "x.pcap", [*registration(), *call()])
    with pytest.raises(BenchError, match="named as the device and as its server"):
        told(path, device=[DEVICE], pbx=[DEVICE])


def renewals(count):
    """A device that registers and is granted ten seconds, again and again, and asks what is answered late."""
    packets = []
    for number in range(count):
        ask = message("REGISTER sip:192.0.2.10 SIP/2.0", call=f"r{number}", cseq="1 REGISTER")
        probe = message("OPTIONS sip:192.0.2.10 SIP/2.0", call=f"o{number}", cseq="1 OPTIONS")
        more = f"Contact: <sip:3401@{DEVICE}>;expires=10"
        grant = message("SIP/2.0 200 OK", call=f"r{number}", cseq="1 REGISTER", to_tag="r", more=more)
        late = message("SIP/2.0 200 OK", call=f"o{number}", cseq="1 OPTIONS", to_tag="o")
        at = number * 2.5
        packets += [sip(at, ask), sip(at + 0.1, grant, to_device=True)]
        packets += [sip(at + 0.2, probe), sip(at + 0.7, probe), sip(at + 4.3, late, to_device=True)]
    return packets


def calls_within(path):
    """How many functions are called to judge a capture: the same number on any machine, however busy."""
    with cProfile.Profile() as profile:
        told(path)
    return sum(entry.callcount for entry in profile.getstats())


def test_a_capture_of_four_times_as_many_messages_is_four_times_the_work(tmp_path):
    few, many = (calls_within(written(tmp_path / f"{n}.pcap", renewals(n))) for n in (100, 400))
    assert many < 5 * few


def block(kind, body):
    return struct.pack("<II", kind, 12 + len(body)) + body + struct.pack("<I", 12 + len(body))


def of_interfaces(path, *each):
    """Write a pcapng file of several interfaces, with all packets of one before those of the next."""
    data = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))
    data += block(1, struct.pack("<HHI", 101, 0, 65535)) * len(each)
    for number, packets in enumerate(each):
        for at, raw in packets:
            high, low = divmod(round((1700000000 + at) * 1e6), 1 << 32)
            head = struct.pack("<IIIII", number, high, low, len(raw), len(raw))
            data += block(6, head + raw + bytes(-len(raw) % 4))
    path.write_bytes(data)
    return path


def test_interfaces_that_stand_one_behind_the_other_set_no_clock_back(tmp_path):
    packets = [*registration(), *call()]
    path = of_interfaces(tmp_path / "x.pcapng", packets[::2], packets[1::2])
    verdict, text = told(path)
    assert (verdict, broken(text)) == (Verdict.PASS, [])
    assert "go back" not in text
    path = of_interfaces(tmp_path / "y.pcapng", stepped(packets, after=5, by=4.5))
    assert "the times in the file go back by" in told(path)[1]
