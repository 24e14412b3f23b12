"""The video of one call, beside the SIP stack, which has none: a socket of its own and the camera's pictures.

It adds video to the session descriptions that the stack sends, and sends RTP (RFC 6184), protected like the
call's audio (RFC 3711). Video that comes is taken and not shown: the device has a screen for text alone.
"""

from __future__ import annotations

import os
import random
import socket
import time
from contextlib import suppress

import pylibsrtp

from intercom_hil.emulator.agent_sockets import media_socket
from intercom_hil.emulator.camera import FRAME_RATE, KEY_SLICE, made, pictures
from intercom_hil.emulator.video_sdp import RemoteVideo, answering, audio_protection, offering, read_video
from intercom_hil.emulator.vocabulary import Picture

_CLOCK = 90_000
_KEY_BYTES = 30
_TAKEN_AT_ONCE = 64
"""Packets that are taken in one turn at most."""
_BEHIND = 1.0
"""Seconds after which pictures that were due are left out, not made up for."""
_REPORT_EVERY = 5.0
"""Seconds between reports at the least; the first one comes after half of that (RFC 3550 §6.2)."""
_WHILE = 4
"""Seconds for which a picture is live that is not to stay so."""
_NTP_EPOCH = 2_208_988_800
"""Seconds from 1900, by which NTP counts, to 1970."""


class CallVideo:
    """One call's video; with ``Picture.NONE`` there is none, whatever the remote side wants."""

    def __init__(
        self,
        picture: Picture,
        address: str,
        ports: tuple[int, int],
        stubborn: bool = False,
        reports: bool = True,
    ) -> None:
        """Prepare; nothing is opened before a description calls for it.

        Args:
            picture: what is to be seen.
            address: the device's.
            ports: the first and last port of its media; video takes them from the last one down.
            stubborn: whether video goes on that the remote side has taken out of the call: a fault.
            reports: whether what is sent is reported; not to is a fault.
        """
        self._picture = picture
        self._reports = reports
        self._address, self._ports, self._stubborn = address, ports, stubborn
        self._key = os.urandom(_KEY_BYTES)
        self._socket: socket.socket | None = None
        self._remote: RemoteVideo | None = None
        self._insists = False
        self._sender: pylibsrtp.Session | None = None
        self._sequence = random.randrange(1 << 15)
        self._ssrc = random.randrange(1, 1 << 32)
        self._begun = random.randrange(1 << 32)  # RFC 3550 §5.1
        self._frame = 0
        self._next: float | None = None
        self._reports_from: socket.socket | None = None
        self._packets = self._octets = 0
        self._report_at = 0.0

    @property
    def wanted(self) -> bool:
        """Whether there is to be any."""
        return self._picture is not Picture.NONE

    def describe(self, local: str, remote: str) -> str:
        """Return the description that goes out: ours, with video where it is wanted.

        Args:
            local: what the stack wrote.
            remote: the offer that it answers; empty when it is an offer itself.
        """
        if not self.wanted or not local:
            return local
        if not remote:
            if local.count("\nm=audio") < 2:
                return local
            self._insists = "SAVP" in audio_protection(local)[0]
            return offering(local, self._address, self._open(), self._key)
        offered = read_video(remote)
        profile, keyed = audio_protection(local)
        secure = "SAVP" in profile or keyed
        if offered is None or (secure and not offered.tag) or (offered.demands_srtp and not secure):
            self._remote = self._remote if self._stubborn else None
            return local
        self._agreed(offered, secure)
        return answering(local, offered, self._address, self._open(), self._key if secure else None)

    def answered(self, remote: str) -> None:
        """Take in the answer to our offer."""
        found = read_video(remote) if self._socket is not None else None
        if found is None or (self._insists and not found.tag):
            self._remote = None
        else:
            self._agreed(found, bool(found.tag))

    def begin(self) -> None:
        """Begin sending: the call is up."""
        if self._next is None:
            self._next = time.monotonic()
            self._report_at = self._next + _REPORT_EVERY / 2 * _spread()

    def turn(self) -> None:
        """Send the picture that is due, and take what came."""
        if self._socket is None:
            return
        with suppress(BlockingIOError, ConnectionError):  # nothing there, or nobody: no reason to stop
            for _ in range(_TAKEN_AT_ONCE):
                self._socket.recv(2048)
        now = time.monotonic()
        if self._next is None or now < self._next:
            return
        self._next = self._next + 1 / FRAME_RATE if now - self._next < _BEHIND else now
        self._send_picture()
        if self._reports and self._packets and now >= self._report_at:
            self._report_at = now + _REPORT_EVERY * _spread()
            self._send_report()

    def close(self) -> None:
        """Give the port back. Idempotent."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        if self._reports_from is not None:
            self._reports_from.close()
            self._reports_from = None

    def _agreed(self, remote: RemoteVideo, secure: bool) -> None:
        self._remote = remote
        if secure and self._sender is None:
            policy = pylibsrtp.Policy(key=self._key, ssrc_type=pylibsrtp.Policy.SSRC_ANY_OUTBOUND)
            self._sender = pylibsrtp.Session(policy)

    def _send_picture(self) -> None:
        if not made():
            return
        remote, loop = self._remote, pictures()
        number, self._frame = self._frame % len(loop), self._frame + 1
        sends = remote is not None and remote.direction in ("sendrecv", "recvonly")
        late = self._frame > _WHILE * FRAME_RATE
        if remote is None or not sends or self._picture is Picture.DARK:
            return
        if late and self._picture is Picture.ENDING:
            return
        stands = self._picture is Picture.FROZEN or (late and self._picture is Picture.FREEZING)
        units = loop[0 if stands else number]
        if self._picture is Picture.KEYLESS:
            units = tuple(unit for unit in units if unit[0] & 0x1F != KEY_SLICE)
        for place, unit in enumerate(units, start=1):
            packet = self._packet(remote.payload_type, unit, last=place == len(units))
            self._packets, self._octets = self._packets + 1, self._octets + len(unit)
            if self._sender is not None and self._picture is not Picture.CLEAR:
                packet = self._sender.protect(packet)
            with suppress(BlockingIOError, ConnectionError):
                assert self._socket is not None  # only an open one has its turn
                self._socket.sendto(packet, (remote.address, remote.port))

    def _send_report(self) -> None:
        """Send a sender report, and who we are (RFC 3550 §6.4.1, §6.5.1), to the port above the media's."""
        remote = self._remote
        if remote is None or self._reports_from is None:
            return
        report = _report(self._ssrc, self._timestamp(), self._packets, self._octets)
        report += _description(self._ssrc, f"{self._ssrc:08x}@{self._address}".encode())
        if self._sender is not None and self._picture is not Picture.CLEAR:
            report = self._sender.protect_rtcp(report)
        with suppress(OSError):
            self._reports_from.sendto(report, (remote.address, remote.port + 1))

    def _timestamp(self) -> int:
        return self._begun + self._frame * _CLOCK // FRAME_RATE & 0xFFFFFFFF

    def _packet(self, payload_type: int, unit: bytes, *, last: bool) -> bytes:
        """Return one RTP packet (RFC 3550 §5.1) with one NAL unit (RFC 6184 §5.6)."""
        self._sequence = (self._sequence + 1) & 0xFFFF
        header = bytes((0x80, payload_type | (0x80 if last else 0))) + self._sequence.to_bytes(2, "big")
        return header + self._timestamp().to_bytes(4, "big") + self._ssrc.to_bytes(4, "big") + unit

    def _open(self) -> int:
        """Return the port; there is none (0: no video) when every one is taken."""
        if self._socket is not None:
            return int(self._socket.getsockname()[1])
        self._socket = media_socket(self._address, self._ports)
        if self._socket is not None:
            self._reports_from = _bound(self._address, self._socket.getsockname()[1] + 1)
        return int(self._socket.getsockname()[1]) if self._socket is not None else 0


def _spread() -> float:
    """Return by what an interval is stretched, so that not everybody reports at once (RFC 3550 §6.3.1)."""
    return random.uniform(0.5, 1.5) / 1.21828


def _bound(address: str, port: int) -> socket.socket | None:
    """Return a datagram socket at a port; None where it is taken."""
    candidate = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    candidate.setblocking(False)
    try:
        candidate.bind((address, port))
    except OSError:
        candidate.close()
        return None
    return candidate


def _report(ssrc: int, timestamp: int, packets: int, octets: int) -> bytes:
    """Return a sender report without report blocks."""
    now = _NTP_EPOCH + time.time()
    seconds = int(now)
    words = (ssrc, seconds, int((now - seconds) * 2**32), timestamp, packets, octets)
    return bytes((0x80, 200, 0, 6)) + b"".join((word & 0xFFFFFFFF).to_bytes(4, "big") for word in words)


def _description(ssrc: int, name: bytes) -> bytes:
    """Return a source description with a CNAME."""
    item = ssrc.to_bytes(4, "big") + bytes((1, len(name))) + name
    item += bytes(4 - len(item) % 4)  # ended by a zero at the least
    return bytes((0x81, 202)) + (len(item) // 4).to_bytes(2, "big") + item
