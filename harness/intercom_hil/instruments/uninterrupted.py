"""An exchange with a box that has to come to its end, although who asked for it has given it up."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

_Result = TypeVar("_Result")


async def uninterrupted(exchange: Coroutine[Any, Any, _Result]) -> _Result:
    """Await an exchange that is bounded in time; where this is cancelled, only once the exchange has ended.

    Else its late answer would be taken for that of the next one, or its order would overtake the next.
    """
    running = asyncio.ensure_future(exchange)
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait({running})
        if not running.cancelled():
            running.exception()  # that it failed is of no interest any more
        raise
