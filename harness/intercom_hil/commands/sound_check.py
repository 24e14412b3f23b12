"""``bench sound``: the sound card plays a tone and hears it; level, pitch and latency are printed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from intercom_hil.bench.device_part import sound_card
from intercom_hil.bench_file.model import load
from intercom_hil.errors import BenchError
from intercom_hil.instruments.sound_card import Loop
from intercom_hil.media.sound import MICROPHONE_TONE
from intercom_hil.timeline import Timeline

_LONGEST = 15.0  # s


def check_sound(path: Path, report: Callable[[str], None]) -> Loop:
    """Play a tone and hear it, and report what came back.

    Args:
        path: the bench file.
        report: takes each line.

    Raises:
        BenchError: the file has no sound card, the card cannot be worked, or nothing of the tone was heard.
    """
    table = load(path).device.sound_card
    if table is None:
        raise BenchError(
            "this bench has no sound card", str(path), "describe it in a table [device.sound_card]"
        )

    async def measured() -> Loop:
        try:
            async with asyncio.timeout(_LONGEST):
                return await sound_card(table, append=Timeline().append).measure()
        except TimeoutError:
            raise BenchError(
                f"the sound card took no sound for {_LONGEST:g} s",
                "device.sound_card",
                "try its commands by hand",
            ) from None

    report(f"playing {MICROPHONE_TONE:g} Hz at {table.level:g} dBov for 2 s")
    loop = asyncio.run(measured())
    pitch = f"{loop.tone_hz:.1f} Hz" if loop.tone_hz else "no single tone"
    report(f"heard {pitch} at {loop.level_dbov:.1f} dBov over noise of {loop.noise_dbov:.0f} dBov")
    report(f"latency {loop.latency * 1000:.0f} ms, buffers of both commands included")
    return loop
