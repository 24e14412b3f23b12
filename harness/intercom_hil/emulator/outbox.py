"""Messages for somebody who may not be there yet: kept, bounded, and delivered in their order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress

_MOST_WAITING = 2_000
_AGAIN = 0.2  # s between attempts
_ATTEMPT = 5.0  # s that one delivery may take


class Outbox:
    """Delivers messages one by one; ``deliver`` raises OSError or TimeoutError to be called again."""

    def __init__(self, deliver: Callable[[bytes], Awaitable[None]]) -> None:
        self._deliver = deliver
        self._waiting: deque[bytes] = deque(maxlen=_MOST_WAITING)
        self._news = asyncio.Event()
        self._work = asyncio.create_task(self._run())

    def put(self, message: bytes) -> None:
        """Send a message when its turn comes; the oldest goes when too many wait."""
        self._waiting.append(message)
        self._news.set()

    async def close(self) -> None:
        """Deliver no more."""
        self._work.cancel()
        with suppress(asyncio.CancelledError):
            await self._work

    async def _run(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            while self._waiting:
                message = self._waiting[0]
                try:
                    async with asyncio.timeout(_ATTEMPT):
                        await self._deliver(message)
                except (OSError, TimeoutError):
                    await asyncio.sleep(_AGAIN)
                    continue
                if self._waiting and self._waiting[0] is message:
                    self._waiting.popleft()
