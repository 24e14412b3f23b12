"""Who has sent which RTCP reports, where to, and whether in clear (RFC 3550 §6, RFC 3711 §3.4).

A reporter is known by its host and SSRC. Only the head of the first packet of each compound is read: it says
report and reporter, and is in clear under SRTCP as well.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from intercom_hil.media.rtp import RECEIVER_REPORT, SENDER_REPORT

_MOST = 1024
"""Reporters that are kept count of."""
_MOST_REPORTS = 256
"""Reports of one of them of which it is kept where they went."""
_REPORTS = range(200, 208)
"""Packet types of RTCP (RFC 3550 §12.1, RFC 4585 §6.1, RFC 3611 §2)."""

Endpoint = tuple[str, int]


class Report(NamedTuple):
    """One compound: when it was seen (epoch seconds), where it went, and whether anybody could read it."""

    time: float
    destination: Endpoint
    in_clear: bool


@dataclass(slots=True)
class Reports:
    """Compounds of one reporter: those that begin with a sender report, with a receiver report, and all."""

    of_sender: int = 0
    of_receiver: int = 0
    all: list[Report] = field(default_factory=list)


class Reporters:
    """Counts reports; ``take`` each RTCP packet."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int], Reports] = {}
        self._wanted: set[Endpoint] = set()

    def expect(self, media: Endpoint) -> None:
        """Take note of where media goes: its reports go to the port above (RFC 3550 §11)."""
        self._wanted.add((media[0], media[1] + 1))

    def take(self, source: Endpoint, destination: Endpoint, data: bytes, time: float) -> None:
        """Count one RTCP packet (``is_rtcp``)."""
        key = source[0], int.from_bytes(data[4:8], "big")
        if key not in self._known and len(self._known) >= _MOST:
            return
        self._wanted.add(source)  # where reports come from they may go
        reports = self._known.setdefault(key, Reports())
        reports.of_sender += data[1] == SENDER_REPORT
        reports.of_receiver += data[1] == RECEIVER_REPORT
        if len(reports.all) < _MOST_REPORTS:
            reports.all.append(Report(time, destination, in_clear(data)))

    def of(self, host: str, ssrc: int) -> Reports:
        """Return what a source of media has reported."""
        return self._known.get((host, ssrc), Reports())

    def astray(self, reports: Reports) -> int:
        """Return how many of them went to where none was to be expected."""
        return sum(report.destination not in self._wanted for report in reports.all)

    def clear(self) -> None:
        """Forget everything."""
        self._known.clear()
        self._wanted.clear()


def in_clear(data: bytes) -> bool:
    """Whether RTCP is without protection: packets whose lengths come to that of the datagram (§6.1).

    What SRTCP adds at the end, fourteen bytes at the least (RFC 3711 §3.4), belongs to none of them.
    """
    at = 0
    while len(data) - at >= 4 and data[at] >> 6 == 2 and data[at + 1] in _REPORTS:
        at += 4 + 4 * int.from_bytes(data[at + 2 : at + 4], "big")
    return at == len(data) > 0
