"""Time stamps of seals (RFC 3161): asked of a service, kept beside the seal, and checked.

The SHA-256 of the file of a seal is what is stamped. ``NNNN-ACTION.tsq`` is what was asked, and
``NNNN-ACTION.tsr`` the service's reply, both as they went over the network. Who signed a reply is checked by
OpenSSL (``openssl ts -verify``) against the certificates that the reader trusts.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import subprocess
import tempfile
import threading
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from intercom_hil.errors import BenchError
from intercom_hil.seal.tsp import Query, Stamp, TspError, query_bytes, read_query, read_reply

QUERY, REPLY = ".tsq", ".tsr"
WITHIN = 10.0
"""Seconds that a service may take, from the first packet to the last."""
LARGEST = 1 << 16
"""Bytes of a reply: some thousand are usual, its certificates included."""
MAY_BE_AHEAD = timedelta(minutes=10)
"""By how much the clock of a reader may be behind that of the service."""
_OPENSSL = "openssl"
_OPENSSL_WITHIN = 10.0
_NO_OPENSSL = "install OpenSSL 3 (Debian: apt install openssl)"
_HEADERS = {
    "Content-Type": "application/timestamp-query",
    "Accept": "application/timestamp-reply",
    "Accept-Encoding": "identity",  # what is unpacked has no bound
}
_LATER = "stamp it later: intercom-hil seal RUN --time-stamp URL"


@dataclass(frozen=True)
class Service:
    """A time-stamping service.

    Attributes:
        url: where it is asked, by HTTP (RFC 3161 §3.4).
        ca: PEM file of the certificates that vouch for it; without one a reply is kept as it comes.
    """

    url: str
    ca: Path | None = None

    def seen(self) -> Service:
        """Return it, having seen that it can be asked. Raises BenchError: no address, or no certificates."""
        if not re.fullmatch(r"https?://[^\s/]\S*", self.url):
            raise BenchError("this is no address of a time-stamping service", self.url, "give an http:// URL")
        if self.ca is not None:
            _see_certificates(self.ca)
        return self


@dataclass(frozen=True)
class StoredStamp:
    """A stamp as it lies beside its seal: query and reply as bytes, and what the reply states."""

    query: bytes
    reply: bytes
    stamp: Stamp

    def __str__(self) -> str:
        return f"{self.stamp.time:%Y-%m-%dT%H:%M:%SZ}"


def ask(service: Service, digest: str) -> StoredStamp:
    """Have a digest stamped.

    Args:
        service: who stamps.
        digest: a SHA-256 in hex.

    Raises:
        BenchError: there is no stamp that holds; the service and the reason are named.
    """
    asked = query_bytes(Query(digest, secrets.randbits(63) | 1 << 63))
    service.seen()
    reply = _post(service.url, asked)
    try:
        stored = read_stamp(asked, reply, digest)
    except TspError as problem:
        raise BenchError(str(problem), service.url, _LATER) from problem
    if service.ca is not None and (wrong := vouched_for(stored, service.ca)):
        raise BenchError(f"its stamp does not hold: {wrong}", service.url, f"see that {service.ca} is its CA")
    return stored


def read_stamp(asked: bytes, reply: bytes, digest: str) -> StoredStamp:
    """Read a stamp, and hold it against the query and against what it is of.

    Raises:
        TspError: it is none of this digest, or no reply to this query.
    """
    query, stamp = read_query(asked), read_reply(reply)
    if query.digest != digest:
        raise TspError("another digest was to be stamped")
    if stamp.digest != digest:
        raise TspError("the stamp is of another digest")
    if stamp.nonce != query.nonce:
        raise TspError("the stamp has another nonce than the query: it is the reply to another one")
    return StoredStamp(asked, reply, stamp)


def vouched_for(stored: StoredStamp, ca: Path) -> str:
    """Check who signed a stamp, and return what is wrong with that; nothing if it holds.

    The signature, the chain of certificates up to one of the reader's and the purpose of the signing one
    (*time stamping*, RFC 3161 §2.3) must hold at the time of the stamp.

    Args:
        stored: the stamp.
        ca: PEM file of the certificates that the reader trusts.

    Raises:
        BenchError: there is no OpenSSL, or the file cannot be read.
    """
    program = shutil.which(_OPENSSL)
    if program is None:
        raise BenchError("time stamps are checked by OpenSSL, and there is none", _OPENSSL, _NO_OPENSSL)
    _see_certificates(ca)
    with tempfile.TemporaryDirectory(prefix="intercom-hil-") as folder:
        place = Path(folder)
        for name, data in ((QUERY, stored.query), (REPLY, stored.reply)):
            (place / f"stamp{name}").write_bytes(data)
        words = [program, "ts", "-verify", "-queryfile", f"stamp{QUERY}", "-in", f"stamp{REPLY}"]
        words += ["-CAfile", str(ca.resolve()), "-attime", str(int(stored.stamp.time.timestamp()))]
        try:
            done = subprocess.run(
                words,
                cwd=place,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_OPENSSL_WITHIN,
                check=False,
                env={**os.environ, "LC_ALL": "C", "OPENSSL_CONF": os.devnull},
            )
        except subprocess.TimeoutExpired as problem:
            raise BenchError(f"openssl took more than {_OPENSSL_WITHIN:g} s", str(ca)) from problem
        except OSError as problem:
            raise BenchError.of(problem, program) from problem
    return "" if done.returncode == 0 else _reason(done.stderr + done.stdout)


def _see_certificates(ca: Path) -> None:
    from cryptography.x509 import load_pem_x509_certificates

    try:
        with ca.open("rb") as file:
            load_pem_x509_certificates(file.read(1 << 20))
    except OSError as problem:
        raise BenchError.of(problem, str(ca)) from problem
    except ValueError as problem:
        remedy = "name a PEM file with the certificate of the service's CA"
        raise BenchError("there is no certificate in it", str(ca), remedy) from problem


def _reason(said: bytes) -> str:
    """Return in a few words what OpenSSL said: what is behind ``Verify error``, else its last reason."""
    lines = said.decode("utf-8", "replace").splitlines()
    for line in lines:
        if "Verify error:" in line:
            return line.partition("Verify error:")[2].strip()
    # such as 40D7…:error:17800064:time stamp routines:ts_check_nonces:nonce mismatch:../crypto/ts/…:589:
    reasons = [parts[5] for line in lines if len(parts := line.split(":")) > 6 and parts[1] == "error"]
    return reasons[0] if reasons else "OpenSSL says that it does not hold"


class _Given(Exception):  # noqa: N818  (it is caught here)
    """A service gave no reply; the text says why."""


def _post(url: str, asked: bytes) -> bytes:
    """Send a query, and return the reply; both within bounds, whatever the service does."""
    import httpx

    found: list[bytes | Exception] = []
    try:
        client = httpx.Client(timeout=WITHIN, headers=_HEADERS)
    except (ValueError, OSError) as problem:  # what the environment says of proxies and certificates
        raise BenchError(f"it cannot be asked ({problem})", url, _LATER) from problem

    def exchange() -> None:
        try:
            found.append(_exchanged(client, url, asked))
        except Exception as problem:
            found.append(problem)

    # httpx bounds each step, and a service that sends byte by byte takes any number of steps
    asking = threading.Thread(target=exchange, name="time stamp", daemon=True)
    asking.start()
    asking.join(WITHIN)
    late = not found
    with suppress(Exception):
        client.close()
    reply = _Given(f"it did not reply within {WITHIN:g} s") if late else found[0]
    if isinstance(reply, Exception):
        known = isinstance(reply, _Given | httpx.HTTPError | httpx.InvalidURL | OSError | ValueError)
        text = str(reply) or type(reply).__name__
        if not known:
            text = f"{type(reply).__name__}: {text}"
        raise BenchError(f"there is no reply ({text})", url, _LATER) from reply
    return reply


def _exchanged(client: object, url: str, asked: bytes) -> bytes:
    import httpx

    assert isinstance(client, httpx.Client)
    with client.stream("POST", url, content=asked) as response:
        if response.status_code != 200:
            where = response.headers.get("location")
            raise _Given(f"HTTP status {response.status_code}{f', see {where[:200]}' if where else ''}")
        reply = b""
        for part in response.iter_raw(8192):
            reply += part
            if len(reply) > LARGEST:
                raise _Given(f"it sent more than {LARGEST} bytes")
        return reply


def too_late(stored: StoredStamp) -> bool:
    """Return whether a stamp is of a time that has not come yet."""
    return stored.stamp.time - stored.stamp.accuracy > datetime.now(UTC) + MAY_BE_AHEAD
