"""Who has sent which RTCP reports of one scenario (RFC 3550 §6), known by the sender's host and SSRC.

Only the head of the first packet of each compound is read: it says report and reporter, and is in clear under
SRTCP as well (RFC 3711 §3.4).
"""

from __future__ import annotations

from dataclasses import dataclass

from intercom_hil.media.rtp import RECEIVER_REPORT, SENDER_REPORT
from intercom_hil.timeline.sip_content import Address

_MOST = 1024
"""Reporters that are kept count of."""


@dataclass(slots=True)
class Reports:
    """Compounds of one reporter that begin with a sender report, and with a receiver report."""

    of_sender: int = 0
    of_receiver: int = 0


class Reporters:
    """Counts reports; ``take`` each RTCP packet."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int], Reports] = {}

    def take(self, source: Address, data: bytes) -> None:
        """Count one RTCP packet (``is_rtcp``)."""
        key = source[0], int.from_bytes(data[4:8], "big")
        if key not in self._known and len(self._known) >= _MOST:
            return
        reports = self._known.setdefault(key, Reports())
        reports.of_sender += data[1] == SENDER_REPORT
        reports.of_receiver += data[1] == RECEIVER_REPORT

    def of(self, host: str, ssrc: int) -> Reports:
        """Return what a source of media has reported."""
        return self._known.get((host, ssrc), Reports())

    def clear(self) -> None:
        """Forget everything."""
        self._known.clear()
