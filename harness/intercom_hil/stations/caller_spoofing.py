"""Ways for a stranger to pass for a permitted caller (INC-07), each as the forged parts of its INVITE.

A device that keeps its list refuses every one of them (RFC 3261 §26.1: nothing that a caller writes proves
anything).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypedDict

from intercom_hil.stations.behaviours import Offer


@dataclass(frozen=True)
class CallerIdentity:
    """Who calls, and whose identity is claimed.

    Attributes:
        permitted: the number on the list.
        server: the SIP server's address, which makes that number a full address.
        stranger: the caller's own number.
        own: the address it really calls from.
    """

    permitted: str
    server: str
    stranger: str
    own: str

    @property
    def claimed(self) -> str:
        """The full address of the permitted caller."""
        return f"sip:{self.permitted}@{self.server}"


class SpoofedHeaders(TypedDict, total=False):
    """Options of ``behaviours.calls`` that say what is not true."""

    from_uri: str
    display_name: str
    contact: str
    extra_headers: tuple[str, ...]
    security: Offer
    video: bool


def _from(form: str) -> Callable[[CallerIdentity], SpoofedHeaders]:
    """Forge the From URI: fields of the claim, and its number in percent-escapes, once or ``twice``."""

    def forged(claim: CallerIdentity) -> SpoofedHeaders:
        escaped = "".join(f"%{ord(character):02X}" for character in claim.permitted)
        return {"from_uri": form.format(c=claim, escaped=escaped, twice=escaped.replace("%", "%25"))}

    return forged


def _header(form: str) -> Callable[[CallerIdentity], SpoofedHeaders]:
    """Forge a header of its own."""
    return lambda claim: {"extra_headers": (form.format(c=claim),)}


SPOOFS: Mapping[str, Callable[[CallerIdentity], SpoofedHeaders]] = {
    "display name": lambda claim: {"display_name": claim.permitted},
    "address as display name": lambda claim: {"display_name": f"<{claim.claimed}>"},
    "P-Asserted-Identity": _header('P-Asserted-Identity: "{c.permitted}" <{c.claimed}>'),
    "P-Preferred-Identity": _header("P-Preferred-Identity: <{c.claimed}>"),
    "Remote-Party-ID": _header('Remote-Party-ID: "{c.permitted}" <{c.claimed}>;party=calling;privacy=off'),
    "Diversion": _header("Diversion: <{c.claimed}>;reason=unconditional"),
    "Referred-By": _header("Referred-By: <{c.claimed}>"),
    "Reply-To": _header("Reply-To: <{c.claimed}>"),
    "Contact": lambda claim: {"contact": claim.claimed},
    "straight to the device": _from("{c.claimed}"),
    "foreign domain": _from("sip:{c.permitted}@intruder.example"),
    "own address": _from("sip:{c.permitted}@{c.own}"),
    "server as subdomain": _from("sip:{c.permitted}@{c.server}.intruder.example"),
    "server in the user part": _from("sip:{c.permitted}%40{c.server}@{c.own}"),
    "percent-escapes": _from("sip:{escaped}@{c.server}"),
    "percent-escaped at own address": _from("sip:{escaped}@{c.own}"),
    "escaped twice": _from("sip:{twice}@{c.server}"),
    "escaped end of text": _from("sip:{c.permitted}%00@{c.own}"),
    "URI parameter": _from("{c.claimed};transport=udp"),
    "user parameter": _from("{c.claimed};user=phone"),
    "address in a parameter": _from("sip:{c.stranger}@{c.own};x={c.permitted}"),
    "password part": _from("sip:{c.permitted}:secret@{c.server}"),
    "usual port": _from("{c.claimed}:5060"),
    "sips": _from("sips:{c.permitted}@{c.server}"),
    "tel": _from("tel:{c.permitted}"),
    "scheme in capitals": _from("SIP:{c.permitted}@{c.server}"),
    "no user part": _from("sip:{c.server}"),
    "Call-Info": _header("Call-Info: <sip:{c.server}>;answer-after=0"),
    "Alert-Info": _header("Alert-Info: <http://{c.server}/>;info=alert-autoanswer"),
    "Answer-Mode": _header("Answer-Mode: Auto"),
    "Priority": _header("Priority: emergency"),
    "video": lambda claim: {"display_name": claim.permitted, "video": True},
    "SRTP, if it is wanted": lambda claim: {"display_name": claim.permitted, "security": "both"},
}
"""Every spoof by its name, each in an INVITE sent straight to the device."""
