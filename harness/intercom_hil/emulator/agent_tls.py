"""The agent's TLS: which servers it speaks SIP to, and which it turns away from (RFC 5280 §6, RFC 5922 §7).

The stack checks chain, dates, purpose and name, and closes the connection before any SIP is sent. A rule
that a fault bends is judged here instead, on what the stack found.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import pjsua2 as pj

_FOUND = {
    "untrusted": (
        pj.PJ_SSL_CERT_EISSUER_NOT_FOUND
        | pj.PJ_SSL_CERT_EUNTRUSTED
        | pj.PJ_SSL_CERT_EISSUER_MISMATCH
        | pj.PJ_SSL_CERT_EUNKNOWN  # a signature that is not the CA's
    ),
    "expired": pj.PJ_SSL_CERT_EVALIDITY_PERIOD,
    "purpose": pj.PJ_SSL_CERT_EINVALID_PURPOSE,
    "identity": pj.PJ_SSL_CERT_EIDENTITY_NOT_MATCH,
    "issuer": pj.PJ_SSL_CERT_EISSUER_MISMATCH | pj.PJ_SSL_CERT_EUNKNOWN,
    "self-signed": pj.PJ_SSL_CERT_EUNTRUSTED,
}
_OBSOLETE = pj.PJ_SSL_SOCK_PROTO_TLS1 | pj.PJ_SSL_SOCK_PROTO_TLS1_1
_NULL_AND_USUAL_SUITES = (0x003B, 0xC010, 0xC030, 0xC02F, 0x009D, 0x009C, 0x002F)
"""By their registered numbers; the first two encrypt nothing."""


@dataclass(slots=True)
class AgentTls:
    """The rules as the device hands them to its agent.

    Attributes:
        ca_file: PEM file of the trusted CAs.
        tolerated: names of flaws that are overlooked.
        nobody: whether even a server without a flaw is refused.
        obsolete_versions: whether TLS 1.0 and 1.1 will do.
        null_suites: whether cipher suites that encrypt nothing will do.
        once: whether nobody is judged any more once a server was good.
        wide_wildcards: whether a wildcard stands for names of any depth.
        met: whether one was.
    """

    ca_file: str
    tolerated: tuple[str, ...] = ()
    nobody: bool = False
    obsolete_versions: bool = False
    null_suites: bool = False
    once: bool = False
    wide_wildcards: bool = False
    met: bool = field(default=False, init=False)

    def set_up(self, setting: Any) -> None:
        """Fill in a transport's TLS settings."""
        setting.CaListFile = self.ca_file
        setting.verifyServer = not (self.tolerated or self.once or self.wide_wildcards)
        setting.proto = pj.PJ_SSL_SOCK_PROTO_TLS1_2 | (_OBSOLETE if self.obsolete_versions else 0)
        if self.null_suites:
            for suite in _NULL_AND_USUAL_SUITES:
                setting.ciphers.append(suite)

    def acceptable(self, found: int, names: Iterable[str] = ()) -> bool:
        """Return whether a server will do.

        Args:
            found: the flaws that the stack found in it, a set of bits.
            names: those in its certificate.
        """
        overlooked = 0
        if self.wide_wildcards and any(name.startswith("*.") for name in names):
            overlooked |= _FOUND["identity"]
        for flaw in self.tolerated:
            overlooked |= _FOUND[flaw]
        good = not self.nobody and not found & ~overlooked
        self.met |= good
        return good or (self.once and self.met)
