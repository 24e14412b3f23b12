"""The device's SIP settings as its configuration form names them (CFG-01..22).

Field names are the Admin Portal's JSON keys. What the bench does not submit raises a ``ValidationError`` that
names the field: it asks for less than the page allows, and no device has to refuse all of that. Secrets are
redacted wherever settings are stored.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from enum import StrEnum
from typing import Annotated, Any, TypedDict

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

_LETTERS_AND_DIGITS = re.compile(r"[A-Za-z0-9]+")
_HOST_NAME = re.compile(
    r"(?=.{1,253}\Z)[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*"
)
LONGEST_NAME = 64
LONGEST_TEXT = 128
MOST_NUMBERS = 100
LONGEST_POLLING = 86_400
LONGEST_CALL_TIMEOUT = 600
"""Seconds, both. The page gives no limits; these, and the lengths, are as far as the bench goes."""
REDACTED = "(redacted)"


class Transport(StrEnum):
    """CFG-06: the transport that all of the device's SIP uses."""

    UDP = "UDP"
    TCP = "TCP"
    TLS = "TLS"


class Encryption(StrEnum):
    """CFG-08: media encryption; unset means that calls are placed in clear."""

    UNSET = ""
    FALLBACK = "RTP with Optional SRTP (Fallback Mode)"
    SRTP_ONLY = "SRTP-only"


class VideoCalls(StrEnum):
    """CFG-18: the direction of calls in which video is allowed."""

    OFF = "Off"
    OUTGOING = "Outgoing"
    INCOMING = "Incoming"
    BOTH = "Both"


def _letters_and_digits(value: str) -> str:
    if not _LETTERS_AND_DIGITS.fullmatch(value):
        raise ValueError("only the letters A-Z, a-z and the digits 0-9 are allowed")
    return value


def _host(value: str) -> str:
    try:
        if "%" in value:  # a scope id may hold anything, line ends included
            raise ValueError
        ipaddress.ip_address(value)
    except ValueError:
        if re.fullmatch(r"[0-9.]+", value) or not _HOST_NAME.fullmatch(value):
            raise ValueError("neither an IP address nor a domain name") from None
    return value


def _printable(value: str) -> str:
    if any(unicodedata.category(character) == "Cc" for character in value):
        raise ValueError("control characters are not allowed")
    return value


def _no_truth(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("a number is needed")
    return value


def _sip_address(value: str) -> str:
    """Accept the short form ``<extension>`` and the full form ``sip:<extension>@<server>`` (CFG-13)."""
    full = re.fullmatch(r"sip:([^@]*)@([^@:;]+)(?::([0-9]{1,5}))?", value)
    extension = full[1] if full else value
    _letters_and_digits(extension)
    if len(extension) > LONGEST_NAME:
        raise ValueError(f"the extension is longer than {LONGEST_NAME} characters")
    if full:
        _host(full[2])
        if full[3] is not None and not 1 <= int(full[3]) <= 65535:
            raise ValueError("the port is outside 1..65535")
    return value


Name = Annotated[str, Field(max_length=LONGEST_NAME), AfterValidator(_letters_and_digits)]
Host = Annotated[str, Field(max_length=253), AfterValidator(_host)]
Number = Annotated[int, BeforeValidator(_no_truth)]
Port = Annotated[Number, Field(ge=1, le=65535)]
Secret = Annotated[str, Field(max_length=LONGEST_TEXT, repr=False), AfterValidator(_printable)]
SipAddress = Annotated[str, Field(max_length=320), AfterValidator(_sip_address)]
Numbers = Annotated[tuple[SipAddress, ...], Field(max_length=MOST_NUMBERS)]
Volume = Annotated[Number, Field(ge=0, le=100)]


class ProxySettings(BaseModel):
    """CFG-21: a proxy that every request goes through."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    username: Name
    address: Host
    password: Secret
    port: Port


class SipSettings(BaseModel):
    """One complete SIP configuration of a device."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    enabled: bool = True
    server_address: Host
    server_port: Port = 5060
    polling_interval: Annotated[Number, Field(ge=1, le=LONGEST_POLLING, description="seconds")] = 3600
    transport: Transport = Transport.UDP
    ca_certificate: str | None = Field(default=None, description="PEM text of an uploaded CA certificate")
    encryption: Encryption = Encryption.UNSET
    auth_username: Name
    auth_password: Annotated[Secret, Field(min_length=1)]
    display_name: Annotated[str, Field(max_length=LONGEST_TEXT), AfterValidator(_printable)] = ""
    extension: Name
    call_number: SipAddress
    further_numbers: Numbers = ()
    microphone_volume: Volume = 50
    speaker_volume: Volume = 50
    call_timeout: Annotated[Number, Field(ge=1, le=LONGEST_CALL_TIMEOUT, description="seconds")] = 30
    video_calls: VideoCalls = VideoCalls.OFF
    allow_incoming: bool = True
    permitted_callers: Numbers = ()
    proxy: ProxySettings | None = None

    def secrets(self) -> tuple[str, ...]:
        """Return every password that is set."""
        proxy = (self.proxy.password,) if self.proxy and self.proxy.password else ()
        return (self.auth_password, *proxy)

    def names(self) -> tuple[str, ...]:
        """Return what stands in the device's messages and is no secret, though a password may be the same."""
        proxy = (self.proxy.username, self.proxy.address) if self.proxy else ()
        parties = (self.call_number, *self.further_numbers, *self.permitted_callers)
        return (self.auth_username, self.extension, self.display_name, self.server_address, *proxy, *parties)

    def redacted(self) -> dict[str, Any]:
        """Return the settings as plain JSON data with every secret replaced by a fixed text."""
        data = self.model_dump(mode="json")
        data["auth_password"] = REDACTED
        if data["proxy"]:
            data["proxy"]["password"] = REDACTED
        return data


class Settings(TypedDict, total=False):
    """Some of the fields of ``SipSettings``, by the same names: what differs from a plain configuration."""

    enabled: bool
    server_address: str
    server_port: int
    polling_interval: int
    transport: Transport
    ca_certificate: str | None
    encryption: Encryption
    auth_username: str
    auth_password: str
    display_name: str
    extension: str
    call_number: str
    further_numbers: tuple[str, ...]
    microphone_volume: int
    speaker_volume: int
    call_timeout: int
    video_calls: VideoCalls
    allow_incoming: bool
    permitted_callers: tuple[str, ...]
    proxy: ProxySettings | None
