"""Instruments that are open for the length of a block, and closed however it ends, a signal included.

Outputs are left in their safe state. Only SIGKILL and a power cut pass by here; what they leave behind is put
right when the outputs are opened the next time.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from types import FrameType

from intercom_hil.instruments.protocols import Instrument

ENDING = (signal.SIGTERM, signal.SIGHUP)
"""Signals that end a process without a word; SIGINT ends the tasks of a running loop already."""


@asynccontextmanager
async def opened(*instruments: Instrument) -> AsyncIterator[None]:
    """Keep instruments open; close them, last opened first, even if closing one fails.

    Must be entered in the main thread. While it lasts a signal that would end the process ends the block.

    Raises:
        BenchError: one cannot be opened, or does not go to its safe state.
        SystemExit: a signal ended the block; the status is 128 and its number, as shells have it.
    """
    task = asyncio.current_task()
    loop = asyncio.get_running_loop()
    assert task is not None
    received: list[int] = []
    in_block = False

    def end(number: int, frame: FrameType | None) -> None:
        if in_block and not received:  # what is closing already must not be cut off
            loop.call_soon_threadsafe(task.cancel)
        received.append(number)

    before = {number: signal.signal(number, end) for number in ENDING}
    try:
        async with AsyncExitStack() as stack:
            in_block = True
            try:
                for instrument in instruments:
                    stack.push_async_callback(instrument.close)
                    await instrument.open()
                yield
            finally:
                in_block = False
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if received:
            raise SystemExit(128 + received[0])
