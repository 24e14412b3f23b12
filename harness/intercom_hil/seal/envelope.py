"""The envelope of a seal: DSSE 1.0 (github.com/secure-systems-lab/dsse), signed with Ed25519 or unsigned."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from intercom_hil.seal.keys import key_id

PAYLOAD_TYPE = "application/vnd.in-toto+json"


_SIGNATURE = 64
"""Bytes of a signature of Ed25519 (RFC 8032 §5.1.6)."""


class EnvelopeError(ValueError):
    """Bytes are no envelope as the bench writes one."""


def pae(payload_type: str, payload: bytes) -> bytes:
    """Return the bytes that are signed: the Pre-Authentication Encoding of DSSE."""
    name = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(name), name, len(payload), payload)


@dataclass(frozen=True)
class Envelope:
    """An envelope that was read.

    Attributes:
        payload: the statement's bytes.
        signatures: key id and signature of each that signed.
    """

    payload: bytes
    signatures: tuple[tuple[str, bytes], ...]

    @classmethod
    def sealed(cls, payload: bytes, key: Ed25519PrivateKey | None) -> Envelope:
        """Put a statement into an envelope, signed if there is a key."""
        if key is None:
            return cls(payload, ())
        return cls(payload, ((key_id(key.public_key()), key.sign(pae(PAYLOAD_TYPE, payload))),))

    def __bytes__(self) -> bytes:
        """Return the envelope as it is stored: there is one way to write it."""
        signatures = [
            {"keyid": name, "sig": base64.b64encode(value).decode()} for name, value in self.signatures
        ]
        stored = {
            "payload": base64.b64encode(self.payload).decode(),
            "payloadType": PAYLOAD_TYPE,
            "signatures": signatures,
        }
        return json.dumps(stored, indent=1).encode() + b"\n"

    @classmethod
    def parse(cls, data: bytes) -> Envelope:
        """Read an envelope. Raises EnvelopeError when the bytes are not the ones that would be written."""
        try:
            stored = json.loads(data)
            if stored["payloadType"] != PAYLOAD_TYPE:
                raise EnvelopeError(f"its payload is not of the type {PAYLOAD_TYPE}")
            found = cls(
                base64.b64decode(stored["payload"], validate=True),
                tuple(
                    (str(one["keyid"]), base64.b64decode(one["sig"], validate=True))
                    for one in stored["signatures"]
                ),
            )
        except EnvelopeError:
            raise
        except (ValueError, KeyError, TypeError, RecursionError) as problem:
            raise EnvelopeError("it is no DSSE envelope") from problem
        if len(found.signatures) > 1 or not all(_is_ours(*one) for one in found.signatures):
            raise EnvelopeError("it has signatures that the bench does not make")
        if bytes(found) != data:
            raise EnvelopeError("it is not written as the bench writes it")
        return found

    def signed_by(self, key: Ed25519PublicKey) -> bool:
        """Return whether it is signed with this key, and says so."""
        for name, signature in self.signatures:
            try:
                key.verify(signature, pae(PAYLOAD_TYPE, self.payload))
            except InvalidSignature:
                continue
            return name == key_id(key)
        return False


def _is_ours(name: str, signature: bytes) -> bool:
    """Whether a key id and a signature have the form of those of Ed25519 keys here."""
    return re.fullmatch("[0-9a-f]{64}", name) is not None and len(signature) == _SIGNATURE
