"""A time without server, as a scenario that takes it away reads it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Outage:
    """When it began and ended (seconds since the epoch)."""

    began: float = 0.0
    ended: float = 0.0
