"""The relays of a Numato-style USB board: a state goes in, is switched, and is read back from the board.

Commands (vendor's published host code): ``relay on N``, ``relay off N``, and ``relay read N`` with the value
``on`` or ``off``. Channels are counted 0 to 9, then A to V.
"""

from __future__ import annotations

import asyncio

from harness.instruments.numato_board import REPLY_TIME, Board
from harness.timeline.errors import BenchError

__all__ = ["CHANNELS", "REPLY_TIME", "Board", "Relay"]

CHANNELS = "0123456789ABCDEFGHIJKLMNOPQRSTUV"
"""The names of a board's channels, in order."""
_STATES = {"on": True, "off": False}


class Relay:
    """Output over one channel of a Board. Off is the safe state: opening and closing switch it off.

    Attributes:
        board: the board, shared between its channels.
        channel: 0 to 9, then A to V, as printed on the board.
    """

    def __init__(self, board: Board, channel: str) -> None:
        if len(channel) != 1 or channel not in CHANNELS:
            raise BenchError(f"{channel!r} is no relay channel", board.url, "use one of 0 to 9 or A to V")
        self.board = board
        self.channel = channel
        self._is_open = False

    @property
    def lost(self) -> asyncio.Future[str]:
        """Resolves with the reason when the board is unplugged."""
        return self.board.lost

    async def open(self) -> None:
        """Open the board, if need be, and switch the relay off. Raises BenchError."""
        if self._is_open and not self.lost.done():
            return
        await self.board.acquire(self)
        try:
            await self._switch(False)
        except BaseException:
            await self.board.release(self)
            raise
        self._is_open = True

    async def close(self) -> None:
        """Switch the relay off and let go of the board.

        Raises:
            BenchError: the board is there but the relay could not be switched off.
        """
        if not self._is_open:
            return
        self._is_open = False
        try:
            if not self.lost.done():
                await self._switch(False)
        finally:
            await self.board.release(self)

    async def set(self, active: bool) -> bool:
        """Switch the relay; it has been read back when this returns True.

        Raises:
            BenchError: no reply in time, a reply that is not understood, or the relay reads otherwise.
        """
        self._check_open()
        await self._switch(active)
        return True

    async def read(self) -> bool:
        """Return whether the board reads the relay as on. Raises BenchError as ``set`` does."""
        self._check_open()
        async with self.board.turn:
            return await self._read()

    def _check_open(self) -> None:
        if not self._is_open:
            raise BenchError(f"relay {self.channel} is not open", self.board.url, "open it first")

    async def _switch(self, active: bool) -> None:
        async with self.board.turn:
            wanted = "on" if active else "off"
            await self.board.order(f"relay {wanted} {self.channel}")
            if await self._read() is not active:
                raise BenchError(
                    f"relay {self.channel} was switched {wanted} but does not read {wanted}",
                    self.board.url,
                    "check the board's supply, and that no other program drives it",
                )

    async def _read(self) -> bool:
        body = await self.board.ask(f"relay read {self.channel}")
        if body not in _STATES:
            raise self.board.misunderstood(body, "on or off")
        return _STATES[body]
