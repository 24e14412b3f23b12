"""Builds what goes over a wire, packet by packet, and lets a Decoder see it: the material of these tests."""

import base64
import struct

import numpy as np
from pylibsrtp import Policy, Session

from intercom_hil.capture.decoder import Decoder
from intercom_hil.media.g711 import encode_alaw
from intercom_hil.media.rtp import build_rtp
from intercom_hil.pcap.pcap import Frame
from intercom_hil.timeline.observation import MediaEnded, MediaHeard, MediaStarted
from intercom_hil.timeline.timeline import Timeline
from intercom_hil.wire import link
from intercom_hil.wire.sdp import Crypto

DEVICE, PBX = ("127.0.43.30", 42000), ("127.0.43.10", 12000)
SIP_DEVICE, SIP_PBX = ("127.0.43.30", 5060), ("127.0.43.10", 5060)
NAMES = {"127.0.43.30": "device", "127.0.43.10": "pbx"}
BEGIN = 1_790_000_000.0


def name_of(host, port):
    return NAMES.get(host, f"{host}:{port}")


def ipv4(source, destination, protocol, content):
    addresses = bytes(map(int, source[0].split("."))) + bytes(map(int, destination[0].split(".")))
    return struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(content), 0, 0, 64, protocol, 0) + addresses + content


def udp_frame(source, destination, payload):
    header = struct.pack("!HHHH", source[1], destination[1], 8 + len(payload), 0)
    return ipv4(source, destination, 17, header + payload)


def tcp_frame(source, destination, payload, sequence, flags=0x18):
    header = struct.pack(
        "!HHIIBBHHH", source[1], destination[1], sequence & 0xFFFFFFFF, 0, 0x50, flags, 0, 0, 0
    )
    return ipv4(source, destination, 6, header + payload)


def key(fill, suite="AES_CM_128_HMAC_SHA1_80", tag=1):
    return Crypto(tag, suite, bytes([fill]) * 16, bytes([fill + 100]) * 14)


def sdp(address, *, profile="RTP/AVP", crypto=(), payload_types=(8, 0, 101), media="audio"):
    lines = [
        "v=0",
        "o=- 1 1 IN IP4 " + address[0],
        "s=-",
        "c=IN IP4 " + address[0],
        "t=0 0",
        f"m={media} {address[1]} {profile} {' '.join(map(str, payload_types))}",
        "a=rtpmap:101 telephone-event/8000",
        *(f"a=crypto:{c}" for c in crypto),
    ]
    return "".join(line + "\r\n" for line in lines).encode()


def sip(
    start, *, body=b"", call_id="call-1", cseq=(1, "INVITE"), tags=("f1", ""), content_type="application/sdp"
):
    to_tag = f";tag={tags[1]}" if tags[1] else ""
    head = (
        f"{start}\r\nVia: SIP/2.0/UDP 127.0.43.30:5060;branch=z9hG4bK{cseq[0]}\r\n"
        f"From: <sip:100@127.0.43.10>;tag={tags[0]}\r\nTo: <sip:101@127.0.43.10>{to_tag}\r\n"
        f"Call-ID: {call_id}\r\nCSeq: {cseq[0]} {cseq[1]}\r\n"
    )
    head += f"Content-Type: {content_type}\r\n" if body else ""
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def tone(hz=440.0, seconds=0.02, start=0, amplitude=8000):
    count = int(seconds * 8000)
    return np.round(amplitude * np.sin(2 * np.pi * hz * (start + np.arange(count)) / 8000)).astype(np.int16)


def protector(crypto: Crypto):
    profile = {
        "AES_CM_128_HMAC_SHA1_80": Policy.SRTP_PROFILE_AES128_CM_SHA1_80,
        "AES_CM_128_HMAC_SHA1_32": Policy.SRTP_PROFILE_AES128_CM_SHA1_32,
    }[crypto.suite]
    return Session(
        Policy(key=crypto.key + crypto.salt, ssrc_type=Policy.SSRC_ANY_OUTBOUND, srtp_profile=profile)
    ).protect


class Talk:
    """One party sending 20 ms A-law packets of a tone; ``protect`` encrypts."""

    def __init__(self, source, destination, *, ssrc=7, hz=440.0, sequence=100, protect=None):
        self.source, self.destination, self.ssrc, self.hz = source, destination, ssrc, hz
        self.sequence, self.timestamp, self.protect = sequence, 1000, protect

    def skip(self, packets=1):
        self.sequence += packets
        self.timestamp += 160 * packets

    def next(self, payload=None, payload_type=8):
        if payload is None:
            payload = encode_alaw(tone(self.hz, start=self.timestamp))
        data = build_rtp(
            payload,
            payload_type=payload_type,
            sequence=self.sequence,
            timestamp=self.timestamp,
            ssrc=self.ssrc,
        )
        self.skip()
        return self.protect(data) if self.protect else data


class Wire:
    """A clock, a decoder and the timeline that it writes to."""

    def __init__(self, sip_ports=frozenset({5060}), viewer=None):
        self.timeline = Timeline()
        self.decoder = Decoder(
            link_type=link.RAW,
            sip_ports=sip_ports,
            append=self.timeline.append,
            name_of=name_of,
            viewer=viewer,
        )
        self.now = BEGIN

    def udp(self, source, destination, payload, after=0.001):
        self.now += after
        self.decoder.frame(Frame(self.now, udp_frame(source, destination, payload), len(payload) + 28))

    def tcp(self, source, destination, payload, sequence, flags=0x18):
        self.now += 0.001
        self.decoder.frame(Frame(self.now, tcp_frame(source, destination, payload, sequence, flags), 60))

    def to_pbx(self, *args, **kwargs):
        self.udp(SIP_DEVICE, SIP_PBX, sip(*args, **kwargs))

    def to_device(self, *args, **kwargs):
        self.udp(SIP_PBX, SIP_DEVICE, sip(*args, **kwargs))

    def invite(self, body, **kwargs):
        self.to_pbx("INVITE sip:101@127.0.43.10 SIP/2.0", body=body, **kwargs)

    def answer(self, body, status="200 OK", tags=("f1", "t1"), **kwargs):
        self.to_device(f"SIP/2.0 {status}", body=body, tags=tags, **kwargs)

    def call(self, offer, answer, **kwargs):
        self.invite(offer, **kwargs)
        self.answer(answer, **kwargs)

    def talk(self, talk, packets=50, **kwargs):
        for _ in range(packets):
            self.udp(talk.source, talk.destination, talk.next(**kwargs), after=0.02)

    def said(self, kind):
        return [o.content for o in self.timeline if isinstance(o.content, kind)]

    @property
    def started(self):
        return self.said(MediaStarted)

    @property
    def heard(self):
        return self.said(MediaHeard)

    def ended(self):
        self.decoder.end()
        return self.said(MediaEnded)


def inline(crypto: Crypto) -> str:
    return base64.b64encode(crypto.key + crypto.salt).decode()
