"""A sender of SRTP by the letter of the RFCs, for what libsrtp's binding cannot send."""

import hmac

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from intercom_hil.media.srtp import TAG_SIZES, derive_key


def protect(key, packet, *, rollover=0, mki=b"", encrypt=True, rate=0):
    """Protect one packet (RFC 3711, RFC 7714)."""
    index = rollover << 16 | int.from_bytes(packet[2:4], "big")
    interval = index // rate if rate else 0
    sizes = {0: len(key.key), 1: 20, 2: len(key.salt)}
    cipher, proof, salt = (derive_key(key, label=n, size=sizes[n], interval=interval) for n in range(3))
    header, payload, ssrc = packet[:12], packet[12:], packet[8:12]
    if key.suite.startswith("AEAD"):
        mask = bytes(2) + ssrc + index.to_bytes(6, "big")
        iv = bytes(a ^ b for a, b in zip(salt, mask, strict=True))
        sealed = AESGCM(cipher).encrypt(iv, payload if encrypt else b"", header if encrypt else packet)
        return header + (sealed if encrypt else payload + sealed) + mki
    mask = bytes(4) + ssrc + index.to_bytes(6, "big")
    iv = bytes(a ^ b for a, b in zip(salt, mask, strict=True)) + bytes(2)
    encryptor = Cipher(algorithms.AES(cipher), modes.CTR(iv)).encryptor()
    body = header + (encryptor.update(payload) if encrypt else payload)
    tag = hmac.digest(proof, body + rollover.to_bytes(4, "big"), "sha1")[: TAG_SIZES[key.suite]]
    return body + mki + tag
