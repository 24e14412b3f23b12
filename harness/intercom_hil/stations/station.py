"""One remote station: a running SIPp process, its live log, its orders and its end.

Log lines come in from the process and go to the timeline as they are written; out go the station's calls,
and, when it has ended, what it counted and the messages it exchanged.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from intercom_hil.errors import BenchError
from intercom_hil.stations.station_log import LogEvent
from intercom_hil.stations.traces import read_counts, read_messages, read_problem
from intercom_hil.timeline import Append, Content, Witness
from intercom_hil.timeline.observation import StationEnded, StationSaid

if TYPE_CHECKING:
    from intercom_hil.processes.supervisor_client import Exit, Process
    from intercom_hil.stations.behaviours import Behaviour

Address = tuple[str, int]
ReadSip = Callable[[bytes, Address, Address, str], Content]
"""How the bytes of a message, its source, destination and transport become what a witness says."""

GRACE = 0.5
"""Seconds a station gets for each of: hanging up by itself, USR1, INT, KILL."""
HANG_UP_WITHIN = 2.0
"""Seconds within which a peer acknowledges the end of a call."""
_UNKNOWN: Address = ("unknown", 0)


@dataclass(frozen=True)
class Files:
    """Where a station's files are.

    Attributes:
        scenario: the rendered SIPp scenario.
        order: what running calls are to do.
        messages: SIPp's message log; ``short`` the same as a table.
        errors: SIPp's error log.
        statistics: SIPp's statistics.
    """

    scenario: Path
    order: Path
    messages: Path
    short: Path
    errors: Path
    statistics: Path

    def give_order(self, order: str) -> None:
        """Replace the order, at once and whole: SIPp may read it at any moment."""
        fresh = self.order.with_suffix(".new")
        fresh.write_text(order + "\n")
        fresh.rename(self.order)


class Station:
    """A running station. Made by `Stations.start`.

    Attributes:
        number: its number.
        address: its address, nobody else's.
        port: its SIP port.
        behaviour: what it does.
        sayings: what it has said so far.
    """

    def __init__(
        self,
        *,
        number: str,
        address: str,
        port: int,
        behaviour: Behaviour,
        files: Files,
        append: Append,
        read_sip: ReadSip | None,
    ) -> None:
        self.number, self.address, self.port, self.behaviour = number, address, port, behaviour
        self.sayings: list[LogEvent] = []
        self._files, self._append, self._read_sip = files, append, read_sip
        self._open: set[str] = set()
        self._changed = asyncio.Event()
        self._process: Process | None = None
        self._end: asyncio.Task[StationEnded] | None = None

    @property
    def uri(self) -> str:
        """Where it can be called directly."""
        return f"sip:{self.number}@{self.address}:{self.port}"

    @property
    def open_calls(self) -> frozenset[str]:
        """Call-IDs of the calls it has begun and not ended."""
        return frozenset(self._open)

    @property
    def ended(self) -> bool:
        """Whether its process is gone."""
        return self._end is not None and self._end.done()

    def runs(self, process: Process) -> None:
        """Take over the process that `hear` already listens to."""
        self._process = process
        self._end = asyncio.create_task(self._await_end(process), name=f"station {self.number}")

    def hear(self, stream: str, text: str, time: float) -> None:
        """Take one line that the process wrote at a time (seconds since the epoch)."""
        if stream != "log" or not text:
            return
        self._append(Witness.STATION, StationSaid(station=self.number, text=text), time)
        saying = LogEvent.parse(text)
        if saying is None:
            return
        self.sayings.append(saying)
        if saying.opens_call:
            self._open.add(saying.call_id)
        elif saying.ends_call:
            self._open.discard(saying.call_id)
        self._changed.set()

    async def hang_up(self, within: float = HANG_UP_WITHIN) -> None:
        """End every call it has: BYE if established, CANCEL or 480 if not. It stays for further calls.

        Args:
            within: bound in seconds.

        Raises:
            BenchError: a call was still there when time was up.
        """
        self._files.give_order("hang up")
        try:
            if not await self._drained(within):
                raise BenchError(
                    f"station {self.number} could not end its call within {within:g} s",
                    str(self._files.messages),
                    "see in its messages whether the peer answered",
                )
        finally:
            self._files.give_order("none")

    async def finished(self, within: float) -> StationEnded:
        """Wait until the station has ended by itself, as one that calls does after its call.

        Args:
            within: bound in seconds.

        Raises:
            TimeoutError: it still runs.
        """
        async with asyncio.timeout(within):
            return await self._ending()

    async def vanish(self) -> StationEnded:
        """Take the station away in the middle of everything, as when its cable is pulled out."""
        self._signal(signal.SIGKILL)
        return await self._ending()

    async def stop(self) -> StationEnded:
        """End its calls properly, then the station; harder if it does not obey. Idempotent."""
        if self._process is not None and not self.ended:
            self._files.give_order("hang up")
            # USR1 means "when your calls are over" to a station that is called, and "now" to one that calls.
            first = 0 if self.behaviour.places_call else signal.SIGUSR1
            for number in (first, signal.SIGUSR1, signal.SIGINT, signal.SIGKILL):
                self._signal(number)
                try:
                    return await self.finished(GRACE)
                except TimeoutError:
                    continue
        return await self._ending()

    async def _drained(self, within: float) -> bool:
        """Wait until it has no call, and return whether that came about within the bound (s)."""
        try:
            async with asyncio.timeout(within):
                while self._open and not self.ended:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            return False
        return True

    async def _ending(self) -> StationEnded:
        if self._end is None:
            return StationEnded(station=self.number, exit_status=None, problem="never started")
        return await asyncio.shield(self._end)

    def _signal(self, number: int) -> None:
        try:
            if self._process is not None and number:
                self._process.signal(number)
        except BenchError as lost:
            # The place is gone and the process with it; _await_end is told the same and says so.
            self._append(Witness.STATION, StationSaid(station=self.number, text=str(lost)), None)

    async def _await_end(self, process: Process) -> StationEnded:
        try:
            exit_ = await process.wait()
        except BenchError as lost:
            end = StationEnded(station=self.number, exit_status=None, problem=str(lost))
            self._append(Witness.STATION, end, None)
        else:
            end = self._account(exit_)
            self._append(Witness.STATION, end, exit_.time)
            self._append_messages()
        self._files.order.unlink(missing_ok=True)
        self._changed.set()
        return end

    def _account(self, exit_: Exit) -> StationEnded:
        counts = read_counts(self._files.statistics)
        problem = read_problem(self._files.errors)
        if self._open:
            problem = f"calls left open: {len(self._open)}; {problem}".rstrip("; ")
        return StationEnded(
            station=self.number,
            exit_status=exit_.status,
            signal=exit_.signal,
            calls_ok=counts[0] if counts else None,
            calls_failed=counts[1] if counts else None,
            problem=problem,
        )

    def _append_messages(self) -> None:
        if self._read_sip is None:
            return
        here = (self.address, self.port)
        for traced in read_messages(self._files.messages):
            peer = traced.peer or self.behaviour.via or _UNKNOWN
            source, destination = (here, peer) if traced.sent else (peer, here)
            content = self._read_sip(traced.payload, source, destination, traced.transport)
            self._append(Witness.STATION, content, traced.time)
