"""The video part of session descriptions, which the SIP stack cannot write: SDP text in, SDP text out.

Only H.264 (RFC 6184) is spoken, and of SRTP the suite that the device has (RFC 4568). Total: what cannot be
read is no video.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

from intercom_hil.emulator.invite import CRYPTO_SUITE

PAYLOAD_TYPE = 99
FORMAT = "profile-level-id=42e01f;packetization-mode=1"
_MIRRORED = {"sendrecv": "sendrecv", "sendonly": "recvonly", "recvonly": "sendonly", "inactive": "inactive"}
"""What answers a direction (RFC 3264 §6.1)."""
_KEY_BYTES = 30


@dataclass(frozen=True, slots=True)
class RemoteVideo:
    """What the remote side says of its video.

    Attributes:
        place: which of its media sections it is, from 0.
        address: where it wants to have it.
        port: the same.
        profile: RTP/AVP, RTP/SAVP, ...
        payload_type: the number by which H.264 goes.
        format: the format parameters as written; empty without any.
        direction: as it applies.
        tag: of the usable crypto line; empty without one.
        key: master key and salt of that line.
    """

    place: int
    address: str
    port: int
    profile: str
    payload_type: int
    format: str
    direction: str
    tag: str
    key: bytes

    @property
    def demands_srtp(self) -> bool:
        """Whether nothing but SRTP will do."""
        return "SAVP" in self.profile


def read_video(sdp: str) -> RemoteVideo | None:
    """Return the first video section with H.264 that is in use, or None without one."""
    head, *sections = _sections(sdp.replace("\r\n", "\n"))
    for place, section in enumerate(sections):
        line = re.match(r"m=video (\d{1,5}) (\S+) ([\d ]+)$", section, re.MULTILINE)
        coded = re.search(r"^a=rtpmap:(\d{1,3}) H264/90000$", section, re.MULTILINE | re.IGNORECASE)
        where = re.search(r"^c=IN IP4 ([\d.]+)", section, re.MULTILINE) or re.search(
            r"^c=IN IP4 ([\d.]+)", head, re.MULTILINE
        )
        if not line or not coded or not where or not 0 < int(line[1]) < 65536:
            continue
        form = re.search(rf"^a=fmtp:{coded[1]} (.*)$", section, re.MULTILINE)
        way = re.search(r"^a=(sendrecv|sendonly|recvonly|inactive)$", section, re.MULTILINE) or re.search(
            r"^a=(sendrecv|sendonly|recvonly|inactive)$", head, re.MULTILINE
        )
        tag, key = _crypto(section)
        return RemoteVideo(
            place=place,
            address=where[1],
            port=int(line[1]),
            profile=line[2],
            payload_type=int(coded[1]),
            format=form[1].strip() if form else "",
            direction=way[1] if way else "sendrecv",
            tag=tag,
            key=key,
        )
    return None


def audio_protection(sdp: str) -> tuple[str, bool]:
    """Return profile, and whether there are keys, of a description's first audio section."""
    for section in _sections(sdp)[1:]:
        line = re.match(r"m=audio \d+ (\S+)", section)
        if line:
            return line[1], bool(_crypto(section)[0])
    return "", False


def offering(sdp: str, address: str, port: int, key: bytes) -> str:
    """Return our offer with video in the place of the second audio section, protected as the first one is."""
    profile, keyed = audio_protection(sdp)
    section = _section(address, port, profile, PAYLOAD_TYPE, FORMAT, "sendrecv", "1" if keyed else "", key)
    return _replaced(sdp, 1, "m=audio", section)


def answering(sdp: str, remote: RemoteVideo, address: str, port: int, key: bytes | None) -> str:
    """Return our answer with the offered video taken; with a key, under SRTP."""
    direction = _MIRRORED[remote.direction]
    section = _section(
        address,
        port,
        remote.profile,
        remote.payload_type,
        remote.format,
        direction,
        remote.tag if key else "",
        key or b"",
    )
    return _replaced(sdp, remote.place, "m=video", section)


def _section(
    address: str, port: int, profile: str, number: int, form: str, direction: str, tag: str, key: bytes
) -> str:
    lines = [f"m=video {port} {profile} {number}", f"c=IN IP4 {address}", f"a=rtpmap:{number} H264/90000"]
    lines += [f"a=fmtp:{number} {form}"] if form else []
    lines += [f"a={direction}"]
    lines += [f"a=crypto:{tag} {CRYPTO_SUITE} inline:{base64.b64encode(key).decode()}"] if tag else []
    return "".join(f"{line}\r\n" for line in lines)


def _replaced(sdp: str, place: int, begins: str, section: str) -> str:
    sections = _sections(sdp)
    if place + 1 < len(sections) and sections[place + 1].startswith(begins):
        sections[place + 1] = section
    return "".join(sections)


def _sections(sdp: str) -> list[str]:
    """Split a description before each media section; the first part is what comes before them."""
    return re.split(r"(?=^m=)", sdp, flags=re.MULTILINE)


def _crypto(section: str) -> tuple[str, bytes]:
    for found in re.finditer(
        rf"^a=crypto:(\d{{1,9}}) {CRYPTO_SUITE} inline:([A-Za-z0-9+/=]+)", section, re.MULTILINE
    ):
        try:
            key = base64.b64decode(found[2], validate=True)
        except binascii.Error:
            continue
        if len(key) == _KEY_BYTES:
            return found[1], key
    return "", b""
