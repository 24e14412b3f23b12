"""What the headers of a SIP message say, as plain data: every field, contacts and credentials taken apart."""

from __future__ import annotations

from pydantic import Field

from intercom_hil.timeline.content import BaseContent
from intercom_hil.wire.error import WireError, clean
from intercom_hil.wire.sip import Message, canonical_name, split_list
from intercom_hil.wire.uri import NameAddr

_ALL_CONTACTS = "*"
_LONGEST_EXPIRES = 10


class HeaderSeen(BaseContent):
    """One header field: its name as RFC 3261 spells it, and its value with folded lines joined."""

    name: str
    value: str


class ContactSeen(BaseContent):
    """One Contact (RFC 3261 §20.10); ``uri`` is ``*`` for all of them, ``expires`` its parameter, in s."""

    uri: str
    display: str = ""
    expires: int | None = None


class CredentialsSeen(BaseContent):
    """What one Authorization or Proxy-Authorization proves the sender with (RFC 3261 §22).

    ``scheme`` and the names of ``parameters`` are in lower case, the values without their quotes.
    """

    header: str
    scheme: str
    parameters: dict[str, str] = Field(default_factory=dict)

    @property
    def username(self) -> str:
        """Whose credentials they are; empty where that is not said."""
        return self.parameters.get("username", "")

    @property
    def realm(self) -> str:
        """What they are for; empty where that is not said."""
        return self.parameters.get("realm", "")


def header_fields(message: Message) -> dict[str, object]:
    """Return what ``SipMessageSeen`` keeps of a message's headers and body, by the names of its fields."""
    contacts = (part for value in message.all("Contact") for part in split_list(value))
    return {
        "headers": tuple(
            HeaderSeen(name=canonical_name(name), value=clean(value)) for name, value in message.headers
        ),
        "contacts": tuple(_contact(text) for text in contacts),
        "credentials": tuple(
            CredentialsSeen(
                header=shown.header,
                scheme=clean(shown.scheme),
                parameters={clean(name): clean(value) for name, value in shown.parameters},
            )
            for shown in message.credentials
        ),
        "body": message.body,
    }


def seconds(text: str) -> int | None:
    """Read a number of seconds (RFC 3261 §20.19 delta-seconds); None for anything else."""
    digits = text.strip()
    digits = digits.lstrip("0") or digits[-1:]
    usable = digits.isascii() and digits.isdigit() and len(digits) <= _LONGEST_EXPIRES
    return int(digits) if usable else None


def _contact(text: str) -> ContactSeen:
    if text == _ALL_CONTACTS:
        return ContactSeen(uri=text)
    try:
        named = NameAddr.parse(text)
    except WireError:
        return ContactSeen(uri=clean(text))
    expires = next((value for name, value in named.parameters if name.lower() == "expires"), None)
    return ContactSeen(
        uri=clean(named.uri), display=clean(named.display), expires=seconds((expires or "").strip('"'))
    )
