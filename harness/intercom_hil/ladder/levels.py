"""How loud each flow of a scenario was, over the time in which anything was heard: small plots on one clock.

Levels are dBov (RFC 6464 §3). Coordinates are pixels with y downwards; nothing here is markup.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from intercom_hil.ladder.sound import PROTECTIONS, PROTOCOLS, SILENCE_DBOV, begin_of, tones_of
from intercom_hil.run_folder.observations import Seen

FLATTENED_DBOV = -1.8
"""Above this level a tone cannot be a sine any more: the sound was driven into its limits."""
LOWEST_DBOV = -72.0
"""What is quieter is drawn here."""
WIDTH, HEIGHT = 320, 48
MOST_FLOWS = 24
"""Flows of one scenario that are drawn."""
SPEAKER = "speaker"
_TOGETHER = 0.03
"""Seconds between two windows that are drawn as one line: 30 ms is a packet that came late."""


@dataclass(frozen=True, slots=True)
class Level:
    """How loud one flow was: ``lines`` are corners (x, y), those of one line each after the other.

    ``sounds`` are the names of the files in which its sound was kept.
    """

    title: str
    remark: str
    style: str
    lines: tuple[tuple[tuple[int, int], ...], ...]
    sounds: tuple[str, ...]

    @property
    def path(self) -> str:
        """The lines as SVG has them: moves, and lines that are level or upright."""
        return "".join(map(_line, self.lines))


@dataclass(frozen=True, slots=True)
class Levels:
    """The flows of one scenario that carried sound, and from when to when (s since the epoch) it is drawn."""

    flows: tuple[Level, ...] = ()
    start: float = 0.0
    end: float = 0.0
    left_out: int = 0


NO_SOUND = Levels()


def height_of(level: float) -> int:
    """Return where a level (dBov) is drawn."""
    return round(min(max(level / LOWEST_DBOV, 0.0), 1.0) * HEIGHT)


def levels(observations: Iterable[Seen]) -> Levels:
    """Return how loud the flows, and the device's speaker, were; what nobody could hear is not drawn.

    Args:
        observations: a scenario's, by time.
    """
    windows: dict[str, list[Seen]] = {}
    ends: dict[str, list[Seen]] = {}
    for seen in observations:
        if seen.kind in ("media_heard", SPEAKER) and seen.number("level_dbov") is not None:
            windows.setdefault(seen.text("flow") if seen.kind != SPEAKER else "", []).append(seen)
        elif seen.kind == "media_ended":
            ends.setdefault(seen.text("flow"), []).append(seen)
    shown = list(windows.items())[:MOST_FLOWS]
    if not shown:
        return NO_SOUND
    start = min(begin_of(some[0]) for _, some in shown)
    end = max(some[-1].time for _, some in shown)
    scale = WIDTH / max(end - start, 0.1)
    flows = tuple(_level(some, ends.get(flow, ()), start, scale) for flow, some in shown)
    return Levels(flows, start, end, len(windows) - len(shown))


def _level(windows: Sequence[Seen], ends: Iterable[Seen], start: float, scale: float) -> Level:
    first = windows[0]
    protection = first.text("protection")
    title, style = "Speaker of the device", "of-speaker"
    if first.kind != SPEAKER:
        protocol = PROTOCOLS.get(protection, protection)
        title = f"{first.text('sender')} → {first.text('receiver')} {protocol}"
        style = PROTECTIONS.get(protection, "media-unknown")
    loud = [seen for seen in windows if (seen.number("level_dbov") or 0.0) >= SILENCE_DBOV]
    return Level(
        title,
        _remark(loud) if loud else "silence",
        style,
        tuple(_lines(windows, start, scale)),
        tuple(name for seen in ends for name in seen.names("sounds")),
    )


def _remark(loud: Sequence[Seen]) -> str:
    """Return the tones, and from which level to which it was."""
    tones = [f"{tone} Hz" for tone in tones_of(loud)]
    found = sorted(round(level) for seen in loud if (level := seen.number("level_dbov")) is not None)
    ends = dict.fromkeys((found[0], found[-1]))
    return ", ".join([*tones, f"{' to '.join(map(str, ends))} dBov".replace("-", "−")])


def _lines(windows: Iterable[Seen], start: float, scale: float) -> Iterable[tuple[tuple[int, int], ...]]:
    corners: list[tuple[int, int]] = []
    last = float("-inf")
    for seen in windows:
        begun, y = begin_of(seen), height_of(seen.number("level_dbov") or 0.0)
        left, right = round((max(begun, last) - start) * scale), round((seen.time - start) * scale)
        if corners and begun - last > _TOGETHER:
            yield tuple(corners)
            corners = []
        if corners and corners[-1][1] == y:
            corners.pop()
        else:
            corners.append((left if not corners else corners[-1][0], y))
        corners.append((max(left, right), y))
        last = seen.time
    if corners:
        yield tuple(corners)


def _line(corners: tuple[tuple[int, int], ...]) -> str:
    (x, y), *rest = corners
    parts = [f"M{x} {y}"]
    for to_x, to_y in rest:
        parts += [f"V{to_y}"] * (to_y != y) + [f"H{to_x}"] * (to_x != x)
        x, y = to_x, to_y
    return "".join(parts) + "h0" * (len(parts) == 1)
