"""A scenario's bound in time, which stands still while a person is asked."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from intercom_hil.timeline import Observation, Timeline
from intercom_hil.timeline.operator_content import OperatorAnswered, OperatorAsked


@contextmanager
def suspended_while_asked(bound: asyncio.Timeout, timeline: Timeline) -> Iterator[None]:
    """Hold a running time-out while a question stands on a timeline, as long as the block lasts."""
    loop = asyncio.get_running_loop()
    left: float | None = None

    def heed(observation: Observation) -> None:
        nonlocal left
        ends = bound.when()
        if bound.expired():
            return
        if isinstance(observation.content, OperatorAsked) and ends is not None:
            left = ends - loop.time()
            bound.reschedule(None)
        elif isinstance(observation.content, OperatorAnswered) and left is not None:
            bound.reschedule(loop.time() + left)
            left = None

    ignore = timeline.listen(heed)
    try:
        yield
    finally:
        ignore()
