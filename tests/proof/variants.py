"""The table of lawful variants: what a device may do, by which paragraph, and what is fixed for it.

Most are the device whose ways are drawn at random (``fixtures/devices/drawn.py``) with some choices fixed,
the others are ways of the emulated intercom. None of them is to be accused of anything.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from fixtures.devices.draws import CHOICES

INCOMING, PLACED, SECURED = ("INC", "EVT"), ("OUT", "EVT"), ("ENC",)
BOTH = ("OUT", "INC")
ALL = ("REG", "OUT", "INC", "ENC")


@dataclass(frozen=True)
class Variant:
    """A lawful way to be.

    Attributes:
        name: what it is called.
        source: the paragraph that allows it; ``page`` where the vendor's page leaves it open.
        families: those that meet it.
        fixed: the choices of the drawn device that are fixed; the others are those of its draw.
        emulated: the bench file in ``fixtures/benches``, or the variant of the emulated intercom.
    """

    name: str
    source: str
    families: tuple[str, ...]
    fixed: dict[str, Any] = field(default_factory=dict)
    emulated: str = ""

    @property
    def draw(self) -> str:
        """What the drawn device is asked for. Header names folded away from their colon are not drawn.

        Asterisk cannot read those, and so everything would be inconclusive.
        """
        fixed = {"folds names": False} | self.fixed
        return ",".join([str(NUMBERS[self.name]), *(f"{name}={value}" for name, value in fixed.items())])


def _refusals() -> list[Variant]:
    status = {
        403: "RFC 3261 §21.4.4",
        404: "RFC 3261 §21.4.5",
        406: "RFC 3261 §21.4.7",
        415: "RFC 3261 §21.4.13",
        480: "RFC 3261 §21.4.18",
        486: "RFC 3261 §21.4.24",
        488: "RFC 3261 §21.4.26",
        600: "RFC 3261 §21.6.1",
        603: "RFC 3261 §21.6.2",
        606: "RFC 3261 §21.6.4",
    }
    called = {
        "stranger": ("a-stranger", INCOMING),
        "busy": ("while-busy", INCOMING),
        "off": ("while-off", INCOMING),
        "no security": ("what-is-not-secured", SECURED),
    }
    return [
        Variant(f"refuses-{words}-by-{code}", status[code], families, {choice: code})
        for choice, (words, families) in called.items()
        for code in CHOICES[choice]
    ]


VARIANTS = [
    *_refusals(),
    Variant("answers-at-once", "RFC 3261 §13.3.1", INCOMING, {"trying": False, "ringing": 0}),
    Variant("rings-by-180", "RFC 3261 §21.1.2", INCOMING, {"ringing": 180}),
    Variant(
        "progresses-by-183",
        "RFC 3261 §21.1.5",
        INCOMING,
        {"trying": True, "ringing": 183, "early answer": False},
    ),
    Variant("early-media", "RFC 3261 §13.2.1", ("INC", "ENC"), {"ringing": 183, "early answer": True}),
    Variant(
        "falls-back-by-redial",
        "RFC 3261 §21.4.26",
        SECURED,
        {"fallback by": "offering again", "tries otherwise": "with another Call-ID"},
    ),
    Variant(
        "falls-back-in-the-same-call",
        "RFC 3261 §8.1.3.5",
        SECURED,
        {"fallback by": "offering again", "tries otherwise": "with the same Call-ID"},
    ),
    Variant("optional-keys-in-avp", "RFC 4568 §6", SECURED, {"fallback by": "best effort"}),
    Variant("negotiates-capabilities", "RFC 5939 §3", SECURED, {"fallback by": "negotiation"}),
    Variant("takes-optional-keys", "RFC 4568 §6", SECURED, {"takes best effort": True}),
    Variant("leaves-optional-keys", "RFC 4568 §6", SECURED, {"takes best effort": False}),
    Variant("a-law-first", "RFC 3551 §4.5.14", BOTH, {"codecs": ("PCMA", "PCMU")}),
    Variant("mu-law-first", "RFC 3551 §4.5.14", BOTH, {"codecs": ("PCMU", "PCMA")}),
    Variant("offers-g722-too", "RFC 3551 §4.5.2", BOTH, {"offers G.722": True}),
    Variant("dynamic-payload-type", "RFC 3551 §6", BOTH, {"dynamic payload type": 107}),
    Variant("10-ms-packets", "RFC 4566 §6", BOTH, {"ptime": 10}),
    Variant("20-ms-packets", "RFC 4566 §6", BOTH, {"ptime": 20}),
    Variant("30-ms-packets", "RFC 4566 §6", BOTH, {"ptime": 30}),
    Variant("key-identifier-of-1-byte", "RFC 4568 §6.1", SECURED, {"mki": b"\x01"}),
    Variant("key-identifier-of-4-bytes", "RFC 4568 §6.1", SECURED, {"mki": b"\x00\x00\x00\x07"}),
    Variant(
        "several-crypto-lines",
        "RFC 4568 §5.1.1",
        SECURED,
        {"suites": CHOICES["suites"][1], "key tags": "odd"},
    ),
    Variant("short-tag-first", "RFC 4568 §6.2.2", SECURED, {"suites": CHOICES["suites"][2]}),
    Variant("aes-256-first", "RFC 6188 §2", SECURED, {"suites": CHOICES["suites"][3]}),
    Variant("keys-that-last", "RFC 4568 §6.1", SECURED, {"lifetime": "2^31"}),
    Variant(
        "compact-and-folded-headers", "RFC 3261 §7.3", ALL, {"wildness": 1.0, "folds": True, "spaced": True}
    ),
    Variant("plain-headers", "RFC 3261 §7.3", ALL, {"wildness": 0.0, "folds": False, "spaced": False}),
    Variant("escaped-addresses", "RFC 3261 §19.1.2", ALL, {"escapes": True}),
    Variant("odd-call-ids-and-tags", "RFC 3261 §25.1", ALL, {"call id": "odd", "tag": "token"}),
    Variant("follows-the-sound", "RFC 7362 §4", BOTH, {"sends to": "where sound comes from"}),
    Variant("sound-from-another-port", "RFC 3550 §11", BOTH, {"sound from": "another port"}),
    Variant("contact-is-not-the-extension", "RFC 3261 §10.2.1", ALL, {"contact user": "other"}),
    Variant("contact-with-parameters", "RFC 5627 §5", ALL, {"contact parameters": ";ob"}),
    Variant("requests-from-another-port", "RFC 3261 §18.1.1", ALL, {"source port": "other", "rport": True}),
    Variant("nonce-used-again", "RFC 2617 §3.3", ("REG", "OUT"), {"remembers challenges": True}),
    Variant("asks-for-each-challenge", "RFC 3261 §22.2", ("REG", "OUT"), {"remembers challenges": False}),
    Variant("no-session-timer", "RFC 4028 §4", BOTH, {"session timer": "no"}),
    Variant("session-timer-asked-for", "RFC 4028 §7.1", BOTH, {"session timer": "required"}),
    Variant(
        "refreshes-its-sessions", "RFC 4028 §7.4", BOTH, {"session timer": "supported", "refreshes": True}
    ),
    Variant("polls-by-options", "RFC 3261 §11", ("REG", "EVT"), {"checks by": "OPTIONS"}),
    Variant("polls-by-register", "RFC 3261 §10.2.4", ("REG", "EVT"), {"checks by": "REGISTER"}),
    Variant("keeps-open-by-crlf", "RFC 5626 §3.5.1", ("REG",), {"keeps open by CRLF": True}),
    Variant("leaves-with-a-star", "RFC 3261 §10.2.2", ("REG", "CFG"), {"leaves with": "star"}),
    Variant("expires-as-parameter", "RFC 3261 §10.2.1.1", ("REG",), {"expires": "parameter"}),
    Variant("slow-in-time", "RFC 3261 §17.1.1.1", BOTH, {"t1": 0.5, "thinks for": 0.3}),
    Variant(
        "repeats-itself", "RFC 3261 §17.1.1.2", BOTH, {"repeats requests": True, "repeats responses": True}
    ),
    Variant("multipart-bodies", "RFC 5621 §3", BOTH, {"multipart": True}),
    Variant("refuses-transfers", "RFC 3515 §2.4.2", BOTH, {"REFER": 603}),
    Variant("no-update", "RFC 3311 §5", BOTH, {"UPDATE": False}),
    Variant("best-effort", "RFC 4568 §6", SECURED, emulated="best-effort"),
    Variant("button-ignored-while-dialling", "page", ("OUT",), emulated="button-ignored-while-dialling"),
    Variant("clock-ahead", "page", ("EVT",), emulated="clock-ahead"),
    Variant("restarts-for-new-settings", "page", ("OUT",), emulated="emulated-slow"),
    Variant("takes-less-than-others", "page", ("CFG",), emulated="emulated-limited"),
]
"""The lawful variants, in the order in which they are played."""
NUMBERS = {variant.name: 4000 + number for number, variant in enumerate(VARIANTS)}
"""The number of the draw that decides what a variant does not fix."""
