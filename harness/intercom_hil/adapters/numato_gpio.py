"""The GPIO lines of a Numato-style USB board, as outputs that are read back and as inputs with dated edges.

Commands (vendor's published host code and the independent client ``numato-gpio``): ``gpio readall`` gives the
levels of all lines in hexadecimal, a digit for every four lines; ``gpio iomask HEX`` lets the ``gpio iodir
HEX`` (1 = input) and ``gpio writeall HEX`` that follow touch only the lines whose bit is 1, so that lines
belonging to somebody else keep theirs; ``gpio notify on`` is answered ``gpio notify enabled`` by boards that
then report every change as ``# NOW BEFORE IODIR``. Boards without notifications are asked again and again
while somebody listens. The commands for single lines are not used: how they count lines differs.
"""

from __future__ import annotations

import asyncio
import re
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from intercom_hil.adapters.numato_board import Board
from intercom_hil.errors import BenchError
from intercom_hil.instruments.kinds import InputOptions, OnPort, OutputOptions
from intercom_hil.instruments.protocols import OnEdge
from intercom_hil.instruments.shared_port import Guest, OutputGuest, SharedPorts
from intercom_hil.kinds import Wizard
from intercom_hil.timeline.timeline import now

ASK_EVERY = 0.01
"""Seconds between two looks at a board that does not notify: how late an edge may be dated."""
MOST_LINES = 128
_LEVELS = re.compile(r"[0-9a-f]{1,32}")


class Bank:
    """All GPIO lines of one board, shared between those that use single ones.

    Attributes:
        board: the board.
    """

    noun: ClassVar[str] = Board.noun

    def __init__(self, board: Board) -> None:
        self.board = board
        self._digits = 0
        self._levels = 0
        self._watched: dict[int, OnEdge] = {}
        self._notifies = False
        self._asking: asyncio.Task[None] | None = None
        board.listen(self._notified)

    @property
    def lost(self) -> asyncio.Future[str]:
        """Resolves with the reason when the board is unplugged."""
        return self.board.lost

    @property
    def url(self) -> str:
        """Where the board is."""
        return self.board.url

    async def acquire(self, user: object) -> None:
        """Open the board for ``user``, unless it is open. Raises BenchError."""
        if await self.board.acquire(user):
            self._notifies = False

    async def release(self, user: object) -> None:
        """Close the board when ``user`` was the last to hold it."""
        await self.board.release(user)

    async def check(self, line: int) -> None:
        """Make sure that the board has a line. Raises BenchError."""
        async with self.board.turn:
            await self._read_all()
        if line >= 4 * self._digits:
            raise BenchError(
                f"the board has no GPIO line {line}", self.url, f"use 0 to {4 * self._digits - 1}"
            )

    async def direct(self, line: int, *, is_input: bool) -> None:
        """Make a line an input or an output. Raises BenchError."""
        async with self.board.turn:
            await self._write("iodir", line, is_input)

    async def drive(self, line: int, level: bool) -> bool:
        """Set the level that a line has as an output, and return the level it reads. Raises BenchError."""
        async with self.board.turn:
            await self._write("writeall", line, level)
            return bool(await self._read_all() >> line & 1)

    async def read(self, line: int) -> bool:
        """Return the level of a line. Raises BenchError."""
        async with self.board.turn:
            return bool(await self._read_all() >> line & 1)

    async def watch(self, line: int, on_edge: OnEdge) -> None:
        """Give the changes of a line's level to ``on_edge``. Raises BenchError."""
        async with self.board.turn:
            if not self._notifies:
                self._notifies = await self.board.ask("gpio notify on") == "gpio notify enabled"
            self._report(await self._read_all(), now())
            self._watched[line] = on_edge
        if not self._notifies and (self._asking is None or self._asking.done()):
            self._asking = asyncio.create_task(self._ask_again_and_again())

    async def unwatch(self, line: int) -> None:
        """Report a line's changes no more. Raises BenchError."""
        self._watched.pop(line, None)
        if self._watched:
            return
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.wait({self._asking})
            self._asking = None
        if self._notifies and not self.board.lost.done():
            self._notifies = False
            async with self.board.turn:
                await self.board.ask("gpio notify off")

    async def _ask_again_and_again(self) -> None:
        try:
            while not self.board.lost.done():
                async with self.board.turn:
                    levels = await self._read_all()
                self._report(levels, now())
                await asyncio.sleep(ASK_EVERY)
        except BenchError as problem:
            self.board.fail(problem.what)

    def _notified(self, levels: int, at: float) -> None:
        if self._watched:
            self._report(levels, at)

    def _report(self, levels: int, at: float) -> None:
        changed, self._levels = levels ^ self._levels, levels
        for line, on_edge in tuple(self._watched.items()):
            if changed >> line & 1:
                on_edge(bool(levels >> line & 1), at)

    async def _read_all(self) -> int:
        body = await self.board.ask("gpio readall")
        if not _LEVELS.fullmatch(body):
            raise self.board.misunderstood(body, "the levels of all lines in hexadecimal")
        self._digits = len(body)
        return int(body, 16)

    async def _write(self, register: str, line: int, bit: bool) -> None:
        await self.board.order(f"gpio iomask {1 << line:0{self._digits}x}")
        await self.board.order(f"gpio {register} {bit << line:0{self._digits}x}")


class NumatoOutput(OutputGuest):
    """Output over one GPIO line of a board. Opening and closing make it inactive; closing leaves it driven.

    Attributes:
        bank: the board's lines.
        line: which one, counted from 0.
    """

    def __init__(self, bank: Bank, line: int, *, active_low: bool = False) -> None:
        super().__init__(bank, f"GPIO line {line}")
        self.bank = bank
        self.line = line
        self._active_low = active_low

    async def read(self) -> bool:
        """Return whether the board reads the line as active. Raises BenchError as ``set`` does."""
        self._check_open()
        return await self.bank.read(self.line) is not self._active_low

    async def _settle(self) -> None:
        """Make the line an output that is inactive from the start."""
        await self.bank.check(self.line)
        await self.bank.drive(self.line, self._active_low)
        await self.bank.direct(self.line, is_input=False)
        await self._switch(False)

    async def _switch(self, active: bool) -> bool:
        level = active is not self._active_low
        if await self.bank.drive(self.line, level) is not level:
            wanted = "high" if level else "low"
            raise BenchError(
                f"GPIO line {self.line} was set {wanted} but does not read {wanted}",
                self.bank.url,
                "look for a short circuit on the line, and that no other program drives it",
            )
        return True


class NumatoInput(Guest):
    """Input over one GPIO line of a board. Edges are dated when the board reported them.

    Attributes:
        bank: the board's lines.
        line: which one, counted from 0.
    """

    def __init__(self, bank: Bank, line: int, *, active_low: bool = False) -> None:
        super().__init__(bank, f"GPIO line {line}")
        self.bank = bank
        self.line = line
        self._active_low = active_low
        self._on_edge: OnEdge | None = None

    def listen(self, on_edge: OnEdge) -> None:
        """Give every change of state from now on to ``on_edge``, in place of who listened before."""
        self._on_edge = on_edge

    async def read(self) -> bool:
        """Return whether the line is active now. Raises BenchError."""
        self._check_open()
        return await self.bank.read(self.line) is not self._active_low

    async def _settle(self) -> None:
        await self.bank.check(self.line)
        await self.bank.direct(self.line, is_input=True)
        await self.bank.watch(self.line, self._changed)

    async def _leave(self) -> None:
        await self.bank.unwatch(self.line)

    def _changed(self, level: bool, at: float) -> None:
        if self._on_edge is not None:
            self._on_edge(level is not self._active_low, at)


def bank_at(ports: SharedPorts, port: str) -> Bank:
    """Return the lines of the board at a port, shared with all that hangs on it. Raises BenchError."""
    return ports.at(port, Bank, lambda url: Bank(Board(url)))


Line = Annotated[int, Field(ge=0, lt=MOST_LINES)]


class NumatoGpioOutputOptions(OnPort, OutputOptions):
    """A GPIO line of a Numato-style board, as an output."""

    label: ClassVar[str] = "a GPIO line of a Numato-style USB board"
    kind: Literal["numato-gpio"]
    line: Line
    active_low: bool = False

    def make(self, ports: SharedPorts, *, name: str = "output") -> NumatoOutput:
        """Return the output. Raises BenchError."""
        return NumatoOutput(bank_at(ports, self.port), self.line, active_low=self.active_low)

    @classmethod
    def ask(cls, wizard: Wizard) -> dict[str, Any]:
        """Ask for board and line."""
        return {"port": wizard.serial_port("Port of the board"), "line": wizard.number("Line, from 0")}


class NumatoGpioInputOptions(OnPort, InputOptions):
    """A GPIO line of a Numato-style board, as an input."""

    kind: Literal["numato-gpio"]
    line: Line
    active_low: bool = False

    def make(self, ports: SharedPorts, *, name: str = "input") -> NumatoInput:
        """Return the input. Raises BenchError."""
        return NumatoInput(bank_at(ports, self.port), self.line, active_low=self.active_low)


KINDS = (NumatoGpioOutputOptions, NumatoGpioInputOptions)
