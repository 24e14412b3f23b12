"""A smoke test of the bench: it starts, the device is configured, its button pressed, a call made and ended.

It shows what the parts cannot show one by one: whether the device finds the PBX from where it is, whether the
relay is wired to its button and the console to its log, and how far its clock is from the bench's. Each is
one line, with the remedy for what does not work. There is no verdict.
"""

from __future__ import annotations

import contextlib
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from intercom_hil.bench.assembly import Assembly
from intercom_hil.bench.event_channels import deferred
from intercom_hil.bench_file.model import BenchFile
from intercom_hil.errors import BenchError, DeviceCrashed, Inconclusive
from intercom_hil.evidence.run import RunFolder
from intercom_hil.scenario.bench import Bench
from intercom_hil.scenario.runner import ScenarioFailed
from intercom_hil.spec.capabilities import Capability
from intercom_hil.stations.behaviours import answers
from intercom_hil.timeline import Observation, Pattern
from intercom_hil.timeline.observation import ConsoleLine, DeviceEvent, OutputChanged
from intercom_hil.timeline.vocabulary import (
    DEVICE,
    PBX,
    from_device,
    invite,
    registered,
    request,
    speaker_sound,
    tone,
)

SOON = 5.0
"""Seconds within which a step of the call shows an effect, of a device that is not said to be slower."""
VOICE = 1000.0
"""Hz: what the desk says."""
_CLOCK_TOLERATED = 1.0  # s between the clocks of device and bench that are nobody's concern


_NO_PACKET = (
    "the device must find the PBX's address from its own network: same switch or VLAN, no firewall between; "
    "and capture.interface must be where its packets pass (docs/bench/network.md)"
)
_NOT_REGISTERED = "look at the REGISTERs: is it another program that answers at the PBX's address?"
_NO_CONTACT = "the input is not across the button's contacts, is active low, or the relay's NC is used for NO"
_NO_CALL = (
    "listen for the relay's click: wrong channel, wrong contacts, or a press too short (device.button.hold)"
)
_NO_ANSWER = (
    "does the answer reach the device? A firewall, or two addresses on one port (docs/bench/network.md)"
)
_NO_VOICE = "the desk's tone never left for the device: see the capture's interface, and the device's codecs"
_NO_SOUND = "is the recording running, and at the right loudspeaker? (device.speaker)"
_NO_EVENT = "see docs/bench/when-it-fails.md: the console is silent, or its lines have another layout"
_NO_BYE = (
    "the press came through before: a device that does not hang up breaks OUT-06, it is no fault of the bench"
)


class Line(Protocol):
    """Takes what was looked at, the problem if there is one, and what was found."""

    def __call__(self, what: str, problem: BenchError | None = None, found: str = "") -> None:
        """Report it."""


class _Stopped(Exception):  # noqa: N818  (it is no error of its own)
    """A step without which the next ones mean nothing has shown what is missing."""


async def smoke_call(file: BenchFile, line: Line, progress: Callable[[str], None]) -> None:
    """Try the bench out, and report line by line what works."""
    with tempfile.TemporaryDirectory(prefix="intercom-hil-trial-") as folder:
        run = RunFolder.create(Path(folder), file.bench.name)
        assembly = Assembly(file, run_folder=run.path, progress=progress, redactor=run.redactor)
        try:
            try:
                await assembly.start()
            except (BenchError, DeviceCrashed) as problem:
                line("bench starts", problem if isinstance(problem, BenchError) else BenchError(str(problem)))
                return
            line("bench starts", found="PBX, stations, capture and device")
            bench = Bench(assembly, run, identity="trial.trial", doc="", requirements=())
            try:
                await bench.play(_SmokeCall(bench, file, line).call)
            except ScenarioFailed as failed:
                for text in failed.record.problems:
                    line("trial", BenchError(text, remedy="see docs/bench/when-it-fails.md"))
        finally:
            await assembly.stop()


class _SmokeCall:
    """One call, looked at from all sides."""

    def __init__(self, bench: Bench, file: BenchFile, line: Line) -> None:
        self._bench, self._file, self._line = bench, file, line

    async def call(self) -> None:
        """Configure the device, press its button, and end the call that comes of it."""
        with contextlib.suppress(_Stopped):
            (desk,) = await self._bench.stations(answers(VOICE))
            await self._configured()
            await self._must("device reaches the PBX", from_device(), _NO_PACKET)
            await self._must("registration", registered(), _NOT_REGISTERED)
            pressed = await self._bench.intercom.press_button()
            await self._contact(pressed)
            await self._must("call", invite(sender=PBX, receiver=desk.number), _NO_CALL, after=pressed)
            up = await self._must("answer", request("ACK", sender=DEVICE), _NO_ANSWER, after=pressed)
            await self._heard(up.time)
            await self._events(pressed)
            await self._may("voice", tone(VOICE, receiver=DEVICE), _NO_VOICE, after=up.time)
            again = await self._bench.intercom.press_button()
            await self._may("hang-up", request("BYE", sender=DEVICE), _NO_BYE, after=again)

    async def _configured(self) -> None:
        try:
            await self._bench.configure(await_registration=False)
        except Inconclusive as problem:
            self._line("settings", BenchError(str(problem), remedy="correct the field that the device names"))
            raise _Stopped from None
        self._line("settings", found="the device took them")

    async def _contact(self, pressed: float) -> None:
        outputs = [o.content for o in self._bench.timeline if isinstance(o.content, OutputChanged)]
        confirmed = all(content.confirmed for content in outputs)
        self._line("button", found=f"switched, {'' if confirmed else 'not '}read back")
        sense = self._file.device.button_sense
        if sense is not None:
            for active, how in ((True, "closed"), (False, "opened again")):
                edge = Pattern(kind="input", text=f"{sense} {how}").where(name=sense, active=active)
                await self._may(f"contact {how}", edge, _NO_CONTACT, after=pressed)

    async def _heard(self, up: float) -> None:
        if self._bench.intercom.speaker is not None:
            await self._may("speaker", speaker_sound(), _NO_SOUND, after=up)

    async def _events(self, pressed: float) -> None:
        """Look at what the device says of itself."""
        if not self._bench.has(Capability.EVENT_LOG):
            return
        if deferred(self._file):
            self._line("events", found="not looked at: they are imported after a run")
            return
        if (
            await self._may("events", Pattern(kind="event", text="an event"), _NO_EVENT, after=pressed)
            is None
        ):
            lines = sum(isinstance(o.content, ConsoleLine) for o in self._bench.timeline)
            self._line("console", found=f"{lines} lines, none of them an event")
            return
        ahead = [
            o.content.device_time - o.time
            for o in self._bench.timeline
            if isinstance(o.content, DeviceEvent) and o.content.device_time is not None
        ]
        if ahead:
            offset = statistics.median(ahead)
            told = f"the device's is {abs(offset):.3f} s {'ahead' if offset > 0 else 'behind'}"
            self._line("clock", found=told if abs(offset) < _CLOCK_TOLERATED else f"{told}; set it by NTP")

    async def _must(
        self, what: str, pattern: Pattern, remedy: str, *, after: float | None = None
    ) -> Observation:
        seen = await self._may(what, pattern, remedy, after=after)
        if seen is None:
            raise _Stopped
        return seen

    async def _may(
        self, what: str, pattern: Pattern, remedy: str, *, after: float | None = None
    ) -> Observation | None:
        timeline = self._bench.timeline
        begun = timeline.opened if after is None else after
        timing = self._bench.timing
        soon = max(SOON, timing.registered, timing.called, timing.hang_up, timing.log)
        found = await timeline.wait(pattern, within=soon, after=begun)
        if not found:
            self._line(what, BenchError(f"{pattern}: none within {soon:g} s", remedy=remedy))
            return None
        self._line(what, found=f"{found[0]}, after {found[0].time - begun:.2f} s")
        return found[0]
