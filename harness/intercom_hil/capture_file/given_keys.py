"""A key file for a capture: SRTP master keys that its signalling does not show, had from elsewhere.

A line has the crypto suite by its registered name (RFC 4568 §6.2, RFC 6188, RFC 7714), then key and salt, in
base64 as ``a=crypto`` has them or in hexadecimal; and before that, where it is known, who sends under it: an
address, or address and port. What follows ``#`` is a remark. A line can be one of a TLS key log as well
(``key_log``), with which SIP over TLS is read.
"""

from __future__ import annotations

import base64
import ipaddress
from dataclasses import dataclass, field
from pathlib import Path

from intercom_hil.capture_file.key_log import is_secret
from intercom_hil.errors import BenchError
from intercom_hil.timeline.sip_content import endpoint
from intercom_hil.wire.error import clean
from intercom_hil.wire.sdp import SUITES, Crypto, SdpError

GivenKey = tuple[str, Crypto]
"""Who sends under a key, empty for anybody; and the key."""
_LARGEST = 16 << 20
_REMEDY = (
    "write: [ADDRESS[:PORT]] SUITE KEY, such as AES_CM_128_HMAC_SHA1_80 and key and salt in base64; "
    "or name a key log of TLS (SSLKEYLOGFILE)"
)


@dataclass(frozen=True)
class GivenKeys:
    """What a key file holds: ``media`` has SRTP master keys, ``tls`` lines of a key log."""

    media: tuple[GivenKey, ...] = ()
    tls: tuple[str, ...] = field(default=(), repr=False)


NO_KEYS = GivenKeys()


def read_keys(path: Path) -> GivenKeys:
    """Read a key file.

    Raises:
        BenchError: it cannot be read, has no key, or a line is none; which line is said, and never the key.
    """
    try:
        with path.open("rb") as file:
            lines = file.read(_LARGEST).decode("utf-8", "replace").splitlines()
    except OSError as problem:
        raise BenchError(
            f"the keys cannot be read ({problem.strerror})", str(path), "name a file"
        ) from problem
    found, tls = [], []
    for number, line in enumerate(lines, start=1):
        words = line.partition("#")[0].split()
        if is_secret(words):
            tls.append(" ".join(words))
        elif words:
            try:
                found.append(_key(words))
            except ValueError as problem:
                raise BenchError(f"line {number}: {problem}", str(path), _REMEDY) from None
    if not found and not tls:
        raise BenchError("there is no key in it", str(path), _REMEDY)
    return GivenKeys(tuple(found), tuple(tls))


def _key(words: list[str]) -> GivenKey:
    place = _place(words.pop(0)) if len(words) == 3 else ""
    if len(words) != 2:
        raise ValueError("this is no suite and key")
    suite, key = words[0].upper(), words[1].removeprefix("inline:")
    if suite not in SUITES:
        raise ValueError(f"the suite {clean(words[0])} is not known")
    if len(key) == 2 * sum(SUITES[suite][:2]):
        key = base64.b64encode(bytes.fromhex(key)).decode()
    try:
        return place, Crypto.parse(f"1 {suite} inline:{key}")
    except SdpError:
        raise ValueError(f"the key is none of {suite}") from None


def _place(text: str) -> str:
    host, _, port = text.rpartition(":") if "]" in text or text.count(":") == 1 else (text, "", "")
    address = ipaddress.ip_address(host.strip("[]"))
    return endpoint((str(address), int(port))) if port else str(address)
