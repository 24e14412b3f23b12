"""A secret's fingerprint: by it a secret is recognised in a text, and cannot be read.

It may be stored with the evidence, so that years later somebody can still check that the secret stands in
none of the messages.
"""

from __future__ import annotations

import hashlib
import secrets

from pydantic import BaseModel, ConfigDict

SHORTEST = 8
"""Characters: anything shorter would be found by accident, and could be guessed from its fingerprint."""


class Fingerprint(BaseModel):
    """A salted SHA-256 hash of a secret, and how many bytes (UTF-8) that has."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    salt: str
    length: int
    digest: str

    @classmethod
    def of(cls, secret: str) -> Fingerprint | None:
        """Return the fingerprint of a secret, or None for one too short to be distinguished from chance."""
        if len(secret) < SHORTEST:
            return None
        salt, raw = secrets.token_bytes(16), secret.encode()
        return cls(salt=salt.hex(), length=len(raw), digest=hashlib.sha256(salt + raw).hexdigest())

    def is_in(self, text: str) -> bool:
        """Return whether the secret stands in a text."""
        begun = hashlib.sha256(bytes.fromhex(self.salt))
        raw = text.encode("utf-8", "surrogateescape")
        for start in range(len(raw) - self.length + 1):
            window = begun.copy()
            window.update(raw[start : start + self.length])
            if window.hexdigest() == self.digest:
                return True
        return False
