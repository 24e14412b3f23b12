"""A secret's fingerprint: by it a secret is recognised in a text, and cannot be read.

It may be stored with the evidence, so that years later somebody can still check that the secret stands in
none of the messages. Where it stood in one, the evidence has its mark instead (see
`intercom_hil.redaction.redaction`).
"""

from __future__ import annotations

import base64
import hashlib
import secrets

from pydantic import BaseModel, ConfigDict

SHORTEST = 8
"""Characters: anything shorter would be found by accident, and could be guessed from its fingerprint."""
_HEAD = "redacted-"


class Fingerprint(BaseModel):
    """A salted SHA-256 hash of a secret, and how many bytes (UTF-8) that has."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    salt: str
    length: int
    digest: str

    @classmethod
    def of(cls, secret: str) -> Fingerprint | None:
        """Return the fingerprint of a secret, or None for one too short to be distinguished from chance."""
        return None if len(secret) < SHORTEST else cls.made_of(secret)

    @classmethod
    def made_of(cls, secret: str) -> Fingerprint:
        """Return the fingerprint of a secret, however short."""
        salt, raw = secrets.token_bytes(16), secret.encode("utf-8", "surrogatepass")
        return cls(salt=salt.hex(), length=len(raw), digest=hashlib.sha256(salt + raw).hexdigest())

    @property
    def _tag(self) -> str:
        """By what its marks are known again: the salt makes it one that nobody else can write."""
        return base64.b32encode(bytes.fromhex(self.digest)).decode().lower()[:SHORTEST]

    def mark(self, length: int) -> str:
        """Return what replaces the secret in evidence, in so many characters: ``redacted-`` and its tag."""
        tag = self._tag[:length]
        return (_HEAD * (length // len(_HEAD) + 1))[: length - len(tag)] + tag

    def is_in(self, text: str) -> bool:
        """Return whether the secret stands in a text, or its mark in place of it."""
        if self._tag in text:
            return True
        begun = hashlib.sha256(bytes.fromhex(self.salt))
        raw = text.encode("utf-8", "surrogateescape")
        for start in range(len(raw) - self.length + 1):
            window = begun.copy()
            window.update(raw[start : start + self.length])
            if window.hexdigest() == self.digest:
                return True
        return False
