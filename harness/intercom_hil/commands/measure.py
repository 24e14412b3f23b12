"""``bench check --measure``: how fast the device at hand is, and what it takes as settings.

A running bench is used as a scenario uses it. From the samples two tables of the bench file are made, with a
margin: ``[device.timing]`` and ``[device.limits]``.
"""

from __future__ import annotations

import asyncio
import difflib
import math
import statistics
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from intercom_hil.bench.assembly import Assembly
from intercom_hil.bench.event_channels import deferred
from intercom_hil.bench_file.model import BenchFile, load
from intercom_hil.bench_file.rewriting import with_table
from intercom_hil.errors import BenchError, DeviceCrashed
from intercom_hil.evidence.run import RunFolder
from intercom_hil.scenario.bench import Bench
from intercom_hil.scenario.runner import ScenarioFailed
from intercom_hil.spec import events
from intercom_hil.spec.capabilities import Capability
from intercom_hil.spec.limits import Limits
from intercom_hil.spec.timing import USUAL_TIMING, Timing
from intercom_hil.stations.behaviours import answers
from intercom_hil.timeline import now
from intercom_hil.timeline.vocabulary import (
    DEVICE,
    event,
    final_answer,
    invite,
    media,
    registered,
    registration,
    request,
    response,
)

Report = Callable[[str], None]
Step = Callable[[Bench], Awaitable[None]]

LONGEST = 120.0
"""Seconds for which each thing is waited for while it is measured."""
MARGIN = 1.25
"""By which the longest sample is multiplied, and to which ``STEP`` seconds are rounded up."""
STEP = 0.5
"""Seconds."""
RESTS = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
"""Seconds after a call after which a press is tried again, where it was lost."""
_AT_ONCE = 0.5  # s from the answer to new settings within which they count as in force with it
_ROUND = 3.0  # s that a press or call with its measurements takes at about, of a device that reacts at once
_SUBMITTED = 12  # settings that are taken while the limits are looked for
_TRIED: Mapping[str, tuple[int, ...]] = {
    "shortest call_timeout": (1, 2, 3, 5, 10, 15, 20, 30),
    "longest call_timeout": (600, 300, 180, 120, 60, 45, 30),
    "shortest polling_interval": (1, 2, 5, 10, 15, 30, 60, 120, 300, 600),
    "longest polling_interval": (86_400, 43_200, 7200, 3600, 1800, 600),
    "contacts": (101, 51, 31, 21, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1),
    "permitted_callers": (100, 50, 30, 20, 16, 10, 8, 5, 4, 3, 2, 1),
    "extension_length": (64, 32, 20, 16, 12, 10, 8, 6, 5, 4),
    "username_length": (64, 48, 32, 20, 16, 12, 10, 8),
    "password_length": (128, 64, 48, 32, 20, 16),
    "display_name_length": (128, 64, 48, 32, 20, 16, 12),
}


@dataclass
class Measured:
    """What was found out.

    Attributes:
        samples: seconds, by the field of ``[device.timing]`` that they stand for.
        limits: those that differ from what the page's form takes, by field of ``[device.limits]``.
    """

    samples: dict[str, list[float]] = field(default_factory=dict)
    limits: dict[str, object] = field(default_factory=dict)

    def add(self, name: str, seconds: float) -> None:
        """Take a sample."""
        self.samples.setdefault(name, []).append(max(0.0, seconds))

    def timing(self) -> dict[str, float]:
        """Return the fields of ``[device.timing]`` that were measured, with a margin.

        None is shorter than its default: a bound costs time only where something does not come.
        """
        return {name: _bound(name, max(taken)) for name, taken in self.samples.items()}

    def lines(self) -> list[str]:
        """Return the distribution of every measurement, and what is made of it."""
        rows = [f"{'':14} {'n':>3} {'min':>8} {'median':>8} {'max':>8}   s, for the bench file"]
        for name, bound in self.timing().items():
            taken = self.samples[name]
            middle = statistics.median(taken)
            rows.append(
                f"{name:14} {len(taken):3} {min(taken):8.3f} {middle:8.3f} {max(taken):8.3f}   {bound:g}"
            )
        return rows


def _bound(name: str, longest: float) -> float:
    usual = float(getattr(USUAL_TIMING, name))
    if name in ("apply", "rest") and longest < _AT_ONCE:
        return usual
    return max(usual, math.ceil(longest * MARGIN / STEP) * STEP)


def forecast(file: BenchFile, count: int) -> float:
    """Return how long it takes at about to measure a bench's device, in seconds, by what its file says."""
    timing = file.device.timing
    settings = (count + (_SUBMITTED if _limits_can_be_tried(file) else 0)) * (timing.apply + 1)
    return settings + 2 * count * (_ROUND + timing.dial - USUAL_TIMING.dial + timing.rest)


def measure(path: Path, count: int, report: Report, agree: Callable[[], bool]) -> None:
    """Measure the device of a bench file, show it, and write it down if somebody agrees.

    Args:
        path: the bench file.
        count: how many settings, presses and calls.
        report: takes each line.
        agree: asked when the changes have been shown; whether to write them.

    Raises:
        BenchError: the bench does not start, the device does not do what is to be measured, or the file
            cannot be changed line by line.
    """
    file = load(path)
    about = _minutes(forecast(file, count))
    report(f"           {count} settings, {count} presses and {count} calls: about {about}")
    found = asyncio.run(_measured(file, count, report))
    for line in found.lines():
        report(f"           {line}")
    before = path.read_text(encoding="utf-8")
    try:
        after = rewritten(before, found)
    except BenchError as problem:
        raise BenchError(problem.what, str(path), problem.remedy) from None
    if after == before:
        report("           the bench file says so already")
        return
    for line in difflib.unified_diff(
        before.splitlines(), after.splitlines(), str(path), str(path), lineterm="", n=1
    ):
        report(line)
    if agree():
        path.write_text(after, encoding="utf-8")
        report(f"  ok       written: {path}")
    else:
        report("           nothing was written")


def rewritten(text: str, found: Measured) -> str:
    """Return a bench file with what was measured. Raises BenchError."""
    text = with_table(
        text, ("device", "timing"), found.timing(), "Measured: intercom-hil bench check --measure"
    )
    return with_table(
        text, ("device", "limits"), found.limits, "Measured: intercom-hil bench check --measure"
    )


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def _limits_can_be_tried(file: BenchFile) -> bool:
    return file.device.configurator != "operator"


def _patient(file: BenchFile) -> BenchFile:
    """Return the bench with a device that may take its time for everything, and is left alone in between."""
    timing = Timing(
        apply=LONGEST, registration=LONGEST, dial=LONGEST, answer=LONGEST, hang_up=LONGEST, log=5.0
    )
    device = file.device.model_copy(update={"timing": timing, "reconfigure": "when-needed"})
    return file.model_copy(update={"device": device})


async def _measured(file: BenchFile, count: int, report: Report) -> Measured:
    with tempfile.TemporaryDirectory(prefix="intercom-hil-measure-") as folder:
        run = RunFolder.create(Path(folder), file.bench.name)
        assembly = Assembly(
            _patient(file), run_folder=run.path, progress=lambda text: report(f"           {text}")
        )
        try:
            await assembly.start()
            return await _Rounds(assembly, run, file, count, report).all()
        except DeviceCrashed as problem:
            raise BenchError(str(problem), "device", "see why it went away, then measure again") from problem
        finally:
            await assembly.stop()


class _Rounds:
    """Settings, presses and calls, as many as asked for, each round on a timeline of its own."""

    def __init__(
        self, assembly: Assembly, run: RunFolder, file: BenchFile, count: int, report: Report
    ) -> None:
        self._assembly, self._run, self._file, self._count, self._report = assembly, run, file, count, report
        self._found = Measured()
        self._rest = RESTS[0]
        self._over = 0.0

    async def all(self) -> Measured:
        """Measure everything."""
        for name, step in (("settings", self._settings), ("press", self._press), ("call", self._call)):
            for number in range(1, self._count + 1):
                await self._played(f"{name} {number}", partial(step, number=number))
        if _limits_can_be_tried(self._file):
            await self._played("limits", self._limits)
        return self._found

    async def _played(self, name: str, step: Step) -> None:
        self._report(f"           measuring: {name}")
        identity = f"measure.{name.replace(' ', '_')}"
        bench = Bench(self._assembly, self._run, identity=identity, doc="", requirements=())
        try:
            await bench.play(partial(step, bench))
        except ScenarioFailed as failed:
            if failed.record.problems:
                why = "; ".join(failed.record.problems[:2])
                raise BenchError(
                    f"{name}: {why}", "bench check --measure", "see docs/bench/when-it-fails.md"
                ) from None

    async def _configured(self, bench: Bench, name: str) -> None:
        await bench.configure(display_name=name, permitted_callers=(bench.number(1),))
        bench.intercom.settled()

    async def _settings(self, bench: Bench, number: int) -> None:
        begun = now()
        await bench.configure(
            afresh=True,
            await_registration=False,
            display_name=f"Measured {number}",
            permitted_callers=(bench.number(1),),
        )
        taken = now()
        asked = await bench.require(registration(), within=LONGEST, after=begun)
        confirmed = await bench.require(registered(), within=LONGEST, after=asked)
        bench.intercom.settled()
        self._found.add("apply", asked.time - taken)
        self._found.add("registration", confirmed.time - asked.time)

    async def _press(self, bench: Bench, number: int) -> None:
        await bench.stations(answers())
        await self._configured(bench, f"Measured {self._count}")
        dialled = await self._dialled(bench)
        up = await bench.require(request("ACK", sender=DEVICE), within=LONGEST, after=dialled)
        heard = await bench.require(media(sender=DEVICE), within=LONGEST, after=dialled)
        self._found.add("answer", heard.time - up.time)
        if bench.has(Capability.EVENT_LOG) and "event" not in deferred(self._file):
            logged = await bench.require(event(events.OUTGOING_ESTABLISHED), within=LONGEST, after=dialled)
            self._found.add("log", logged.time - up.time)
        again = await bench.intercom.press_button()
        ended = await bench.require(request("BYE", sender=DEVICE), within=LONGEST, after=again)
        self._found.add("hang_up", ended.time - again)
        await bench.require(response(200, "BYE", receiver=DEVICE), within=LONGEST, after=ended)
        self._over = now()

    async def _dialled(self, bench: Bench) -> float:
        """Press until a call comes of it, each time longer after the last call; return when it came."""
        lost = min(LONGEST, MARGIN * max(self._found.samples.get("dial", [LONGEST])) + 2)
        for rest in (wait for wait in RESTS if wait >= self._rest):
            await asyncio.sleep(max(0.0, self._over + rest - now()))
            pressed = await bench.intercom.press_button()
            placed = await bench.timeline.wait(invite(sender=DEVICE), within=lost, after=pressed)
            if placed:
                self._rest = rest
                self._found.add("rest", rest)
                self._found.add("dial", placed[0].time - pressed)
                return placed[0].time
        raise BenchError(
            "no press of the button brings a call about", "bench check --measure", "see bench check"
        )

    async def _call(self, bench: Bench, number: int) -> None:
        await self._configured(bench, f"Measured {self._count}")
        await asyncio.sleep(max(0.0, self._over + self._rest - now()))
        await bench.call_device(caller=bench.number(1), hang_up_after=1.0)
        rung = await bench.require(invite(receiver=DEVICE), within=LONGEST)
        decided = await bench.require(final_answer(sender=DEVICE), within=LONGEST, after=rung)
        self._found.add("answer", decided.time - rung.time)
        ended = await bench.require(request("BYE", receiver=DEVICE), within=LONGEST, after=decided)
        await bench.require(response(200, "BYE", sender=DEVICE), within=LONGEST, after=ended)
        self._over = now()

    async def _limits(self, bench: Bench) -> None:
        """Submit values until one is taken, from the one that the page's form allows towards the usual."""
        await self._configured(bench, "Limits")
        usual = Limits()

        async def first(name: str, changes: Callable[[int], Mapping[str, object]]) -> int | None:
            for value in _TRIED[name]:
                if await self._takes(bench, changes(value)):
                    return value
            return None

        for setting in ("call_timeout", "polling_interval"):
            least = await first(f"shortest {setting}", lambda value, name=setting: {name: value})  # type: ignore[misc]
            most = await first(f"longest {setting}", lambda value, name=setting: {name: value})  # type: ignore[misc]
            if least is not None and most is not None:
                self._keep(setting, (least, most), getattr(usual, setting))
        number = bench.number(0)
        tried: tuple[tuple[str, Callable[[int], Mapping[str, object]]], ...] = (
            ("contacts", lambda value: {"further_numbers": [number] * (value - 1)}),
            ("permitted_callers", lambda value: {"permitted_callers": [number] * value}),
            ("extension_length", lambda value: {"extension": "1" * value}),
            ("username_length", lambda value: {"auth_username": "1" * value}),
            ("password_length", lambda value: {"auth_password": "x" * value}),
            ("display_name_length", lambda value: {"display_name": "x" * value}),
        )
        for name, changes in tried:
            value = await first(name, changes)
            if value is not None:
                self._keep(name, value, getattr(usual, name))
        self._keep("letters_in_extension", await self._takes(bench, {"extension": "A1"}), True)
        other = {"server_port": bench.pbx_other_port}
        self._keep("other_server_port", await self._takes(bench, other), True)

    async def _takes(self, bench: Bench, changes: Mapping[str, object]) -> bool:
        """Submit the settings with some changes; return whether they were taken, and are in force by now."""
        answer = await bench.intercom.submit(changes)
        if answer.accepted:
            bench.intercom.settled()
            in_force = self._found.timing()
            await asyncio.sleep(in_force.get("apply", 0.0) and in_force["apply"] + in_force["registration"])
        return answer.accepted

    def _keep(self, name: str, value: object, usual: object) -> None:
        if value != usual or name in self._file.device.limits.model_fields_set:
            self._found.limits[name] = value
