"""What the bench says of its own lateness: when, for how long, and what held it up."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from intercom_hil.timeline.content import BaseContent


class BenchLate(BaseContent):
    """The bench was held up, from ``begun`` (epoch seconds) until the time of the observation.

    ``late`` is for how long of that (s), ``length`` how long that was (s). ``causes`` are the measurements,
    each in s: ``event loop`` (timers fired late), ``processor`` (the bench's processes, and those of an
    emulated intercom, waited for one, all together), ``hypervisor`` (it ran other machines), ``capture`` (a
    packet was read late), ``PBX`` (it was slow to answer a ping). ``pressure`` is the share of the time in
    which any process of the machine waited for a processor.
    """

    kind: Literal["late"] = "late"
    begun: float
    length: float
    late: float
    causes: dict[str, float] = Field(default_factory=dict)
    pressure: float = 0.0

    def __str__(self) -> str:
        causes = ", ".join(f"{cause} {seconds:.2f} s" for cause, seconds in self.causes.items())
        return f"the bench was {self.late:.2f} s late in {self.length:.2f} s ({causes})"
