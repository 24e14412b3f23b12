"""The configuration form: what it says about submitted settings beyond yes (CFG-05, CFG-07, CFG-22)."""

from __future__ import annotations

import ssl

from pydantic import ValidationError

from harness.spec.settings import SipSettings

DEVICE_ID = "door"
DEVICE_NAME = "Front door"
SHORTEST_POLLING = 30
"""Seconds; a shorter polling interval is taken, with a warning (CFG-05)."""


def field_errors(problem: ValidationError) -> list[dict[str, str]]:
    """Return one entry per refused field, in the form's own field names."""
    return [
        {"field": ".".join(str(part) for part in error["loc"]) or "form", "message": error["msg"]}
        for error in problem.errors(include_url=False, include_input=False, include_context=False)
    ]


def certificate_problem(settings: SipSettings) -> str:
    """Return why an uploaded CA certificate cannot be used; nothing if it can, or if there is none."""
    if settings.ca_certificate is None:
        return ""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=settings.ca_certificate)
    except (ssl.SSLError, ValueError) as problem:
        return f"not a certificate in PEM form: {problem}"
    return ""


def warnings_about(settings: SipSettings) -> list[str]:
    """Return what the administrator should know about settings that are accepted all the same."""
    if settings.polling_interval < SHORTEST_POLLING:
        return [
            f"polling_interval: {settings.polling_interval} s is below the recommended {SHORTEST_POLLING} s"
        ]
    return []
