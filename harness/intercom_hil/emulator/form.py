"""The configuration form: who may submit it, what it refuses, and what it says about what it takes.

Submitted data and uploaded files become settings, or a refusal that names the fields at fault (CFG-02,
CFG-05, CFG-07, CFG-22).
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from intercom_hil.spec.limits import RECOMMENDED_POLLING, Limits
from intercom_hil.spec.settings import SipSettings

DEVICE_ID = "door"
DEVICE_NAME = "Front door"
ADMINISTRATOR = "Account Administrator"
_USUAL_PORTS = (5060, 5061)
CERTIFICATE_FILES = (".pem", ".cer", ".crt")
"""How the name of an uploaded CA certificate's file may end, in either case (CFG-07)."""

Errors = list[dict[str, str]]
"""One entry per refused field: ``field`` in the form's own names, and ``message``."""


class RefusedError(Exception):
    """The form does not take what was submitted; ``errors`` says why, field by field."""

    def __init__(self, errors: Errors) -> None:
        super().__init__("; ".join(f"{error['field']}: {error['message']}" for error in errors))
        self.errors = errors


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
        try:
            settings = SipSettings.model_validate(data)
        except ValidationError as problem:
            raise RefusedError(_field_errors(problem)) from None
        if settings.ca_certificate is not None:
            _check_certificate(settings.ca_certificate)
        excess = self.limits.excess(settings, _USUAL_PORTS)
        if excess:
            raise RefusedError([{"field": excess.setting, "message": f"this device takes {excess.taken}"}])
        return settings

    def warnings(self, settings: SipSettings) -> list[str]:
        """Return what the administrator should know about settings that are accepted all the same."""
        if settings.polling_interval < RECOMMENDED_POLLING:
            shortest = f"below the recommended {RECOMMENDED_POLLING} s"
            return [f"polling_interval: {settings.polling_interval} s is {shortest}"]
        return []

    def certificate(self, filename: str, content: bytes) -> str:
        """Return the PEM text of an uploaded CA certificate, which may be PEM or DER (CFG-07).

        Raises:
            RefusedError: the file is of another type, or no certificate is in it.
        """
        if not filename.lower().endswith(CERTIFICATE_FILES):
            raise _refused_certificate(f"{filename!r} is none of the types {', '.join(CERTIFICATE_FILES)}")
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


def _field_errors(problem: ValidationError) -> Errors:
    return [
        {"field": ".".join(str(part) for part in error["loc"]) or "form", "message": error["msg"]}
        for error in problem.errors(include_url=False, include_input=False, include_context=False)
    ]


def _check_certificate(text: str) -> None:
    try:
        if "PRIVATE KEY-----" in text:
            raise ValueError("it holds a private key")
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=text)
    except (ssl.SSLError, ValueError) as problem:
        raise _refused_certificate(f"not a certificate: {problem}") from None


def _refused_certificate(message: str) -> RefusedError:
    return RefusedError([{"field": "ca_certificate", "message": message}])
