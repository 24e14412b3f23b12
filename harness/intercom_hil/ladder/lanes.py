"""The lanes of a ladder, and where on the page each party has its own.

From left to right: time, button, panel and log, device, PBX, stations, media, judgements. Lanes with nothing
in them take no room; stations move closer together when there are many.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from intercom_hil.ladder.shapes import BUTTON, DEVICE, JUDGED, MEDIA, PANEL, PBX
from intercom_hil.run_folder.fields import shorten

MAX_PARTIES = 9
"""Parties with a lane of their own; further ones share the last."""

OTHERS = "others"
_TIME_WIDTH = 66.0
_BUTTON_WIDTH = 74.0
_PANEL_WIDTH = (84.0, 276.0)
_BARS_WIDTH = 75.0
_MEDIA_TEXT_WIDTH = (60.0, 196.0)
_JUDGED_WIDTH = (160.0, 460.0)
_MARGIN = 54.0
PANEL_OVERHANG = 36.0
"""How far the panel's texts reach into the margin before the device."""

_TARGET_WIDTH = 1190.0
_FIRST_GAP = (170.0, 240.0)
_SECOND_GAP = (112.0, 190.0)
_GAP = (66.0, 190.0)
_CHARACTER = 6.6


@dataclass(frozen=True, slots=True)
class Lane:
    """One lane: ``x`` is a party's lifeline, or the left edge of any other lane; ``width`` of its head."""

    key: str
    name: str
    role: str
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Lanes:
    """All lanes of one ladder. ``bars_x`` is where media bars begin, ``width`` the whole drawing's."""

    parties: tuple[Lane, ...]
    sides: dict[str, Lane]
    bars_x: float
    width: float

    def index(self, party: str) -> int:
        """Return a party's number from the left; that of the last lane for one without a lane."""
        for index, lane in enumerate(self.parties):
            if lane.key == party:
                return index
        return len(self.parties) - 1

    def x(self, party: str) -> float:
        """Return where a party's lifeline is."""
        return self.parties[self.index(party)].x


def room_for(width: float) -> int:
    """Return how many characters of label text fit into a width."""
    return max(3, int(width / _CHARACTER))


def arrange(parties: Sequence[str], used: dict[str, int]) -> Lanes:
    """Place the lanes.

    Args:
        parties: the parties from left to right, device first.
        used: the lanes beside the parties that have something in them, with the characters of the
            longest text.
    """
    names = list(parties)
    if len(names) > MAX_PARTIES:
        names = [*names[: MAX_PARTIES - 1], OTHERS]
    sides: dict[str, Lane] = {}
    x = _TIME_WIDTH
    panel_width = _clamp(used.get(PANEL, 0) * _CHARACTER - PANEL_OVERHANG + 20, _PANEL_WIDTH)
    for key, name, width in ((BUTTON, "Button", _BUTTON_WIDTH), (PANEL, "Panel and log", panel_width)):
        if key in used:
            sides[key] = Lane(key, name, "", x, width)
            x += width
    media_width = 0.0
    if MEDIA in used:
        media_width = _BARS_WIDTH + _clamp(used[MEDIA] * _CHARACTER + 8, _MEDIA_TEXT_WIDTH)
    judged_width = _JUDGED_WIDTH[0] * (JUDGED in used)
    gaps = _gaps(len(names), _TARGET_WIDTH - x - media_width - judged_width - 2 * _MARGIN)
    if JUDGED in used:
        spare = _TARGET_WIDTH - x - media_width - 2 * _MARGIN - sum(gaps)
        judged_width = _clamp(spare, _JUDGED_WIDTH)
    head = min([2 * _MARGIN - 16, *(gap - 6 for gap in gaps)])
    x += _MARGIN
    placed = []
    for name, gap in zip(names, [*gaps, _MARGIN], strict=True):
        placed.append(Lane(name, shorten(_spoken(name), room_for(head)), _role(name), x, head))
        x += gap
    bars_x = x + 8
    for key, name, width in ((MEDIA, "Media", media_width), (JUDGED, "Judged", judged_width)):
        if key in used:
            sides[key] = Lane(key, name, "", x, width)
            x += width
    return Lanes(tuple(placed), sides, bars_x, round(x + 4, 1))


def _gaps(parties: int, free: float) -> list[float]:
    """Share the free width between the parties: most to device and PBX, whose labels are the longest."""
    limits = [_FIRST_GAP, _SECOND_GAP, *[_GAP] * parties][: max(0, parties - 1)]
    least = sum(low for low, _ in limits)
    growth = max(0.0, free - least) / max(1, len(limits))
    return [_clamp(low + growth, (low, high)) for low, high in limits]


def _clamp(value: float, limits: tuple[float, float]) -> float:
    return min(max(value, limits[0]), limits[1])


def _spoken(party: str) -> str:
    return {DEVICE: "Device", PBX: "PBX"}.get(party, party)


def _role(party: str) -> str:
    return party if party in (DEVICE, PBX) else "station"
