"""Total readers for JSON that nobody has checked: whatever the value, they return one of the wanted type.

Texts in a run come from devices and remote parties and may be hostile. Control characters, bidirectional
overrides and lone surrogates are turned into visible escapes here, once, so that no renderer meets them.
"""

from __future__ import annotations

import json
import math
import re
from datetime import UTC, datetime

_UNSAFE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff"
    "\ud800-\udfff]"
)
_NO_TIME = "unknown time"

LATEST = 250_000_000_000.0
"""The last second of the year 9892: what lies beyond is no time of a run."""


def visible(text: str) -> str:
    """Return the text with every character that hides, reorders or is illegal in XML as an escape."""

    def escape(match: re.Match[str]) -> str:
        code = ord(match[0])
        return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"

    return text if text.isprintable() else _UNSAFE.sub(escape, text)  # none of them is printable: most texts


def text(value: object, default: str = "") -> str:
    """Return a text: strings as they are (made visible), other values as JSON, None as the default."""
    if value is None:
        return default
    if isinstance(value, str):
        return visible(value)
    try:
        return visible(json.dumps(value, ensure_ascii=False, default=str))
    except RecursionError:
        return "(nested too deeply)"


def line(value: object, default: str = "") -> str:
    """Return a text of one line."""
    return " ".join(text(value, default).split())


def number(value: object) -> float | None:
    """Return a finite number, or None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        result = float(value)
    except OverflowError:
        return None
    return result if math.isfinite(result) else None


def moment(value: object) -> float | None:
    """Return a time in seconds since the epoch, or None for anything else or beyond ``LATEST``."""
    time = number(value)
    return time if time is not None and 0 <= time <= LATEST else None


def whole(value: object, default: int = 0) -> int:
    """Return an integer, or the default for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) else default


def mapping(value: object) -> dict[str, object]:
    """Return a dictionary with visible keys, empty for anything else."""
    return {visible(key): item for key, item in value.items()} if isinstance(value, dict) else {}


def sequence(value: object) -> list[object]:
    """Return a list, empty for anything else."""
    return value if isinstance(value, list) else []


def texts(value: object) -> tuple[str, ...]:
    """Return a tuple of one-line texts; a single text counts as one of them."""
    if isinstance(value, str):
        return (line(value),)
    return tuple(line(item) for item in sequence(value))


def shorten(value: str, limit: int) -> str:
    """Return the text, cut to the limit in characters with an ellipsis if it is longer."""
    return value if len(value) <= limit else value[: max(0, limit - 1)].rstrip() + "…"


def clock(time: float | None, style: str = "%Y-%m-%d %H:%M:%S UTC") -> str:
    """Return an epoch time in UTC, in words where it is none."""
    if time is None:
        return _NO_TIME
    try:
        return datetime.fromtimestamp(time, UTC).strftime(style)
    except (OverflowError, ValueError, OSError):
        return _NO_TIME


def relative(time: float | None, start: float | None) -> str:
    """Return a time as seconds since the start, ``+0.034``; empty if either is unknown."""
    if time is None or start is None:
        return ""
    return f"{time - start:+.3f}".replace("-", "−")


def seconds(value: float | None) -> str:
    """Return a duration for people: ``1.9 s``, ``4 min 10 s``, ``2 h 05 min``."""
    if value is None:
        return "unknown"
    if value < 60:
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"
