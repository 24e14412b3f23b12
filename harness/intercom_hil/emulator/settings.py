"""The settings of the page's form as the device keeps them (CFG-01 to CFG-21).

Types of the device's own, read from the page: the bench has others, so that one misreading does not pass on
both sides. What makes them of a submitted form is in ``form_reading``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any

HIDDEN = "(redacted)"
"""What the portal shows of a password that is set."""


class Transport(StrEnum):
    """Network protocol of the device's SIP (CFG-06)."""

    UDP = "UDP"
    TCP = "TCP"
    TLS = "TLS"


class Encryption(StrEnum):
    """Whether the remote side has to make a secure connection (CFG-08); unset, calls are placed in clear."""

    UNSET = ""
    FALLBACK = "RTP with Optional SRTP (Fallback Mode)"
    SRTP_ONLY = "SRTP-only"


class VideoCalls(StrEnum):
    """The calls that have video (CFG-18). The page's list has three; where none is chosen there is none."""

    OFF = "Off"
    OUTGOING = "Outgoing"
    INCOMING = "Incoming"
    BOTH = "Both"


@dataclass(frozen=True, slots=True)
class ProxySettings:
    """A proxy that is needed for reaching the server (CFG-21)."""

    username: str
    address: str
    password: str = field(repr=False)
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SipSettings:
    """One complete SIP configuration. What has a default here may be left out of the form."""

    enabled: bool = True
    server_address: str
    server_port: int = 5060
    polling_interval: int = 3600
    """Seconds (CFG-05)."""
    transport: Transport = Transport.UDP
    ca_certificate: str | None = None
    """PEM text of an uploaded CA certificate (CFG-07)."""
    encryption: Encryption = Encryption.UNSET
    auth_username: str
    auth_password: str = field(repr=False)
    display_name: str = ""
    extension: str
    call_number: str
    further_numbers: tuple[str, ...] = ()
    microphone_volume: int = 50
    speaker_volume: int = 50
    """Both in hundredths."""
    call_timeout: int = 30
    """Seconds (CFG-17)."""
    video_calls: VideoCalls = VideoCalls.OFF
    allow_incoming: bool = True
    permitted_callers: tuple[str, ...] = ()
    proxy: ProxySettings | None = None

    def with_changes(self, changes: Mapping[str, Any]) -> SipSettings:
        """Return the same settings with other values in some fields, which nobody checks."""
        return replace(self, **changes)

    def as_json(self) -> dict[str, Any]:
        """Return the settings as the form has them, in values that JSON knows."""
        return asdict(self)

    def shown(self) -> dict[str, Any]:
        """Return the settings as the portal shows them: without passwords."""
        form = self.as_json()
        form["auth_password"] = HIDDEN
        if form["proxy"]:
            form["proxy"]["password"] = HIDDEN
        return form
