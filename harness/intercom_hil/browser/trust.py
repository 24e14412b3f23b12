"""Whether a portal's certificate is one that the bench trusts: checked here, named to Chromium by its key.

Chromium keeps authorities in a database of the user's, which a bench leaves alone. It is given the keys of
those certificates that this module has found right.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
import ssl
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from intercom_hil.errors import BenchError, DeviceCrashed
from intercom_hil.lateness import stretched

_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
WHERE = "device.browser.ca"


async def trusted_key(url: str, ca: Path, within: float) -> str:
    """Return the SHA-256 (base64) of the public key of a portal whose certificate is found right.

    It is right where it is in the file itself, as of a portal that signs for itself, or where an authority in
    the file vouches for it and for the portal's name.

    Args:
        url: the portal's.
        ca: PEM file with authorities, or with the portal's own certificate.
        within: seconds that the connection may take.

    Raises:
        BenchError: the file cannot be read, the certificate is another, or there is no answer.
        DeviceCrashed: nothing listens.
    """
    try:
        raw = await asyncio.to_thread(ca.read_bytes)
        known = [x509.load_pem_x509_certificate(text) for text in _PEM.findall(raw)]
    except (OSError, ValueError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else "it is no PEM certificate"
        raise BenchError(
            f"the portal's CA cannot be read ({reason})", str(ca), f"name a PEM file as {WHERE}"
        ) from None
    if not known:
        raise BenchError("there is no certificate in it", str(ca), f"name a PEM file as {WHERE}")
    anyone = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    anyone.check_hostname, anyone.verify_mode = False, ssl.CERT_NONE
    presented = x509.load_der_x509_certificate(await _presented(url, anyone, within))
    if presented not in known:
        checked = ssl.create_default_context(cafile=str(ca))
        checked.verify_flags &= ~ssl.VERIFY_X509_STRICT  # as of private authorities
        presented = x509.load_der_x509_certificate(await _presented(url, checked, within))
    key = presented.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(key).digest()).decode("ascii")


async def _presented(url: str, context: ssl.SSLContext, within: float) -> bytes:
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or 443
    try:
        async with stretched(within):
            _, writer = await asyncio.open_connection(host, port, ssl=context, server_hostname=host)
    except ssl.SSLCertVerificationError as problem:
        raise BenchError(
            f"the portal presents a certificate that {WHERE} does not vouch for ({problem.verify_message})",
            url,
            f"if that is as it should be, put the certificate that it presents now into the file of {WHERE}",
        ) from None
    except ConnectionError as problem:
        raise DeviceCrashed(f"the device's Admin Portal at {url} is gone ({problem})") from problem
    except (TimeoutError, OSError) as problem:
        reason = f"no answer within {within:g} s" if isinstance(problem, TimeoutError) else problem
        raise BenchError(f"the portal cannot be asked ({reason})", url, "correct its address") from problem
    try:
        certificate: bytes | None = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    finally:
        writer.transport.abort()
    if not certificate:
        raise BenchError("the portal presents no certificate", url, "correct its address")
    return certificate
