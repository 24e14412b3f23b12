"""Ed25519 keys (RFC 8032) in PEM files: private ones as PKCS #8, public ones as SubjectPublicKeyInfo."""

from __future__ import annotations

import hashlib
import os
import shlex
import stat
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from intercom_hil.errors import BenchError

_LARGEST = 100_000
"""Bytes of a key file; a PEM file of one key has some hundred."""
_PUBLIC = b"BEGIN PUBLIC KEY"
_MAKE_ONE = "make one: intercom-hil key new FILE"


def key_id(key: Ed25519PublicKey) -> str:
    """Return what a key is known by in an envelope: the SHA-256 of its SubjectPublicKeyInfo, in hex."""
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest()


def new_key(file: Path) -> tuple[Path, Ed25519PublicKey]:
    """Make a key pair: the private key in ``file``, for its owner only, the public one beside it.

    Args:
        file: where the private key is written; ``lab.pem`` gives ``lab.pub.pem`` for the public one.

    Returns:
        The file of the public key, and that key.

    Raises:
        BenchError: a file is there already, or cannot be written.
    """
    key = Ed25519PrivateKey.generate()
    beside = file.with_name(f"{file.stem}.pub.pem")
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for path, data, mode in ((file, private, 0o600), (beside, public_pem(key.public_key()), 0o644)):
        try:
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as out:
                out.write(data)
        except FileExistsError as problem:
            raise BenchError("it is there already", str(path), "name another file for the key") from problem
        except OSError as problem:
            raise BenchError.of(problem, str(path)) from problem
    return beside, key.public_key()


def public_pem(key: Ed25519PublicKey) -> bytes:
    """Return a public key as its PEM file has it."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def private_key(file: Path) -> Ed25519PrivateKey:
    """Read a private key.

    Raises:
        BenchError: it cannot be read, is no Ed25519 key, or others than its owner may read it.
    """
    data = _content(file)
    if _PUBLIC in data:
        remedy = "name the private key, which was made together with it, and which its owner has"
        raise BenchError("this is a public key: nothing can be signed with it", str(file), remedy)
    if stat.S_IMODE(file.stat().st_mode) & 0o077:
        raise BenchError(
            "others than its owner may use this private key", str(file), f"chmod 600 {shlex.quote(str(file))}"
        )
    try:
        key = load_pem_private_key(data, None)
    except (ValueError, TypeError) as problem:  # TypeError: it is encrypted
        raise BenchError(
            "it is no private key in PEM without a passphrase", str(file), _MAKE_ONE
        ) from problem
    if not isinstance(key, Ed25519PrivateKey):
        raise BenchError("it is a private key, but not of Ed25519", str(file), _MAKE_ONE)
    return key


def public_key(file: Path) -> Ed25519PublicKey:
    """Read a public key. Raises BenchError: it cannot be read, or is no public key of Ed25519."""
    try:
        key = load_pem_public_key(_content(file))
    except ValueError as problem:
        remedy = "name the file that has BEGIN PUBLIC KEY; it lies beside the private key, as .pub.pem"
        raise BenchError("it is no public key in PEM", str(file), remedy) from problem
    if not isinstance(key, Ed25519PublicKey):
        raise BenchError("it is a public key, but not of Ed25519", str(file), "name the key of the signer")
    return key


def _content(file: Path) -> bytes:
    try:
        with file.open("rb") as data:
            return data.read(_LARGEST)
    except OSError as problem:
        raise BenchError(f"the key cannot be read ({problem.strerror})", str(file), _MAKE_ONE) from problem
