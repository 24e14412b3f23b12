"""A party the PBX knows: how it authenticates, where it is, and how media to it are protected.

An `Endpoint` knows the attributes of Asterisk's three objects for it (auth, aor, endpoint) and the steps of
the route by which others reach it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from intercom_hil.errors import BenchError
from intercom_hil.pbx.config import CONTEXT
from intercom_hil.spec.settings import ProxySettings

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")

PASS_ON_THE_FAILURE = (
    # The SIP status of the channel that failed, such as "SIP 603 Decline", goes to the caller as it is:
    # Asterisk's own mapping by way of hangup causes turns 603 into 403.
    "Set(TECH=${HANGUPCAUSE(${HANGUPCAUSE_KEYS()},tech)})",
    'ExecIf($["${TECH:0:3}"="SIP"]?PJSIPHangup(${CUT(TECH, ,2)}))',
    "Hangup(${HANGUPCAUSE})",
)
"""Steps after a Dial() that did not come to a call."""


SHORTEST_REGISTRATION = 3
"""Seconds: of anything shorter, what is left when the PBX answers would round down to next to nothing."""
AS_CONTACT_SAYS = {"rewrite_contact": "no"}
"""Options of an endpoint that is sent requests where its Contact says, not where its own came from."""
AUDIO = ("alaw", "ulaw")
VIDEO = "h264"


def codecs(*, video: bool, audio: tuple[str, ...] = AUDIO) -> tuple[str, ...]:
    """Return the codecs of a party that talks, or that is to be seen besides."""
    return (*audio, VIDEO) if video else audio


def reached_through(proxy: ProxySettings | None) -> dict[str, str]:
    """Return the options of an endpoint that is behind a proxy, if there is one.

    Its Contact is kept as it says: the address that its requests come from is the proxy's.
    """
    if proxy is None:
        return {}
    host = f"[{proxy.address}]" if ":" in proxy.address else proxy.address
    return {"outbound_proxy": f"sip:{host}:{proxy.port};lr", **AS_CONTACT_SAYS}


@dataclass(frozen=True)
class Endpoint:
    """A party the PBX knows.

    Attributes:
        name: its number: the user part of its address, and its user name where it authenticates.
        password: for digest authentication (RFC 3261 §22); empty: its requests are taken unauthenticated.
        media_encryption: ``no``: RTP only; ``sdes``: SRTP only (RFC 4568); ``optional``: RTP or SRTP, as the
            peer offers; the PBX's own offer is RTP/AVP with a crypto attribute.
        contact: where it is, as a SIP URI; None: it must register.
        codecs: audio and video codecs, best first.
        caller_id: ``"Name" <number>`` to call with instead of what its From header says.
        username: its user name where it authenticates, should it be another than its number.
        shortest_registration: s for which it is registered at least, whatever it asks for. The PBX says how
            many whole seconds are left, so one less than this is the shortest that is granted.
        longest_registration: s for which it is registered at most, whatever it asks for; None: as Asterisk
            does.
        options: further attributes of Asterisk's endpoint object, or others than the bench's.
    """

    name: str
    password: str
    media_encryption: Literal["no", "sdes", "optional"] = "no"
    contact: str | None = None
    codecs: tuple[str, ...] = AUDIO
    caller_id: str | None = None
    username: str | None = None
    shortest_registration: int = SHORTEST_REGISTRATION
    longest_registration: int | None = None
    options: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check what ends up in a URL and in the dialplan. Raises BenchError."""
        if not _NAME.fullmatch(self.name):
            raise BenchError(
                f"{self.name!r} is no name of an endpoint", "pbx", "use letters, digits, _ . and -"
            )

    def objects(self, address: str) -> list[tuple[str, dict[str, str]]]:
        """Return Asterisk's objects for this endpoint, kind and attributes, in the order of making."""
        objects: list[tuple[str, dict[str, str]]] = []
        endpoint = {
            "context": CONTEXT,
            "disallow": "all",
            "allow": ",".join(self.codecs),
            "aors": self.name,
            "direct_media": "no",
            # Without these two, RTP would leave from 127.0.0.1 whatever address the PBX has.
            "media_address": address,
            "bind_rtp_to_media_address": "yes",
            "force_rport": "yes",
            "rewrite_contact": "yes",
            "rtp_symmetric": "no",
            "moh_passthrough": "yes",  # a hold reaches the other side instead of being answered here
            "from_domain": address,
            "trust_id_inbound": "no",  # who calls is what From says, not what the caller asserts
            "media_encryption": "no" if self.media_encryption == "no" else "sdes",
            "media_encryption_optimistic": "yes" if self.media_encryption == "optional" else "no",
        }
        if self.password:
            user = self.username or self.name
            auth = {"auth_type": "userpass", "username": user, "password": self.password}
            objects.append(("auth", auth))
            endpoint["auth"] = self.name
        if self.caller_id:
            endpoint["callerid"] = self.caller_id
        return [*objects, ("aor", self.registration()), ("endpoint", {**endpoint, **self.options})]

    def registration(self) -> dict[str, str]:
        """Return the attributes of what it registers in, Asterisk's AOR."""
        aor = {
            "max_contacts": "1",
            "remove_existing": "yes",
            "minimum_expiration": str(self.shortest_registration),
        }
        if self.longest_registration is not None:
            aor["maximum_expiration"] = str(self.longest_registration)
        if self.contact:
            aor["contact"] = self.contact
        return aor

    def route(self) -> tuple[str, ...]:
        """Return the steps that a call to this endpoint takes; how long it rings is the caller's affair."""
        return (f"Dial(PJSIP/{self.name})", *PASS_ON_THE_FAILURE)
