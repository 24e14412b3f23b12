"""Everything that happens in a scenario, on one clock: observations in, waits and stored lines out."""

from intercom_hil.timeline.observation import Content, Observation, Witness
from intercom_hil.timeline.pattern import Pattern
from intercom_hil.timeline.timeline import Append, Timeline, now

__all__ = ["Append", "Content", "Observation", "Pattern", "Timeline", "Witness", "now"]
