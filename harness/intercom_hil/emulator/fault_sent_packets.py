"""Faults of what the SIP stack sends: its datagrams, distorted on their way out.

The stack's import of ``sendto`` is led past here: SIP messages are changed, left out or followed by others,
and so are RTP and RTCP. SIP over TLS is as it should be, and over TCP but for the fault that sends it again,
and so is protected media but for the fault that protects it otherwise.
"""

from __future__ import annotations

import base64
import ctypes
import os
import re
import secrets
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import pylibsrtp

from intercom_hil.emulator.fault_media_flows import (
    MEDIA_FLOWS,
    FirstLaw,
    MediaDistortion,
    Reprotected,
    Sound,
    is_report,
    numbered,
)
from intercom_hil.emulator.fault_received_packets import (
    AnyByeWillDo,
    ChallengedWithoutQop,
    GrantsWhatWasAsked,
    OneCallId,
    ReplacesNobody,
    RequiresNothing,
)
from intercom_hil.emulator.stack_imports import redirect, stack_library

_SENDTO = ctypes.CFUNCTYPE(
    ctypes.c_ssize_t,
    ctypes.c_int,
    ctypes.c_void_p,
    ctypes.c_size_t,
    ctypes.c_int,
    ctypes.c_void_p,
    ctypes.c_uint,
)
_SEND = ctypes.CFUNCTYPE(ctypes.c_ssize_t, ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
_OVER_TCP = "register-repeated-over-tcp"
"""The one distortion of SIP over TCP: what is sent there is sent again after this time."""
TAKEN_IN = {
    "obeys-any-bye": AnyByeWillDo,
    "granted-time-ignored": GrantsWhatWasAsked,
    "qop-ignored": ChallengedWithoutQop,
    "requirements-ignored": RequiresNothing,
    "takes-the-place-of-nobody": ReplacesNobody,
    "one-call-id-for-two-calls": OneCallId,
}
"""Distortions of what is taken in, by name."""
_AGAIN_AFTER = 0.6
"""Seconds."""
_STRAY_PAYLOAD_TYPE = 109
_GOES_ON = 1.5
"""Seconds for which media goes on after the end of its call."""
_PACKET_TIME = 0.02
_OF_ONE_REGISTRATION = 2
"""Requests: one without credentials, and one with them."""


@dataclass(frozen=True, slots=True)
class _Packet:
    """One datagram: its bytes, and whether it goes to the server or the proxy."""

    data: bytes
    trusted: bool

    def begins(self, *words: bytes) -> bool:
        return self.data.startswith(words)

    @property
    def method(self) -> bytes:
        """The method of CSeq."""
        found = re.search(rb"\r\nCSeq: *[0-9]+ ([A-Z]+)", self.data)
        return found[1] if found else b""

    @property
    def branch(self) -> bytes:
        """The branch of the topmost Via."""
        found = re.search(rb";branch=([^;\r\n]+)", self.data)
        return found[1] if found else b""

    @property
    def is_response(self) -> bool:
        return self.begins(b"SIP/2.0 ")


_Distortion = Callable[["SentPackets", _Packet], list[bytes]]


class SentPackets:
    """Stands between the stack and the network from when it is made to the end of the process."""

    def __init__(self, distortion: str, trusted: frozenset[str]) -> None:
        """Begin.

        Args:
            distortion: what becomes of packets, one of ``DISTORTIONS`` or ``MEDIA_DISTORTIONS``.
            trusted: names and addresses of server and proxy.
        """
        self._name = distortion
        self._distort = DISTORTIONS.get(distortion, _as_it_is)
        make = MEDIA_DISTORTIONS.get(distortion)
        self._distort_media = make() if make is not None else _media_as_it_is
        self._trusted = trusted
        self.invites: set[bytes] = set()
        self.asked: set[bytes] = set()
        self.copies: dict[bytes, int] = {}
        self.named = b""
        self.fallen = 0
        self._first_ways: dict[int, bytes] = {}
        self.last_media: tuple[int, bytes, bytes] | None = None
        self.strayed: set[int] = set()
        self._way = -1, b""
        self._real = _SENDTO(("sendto", ctypes.CDLL(None)))
        self.descriptor, self._flags = -1, 0
        redirect(stack_library(), "sendto", _SENDTO(self._send))
        self.taken_in = TAKEN_IN[distortion]() if distortion in TAKEN_IN else None
        if distortion == _OVER_TCP:
            self._real_stream = _SEND(("send", ctypes.CDLL(None)))
            redirect(stack_library(), "send", _SEND(self._send_stream))

    def _send(self, descriptor: int, data: int, size: int, flags: int, to: int, to_size: int) -> int:
        packet = ctypes.string_at(data, size) if size else b""
        where = ctypes.string_at(to, to_size) if to else b""
        self._way = descriptor, where
        is_sip = packet[:1].isalpha() and b"SIP/2.0" in packet.partition(b"\r\n")[0]
        if not is_sip:
            further = PORTS_FURTHER.get(self._name, {}).get(packet[1:2] >= bytes((_FIRST_REPORT,)))
            if self._name == "media-stays-where-it-was":
                where = self._first_ways.setdefault(descriptor, where)
            if further is not None:
                port = int.from_bytes(where[2:4], "big") + further
                where = where[:2] + port.to_bytes(2, "big") + where[4:]
            for changed in self._distort_media(packet):
                self._real(descriptor, changed, len(changed), flags, where, to_size)
            self._media(descriptor, packet, where)
            return size
        host = socket.inet_ntoa(where[4:8]) if len(where) >= 8 else ""
        message = _Packet(packet, host in self._trusted)
        if message.method == b"BYE":
            self._first_ways.clear()
            if isinstance(self._distort_media, FirstLaw):
                self._distort_media.law = None
        if message.begins(b"INVITE "):
            self.invites.add(message.branch)
        for changed in self._distort(self, message):
            self._real(descriptor, changed, len(changed), flags, to, to_size)
        return size

    def _send_stream(self, descriptor: int, data: int, size: int, flags: int) -> int:
        """Send over a connection, and a REGISTER once more."""
        message = ctypes.string_at(data, size) if size else b""
        sent: int = self._real_stream(descriptor, data, size, flags)
        if sent == size and message.startswith(b"REGISTER "):
            self._later(lambda own: self._real_stream(own, message, size, flags), descriptor, _AGAIN_AFTER)
        return sent

    def _media(self, descriptor: int, packet: bytes, where: bytes) -> None:
        """Take note of audio, and let what distorts it do so."""
        if len(packet) < 13 or packet[0] >> 6 != 2 or packet[1] & 0x7F in range(64, 96):
            return  # no RTP: RTCP has payload types of 200 and above, marker bit left out 72 to 76
        self.last_media = descriptor, packet, where
        if self._distort is _stray_payload_type and descriptor not in self.strayed:
            self.strayed.add(descriptor)
            stray = packet[:1] + bytes((_STRAY_PAYLOAD_TYPE,)) + packet[2:8] + secrets.token_bytes(4)
            self._real(descriptor, stray + packet[12:], len(packet), 0, where, len(where))

    def learn_keys(self, description: str) -> None:
        """Take note of the keys in a session description of the device, where the distortion needs them."""
        if isinstance(self._distort_media, _UncountedRollover | Reprotected):
            self._distort_media.learn(description)

    def later(self, message: bytes, *delays: float) -> None:
        """Send a message again after each of these times (seconds), where the one goes that is being sent."""
        descriptor, where = self._way
        self._later(
            lambda own: self._real(own, message, len(message), 0, where, len(where)), descriptor, *delays
        )

    def _later(self, send: Callable[[int], int], descriptor: int, *delays: float) -> None:
        """Send by a socket of our own after each of these times (seconds)."""
        own = os.dup(descriptor)

        def wait() -> None:
            begun = time.monotonic()
            for delay in delays:
                time.sleep(max(0.0, begun + delay - time.monotonic()))
                send(own)
            os.close(own)

        threading.Thread(target=wait, daemon=True).start()

    def elsewhere(self, message: bytes) -> None:
        """Send a message to another port of where the one goes that is being sent."""
        descriptor, where = self._way
        other = where[:2] + (5999).to_bytes(2, "big") + where[4:]
        self._real(descriptor, message, len(message), 0, other, len(other))

    def go_on(self) -> None:
        """Send the last packet of audio again and again, though its call is over."""
        if self.last_media is None:
            return
        (descriptor, packet, where), self.last_media = self.last_media, None
        own = os.dup(descriptor)

        def send() -> None:
            limit = time.monotonic() + _GOES_ON
            while time.monotonic() < limit:
                self._real(own, packet, len(packet), 0, where, len(where))
                time.sleep(_PACKET_TIME)
            os.close(own)

        threading.Thread(target=send, daemon=True).start()


def _without(name: bytes) -> _Distortion:
    def distort(sent: SentPackets, packet: _Packet) -> list[bytes]:
        if packet.is_response:
            return [packet.data]
        return [re.sub(rb"\r\n" + name + rb":[^\r\n]*", b"", packet.data, count=1)]

    return distort


def _odd_start_line(sent: SentPackets, packet: _Packet) -> list[bytes]:
    return [packet.data.replace(b"SIP/2.0 100", b"SIP/2.0  100", 1)]


def _other_from_tag(data: bytes) -> bytes:
    return re.sub(rb"(\r\nFrom:[^\r\n]*;tag=)[^;\r\n]+", rb"\g<1>foreign", data, count=1)


def _answers_bye_for_another(sent: SentPackets, packet: _Packet) -> list[bytes]:
    mixed_up = packet.is_response and packet.method == b"BYE"
    return [_other_from_tag(packet.data) if mixed_up else packet.data]


def _cancels_for_another(sent: SentPackets, packet: _Packet) -> list[bytes]:
    return [_other_from_tag(packet.data) if packet.begins(b"CANCEL ") else packet.data]


def _hangs_up_another(sent: SentPackets, packet: _Packet) -> list[bytes]:
    return [_other_from_tag(packet.data) if packet.begins(b"BYE ") else packet.data]


def _two_contacts(sent: SentPackets, packet: _Packet) -> list[bytes]:
    if not packet.begins(b"INVITE "):
        return [packet.data]
    return [re.sub(rb"(\r\nContact:[^\r\n]*)", rb"\1\1", packet.data, count=1)]


def _bye_to_nobody(sent: SentPackets, packet: _Packet) -> list[bytes]:
    return [re.sub(rb"\ABYE sip:(?:[^@ ]*@)?", b"BYE sip:nobody@", packet.data, count=1)]


def _refusals_ignored(sent: SentPackets, packet: _Packet) -> list[bytes]:
    return [] if packet.begins(b"ACK ") and packet.branch in sent.invites else [packet.data]


def _answers_ignored(sent: SentPackets, packet: _Packet) -> list[bytes]:
    return [] if packet.begins(b"ACK ") and packet.branch not in sent.invites else [packet.data]


def _no_record_route(sent: SentPackets, packet: _Packet) -> list[bytes]:
    agrees = packet.begins(b"SIP/2.0 200") and packet.method == b"INVITE"
    return [re.sub(rb"\r\nRecord-Route:[^\r\n]*", b"", packet.data) if agrees else packet.data]


def _named_once(sent: SentPackets, packet: _Packet) -> list[bytes]:
    call = re.search(rb"\r\nCall-ID: *([^\r\n]+)", packet.data)
    if not packet.begins(b"INVITE ") or call is None:
        return [packet.data]
    sent.named = sent.named or call[1]
    if sent.named == call[1]:
        return [packet.data]
    return [re.sub(rb'\r\nFrom: *"(?:[^"\\]|\\.)*" *', b"\r\nFrom: ", packet.data, count=1)]


def _bye_ignored(sent: SentPackets, packet: _Packet) -> list[bytes]:
    return [] if packet.is_response and packet.method == b"BYE" else [packet.data]


def _counts_nothing(sent: SentPackets, packet: _Packet) -> list[bytes]:
    return [re.sub(rb"\r\nCSeq: *[0-9]+ REGISTER", b"\r\nCSeq: 7 REGISTER", packet.data, count=1)]


def _asks_twice(sent: SentPackets, packet: _Packet) -> list[bytes]:
    """Follow a REGISTER with credentials by another one with the very same credentials."""
    if not packet.begins(b"REGISTER ") or b"\r\nAuthorization:" not in packet.data:
        return [packet.data]
    again = packet.data.replace(packet.branch, packet.branch + b"again", 1)
    return [packet.data, re.sub(rb"(\r\nCall-ID: *)", rb"\g<1>again-", again, count=1)]


def _section_too_many(sent: SentPackets, packet: _Packet) -> list[bytes]:
    head, end, body = packet.data.partition(b"\r\n\r\n")
    if packet.trusted or not packet.begins(b"SIP/2.0 200") or not body or packet.method != b"INVITE":
        return [packet.data]
    body += b"m=text 0 RTP/AVP 98\r\n"
    length = b"\r\nContent-Length: %d" % len(body)
    return [re.sub(rb"\r\nContent-Length: *[0-9]+", length, head) + end + body]


def _media_goes_on(sent: SentPackets, packet: _Packet) -> list[bytes]:
    if packet.method == b"BYE":
        sent.go_on()
    return [packet.data]


def _stray_payload_type(sent: SentPackets, packet: _Packet) -> list[bytes]:
    return [packet.data]


def _as_it_is(sent: SentPackets, packet: _Packet) -> list[bytes]:
    return [packet.data]


def _as_it_was_taken_in(sent: SentPackets, packet: _Packet) -> list[bytes]:
    return [sent.taken_in.said(packet.data) if sent.taken_in is not None else packet.data]


def _receives_only_it_says(sent: SentPackets, packet: _Packet) -> list[bytes]:
    answers = packet.begins(b"SIP/2.0 200") and packet.method == b"INVITE" and not packet.trusted
    return [packet.data.replace(b"a=sendrecv", b"a=recvonly") if answers else packet.data]


def _hangs_up_twice(sent: SentPackets, packet: _Packet) -> list[bytes]:
    if not packet.begins(b"BYE ") or packet.branch in sent.asked:
        return [packet.data]
    sent.asked.add(packet.branch)  # what the stack sends again is not said twice again
    again = packet.data.replace(packet.branch, packet.branch + b"again", 1)
    return [packet.data, re.sub(rb"(\r\nCSeq: *[0-9]+)", rb"\g<1>0", again, count=1)]


def _answers_again(sent: SentPackets, packet: _Packet) -> list[bytes]:
    if packet.begins(b"SIP/2.0 200") and packet.method == b"INVITE" and packet.branch not in sent.invites:
        sent.invites.add(packet.branch)
        sent.later(packet.data, 0.5, 1.5, 3.5)
    return [packet.data]


def _answers_once(sent: SentPackets, packet: _Packet) -> list[bytes]:
    if not packet.begins(b"SIP/2.0 200") or packet.method != b"INVITE":
        return [packet.data]
    again = packet.branch in sent.asked
    sent.asked.add(packet.branch)
    return [] if again else [packet.data]


def _misses_something(sent: SentPackets, packet: _Packet) -> list[bytes]:
    if not packet.begins(b"SIP/2.0 420"):
        return [packet.data]
    return [re.sub(rb"\r\nUnsupported:[^\r\n]*", b"", packet.data)]


def _acknowledges_elsewhere(sent: SentPackets, packet: _Packet) -> list[bytes]:
    if not packet.begins(b"ACK ") or packet.branch in sent.invites:
        return [packet.data]
    sent.elsewhere(packet.data)
    return []


def _reached_elsewhere(method: bytes) -> _Distortion:
    def distort(sent: SentPackets, packet: _Packet) -> list[bytes]:
        if packet.method != method:
            return [packet.data]
        return [re.sub(rb"(\r\nContact:[^\r\n]*@[^:;>\r\n]*:)[0-9]+", rb"\g<1>5999", packet.data, count=1)]

    return distort


def _ignores(method: bytes) -> _Distortion:
    def distort(sent: SentPackets, packet: _Packet) -> list[bytes]:
        return [] if packet.is_response and packet.method == method else [packet.data]

    return distort


def _stays_registered(sent: SentPackets, packet: _Packet) -> list[bytes]:
    return [] if packet.begins(b"REGISTER ") and b"\r\nExpires: 0\r\n" in packet.data else [packet.data]


def _one_version(sent: SentPackets, packet: _Packet) -> list[bytes]:
    """Have the version of each description that of the first one: the session's own number."""
    return [re.sub(rb"(\r\no=[^ \r\n]* ([0-9]+) )[0-9]+ ", rb"\g<1>\g<2> ", packet.data, count=1)]


def _another_tag(sent: SentPackets, packet: _Packet) -> list[bytes]:
    if not packet.is_response:
        return [packet.data]
    return [re.sub(rb"\r\na=crypto:[0-9] ", b"\r\na=crypto:9 ", packet.data, count=1)]


def _both_ways_it_says(sent: SentPackets, packet: _Packet) -> list[bytes]:
    answers = packet.begins(b"SIP/2.0 200") and packet.method == b"INVITE"
    return [packet.data.replace(b"a=recvonly", b"a=sendrecv") if answers else packet.data]


def _renewed_elsewhere(sent: SentPackets, packet: _Packet) -> list[bytes]:
    """Have the Contact at another port from the third REGISTER on: the first two are for one registration."""
    if packet.method != b"REGISTER" or packet.is_response:
        return [packet.data]
    sent.invites.add(packet.branch)
    renews = len(sent.invites) > _OF_ONE_REGISTRATION and b"\r\nExpires: 0\r\n" not in packet.data
    return _reached_elsewhere(b"REGISTER")(sent, packet) if renews else [packet.data]


def _unencrypted(sent: SentPackets, packet: _Packet) -> list[bytes]:
    def change(body: bytes) -> bytes:
        return re.sub(rb"(a=crypto:[^\r\n]*)", rb"\1 UNENCRYPTED_SRTP", body)

    return [_with_body(packet.data, change) if b"\r\na=crypto:" in packet.data else packet.data]


def _with_body(data: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """Return a message with its session description changed."""
    head, end, body = data.partition(b"\r\n\r\n")
    if not body:
        return data
    body = change(body)
    return re.sub(rb"\r\nContent-Length: *[0-9]+", b"\r\nContent-Length: %d" % len(body), head) + end + body


def _answers_nothing(sent: SentPackets, packet: _Packet) -> list[bytes]:
    answers = packet.begins(b"SIP/2.0 200") and packet.method == b"INVITE"
    return [_with_body(packet.data, lambda body: b"") if answers else packet.data]


def _version_falls(sent: SentPackets, packet: _Packet) -> list[bytes]:
    sent.fallen += b"\r\no=" in packet.data
    low = b"%d" % (1_000_000_000 - sent.fallen)
    return [_with_body(packet.data, lambda body: re.sub(rb"(o=[^ ]+ [0-9]+ )[0-9]+", rb"\g<1>" + low, body))]


def _session_changes(sent: SentPackets, packet: _Packet) -> list[bytes]:
    sent.fallen += b"\r\no=" in packet.data
    name = b"%d" % (1_000_000_000 + sent.fallen)
    return [_with_body(packet.data, lambda body: re.sub(rb"(o=[^ ]+ )[0-9]+", rb"\g<1>" + name, body))]


def _rings_after_answering(sent: SentPackets, packet: _Packet) -> list[bytes]:
    if packet.begins(b"SIP/2.0 200") and packet.method == b"INVITE" and packet.branch not in sent.invites:
        sent.invites.add(packet.branch)
        sent.later(_without_body(packet.data).replace(b"200 OK", b"180 Ringing", 1), 0.5)
    return [packet.data]


def _refuses_after_answering(sent: SentPackets, packet: _Packet) -> list[bytes]:
    if packet.begins(b"SIP/2.0 200") and packet.method == b"INVITE" and packet.branch not in sent.invites:
        sent.invites.add(packet.branch)
        sent.later(_without_body(packet.data).replace(b"200 OK", b"486 Busy Here", 1), 0.5)
    return [packet.data]


def _without_body(data: bytes) -> bytes:
    head = data.partition(b"\r\n\r\n")[0]
    head = re.sub(rb"\r\nContent-Type:[^\r\n]*", b"", head)
    return re.sub(rb"\r\nContent-Length: *[0-9]+", b"\r\nContent-Length: 0", head) + b"\r\n\r\n"


def _asks_on(method: bytes, *delays: float) -> _Distortion:
    """Have requests of a method sent again after these times (s), as if their responses were not read.

    Of those that may be challenged it is the one with credentials.
    """

    def distort(sent: SentPackets, packet: _Packet) -> list[bytes]:
        settled = method != b"INVITE" or b"uthorization:" in packet.data
        if packet.begins(method + b" ") and settled and packet.branch not in sent.asked:
            sent.asked.add(packet.branch)
            sent.later(packet.data, *delays)
        return [packet.data]

    return distort


def _asks_once(sent: SentPackets, packet: _Packet) -> list[bytes]:
    """Leave out what is sent again; an ACK answers a response that came again, and is none."""
    key = packet.method + packet.branch
    if packet.is_response or packet.begins(b"ACK ") or key not in sent.asked:
        sent.asked.add(key)
        return [packet.data]
    return []


def _leaves_out(sent: SentPackets, packet: _Packet) -> list[bytes]:
    section = re.compile(rb"m=application [^\r\n]*\r\n(?:(?!m=)[^\r\n]*\r\n)*")
    answers = packet.begins(b"SIP/2.0 200") and packet.method == b"INVITE"
    return [_with_body(packet.data, lambda body: section.sub(b"", body)) if answers else packet.data]


def _allows_nothing(sent: SentPackets, packet: _Packet) -> list[bytes]:
    return [
        re.sub(rb"\r\nAllow:[^\r\n]*", b"", packet.data) if packet.begins(b"SIP/2.0 405") else packet.data
    ]


def _without_to_tag(sent: SentPackets, packet: _Packet) -> list[bytes]:
    """Have the ACK of a refusal say To as the INVITE does."""
    if not packet.begins(b"ACK ") or packet.branch not in sent.invites:
        return [packet.data]
    return [re.sub(rb"(\r\nTo:[^\r\n]*?);tag=[^;\r\n]+", rb"\1", packet.data, count=1)]


def _cancels_elsewhere(sent: SentPackets, packet: _Packet) -> list[bytes]:
    """Have a CANCEL go to another port as well."""
    if packet.begins(b"CANCEL "):
        sent.elsewhere(packet.data)
    return [packet.data]


_SECOND_COPY = 3
"""Which sending of an INVITE that is."""


def _cancels_unheard(sent: SentPackets, packet: _Packet) -> list[bytes]:
    """Have an INVITE that nothing comes back to followed by a CANCEL, once it was sent three times."""
    if not packet.begins(b"INVITE "):
        return [packet.data]
    sent.copies[packet.branch] = sent.copies.get(packet.branch, 0) + 1
    if sent.copies[packet.branch] != _SECOND_COPY:
        return [packet.data]
    cancel = packet.data.replace(b"INVITE ", b"CANCEL ", 1).replace(b" INVITE\r\n", b" CANCEL\r\n", 1)
    kept = re.compile(rb"(CANCEL |Via:|Max-Forwards:|From:|To:|Call-ID:|CSeq:|Route:)")
    lines = [line for line in cancel.partition(b"\r\n\r\n")[0].split(b"\r\n") if kept.match(line)]
    return [packet.data, b"\r\n".join([*lines, b"Content-Length: 0", b"", b""])]


def _no_opaque(sent: SentPackets, packet: _Packet) -> list[bytes]:
    return [re.sub(rb',? *opaque="[^"\r\n]*"', b"", packet.data)]


def _counts_otherwise(sent: SentPackets, packet: _Packet) -> list[bytes]:
    """Have a provisional response say another CSeq than its request."""
    provisional = packet.begins(b"SIP/2.0 1") and packet.method == b"INVITE"
    return [re.sub(rb"(\r\nCSeq: *)", rb"\g<1>9", packet.data, count=1) if provisional else packet.data]


def _allows_what_it_refuses(sent: SentPackets, packet: _Packet) -> list[bytes]:
    refuses = packet.begins(b"SIP/2.0 405")
    allow = rb"\r\nAllow: " + packet.method + b", "
    return [re.sub(rb"\r\nAllow: *", allow, packet.data, count=1) if refuses else packet.data]


# -- media in clear ----------------------------------------------------------------------------------------

_SECOND = 50
"""Packets of 20 ms."""
_HOLE = range(20, 35)
"""Which of them are missing, in each second."""
_SAMPLES = 160
_STARTS_OVER_AFTER = 25
"""Packets."""
_SILENCE = {0: b"\xff", 8: b"\xd5"}
"""A byte of digital silence in mu-law and A-law (RFC 3551 §6)."""


_FIRST_REPORT = 200
"""The lowest packet type of RTCP (RFC 3550 §12.1): G.711 is below, its marker bit included."""
PORTS_FURTHER = {"reports-to-the-media-port": {True: -1}, "media-to-another-port": {False: 2}}
"""By how many ports RTCP (True) and RTP go further than they should."""


def _media_as_it_is(data: bytes) -> list[bytes]:
    return [data]


def _left_out(number: int) -> int:
    """Return how many packets before this one fell into holes."""
    return number // _SECOND * len(_HOLE) + sum(place < number % _SECOND for place in _HOLE)


def _stalls(data: bytes, number: int, sequence: int, timestamp: int) -> list[bytes]:
    if number % _SECOND in _HOLE:
        return []
    missing = _left_out(number)
    return [numbered(data, sequence - missing, timestamp - missing * _SAMPLES)]


def _skips(data: bytes, number: int, sequence: int, timestamp: int) -> list[bytes]:
    return [] if number % _SECOND in _HOLE else [numbered(data, sequence - _left_out(number), timestamp)]


def _in_pieces(data: bytes, number: int, sequence: int, timestamp: int) -> list[bytes]:
    silent = number % _SECOND in _HOLE
    return [data[:12] + _SILENCE[data[1] & 0x7F] * (len(data) - 12) if silent else data]


def _timestamps_stand(data: bytes, number: int, sequence: int, timestamp: int) -> list[bytes]:
    return [numbered(data, sequence, timestamp - number * _SAMPLES)]


def _sequence_leaps(data: bytes, number: int, sequence: int, timestamp: int) -> list[bytes]:
    return [numbered(data, sequence + 4 * number, timestamp)]


def _many_sources(data: bytes, number: int, sequence: int, timestamp: int) -> list[bytes]:
    return [data[:8] + (int.from_bytes(data[8:12], "big") ^ number).to_bytes(4, "big") + data[12:]]


class _HalfSpeed:
    """Plays sound at half its rate, more and more behind: what was 440 Hz is heard at 220 Hz."""

    def __init__(self) -> None:
        self._due: dict[bytes, bytes] = {}

    def __call__(self, data: bytes, number: int, sequence: int, timestamp: int) -> list[bytes]:
        source, size = data[8:12], len(data) - 12
        due = self._due.get(source, b"") + data[12:]
        part, self._due[source] = due[: size // 2], due[size // 2 :]
        return [data[:12] + bytes(sample for sample in part for _ in range(2))]


class _UncountedRollover:
    """Protects packets whose sequence number starts over as if it had not (RFC 3711 §3.3.1).

    The sequence number is made to start over half a second after the beginning: by itself it would take up to
    22 minutes. What the stack has protected is opened with its own keys, and protected anew.
    """

    def __init__(self) -> None:
        self._keys: list[bytes] = []
        self._streams: dict[bytes, _Protection] = {}

    def learn(self, description: str) -> None:
        """Take the keys out of a session description that the device sends."""
        for found in re.finditer(r"^a=crypto:.*? inline:([A-Za-z0-9+/=]+)", description, re.MULTILINE):
            key = base64.b64decode(found[1])
            if key not in self._keys:
                self._keys.append(key)

    def __call__(self, data: bytes) -> list[bytes]:
        if len(data) < 13 or data[0] >> 6 != 2 or data[1] & 0x7F in range(64, 96):
            return [data]
        stream = self._streams.get(data[8:12])
        plain = stream.open(data) if stream is not None else None
        if plain is None:
            opened = (_Protection(key, data) for key in reversed(self._keys))
            fitting = ((one, found) for one in opened if (found := one.open(data)) is not None)
            stream, plain = next(fitting, (None, None))
        if stream is None or plain is None:
            return [data]
        self._streams[data[8:12]] = stream
        return [stream.protect(plain)]


class _Protection:
    """One source under one key: what the stack made of it, and what is made of it instead."""

    def __init__(self, key: bytes, packet: bytes) -> None:
        inbound = pylibsrtp.Policy(key=key, ssrc_type=pylibsrtp.Policy.SSRC_ANY_INBOUND)
        outbound = pylibsrtp.Policy(key=key, ssrc_type=pylibsrtp.Policy.SSRC_ANY_OUTBOUND)
        self._opens = pylibsrtp.Session(inbound)
        self._first = int.from_bytes(packet[2:4], "big")
        self._before, self._after = pylibsrtp.Session(outbound), pylibsrtp.Session(outbound)

    def open(self, packet: bytes) -> bytes | None:
        try:
            return self._opens.unprotect(packet)
        except pylibsrtp.Error:
            return None

    def protect(self, plain: bytes) -> bytes:
        number = int.from_bytes(plain[2:4], "big") - self._first & 0xFFFF
        session = self._before if number < _STARTS_OVER_AFTER else self._after
        return session.protect(
            numbered(plain, number - _STARTS_OVER_AFTER, int.from_bytes(plain[4:8], "big"))
        )


def _source_by_second(data: bytes, number: int, sequence: int, timestamp: int) -> list[bytes]:
    source = int.from_bytes(data[8:12], "big") ^ (number // _SECOND)
    return [data[:8] + source.to_bytes(4, "big") + data[12:]]


def _goes_back(data: bytes, number: int, sequence: int, timestamp: int) -> list[bytes]:
    return [numbered(data, sequence - 20 * (number // _SECOND), timestamp)]


def _same_number(data: bytes, number: int, sequence: int, timestamp: int) -> list[bytes]:
    return [numbered(data, sequence - number, timestamp)]


def _no_reports(data: bytes) -> list[bytes]:
    return [] if is_report(data) else [data]


def _reports_of_another(data: bytes) -> list[bytes]:
    return [data[:4] + bytes(byte ^ 0x55 for byte in data[4:8]) + data[8:] if is_report(data) else data]


def _receiver_reports_alone(data: bytes) -> list[bytes]:
    """Make of each sender report a receiver report: without what is said of sending (RFC 3550 §6.4)."""
    if not is_report(data) or data[1] != 200:
        return [data]
    words = int.from_bytes(data[2:4], "big") - 5
    return [data[:1] + bytes((201,)) + words.to_bytes(2, "big") + data[4:8] + data[28:]]


MEDIA_DISTORTIONS: dict[str, Callable[[], MediaDistortion]] = {
    "sound-stalls": lambda: Sound(_stalls),
    "sound-skips": lambda: Sound(_skips),
    "sound-in-pieces": lambda: Sound(_in_pieces),
    "timestamps-stand-still": lambda: Sound(_timestamps_stand),
    "sequence-numbers-leap": lambda: Sound(_sequence_leaps),
    "new-source-with-each-packet": lambda: Sound(_many_sources),
    "sound-at-half-speed": lambda: Sound(_HalfSpeed()),
    "srtp-rollover-not-counted": _UncountedRollover,
    "new-source-with-each-second": lambda: Sound(_source_by_second),
    "sequence-numbers-go-back": lambda: Sound(_goes_back),
    "sequence-number-stands-still": lambda: Sound(_same_number),
    "no-reports": lambda: _no_reports,
    "reports-of-another-source": lambda: _reports_of_another,
    "receiver-reports-alone": lambda: _receiver_reports_alone,
    **MEDIA_FLOWS,
    **dict.fromkeys((*PORTS_FURTHER, "media-stays-where-it-was"), lambda: _media_as_it_is),
}
"""What can become of RTP and RTCP, by name: each makes what takes packets, one after the other."""


DISTORTIONS: dict[str, _Distortion] = {
    "odd-start-line": _odd_start_line,
    "no-max-forwards": _without(b"Max-Forwards"),
    "bye-answered-for-another": _answers_bye_for_another,
    "two-contacts": _two_contacts,
    "bye-to-nobody": _bye_to_nobody,
    "bye-with-foreign-tag": _hangs_up_another,
    "cancel-with-foreign-tag": _cancels_for_another,
    "refusals-not-acknowledged": _refusals_ignored,
    "answers-not-acknowledged": _answers_ignored,
    "route-not-recorded": _no_record_route,
    "name-on-first-call-only": _named_once,
    "bye-not-answered": _bye_ignored,
    "register-without-counting": _counts_nothing,
    "credentials-used-twice": _asks_twice,
    "answer-with-a-section-too-many": _section_too_many,
    "media-after-bye": _media_goes_on,
    "stray-payload-type": _stray_payload_type,
    "sends-against-its-answer": _receives_only_it_says,
    "bye-twice": _hangs_up_twice,
    "ok-repeated-though-acknowledged": _answers_again,
    "ack-elsewhere": _acknowledges_elsewhere,
    "registered-elsewhere": _reached_elsewhere(b"REGISTER"),
    "called-from-elsewhere": _reached_elsewhere(b"INVITE"),
    "options-not-answered": _ignores(b"OPTIONS"),
    "binding-kept": _stays_registered,
    "provisional-after-final": _rings_after_answering,
    "refuses-after-answering": _refuses_after_answering,
    "bye-repeated-though-answered": _asks_on(b"BYE", 0.5, 1.5, 3.5),
    "cancel-repeated-though-answered": _asks_on(b"CANCEL", 0.5, 1.5, 3.5),
    "invite-repeated-though-it-rings": _asks_on(b"INVITE", 0.4, 0.7),
    "requests-sent-once": _asks_once,
    _OVER_TCP: _as_it_is,
    **dict.fromkeys(TAKEN_IN, _as_it_was_taken_in),
    "unknown-section-left-out": _leaves_out,
    "405-without-allow": _allows_nothing,
    "session-version-stands-still": _one_version,
    "answer-with-another-crypto-tag": _another_tag,
    "answers-hold-both-ways": _both_ways_it_says,
    "answers-without-description": _answers_nothing,
    "session-version-falls": _version_falls,
    "session-number-changes": _session_changes,
    "registered-elsewhere-when-renewed": _renewed_elsewhere,
    "srtp-that-need-not-be-encrypted": _unencrypted,
    "refusal-acknowledged-without-its-tag": _without_to_tag,
    "cancel-elsewhere-too": _cancels_elsewhere,
    "cancel-before-any-response": _cancels_unheard,
    "opaque-left-out": _no_opaque,
    "provisional-with-another-number": _counts_otherwise,
    "405-allows-what-it-refuses": _allows_what_it_refuses,
    "420-without-unsupported": _misses_something,
    "answer-sent-once": _answers_once,
}
"""What can become of packets, by name."""
