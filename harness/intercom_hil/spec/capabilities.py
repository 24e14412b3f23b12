"""What a device may have or lack (the ICS of ISO/IEC 9646-7): declared in the bench file, never guessed.

A requirement about something that the device is declared to lack is *not applicable*; a declaration that
the device contradicts is reported.
"""

from __future__ import annotations

from enum import StrEnum


class Capability(StrEnum):
    """One thing that a device, or the bench's access to it, has or lacks."""

    EVENT_LOG = "event_log"
    SCREEN = "screen"
    SPEAKER = "speaker"
    SRTP = "srtp"
    TLS = "tls"
    VALIDATION = "validation"
    PROXY = "proxy"
    SESSION_TIMER = "session_timer"
    VIDEO = "video"
    PORTAL_PAGES = "portal_pages"

    @property
    def meaning(self) -> str:
        """What it means to declare it."""
        return _MEANINGS[self]

    @property
    def declared_missing(self) -> str:
        """What the bench file says of a device that lacks it."""
        if self is Capability.VALIDATION:  # the default, with a command
            return "what checks the settings is not the device itself (device.capabilities.validation)"
        if self is Capability.PORTAL_PAGES:  # the default, without a browser
            return "the bench looks at no portal with a browser (device.capabilities.portal_pages)"
        return f"the bench file declares device.capabilities.{self} = false"


Needs = Capability | tuple[Capability, ...] | None
"""What a device must have for something to apply: nothing in particular, one thing, or several."""

_MEANINGS = {
    Capability.EVENT_LOG: "the bench can read the device's SIP events",
    Capability.SCREEN: "the bench can read what the device shows",
    Capability.SPEAKER: "the bench can hear what the device plays",
    Capability.SRTP: "the device has the encryption setting",
    Capability.TLS: "the device can use TLS for SIP",
    Capability.VALIDATION: "the device itself refuses settings that are wrong",
    Capability.PROXY: "the device can use a SIP proxy",
    Capability.SESSION_TIMER: "the device ends calls that their refresher let expire (RFC 4028)",
    Capability.VIDEO: "the device has video calls",
    Capability.PORTAL_PAGES: "the bench can look at the pages of the device's Admin Portal in a browser",
}
