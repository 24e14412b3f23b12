"""Media keys (RFC 4568) kept out of the evidence, where the bench file asks for that.

Each key is replaced by a stand-in of the same length: the same one for the same key, so that a key that is
used twice still shows (KEY-01). The packets are judged before, with the real keys; nobody can do that again
afterwards.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Iterator

from intercom_hil.practice.secrets import digest
from intercom_hil.redaction.redaction import Redactor
from intercom_hil.timeline import Timeline
from intercom_hil.timeline.observation import MalformedSip, SipMessageSeen
from intercom_hil.wire.sdp import OLDER_SUITE_NAMES, SUITES

_INLINE = re.compile(rb"([\w.-]+)[ \t]+inline:([A-Za-z0-9+/]{16,}={0,2})", re.IGNORECASE)
_FURTHER = re.compile(rb";inline:([A-Za-z0-9+/]{16,}={0,2})", re.IGNORECASE)
_BLOCK = 8
"""Bytes that are replaced at a time: master keys are whole numbers of them, so equal keys stay equal."""


class MediaKeys:
    """Stands one thing in for each media key of a run. What it does so with is forgotten with it."""

    def __init__(self) -> None:
        self._salt = secrets.token_bytes(32)

    def redactor(self, timeline: Timeline) -> Redactor:
        """Return what replaces every key that is seen in the messages of a timeline."""
        redactor = Redactor()
        for suite, key in dict.fromkeys(_keys(timeline)):
            raw, other = _decoded(key), self._stand_in(_decoded(key))
            redactor.replace(key.decode(), base64.b64encode(other).decode()[: len(key)])
            size = SUITES.get(OLDER_SUITE_NAMES.get(suite, suite), (len(raw),))[0]
            redactor.replace(digest(raw[:size]), digest(other[:size]))
        return redactor

    def _stand_in(self, key: bytes) -> bytes:
        blocks = [key[at : at + _BLOCK] for at in range(0, len(key), _BLOCK)]
        return b"".join(
            hmac.new(self._salt, bytes([number]) + block, hashlib.sha256).digest()[: len(block)]
            for number, block in enumerate(blocks)
        )


def _keys(timeline: Timeline) -> Iterator[tuple[str, bytes]]:
    """Yield suite and key, as written, of every crypto attribute."""
    for observation in timeline:
        content = observation.content
        if isinstance(content, SipMessageSeen):
            said = content.data
        elif isinstance(content, MalformedSip):
            said = bytes.fromhex(content.raw_hex)
        else:
            continue
        if b"inline:" in said.lower():
            for found in _INLINE.finditer(said):
                yield found[1].decode().upper(), found[2]
            yield from (("", found[1]) for found in _FURTHER.finditer(said))


def _decoded(key: bytes) -> bytes:
    text = key.rstrip(b"=")
    text = text[: len(text) - (len(text) % 4 == 1)]  # one letter more holds no byte
    return base64.b64decode(text + b"=" * (-len(text) % 4))
