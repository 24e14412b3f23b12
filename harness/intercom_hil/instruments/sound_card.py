"""A sound card at the device: its line input hears the speaker, its output plays into the microphone.

Level and dominant tone of what the line input hears are observed by the witness *speaker*; the output plays
the bench's tone while a scenario runs. The card is worked by two commands that speak raw sound (mono, 16
bits, little-endian) over a pipe, ``arecord`` and ``aplay`` unless the bench file names others, so that
whatever can record and play will do, a named pipe included. No shell is involved.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import numpy as np

from intercom_hil.errors import BenchError
from intercom_hil.media.g711 import Samples
from intercom_hil.media.sound import MICROPHONE_TONE
from intercom_hil.media.tone import OVERLOAD, dominant_tone, level_dbov
from intercom_hil.timeline.observation import SpeakerHeard, Witness
from intercom_hil.timeline.timeline import Append, now

WINDOW = 0.2  # s of sound per observation
_SAMPLE = 2  # bytes
_STEP = 0.02  # s of sound that are played at once
_LEAD = 0.1  # s by which what is played is ahead of the clock: a card's own buffer must not run dry
_FINE = 0.01  # s: how finely an onset is looked for
_QUIET, _LOUD, _SETTLED = 0.6, 1.6, 0.4  # s of silence, of tone, and until a tone has settled
_ABOVE_NOISE = 15.0  # dB by which a tone stands out
_LEAST_HEARD = -70.0  # dBov
_SAID = 300  # bytes of what a command complained of
_LAST_WORDS = 1.0  # s for them to come, once its sound has ended
Heard = tuple[float, Samples]


@dataclass(frozen=True, slots=True)
class Loop:
    """What came back of a tone that was played.

    Attributes:
        tone_hz: as it was heard; None if no tone was.
        level_dbov: as it was heard.
        noise_dbov: the level before it began.
        latency: seconds from handing the tone to the player to reading it from the recorder, with buffers.
    """

    tone_hz: float | None
    level_dbov: float
    noise_dbov: float
    latency: float


class SoundCard:
    """Ear, and mouth if it has one, between ``begin`` and ``end``. Must be made inside a running event loop.

    A window of sound is dated when its last bytes arrived.

    Attributes:
        lost: resolves with the reason when it cannot be heard, or played on, any more.
    """

    def __init__(
        self,
        *,
        record: Sequence[str],
        play: Sequence[str] = (),
        rate: int = 16_000,
        tone: float = MICROPHONE_TONE,
        level: float = -20.0,
        append: Append,
    ) -> None:
        """Describe the card.

        Args:
            record: the command that prints what is heard; none for no ear.
            play: the command that plays its standard input; none for no mouth.
            rate: samples per second of both.
            tone: what is played, in Hz.
            level: how loud, in dBov.
            append: puts observations on the current scenario's timeline.
        """
        self._record, self._play, self._rate = tuple(record), tuple(play), rate
        self._tone, self._level, self._append = tone, level, append
        self._work: list[asyncio.Task[None]] = []
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def begin(self) -> None:
        """Listen and play from now on; nothing happens when that is so already."""
        if not self._work and not self.lost.done():
            steps = ([self._listen()] if self._record else []) + ([self._speak()] if self._play else [])
            self._work = [asyncio.create_task(step) for step in steps]

    async def end(self) -> None:
        """Listen and play no more."""
        work, self._work = self._work, []
        for task in work:
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)

    async def measure(self) -> Loop:
        """Play a tone and hear it: with the output led to the input, or the device in between.

        Raises:
            BenchError: the card cannot be worked, or nothing of the tone was heard.
        """
        if not self._record or not self._play:
            raise BenchError("it needs both commands for that", "device.sound_card", "name record and play")
        heard: list[Heard] = []
        async with self._mouth() as pipe:
            ear = asyncio.create_task(self._collect(heard))
            try:
                await self._sound(pipe, None, _QUIET)
                begun = now()
                await self._sound(pipe, self._level, _LOUD)
                await self._sound(pipe, None, _QUIET)
            finally:
                ear.cancel()
                with suppress(asyncio.CancelledError):
                    await ear
        return self._found(heard, begun)

    async def _listen(self) -> None:
        try:
            async for at, samples in self._hear(WINDOW):
                content = SpeakerHeard(
                    level_dbov=level_dbov(samples),
                    tone_hz=dominant_tone(samples, self._rate),
                    duration=WINDOW,
                )
                self._append(Witness.SPEAKER, content, at)
        except BenchError as problem:
            self._lose(problem)

    async def _speak(self) -> None:
        try:
            async with self._mouth() as pipe:
                await self._sound(pipe, self._level, None)
        except BenchError as problem:
            self._lose(problem)

    def _lose(self, problem: BenchError) -> None:
        if not self.lost.done():
            self.lost.set_result(str(problem))

    async def _collect(self, heard: list[Heard]) -> None:
        async for at, samples in self._hear(_FINE):
            heard.append((at, samples))

    def _found(self, heard: list[Heard], begun: float) -> Loop:
        before = [samples for at, samples in heard if at < begun]
        noise = level_dbov(np.concatenate(before)) if before else _LEAST_HEARD
        threshold = max(noise + _ABOVE_NOISE, _LEAST_HEARD)
        onset = next((at for at, samples in heard if at >= begun and level_dbov(samples) > threshold), None)
        if onset is None:
            raise BenchError(
                f"nothing of the tone was heard (noise {noise:.0f} dBov)",
                "device.sound_card",
                "lead the output to the input, turn both up, and see that the card is the right one",
            )
        steady = [samples for at, samples in heard if onset + _SETTLED <= at < onset + _LOUD - _SETTLED]
        sound = np.concatenate(steady or [samples for at, samples in heard if at >= onset])
        return Loop(
            tone_hz=dominant_tone(sound, self._rate),
            level_dbov=level_dbov(sound),
            noise_dbov=noise,
            latency=max(0.0, onset - _FINE - begun),
        )

    async def _hear(self, window: float) -> AsyncIterator[Heard]:
        size = int(self._rate * window) * _SAMPLE
        async with _running(self._record, stdout=asyncio.subprocess.PIPE) as (process, complaints):
            assert process.stdout is not None
            while True:
                try:
                    data = await process.stdout.readexactly(size)
                except asyncio.IncompleteReadError:
                    raise await _ended(self._record, complaints) from None
                yield now(), np.frombuffer(data, dtype="<i2")

    @asynccontextmanager
    async def _mouth(self) -> AsyncIterator[asyncio.StreamWriter]:
        async with _running(self._play, stdin=asyncio.subprocess.PIPE) as (process, complaints):
            assert process.stdin is not None
            try:
                yield process.stdin
            except (BrokenPipeError, ConnectionResetError):
                raise await _ended(self._play, complaints) from None

    async def _sound(self, pipe: asyncio.StreamWriter, level: float | None, seconds: float | None) -> None:
        """Play the tone, or silence, for some time or for ever, in step with the clock."""
        loop = asyncio.get_running_loop()
        step = int(self._rate * _STEP)
        amplitude = 0.0 if level is None else OVERLOAD * 10 ** (level / 20) * 2**0.5
        begun, played = loop.time(), 0
        while seconds is None or played < seconds * self._rate:
            phase = 2 * np.pi * self._tone * np.arange(played, played + step) / self._rate
            samples = np.clip(amplitude * np.sin(phase), -OVERLOAD, OVERLOAD - 1).astype("<i2")
            pipe.write(samples.tobytes())
            await pipe.drain()
            played += step
            # A pipe takes more than a card plays; without this the tone would be minutes ahead of its end.
            await asyncio.sleep(max(0.0, begun + played / self._rate - _LEAD - loop.time()))


@asynccontextmanager
async def _running(
    command: Sequence[str], *, stdin: int | None = None, stdout: int | None = None
) -> AsyncIterator[tuple[asyncio.subprocess.Process, asyncio.Task[bytes]]]:
    """Run a command for a while, and keep the end of what it complains of; it is ended with its children."""
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=stdin or asyncio.subprocess.DEVNULL,
            stdout=stdout or asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as problem:
        raise BenchError(
            f"{command[0]} cannot be run ({problem.strerror})",
            "device.sound_card",
            "install it (alsa-utils), or name another command",
        ) from problem
    complaints = asyncio.create_task(_keep(process))
    try:
        yield process, complaints
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        if process.stdin is not None:
            process.stdin.close()
        await process.wait()
        await complaints


async def _keep(process: asyncio.subprocess.Process) -> bytes:
    """Read what a command complains of to its end, and return the last of it."""
    assert process.stderr is not None
    said = b""
    while data := await process.stderr.read(4096):
        said = (said + data)[-_SAID:]
    return said


async def _ended(command: Sequence[str], complaints: asyncio.Task[bytes]) -> BenchError:
    """Return what to raise for a command that has ended by itself."""
    complaint = ""
    with suppress(TimeoutError):
        async with asyncio.timeout(_LAST_WORDS):
            complaint = (await asyncio.shield(complaints)).decode("utf-8", "replace").strip()
    return BenchError(
        f"{command[0]} ended{': ' if complaint else ''}{complaint}",
        "device.sound_card",
        "see that the card is there",
    )
