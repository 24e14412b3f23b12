"""The fields of the form *SIP Configuration*: labels, groups and order of the page (CFG-01 to CFG-21)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from intercom_hil.emulator.form import CERTIFICATE_FILES
from intercom_hil.emulator.settings import Encryption, Transport, VideoCalls


class Kind(StrEnum):
    """How a field is filled in."""

    TEXT = "text"
    NUMBER = "number"
    PASSWORD = "password"
    CHOICE = "choice"
    SWITCH = "switch"
    FILE = "file"
    LIST = "list"
    """Text boxes, as many as there are entries."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field by the name of its setting.

    Attributes:
        hint: what the page says about it.
        checks: attributes by which the browser checks it.
        choices: values and their wording, of a choice.
    """

    name: str
    label: str
    kind: Kind = Kind.TEXT
    hint: str = ""
    checks: Mapping[str, str] = field(default_factory=dict)
    choices: tuple[tuple[str, str], ...] = ()

    @property
    def id(self) -> str:
        """What labels and errors call it in the page."""
        return self.name.replace(".", "-")


@dataclass(frozen=True, slots=True)
class Group:
    """Fields that belong together, under a legend."""

    legend: str
    hint: str
    fields: tuple[Field, ...]


_REQUIRED = {"required": "required"}
_WORD = {**_REQUIRED, "pattern": "[A-Za-z0-9]+", "title": "Letters A to Z and numbers"}
_ENDPOINT = {
    "pattern": r"[A-Za-z0-9]+|[Ss][Ii][Pp]:[A-Za-z0-9]+@\S+",
    "title": "An extension, or sip:extension@server",
}
_PORT = {"min": "1", "max": "65535", "step": "1"}
_SECONDS = {**_REQUIRED, "min": "1", "step": "1"}
_VOLUME = {**_REQUIRED, "min": "0", "max": "100", "step": "1"}
_BOTH_FORMATS = "Short: 3400 or frontdesk3400. Full: sip:3400@10.0.0.333 or sip:frontdesk3400@10.0.0.333."

SWITCH = Field("enabled", "SIP", Kind.SWITCH)
"""The toggle at the top."""
CALL_NUMBER = Field(
    "call_number",
    "Call number",
    hint="Called when the intercom button is pressed.",
    checks=_REQUIRED | _ENDPOINT,
)
FURTHER_NUMBERS = Field(
    "further_numbers",
    "Call Further Number for no Answer",
    Kind.LIST,
    "Tried in this order until the call is answered.",
    _ENDPOINT,
)
PERMITTED_CALLERS = Field("permitted_callers", "URL", Kind.LIST, checks=_ENDPOINT)
GROUPS = (
    Group(
        "SIP Server",
        "The SIP server through which the device places and receives calls.",
        (
            Field(
                "server_address",
                "Domain Name / IP Address",
                hint="Example: 10.0.0.333 or sip.example.com",
                checks=_REQUIRED,
            ),
            Field(
                "server_port",
                "Port Number",
                Kind.NUMBER,
                "Usually 5060 for TCP or UDP, 5061 for TLS.",
                _REQUIRED | _PORT,
            ),
            Field(
                "polling_interval",
                "Polling Interval (seconds)",
                Kind.NUMBER,
                "Recommended minimum: 30. Recommended: 3600.",
                _SECONDS,
            ),
            Field(
                "transport",
                "Transport Protocol",
                Kind.CHOICE,
                choices=tuple((one.value, one.value) for one in Transport),
            ),
            Field(
                "ca_certificate",
                "TLS Certificates",
                Kind.FILE,
                "Only for TLS. Optional: the CA by which the server's certificate is checked "
                f"({', '.join(CERTIFICATE_FILES)}). Without one, well-known Internet CAs are accepted.",
                {"accept": ",".join(CERTIFICATE_FILES)},
            ),
            Field(
                "encryption",
                "Encryption",
                Kind.CHOICE,
                "Optional. Left unset, the device begins insecure connections.",
                choices=tuple((one.value, one.value or "Not set") for one in Encryption),
            ),
        ),
    ),
    Group(
        "Identifying the Station",
        "How other SIP endpoints reach the device.",
        (
            Field(
                "auth_username",
                "Authentication Username",
                hint="Usually the extension. Letters and numbers.",
                checks=_WORD,
            ),
            Field(
                "auth_password",
                "Authentication Password",
                Kind.PASSWORD,
                "Where the server asks for none, enter a dummy.",
                _REQUIRED,
            ),
            Field("display_name", "Display Name", hint="Example: Front Door"),
            Field(
                "extension",
                "SIP Extension",
                hint="Example: 3401 or frontdoor3401. Letters and numbers.",
                checks=_WORD,
            ),
        ),
    ),
    Group("Call number", _BOTH_FORMATS, (CALL_NUMBER, FURTHER_NUMBERS)),
    Group(
        "Call Options",
        "",
        (
            Field("microphone_volume", "Microphone Volume", Kind.NUMBER, "From 0 to 100.", _VOLUME),
            Field("speaker_volume", "Speaker Volume", Kind.NUMBER, "From 0 to 100.", _VOLUME),
            Field(
                "call_timeout",
                "Call Timeout",
                Kind.NUMBER,
                "Seconds before an unanswered call is ended.",
                _SECONDS,
            ),
            Field(
                "video_calls",
                "Video Calls",
                Kind.CHOICE,
                "The calls that have video.",
                choices=tuple((one.value, one.value) for one in VideoCalls),
            ),
        ),
    ),
    Group(
        "Allow Incoming Calls",
        "Whether this device can be reached with SIP calls.",
        (Field("allow_incoming", "Allow Incoming Calls", Kind.SWITCH),),
    ),
    Group("List of SIP URLs permitted to call the intercom", _BOTH_FORMATS, (PERMITTED_CALLERS,)),
    Group(
        "Proxy Configuration",
        "Only where a proxy is needed to reach the SIP server.",
        (
            Field("proxy.username", "Authentication Username"),
            Field("proxy.address", "Domain Name / IP Address", hint="Example: proxy.example.com"),
            Field("proxy.password", "Authentication Password", Kind.PASSWORD),
            Field("proxy.port", "Port Number", Kind.NUMBER, "Example: 443", _PORT),
        ),
    ),
)


def all_fields() -> Iterator[tuple[str, Field]]:
    """Yield each field with the legend of its group, in the order of the form."""
    yield "SIP Configuration", SWITCH
    for group in GROUPS:
        for one in group.fields:
            yield group.legend, one


BY_NAME = {one.name: (legend, one) for legend, one in all_fields()}
"""Legend and field by the name of the setting."""
