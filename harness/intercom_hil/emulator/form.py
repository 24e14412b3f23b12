"""The configuration form: who may submit it, what it refuses, and what it says about what it takes.

Submitted data and uploaded files become settings, or a refusal that names the fields at fault (CFG-02,
CFG-05, CFG-07, CFG-22).
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Any

from intercom_hil.emulator.form_reading import RefusedError, read_settings, refusal
from intercom_hil.emulator.limits import Limits
from intercom_hil.emulator.settings import SipSettings

DEVICE_ID = "door"
DEVICE_NAME = "Front door"
ADMINISTRATOR = "Account Administrator"
_RECOMMENDED_POLLING = 30
"""Seconds: the page's recommended minimum (CFG-05)."""
CERTIFICATE_FILES = (".pem", ".cer", ".crt")
"""How the name of an uploaded CA certificate's file may end, in either case (CFG-07)."""


class Form:
    """The form as it should be. A fault puts another in its place.

    Attributes:
        limits: what it takes, beyond what every form of its kind refuses.
    """

    limits = Limits()

    def may_enter(self, role: str | None) -> bool:
        """Return whether somebody of this role, or of none (not logged in), may use the portal at all."""
        return role is not None

    def may_submit(self, role: str) -> bool:
        """Return whether an account of this role may change the SIP configuration (CFG-02)."""
        return role == ADMINISTRATOR

    def read(self, data: Mapping[str, Any], in_force: SipSettings | None) -> SipSettings:
        """Return the settings that were submitted while others, or none, are in force.

        Raises:
            RefusedError: some field is wrong; nothing may change (CFG-22).
        """
        settings = read_settings(data)
        if settings.ca_certificate is not None:
            _check_certificate(settings.ca_certificate)
        excess = self.limits.excess(settings)
        if excess:
            raise refusal(excess[0], f"this device takes {excess[1]}")
        return settings

    def warnings(self, settings: SipSettings) -> list[str]:
        """Return what the administrator should know about settings that are accepted all the same."""
        if settings.polling_interval < _RECOMMENDED_POLLING:
            shortest = f"below the recommended {_RECOMMENDED_POLLING} s"
            return [f"polling_interval: {settings.polling_interval} s is {shortest}"]
        return []

    def certificate(self, filename: str, content: bytes) -> str:
        """Return the PEM text of an uploaded CA certificate, which may be PEM or DER (CFG-07).

        Raises:
            RefusedError: the file is of another type, or no certificate is in it.
        """
        if not filename.lower().endswith(CERTIFICATE_FILES):
            raise refusal(
                "ca_certificate", f"{filename!r} is none of the types {', '.join(CERTIFICATE_FILES)}"
            )
        if content.lstrip().startswith(b"-----"):
            text = content.decode("ascii", "replace")
        else:
            text = ssl.DER_cert_to_PEM_cert(content)
        _check_certificate(text)
        return text

    def left_over(
        self, data: Mapping[str, Any], refused: RefusedError, in_force: SipSettings | None
    ) -> SipSettings | None:
        """Return what comes into force although it was refused: nothing. Only a fault says otherwise."""
        return None


def _check_certificate(text: str) -> None:
    try:
        if "PRIVATE KEY-----" in text:
            raise ValueError("it holds a private key")
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=text)
    except (ssl.SSLError, ValueError) as problem:
        raise refusal("ca_certificate", f"not a certificate: {problem}") from None
