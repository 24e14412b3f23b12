"""The relays of a Numato-style USB board, each switched and read back.

Commands (vendor's published host code): ``relay on N``, ``relay off N``, and ``relay read N`` with the value
``on`` or ``off``. Channels are counted 0 to 9, then A to V.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from intercom_hil.adapters.numato_board import Board
from intercom_hil.adapters.numato_gpio import bank_at
from intercom_hil.errors import BenchError
from intercom_hil.instruments.kinds import OnPort, OutputOptions
from intercom_hil.instruments.shared_port import OutputGuest, SharedPorts
from intercom_hil.kinds import Wizard

CHANNELS = "0123456789ABCDEFGHIJKLMNOPQRSTUV"
"""The names of a board's channels, in order."""
_STATES = {"on": True, "off": False}


class Relay(OutputGuest):
    """Output over one channel of a Board. Off is the safe state: opening and closing switch it off.

    Attributes:
        board: the board, shared between its channels.
        channel: 0 to 9, then A to V, as printed on the board.
    """

    def __init__(self, board: Board, channel: str) -> None:
        if len(channel) != 1 or channel not in CHANNELS:
            raise BenchError(f"{channel!r} is no relay channel", board.url, "use one of 0 to 9 or A to V")
        super().__init__(board, f"relay {channel}")
        self.board = board
        self.channel = channel

    async def read(self) -> bool:
        """Return whether the board reads the relay as on. Raises BenchError as ``set`` does."""
        self._check_open()
        async with self.board.turn:
            return await self._read()

    async def _settle(self) -> None:
        async with self.board.turn:
            self.left_active = await self._read()
        await self._switch(False)

    async def _switch(self, active: bool) -> bool:
        async with self.board.turn:
            wanted = "on" if active else "off"
            await self.board.order(f"relay {wanted} {self.channel}")
            if await self._read() is not active:
                raise BenchError(
                    f"relay {self.channel} was switched {wanted} but does not read {wanted}",
                    self.board.url,
                    "check the board's supply, and that no other program drives it",
                )
        return True

    async def _read(self) -> bool:
        body = await self.board.ask(f"relay read {self.channel}")
        if body not in _STATES:
            raise self.board.misunderstood(body, "on or off")
        return _STATES[body]


class NumatoRelayOptions(OnPort, OutputOptions):
    """A relay of a Numato-style board."""

    label: ClassVar[str] = "a relay of a Numato-style USB board"
    kind: Literal["numato-relay"]
    channel: Annotated[int, Field(ge=0, lt=len(CHANNELS))] = 0

    def make(self, ports: SharedPorts, *, name: str = "output") -> Relay:
        """Return the output. Raises BenchError."""
        return Relay(bank_at(ports, self.port).board, CHANNELS[self.channel])

    @classmethod
    def ask(cls, wizard: Wizard) -> dict[str, Any]:
        """Ask for board and relay."""
        port = wizard.serial_port("Port of the board")
        return {"port": port, "channel": wizard.number("Relay, counted from 0")}
