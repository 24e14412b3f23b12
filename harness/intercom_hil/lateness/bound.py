"""Bounds in time of the bench's own doings, which grow by as much as the bench was late.

What the bench waits for itself (its PBX to be ready, a relay's reply) is late when the machine is, and that
is nobody's fault. On a quiet machine a bound is what it says.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from intercom_hil.lateness.gauge import gauge

MOST_STRETCH = 4.0
"""How many times as long a bound can become."""
_SLACK = 0.02
"""Seconds by which a bound that has grown may fall short of its due."""


@asynccontextmanager
async def stretched(within: float | None, *, apart_from: str = "") -> AsyncIterator[asyncio.Timeout]:
    """Bound a block in time, like ``asyncio.timeout``, but give it back the time in which the bench was late.

    Args:
        within: seconds on a quiet machine; None for no bound.
        apart_from: what was reported late under this name gives no time back: it is what is being waited for.

    Raises:
        TimeoutError: time was up.
    """
    if within is None:
        async with asyncio.timeout(None) as bound:
            yield bound
        return
    loop, watch = asyncio.get_running_loop(), gauge()
    with watch.running():
        begun = loop.time()
        longest = begun + within * MOST_STRETCH
        async with asyncio.timeout(None) as bound:
            timer: asyncio.TimerHandle

            def look() -> None:
                nonlocal timer
                now = loop.time()
                due = min(begun + within + watch.late(begun, now, apart_from=apart_from), longest)
                # What came while the loop stood is seen to before time is up: it lies in a buffer already.
                if due - now > _SLACK:
                    timer = loop.call_at(due, look)
                else:
                    timer = loop.call_later(0, bound.reschedule, loop.time())

            timer = loop.call_at(begun + within, look)
            try:
                yield bound
            finally:
                timer.cancel()
