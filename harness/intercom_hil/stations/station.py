"""One remote station: a SIPp that plays a behaviour, its calls as it logs them, its orders and its end.

Its log goes to the timeline line by line while it runs; what SIPp counted and the messages it exchanged
follow when it has ended.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from intercom_hil.errors import BenchError
from intercom_hil.lateness import stretched
from intercom_hil.sipp.options import Options
from intercom_hil.sipp.process import Sipp
from intercom_hil.sipp.results import Result
from intercom_hil.sipp.traces import read_messages
from intercom_hil.stations.moved_sound import MovedSound
from intercom_hil.stations.station_log import LogEvent, said_by
from intercom_hil.timeline import Append, Content, Witness
from intercom_hil.timeline.observation import InstrumentLost, StationEnded, StationSaid
from intercom_hil.timeline.sip_content import endpoint
from intercom_hil.wire.uri import is_address

if TYPE_CHECKING:
    from intercom_hil.sipp.hosts import SippHost
    from intercom_hil.stations.behaviours import Behaviour

Address = tuple[str, int]
Told = Literal["answer", "hold", "resume", "refer", "ask", "recode", "novideo", "none"]
"""What a station that obeys (`behaviours.obeys`) can be told to do with its call."""
ReadSip = Callable[[bytes, Address, Address, str], Content]
"""How the bytes of a message, its source, destination and transport become what a witness says."""

GRACE = 0.5
"""Seconds a station gets for each of: hanging up by itself, USR1, INT, KILL."""
HANG_UP_WITHIN = 2.0
"""Seconds within which a peer acknowledges the end of a call."""
_UNKNOWN: Address = ("unknown", 0)
_GIVEN_UP = frozenset({254, 255})
"""Exit statuses of a SIPp that could not go on; the others say how its calls went."""
_HARMLESS = (
    "receive timeout on message",  # how the templates look at the clock
    "is none of the offered lines",  # a best-effort offer taken up: encryption is switched on a moment later
    "RTP check failed",  # it expects its video pattern back
)


class OrderFile:
    """How running calls are ordered to end: a file that every waiting state of a scenario looks into."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.write("none")

    def write(self, order: str) -> None:
        """Replace the order, at once and whole: SIPp may read it at any moment."""
        fresh = self.path.with_suffix(".new")
        fresh.write_text(order + "\n")
        fresh.rename(self.path)

    def remove(self) -> None:
        """Remove the file. Idempotent."""
        self.path.unlink(missing_ok=True)


class Station:
    """A running station. Made by `Stations.start`.

    Attributes:
        number: its number.
        address: its address, nobody else's.
        port: its SIP port.
        behaviour: what it does.
        log: what it has logged so far.
    """

    def __init__(
        self,
        *,
        number: str,
        behaviour: Behaviour,
        options: Options,
        order: OrderFile,
        host: SippHost,
        append: Append,
        read_sip: ReadSip | None,
        moved_sound: MovedSound | None = None,
    ) -> None:
        self.number, self.behaviour = number, behaviour
        self.address, self.port = options.local
        self.log: list[LogEvent] = []
        self._order, self._append, self._read_sip = order, append, read_sip
        self._moved_sound = moved_sound
        self._open: set[str] = set()
        self._changed = asyncio.Event()
        self._end: asyncio.Task[StationEnded] | None = None
        self._ended_by: frozenset[int] = frozenset()  # signals that it may be ended by, once it is to end
        self._sipp = Sipp(
            options,
            order.path.parent,  # SIPp looks for the order in its working folder
            name=order.path.stem,
            host=host,
            on_log=self._take,
            harmless=_HARMLESS,
        )

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

    async def start(self) -> None:
        """Start it; when this returns it listens, or, if it is a caller, is about to call.

        Raises:
            BenchError: SIPp would not start.
        """
        try:
            await self._sipp.start()
        finally:
            if self._sipp.started:
                self._end = asyncio.create_task(self._await_end(), name=f"station {self.number}")

    def tell(self, what: Told) -> None:
        """Have its call do something, once: a station that obeys looks for it every 50 ms."""
        self._order.write(what)

    async def move(self) -> str:
        """Have its call want its sound at another port, and send it from there, once that is agreed on.

        Returns:
            Address and port, as the witnesses write them.

        Raises:
            BenchError: it is of a behaviour that cannot, or somebody has that port.
        """
        if self._moved_sound is None:
            remedy = "let it obey, with security plain"
            raise BenchError(f"station {self.number} cannot move its sound", "stations", remedy)
        await self._moved_sound.open()
        self._order.write("move")
        return endpoint(self._moved_sound.place)

    async def hang_up(self, within: float = HANG_UP_WITHIN) -> None:
        """End every call it has: BYE if established, CANCEL or 480 if not. It stays for further calls.

        Args:
            within: bound in seconds.

        Raises:
            BenchError: a call was still there when time was up.
        """
        self._order.write("hang up")
        try:
            if not await self._drained(within):
                raise BenchError(
                    f"station {self.number} could not end its call within {within:g} s",
                    str(self._sipp.options.traces.messages),
                    "see in its messages whether the peer answered",
                )
        finally:
            self._order.write("none")

    async def finished(self, within: float) -> StationEnded:
        """Wait until the station has ended by itself, as one that calls does after its call.

        Args:
            within: bound in seconds.

        Raises:
            TimeoutError: it still runs.
        """
        async with stretched(within):
            if self._end is None:
                return await self._stopped(())
            return await asyncio.shield(self._end)

    async def vanish(self) -> StationEnded:
        """Take the station away in the middle of everything, as when its cable is pulled out."""
        self._ended_by |= {signal.SIGKILL}
        return await self._stopped((signal.SIGKILL,))

    async def stop(self) -> StationEnded:
        """End its calls properly, then the station; harder if it does not obey. Idempotent."""
        self._ended_by |= {signal.SIGUSR1, signal.SIGINT}  # one that has to be killed did not obey: it hung
        if self._sipp.started and not self.ended:
            self._order.write("hang up")
        # USR1 means "when your calls are over" to a station that is called, and "now" to one that calls.
        first = 0 if self.behaviour.places_call else signal.SIGUSR1
        return await self._stopped((first, signal.SIGUSR1, signal.SIGINT, signal.SIGKILL))

    async def _stopped(self, signals: Sequence[int]) -> StationEnded:
        if self._end is None:
            return StationEnded(station=self.number, exit_status=None, problem="never started")
        with contextlib.suppress(BenchError):  # the host is lost, and the process with it: see _await_end
            await self._sipp.stop(signals, GRACE)
        return await asyncio.shield(self._end)

    async def _drained(self, within: float) -> bool:
        """Wait until it has no call, and return whether that came about within the bound (s)."""
        try:
            async with stretched(within):
                while self._open and not self.ended:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            return False
        return True

    def _take(self, text: str, time: float) -> None:
        """Take one line that its scenario logged at a time (seconds since the epoch)."""
        self._keep(text, time)
        self._append(Witness.STATION, StationSaid(station=self.number, text=text), time)
        event = LogEvent.parse(text)
        if event is None:
            return
        self.log.append(event)
        if event.word == "MOVED" and self._moved_sound is not None:
            host, port = event.fields.get("to", ""), event.fields.get("port", "")
            if (
                is_address(host) and port.isdecimal()
            ):  # an answer may have no description, and a name is no place
                self._moved_sound.play((host, int(port)))
        if event.ends_call and self._moved_sound is not None:
            self._moved_sound.hush()
        if event.opens_call:
            self._open.add(event.call_id)
        elif event.ends_call:
            self._open.discard(event.call_id)
        self._changed.set()

    def _keep(self, text: str, time: float) -> None:
        """Keep a line beside its messages, as it came and when; a full disk shows in what SIPp writes."""
        messages = self._sipp.options.traces.messages
        if messages is not None:
            with contextlib.suppress(OSError), said_by(messages).open("ab") as log:
                log.write(f"{time:.6f} {text}\n".encode("utf-8", "surrogateescape"))

    async def _await_end(self) -> StationEnded:
        try:
            result = await self._sipp.finished()
        except BenchError as lost:
            end = StationEnded(station=self.number, exit_status=None, problem=str(lost))
            self._append(Witness.STATION, end, None)
        else:
            end = self._ended_with(result)
            self._append(Witness.STATION, end, result.time)
            self._append_messages()
            why = self._why_lost(result)
            if why:
                gone = InstrumentLost(instrument=f"station {self.number}", problem=why, blame="bench")
                self._append(Witness.STATION, gone, result.time)
        self._order.remove()
        if self._moved_sound is not None:
            self._moved_sound.close()
        self._changed.set()
        return end

    def _ended_with(self, result: Result) -> StationEnded:
        counted, problem = result.statistics, result.problem
        if self._open:
            problem = f"calls left open: {len(self._open)}; {problem}".rstrip("; ")
        return StationEnded(
            station=self.number,
            exit_status=result.exit_status,
            signal=result.signal,
            calls_ok=counted.successful if counted else None,
            calls_failed=counted.failed if counted else None,
            problem=problem,
        )

    def _why_lost(self, result: Result) -> str:
        """Return what is wrong with how its process ended, if it was not to end and its call was not over."""
        number, status = result.signal, result.exit_status
        if number is not None and number not in self._ended_by:
            if self._ended_by:
                return "its SIPp did not end when it was asked to, and had to be killed"
            return f"its SIPp was ended by signal {number}"
        gave_up = status in _GIVEN_UP or not self.behaviour.places_call
        if number is None and gave_up and not self._ended_by:
            return f"its SIPp ended by itself, with status {status}: {result.problem or 'no reason given'}"
        return ""

    def _append_messages(self) -> None:
        messages = self._sipp.options.traces.messages
        if self._read_sip is None or messages is None:
            return
        here = (self.address, self.port)
        for traced in read_messages(messages):
            peer = traced.peer or self.behaviour.via or _UNKNOWN
            source, destination = (here, peer) if traced.sent else (peer, here)
            content = self._read_sip(traced.payload, source, destination, traced.transport)
            self._append(Witness.STATION, content, traced.time)
