"""The relays of an LCUS-style USB board: a CH340 serial port, and frames of four bytes to a microcontroller.

Protocol facts (the sheets that are sold with LCUS-1, -2, -4 and -8, and clients published for them): 9600
baud, 8N1. A frame is ``A0``, the channel counted from 1, the order, and the sum of the three modulo 256:
order 00 is off, 01 is on, so ``A0 01 01 A2`` switches the first relay on. Boards differ in how they report a
state. Most LCUS-1 report none; some answer order 05 with a frame that has 00 or 01 in the order's place;
those with several relays answer the single byte ``FF`` with a line ``CH1: ON`` or ``CH1: OFF`` for each.
"""

from __future__ import annotations

import asyncio
import re
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from intercom_hil.errors import BenchError
from intercom_hil.instruments.kinds import OnPort, OutputOptions
from intercom_hil.instruments.serial_line import SerialLine
from intercom_hil.instruments.shared_port import OutputGuest, SharedPorts
from intercom_hil.instruments.uninterrupted import uninterrupted
from intercom_hil.kinds import Wizard
from intercom_hil.lateness import stretched

StateBy = Literal["none", "frame", "text"]
MOST_CHANNELS = 16
BAUD = 9600
REPLY_TIME = 1.0
"""Seconds a board may take to report its state."""
_MOST_BYTES = 1024  # of a reply
_START, _OFF, _ON, _ASK = 0xA0, 0, 1, 5
_ASK_ALL = b"\xff"
_STATES = {"ON": True, "OFF": False}


class LcusBoard:
    """One board: one order at a time. Must be made inside a running event loop.

    Attributes:
        url: where the board is.
        turn: held by whoever talks to the board, over as many orders as belong together.
    """

    noun: ClassVar[str] = "an LCUS relay board"

    def __init__(self, url: str) -> None:
        self.url = url
        self.turn = asyncio.Lock()
        self._line = SerialLine(url, baudrate=BAUD, on_bytes=self._received)
        self._buffer = bytearray()
        self._arrived = asyncio.Event()

    @property
    def lost(self) -> asyncio.Future[str]:
        """Resolves with the reason when the board is unplugged."""
        return self._line.lost

    async def acquire(self, user: object) -> None:
        """Open the board for ``user``, unless it is open. Raises BenchError."""
        await self._line.acquire(user)

    async def release(self, user: object) -> None:
        """Close the board when ``user`` was the last to use it."""
        await self._line.release(user)

    async def switch(self, channel: int, active: bool) -> None:
        """Switch a relay. Raises BenchError."""
        await self._line.write(_frame(channel, _ON if active else _OFF))

    async def state(self, channel: int, by: StateBy) -> bool | None:
        """Return a relay's state, None from a board that reports none.

        Raises:
            BenchError: no reply in time, or one that is not understood.
        """
        if by == "none":
            return None
        self._buffer.clear()
        await self._line.write(_ASK_ALL if by == "text" else _frame(channel, _ASK))
        try:
            async with stretched(REPLY_TIME):
                while (found := self._found(channel, by)) is None:
                    self._arrived.clear()
                    await self._arrived.wait()
        except TimeoutError:
            if (found := self._found(channel, by)) is not None:  # it came, and nobody had the time to read it
                return found
            got = bytes(self._buffer[:64])
            raise BenchError(
                f"relay {channel}: the board told no state within {REPLY_TIME:g} s (got {got!r})",
                self.url,
                'name how it tells its state, or state = "none" where it does not',
            ) from None
        return found

    def _found(self, channel: int, by: StateBy) -> bool | None:
        data = bytes(self._buffer)
        if by == "frame":
            states = [on for on in (False, True) if _frame(channel, int(on)) in data]
            return states[0] if len(states) == 1 else None
        line = re.search(rb"(?i)\bCH ?%d ?: ?(ON|OFF)(?![A-Z])" % channel, data)
        return None if line is None or line.end() == len(data) else _STATES[line[1].decode().upper()]

    def _received(self, data: bytes, at: float) -> None:
        self._buffer += data[: _MOST_BYTES - len(self._buffer)]
        self._arrived.set()


def _frame(channel: int, order: int) -> bytes:
    return bytes((_START, channel, order, (_START + channel + order) % 256))


class LcusRelay(OutputGuest):
    """Output over one relay of a board. Off is the safe state: opening and closing switch it off.

    Attributes:
        board: the board, shared between its relays.
        channel: counted from 1, as printed on the board.
    """

    def __init__(self, board: LcusBoard, channel: int, *, state: StateBy = "none") -> None:
        super().__init__(board, f"relay {channel}")
        self.board = board
        self.channel = channel
        self._state: StateBy = state

    async def read(self) -> bool | None:
        """Return the state that the board reports, None where it reports none. Raises BenchError."""
        self._check_open()
        async with self.board.turn:
            return await uninterrupted(self.board.state(self.channel, self._state))

    async def _settle(self) -> None:
        async with self.board.turn:
            self.left_active = await uninterrupted(self.board.state(self.channel, self._state))
        await self._switch(False)

    async def _switch(self, active: bool) -> bool:
        async with self.board.turn:
            await self.board.switch(self.channel, active)
            shown = await uninterrupted(self.board.state(self.channel, self._state))
        if shown is (not active):
            wanted = "on" if active else "off"
            raise BenchError(
                f"relay {self.channel} was switched {wanted} but does not read {wanted}",
                self.board.url,
                "check the board's supply, and that it has this relay",
            )
        return shown is not None


class LcusRelayOptions(OnPort, OutputOptions):
    """A relay of an LCUS-style board."""

    label: ClassVar[str] = "a relay of an LCUS-style USB board (CH340)"
    kind: Literal["lcus-relay"]
    channel: Annotated[int, Field(ge=1, le=MOST_CHANNELS)] = 1
    state: StateBy = "none"

    def make(self, ports: SharedPorts, *, name: str = "output") -> LcusRelay:
        """Return the output. Raises BenchError."""
        return LcusRelay(ports.at(self.port, LcusBoard, LcusBoard), self.channel, state=self.state)

    @classmethod
    def ask(cls, wizard: Wizard) -> dict[str, Any]:
        """Ask for board and relay."""
        port = wizard.serial_port("Port of the board")
        channel = wizard.number("Relay, counted from 1", 1, least=1, most=MOST_CHANNELS)
        return {"port": port, "channel": channel}
