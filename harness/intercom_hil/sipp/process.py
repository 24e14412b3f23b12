"""One SIPp: started, watched while it runs, and ended; its result read from what it wrote."""

from __future__ import annotations

import asyncio
import re
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

from intercom_hil.lateness import stretched
from intercom_hil.sipp.error import SippError
from intercom_hil.sipp.hosts import Ended, LocalHost, RunningProcess, SippHost
from intercom_hil.sipp.options import BuiltIn, Options
from intercom_hil.sipp.results import Result, read_response_times, read_statistics, read_steps
from intercom_hil.sipp.sockets import is_bound, is_taken
from intercom_hil.sipp.traces import read_problem

OnLog = Callable[[str, float], None]
"""Called with what a ``<log>`` action wrote, and when (seconds since the epoch)."""

READY_WITHIN = 5.0
"""Seconds within which a started SIPp listens; it takes milliseconds."""
GRACE = 0.5
"""Seconds that SIPp gets after each signal before the next, harder one."""
ENDINGS = (signal.SIGUSR1, signal.SIGINT, signal.SIGKILL)
"""USR1 finishes the calls under way and takes no new ones; INT ends at once and sends no BYE."""
_POLL = 0.002


class Sipp:
    """One SIPp process, an asynchronous context manager.

    Attributes:
        options: how it runs; once started, with the ports it has.
        name: what its output files are called.
        log: what its scenario has logged so far.
    """

    def __init__(
        self,
        options: Options,
        folder: Path,
        *,
        name: str = "sipp",
        host: SippHost | None = None,
        program: Sequence[str] = ("sipp",),
        on_log: OnLog | None = None,
        harmless: Sequence[str] = (),
    ) -> None:
        """Describe it; nothing runs yet.

        Args:
            options: how it is to run.
            folder: its working folder, seen by the host at the same path. Files a scenario reads by a
                relative name lie here, and those it writes without a name of ours.
            name: letters, digits, dot, dash and underscore; unique among the running ones of the host.
            host: where it runs; None for this machine.
            program: what starts SIPp.
            on_log: called with each line that the scenario logs, as it is logged.
            harmless: parts of SIPp's errors that are no problem with this scenario.
        """
        if not re.fullmatch(r"[A-Za-z0-9._-]+", name):
            raise SippError(
                f"{name!r} cannot be part of a file name", "name", "use letters, digits and dashes"
            )
        self.options, self.name = options, name
        self.log: list[str] = []
        self._folder = folder
        self._host = host if host is not None else LocalHost()
        self._program, self._on_log, self._harmless = tuple(program), on_log, tuple(harmless)
        self._process: RunningProcess | None = None
        self._end: asyncio.Task[Ended] | None = None

    async def __aenter__(self) -> Sipp:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def started(self) -> bool:
        """Whether there is, or was, a process."""
        return self._process is not None

    @property
    def ended(self) -> bool:
        """Whether its process is gone."""
        return self._end is not None and self._end.done()

    async def start(self) -> None:
        """Start it; when this returns it listens, or, if it places calls, is about to.

        Raises:
            SippError: its port is taken, or it would not start: SIPp's own words, and the scenario.
        """
        stream = not self.options.transport.is_udp
        self._take_ports(stream)
        try:
            self._process = await self._host.start(
                self.name, self.options.argv(self._program), cwd=self._folder, on_line=self._take
            )
        except OSError as problem:
            raise SippError(f"cannot be run: {problem.strerror}", self._program[0], "install SIPp") from None
        self._end = asyncio.create_task(self._process.wait(), name=f"end of {self.name}")
        if self.options.is_server:
            try:
                await self._until_listening(stream)
            except BaseException:
                await self.stop((signal.SIGKILL,))
                raise

    async def finished(self, within: float | None = None) -> Result:
        """Wait until it has ended by itself: its calls are done, or its lifetime is.

        Args:
            within: bound in seconds.

        Raises:
            TimeoutError: it still runs.
            SippError: it was never started.
            Exception: the host's own, when the host itself was lost.
        """
        if self._end is None:
            raise SippError("was never started", self.name, "start it first")
        async with asyncio.timeout(within):
            return self._result(await asyncio.shield(self._end))

    async def stop(self, signals: Sequence[int] = ENDINGS, grace: float = GRACE) -> Result:
        """End it, and return what came of it. Idempotent.

        Args:
            signals: what to send, the next one if it still runs after ``grace`` seconds.
            grace: seconds.

        Raises:
            SippError: it was never started.
            Exception: the host's own, when the host itself was lost.
        """
        for number in signals:
            if self.ended:
                break
            self.signal(number)
            try:
                return await self.finished(grace)
            except TimeoutError:
                continue
        return await self.finished()

    def signal(self, number: int) -> None:
        """Send it a signal; 0 and whatever comes too late do nothing."""
        if self._process is not None and number and not self.ended:
            self._process.signal(number)

    def _take_ports(self, stream: bool) -> None:
        address, port = self.options.local
        try:
            taken = bool(port) and is_taken(address, port, stream=stream)
            self.options = self.options.with_ports()
        except OSError as problem:
            remedy = "give an IPv4 address of this machine"
            raise SippError(f"cannot use it: {problem}", address, remedy) from None
        if taken:
            raise SippError(
                f"another program has this {'TCP' if stream else 'UDP'} port",
                f"{address}:{port}",
                "end it (a SIPp left over from a killed run?) or choose another address or port",
            )

    def _take(self, stream: str, text: str, time: float) -> None:
        if stream != "log" or not text:
            return
        self.log.append(text)
        if self._on_log is not None:
            self._on_log(text, time)

    async def _until_listening(self, stream: bool) -> None:
        try:
            async with stretched(READY_WITHIN):
                while not is_bound(*self.options.local, stream=stream):
                    if self.ended:
                        raise self._would_not_start("it ended at once")
                    await asyncio.sleep(_POLL)
        except TimeoutError:
            raise self._would_not_start(f"it does not listen after {READY_WITHIN:g} s") from None

    def _would_not_start(self, symptom: str) -> SippError:
        scenario = self.options.scenario
        return SippError(
            f"SIPp would not start: {self._problem() or symptom}",
            str(scenario),
            "mend what SIPp complains of",
        )

    def _problem(self) -> str:
        errors = self.options.traces.errors
        return read_problem(errors, self._harmless) if errors is not None else ""

    def _result(self, end: Ended) -> Result:
        traces = self.options.traces
        return Result(
            statistics=read_statistics(traces.statistics) if traces.statistics else None,
            steps=read_steps(self._named_by_sipp("counts")) if traces.counts else (),
            response_times=read_response_times(self._named_by_sipp("rtt")) if traces.response_times else (),
            problem=self._problem(),
            exit_status=end.status,
            signal=end.signal,
            time=end.time,
        )

    def _named_by_sipp(self, what: str) -> Path:
        scenario = self.options.scenario
        stem = scenario.value if isinstance(scenario, BuiltIn) else scenario.name.removesuffix(".xml")
        pid = self._process.pid if self._process is not None else 0
        return self._folder / f"{stem}_{pid}_{what}.csv"
