"""What can be seen in a flow of H.264 packets: one ``VideoSeen`` per half second.

Decoding takes longer than a packet may be held up, so it is work that whoever runs the capture has done
elsewhere (``Worker``); what comes of it is reported in the order of the packets all the same.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from intercom_hil.errors import BenchError
from intercom_hil.lateness import stretched
from intercom_hil.media.h264 import AccessUnit, Depacketiser, H264Error
from intercom_hil.media.recording import Recordings
from intercom_hil.media.rtp import RtpPacket
from intercom_hil.video.look import Look

if TYPE_CHECKING:
    from intercom_hil.video.h264_viewer import H264Viewer

WINDOW = 0.5
"""Seconds of video in one look; a flow that ends sooner is looked at when it ends."""
MAX_WAITING = 16
"""Looks that may wait to be taken; what comes beyond that is dropped, and decoding begins anew."""
MAX_STILLS = 16
"""Stills that are kept of one scenario."""
IDLE_WITHIN = 5.0
"""Seconds within which everything that waits has been decoded; some ms are usual."""
_MOST_UNITS = 240
"""Pictures in one look: what nobody sends in half a second."""
_MOST_BYTES = 8_000_000
"""Bytes of pictures in one look: 128 Mbit/s."""

Work = Callable[[], Look]
Deliver = Callable[[Look], None]
Seen = Callable[[Look, str, float, float], None]
"""What was seen, the name of the still, when its last packet came (s since the epoch), its length in s."""


class Worker(Protocol):
    """Does decoding work, one piece after the other, and delivers what came of it."""

    def do(self, work: Work, deliver: Deliver) -> bool:
        """Take on a piece of work; False when there is too much of it already."""


class AtOnce:
    """Works on the spot: for captures that are read, not listened to."""

    def do(self, work: Work, deliver: Deliver) -> bool:
        """Do it."""
        deliver(work())
        return True


class InThread:
    """Works in one thread of its own, and delivers on the event loop that asked for it."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="video")
        self._waiting: set[asyncio.Future[Look]] = set()

    def do(self, work: Work, deliver: Deliver) -> bool:
        """Have it done."""
        if len(self._waiting) >= MAX_WAITING:
            return False
        future = asyncio.get_running_loop().run_in_executor(self._thread, work)
        self._waiting.add(future)

        def done(done: asyncio.Future[Look]) -> None:
            self._waiting.discard(done)
            if not done.cancelled():
                deliver(done.result())

        future.add_done_callback(done)
        return True

    async def idle(self) -> None:
        """Return when everything taken on so far is delivered.

        Raises:
            BenchError: that took longer than ``IDLE_WITHIN``.
        """
        waiting = set(self._waiting)
        try:
            async with stretched(IDLE_WITHIN):
                while waiting := {one for one in waiting if not one.done()}:
                    await asyncio.wait(waiting)
        except TimeoutError:
            raise BenchError("video is not decoded fast enough", "capture", "use a faster machine") from None

    def close(self) -> None:
        """End the thread; what waits is dropped. Idempotent."""
        self._thread.shutdown(wait=False, cancel_futures=True)


class Viewer:
    """What every flow of a capture shares: who decodes; stills and sound of the current scenario."""

    def __init__(self, worker: Worker, recordings: Recordings | None = None) -> None:
        """Without ``recordings`` no sound is kept."""
        self.worker = worker
        self.recordings = recordings or Recordings(most=0)
        self._stills: dict[str, bytes] = {}

    @property
    def wants_still(self) -> bool:
        """Whether one more still would be kept."""
        return len(self._stills) < MAX_STILLS

    def keep(self, picture: bytes, name: str) -> str:
        """Keep a PNG under a file name made of ``name``, and return that; nothing if it was not kept."""
        if not picture or not self.wants_still:
            return ""
        file = f"{len(self._stills) + 1:02d}-{re.sub(r'[^A-Za-z0-9.-]+', '-', name)[:80]}.png"
        self._stills[file] = picture
        return file

    def file_stills(self, folder: Path) -> None:
        """Write what was kept into a folder, which is made if need be, and forget it.

        Raises:
            BenchError: it cannot be written.
        """
        stills, self._stills = self._stills, {}
        _file(stills, folder)

    def file_sounds(self, folder: Path) -> None:
        """Write the sound that was kept into a folder, as ``file_stills`` does."""
        _file(self.recordings.taken(), folder)


def _file(kept: Mapping[str, bytes], folder: Path) -> None:
    try:
        for name, data in kept.items():
            folder.mkdir(exist_ok=True)
            (folder / name).write_bytes(data)
    except OSError as problem:
        what = f"{folder.name} cannot be written: {problem.strerror}"
        raise BenchError(what, str(folder), "make room, or choose another folder for runs") from problem


class _Eye:
    """An eye that opens where it is first used, in the worker's thread.

    What it decodes with takes 0.05 s to load and 20 MB, and not every device has a camera.
    """

    def __init__(self) -> None:
        self._eye: H264Viewer | None = None

    def look(self, units: Sequence[AccessUnit], *, still: bool) -> Look:
        """Decode access units and say what they show; see ``H264Viewer.look``."""
        if self._eye is None:
            from intercom_hil.video.h264_viewer import H264Viewer

            self._eye = H264Viewer()
        return self._eye.look(units, still=still)


class VideoWindow:
    """Collects the H.264 payloads of one flow and has every full window looked at."""

    def __init__(self, viewer: Viewer, name: str, seen: Seen) -> None:
        """``name`` is what a still of the flow is called after; ``seen`` gets each look."""
        self._viewer, self._name, self._seen = viewer, name, seen
        self._depacketiser = Depacketiser()
        self._eye = _Eye()
        self._units: list[AccessUnit] = []
        self._size = 0
        self._begun: float | None = None
        self._last = 0.0
        self._still = False

    def add(self, payload: bytes, header: RtpPacket, time: float) -> None:
        """Add the payload of one packet that came at a time (seconds since the epoch)."""
        if self._begun is None:
            self._begun = time
        self._last = time
        with suppress(H264Error):  # what the look at this window lacks then shows it
            units = self._depacketiser.take(
                payload, sequence=header.sequence, timestamp=header.timestamp, marker=header.marker
            )
            self._units += units
            self._size += sum(len(unit.data) for unit in units)
        full = len(self._units) >= _MOST_UNITS or self._size >= _MOST_BYTES
        if time - self._begun >= WINDOW or full:
            self.end()

    def end(self) -> None:
        """Have what is left looked at."""
        if self._begun is None:
            return
        units, last, duration = self._units, self._last, self._last - self._begun
        self._units, self._size, self._begun = [], 0, None
        eye, wanted = self._eye, self._viewer.wants_still and not self._still

        def deliver(look: Look) -> None:
            name = "" if self._still else self._viewer.keep(look.still, self._name)
            self._still = self._still or bool(name)
            self._seen(look, name, last, duration)

        if not self._viewer.worker.do(lambda: eye.look(units, still=wanted), deliver):
            self._eye = _Eye()
