"""Packets of a registration and of a call with sound, as frames of raw IP."""

import struct

DEVICE, PBX = "192.0.2.30", "192.0.2.10"
SDP = "v=0\r\no=- 1 1 IN IP4 {0}\r\ns=-\r\nc=IN IP4 {0}\r\nt=0 0\r\nm=audio {1} RTP/AVP 8\r\n"


def packet(source, destination, payload):
    addresses = b"".join(bytes(map(int, host.split("."))) for host, _ in (source, destination))
    udp = struct.pack("!HHHH", source[1], destination[1], 8 + len(payload), 0) + payload
    return struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 7, 0, 64, 17, 0) + addresses + udp


def message(start, call, cseq, *, tag="", body=""):
    host = PBX if start.startswith("SIP/2.0") else DEVICE
    contact = [f"Contact: <sip:3400@{host}>"] if cseq.endswith(("INVITE", "REGISTER")) else []
    lines = [
        start,
        f"Via: SIP/2.0/UDP {DEVICE};branch=z9hG4bK{cseq.replace(' ', '')}{call}",
        "From: <sip:3401@192.0.2.10>;tag=ours",
        f"To: <sip:3400@192.0.2.10>{tag and ';tag=' + tag}",
        *(f"Call-ID: {call}", f"CSeq: {cseq}", "Max-Forwards: 70", *contact),
        *(["Content-Type: application/sdp"] if body else []),
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join([*lines, "", body]).encode()


def frames(call):
    """Return a registration, and a call with half a second of sound, as frames of raw IP."""
    device, pbx = (DEVICE, 5060), (PBX, 5060)
    offer, answer = SDP.format(DEVICE, 4000), SDP.format(PBX, 5000)
    found = [
        (0.00, packet(device, pbx, message(f"REGISTER sip:{PBX} SIP/2.0", "reg", "1 REGISTER"))),
        (0.01, packet(pbx, device, message("SIP/2.0 200 OK", "reg", "1 REGISTER", tag="r"))),
        (0.10, packet(device, pbx, message(f"INVITE sip:3400@{PBX} SIP/2.0", call, "1 INVITE", body=offer))),
        (0.20, packet(pbx, device, message("SIP/2.0 200 OK", call, "1 INVITE", tag="t", body=answer))),
        (0.21, packet(device, pbx, message(f"ACK sip:3400@{PBX} SIP/2.0", call, "1 ACK", tag="t"))),
    ]
    for number in range(25):
        rtp = struct.pack("!BBHII", 0x80, 8, number, number * 160, 0xABCD) + bytes([0xD5, 0x34] * 80)
        found.append((0.22 + number * 0.02, packet((DEVICE, 4000), (PBX, 5000), rtp)))
    found += [
        (1.00, packet(device, pbx, message(f"BYE sip:3400@{PBX} SIP/2.0", call, "2 BYE", tag="t"))),
        (1.01, packet(pbx, device, message("SIP/2.0 200 OK", call, "2 BYE", tag="t"))),
    ]
    return found
