"""The modem lines of a serial cable as an output (RTS, DTR) and as inputs (CTS, DSR, DCD, RI).

They belong to a SerialLine on a real port or on a terminal server that speaks RFC 2217, perhaps shared with a
console; a pty or a plain TCP connection has no modem lines and is refused. *Active* is what TIA-232 calls ON:
a positive voltage on an RS-232 socket, and the low level at the pins of a TTL adapter. Linux makes RTS and
DTR active for the moment that it takes to open a local port, and inactive when it closes it, which is why an
output cannot be turned round.
"""

from __future__ import annotations

import asyncio
import fcntl
import struct
import termios
from time import monotonic
from typing import Any, ClassVar, Literal, get_args

import serial
import serial.rfc2217

from intercom_hil.errors import BenchError
from intercom_hil.instruments.kinds import InputOptions, OnPort, OutputOptions
from intercom_hil.instruments.protocols import OnEdge
from intercom_hil.instruments.serial_line import SerialLine
from intercom_hil.instruments.shared_port import Guest, OutputGuest, SharedPorts
from intercom_hil.kinds import Wizard
from intercom_hil.timeline.timeline import now

OutputLine = Literal["rts", "dtr"]
InputLine = Literal["cts", "dsr", "dcd", "ri"]

LOOK_EVERY = 0.005
"""Seconds between two looks at an input: neither Linux nor RFC 2217 clients show changes by a descriptor."""
STATE_WITHIN = 1.0
"""Seconds a terminal server may take to report the state of the inputs (RFC 2217 NOTIFY-MODEMSTATE)."""
_BITS = {"rts": termios.TIOCM_RTS, "dtr": termios.TIOCM_DTR}
_ATTRIBUTES = {"cts": "cts", "dsr": "dsr", "dcd": "cd", "ri": "ri"}


class ModemOutput(OutputGuest):
    """Output over RTS or DTR. Opening and closing make it inactive.

    A local port is read back from its driver. A terminal server confirms each change (RFC 2217 §3,
    SET-CONTROL), but pyserial cannot ask it for the state later, so ``read`` cannot know.

    Attributes:
        line: the serial line.
        name: which of its modem lines.
    """

    def __init__(self, line: SerialLine, name: OutputLine) -> None:
        if name not in get_args(OutputLine):
            raise BenchError(f"{name!r} is no modem line that can be driven", line.url, "use rts or dtr")
        super().__init__(line, name.upper())
        self.line = line
        self.name = name
        line.hold(name, False)

    async def read(self) -> bool | None:
        """Return what the driver of a local port reads, None for a remote one. Raises BenchError."""
        self._check_open()
        return await self.line.call(self._read)

    async def _switch(self, active: bool) -> bool:
        def switch(port: serial.Serial) -> bool | None:
            _check_modem_lines(port, self.line.url)
            setattr(port, self.name, active)
            return self._read(port)

        if await self.line.call(switch) is (not active):
            wanted = "active" if active else "inactive"
            raise BenchError(
                f"{self.name.upper()} was made {wanted} but does not read {wanted}",
                self.line.url,
                "check that the port has this line, and that no other program drives it",
            )
        return "ign_set_control" not in self.line.url  # with that option pyserial heeds no confirmation

    def _read(self, port: serial.Serial) -> bool | None:
        if isinstance(port, serial.rfc2217.Serial):
            return None
        bits: int = struct.unpack("I", fcntl.ioctl(port.fileno(), termios.TIOCMGET, bytes(4)))[0]
        return bool(bits & _BITS[self.name])


class ModemInput(Guest):
    """Input over CTS, DSR, DCD or RI. An edge is dated when it is seen, up to some 10 ms late.

    Attributes:
        line: the serial line.
        name: which of its modem lines.
    """

    def __init__(self, line: SerialLine, name: InputLine, *, active_low: bool = False) -> None:
        if name not in get_args(InputLine):
            raise BenchError(
                f"{name!r} is no modem line that can be sensed", line.url, "use cts, dsr, dcd or ri"
            )
        super().__init__(line, name.upper())
        self.line = line
        self.name = name
        self._active_low = active_low
        self._state = False
        self._on_edge: OnEdge | None = None
        self._looking: asyncio.Task[None] | None = None

    def listen(self, on_edge: OnEdge) -> None:
        """Give every change of state from now on to ``on_edge``, in place of who listened before."""
        self._on_edge = on_edge

    async def read(self) -> bool:
        """Return whether the line is active now. Raises BenchError."""
        self._check_open()
        return await self._look()

    async def _settle(self) -> None:
        """Watch it. Raises BenchError where the port, or its server, reports no state of such lines."""
        self._state = await self._first_state()
        self._looking = asyncio.create_task(self._look_again_and_again())

    async def _leave(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.wait({self._looking})
            self._looking = None

    async def _look(self) -> bool:
        def look(port: serial.Serial) -> bool:
            _check_modem_lines(port, self.line.url)
            return bool(getattr(port, _ATTRIBUTES[self.name]))

        return await self.line.call(look) is not self._active_low

    async def _first_state(self) -> bool:
        """Look until the terminal server has sent the state, which takes it a moment after the opening."""
        deadline = monotonic() + STATE_WITHIN
        while True:
            try:
                return await self._look()
            except BenchError as problem:
                if "NOTIFY_MODEMSTATE" not in problem.what:
                    raise
                if monotonic() > deadline:
                    raise BenchError(
                        f"the terminal server told no state of its inputs within {STATE_WITHIN:g} s",
                        self.line.url,
                        "have it notify changes of the modem state (RFC 2217), or use a local port",
                    ) from problem
            await asyncio.sleep(LOOK_EVERY)

    async def _look_again_and_again(self) -> None:
        try:
            while not self.lost.done():
                state = await self._look()
                if state is not self._state:
                    self._state = state
                    if self._on_edge is not None:
                        self._on_edge(state, now())
                await asyncio.sleep(LOOK_EVERY)
        except BenchError as problem:
            self.line.fail(problem.what)


def _check_modem_lines(port: serial.Serial, url: str) -> None:
    """Refuse what would take orders for modem lines without having any. Raises BenchError."""
    if not isinstance(port, serial.Serial | serial.rfc2217.Serial):
        raise BenchError(
            "this kind of port has no modem lines", url, "use a local port, or rfc2217:// on the server"
        )


class ModemOutputOptions(OnPort, OutputOptions):
    """RTS or DTR of a serial cable."""

    label: ClassVar[str] = "RTS or DTR of a serial cable"
    kind: Literal["serial-line"]
    line: OutputLine

    def make(self, ports: SharedPorts, *, name: str = "output") -> ModemOutput:
        """Return the output. Raises BenchError."""
        return ModemOutput(ports.at(self.port, SerialLine, SerialLine), self.line)

    @classmethod
    def ask(cls, wizard: Wizard) -> dict[str, Any]:
        """Ask for cable and line."""
        port = wizard.serial_port("Port of the cable (the console's, if it is on that)")
        return {"port": port, "line": wizard.choice("Line", {"rts": "", "dtr": ""})}


class ModemInputOptions(OnPort, InputOptions):
    """CTS, DSR, DCD or RI of a serial cable."""

    kind: Literal["serial-line"]
    line: InputLine
    active_low: bool = False

    def make(self, ports: SharedPorts, *, name: str = "input") -> ModemInput:
        """Return the input. Raises BenchError."""
        return ModemInput(ports.at(self.port, SerialLine, SerialLine), self.line, active_low=self.active_low)


KINDS = (ModemOutputOptions, ModemInputOptions)
