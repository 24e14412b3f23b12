"""Everything that happens in a scenario, on one clock: observations in, waits and stored lines out."""

from harness.timeline.observation import Content, Observation, Witness
from harness.timeline.pattern import Pattern
from harness.timeline.timeline import Append, Timeline, now

__all__ = ["Append", "Content", "Observation", "Pattern", "Timeline", "Witness", "now"]
