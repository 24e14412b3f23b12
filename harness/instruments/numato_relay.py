"""Relays of a Numato-style USB board: a state in, commands on a serial line out, each one read back.

Protocol facts (vendor's published host code and the independent client ``numato-gpio``): CDC-ACM, the speed
does not matter. A command is lower-case ASCII ended by CR. The reply is the command's echo, a line end, for
questions a value and another line end, and the prompt ``>``. Line ends and letter case differ between
firmwares, so both are ignored. A notification ``# HEX HEX HEX`` without a prompt may come in the middle of
any reply. Error replies are not documented: any body that is not the expected one is an error.
"""

from __future__ import annotations

import asyncio
import re
from typing import Any

from harness.instruments.serial_line import SerialLine
from harness.timeline.errors import BenchError

REPLY_TIME = 1.0  # s a board may take for one reply
_SYNC_TIME = 0.2  # s a board may take to prompt after an empty command; one that stays silent is no error
_MOST_BYTES = 4096  # of replies not yet understood
_PROMPT = b">"
CHANNELS = "0123456789ABCDEFGHIJKLMNOPQRSTUV"
"""The names of a board's channels, in order."""
_NOTIFICATION = re.compile(r"#\s*[0-9a-f]+ +[0-9a-f]+ +[0-9a-f]+[\r\n]*")
_STATES = {"on": True, "off": False}


class Board:
    """One relay board on a serial line: one command at a time, each with a bounded reply time.

    It is opened by the first of its relays and closed by the last. After a reply that did not come the
    board's input is cleared with an empty command before the next one.

    Attributes:
        url: where the board is.
    """

    def __init__(self, url: str, *, baudrate: int = 19_200) -> None:
        self.url = url
        self._line = SerialLine(url, baudrate=baudrate, on_bytes=self._received)
        self._users: set[object] = set()
        self._busy = asyncio.Lock()
        self._in_step = False
        self._buffer = bytearray()
        self._arrived = asyncio.Event()

    @property
    def lost(self) -> asyncio.Future[str]:
        """Resolves with the reason when the board is unplugged."""
        return self._line.lost

    async def acquire(self, user: object) -> None:
        """Open the board for ``user``, unless it is open. Raises BenchError."""
        async with self._busy:
            if not self._line.is_open:
                self._in_step = False
                await self._line.open()
            self._users.add(user)

    async def release(self, user: object) -> None:
        """Close the board when ``user`` was the last to hold it."""
        async with self._busy:
            self._users.discard(user)
            if not self._users:
                await self._line.close()

    async def switch(self, channel: str, active: bool) -> None:
        """Switch one relay and read its state back.

        Raises:
            BenchError: no reply in time, a reply that is not understood, or the relay reads otherwise.
        """
        async with self._busy:
            body = await self._ask(f"relay {'on' if active else 'off'} {channel}")
            if body:
                raise self._misunderstood(body, "nothing but a prompt")
            if await self._read(channel) is not active:
                wanted = "on" if active else "off"
                raise BenchError(
                    f"relay {channel} was switched {wanted} but does not read {wanted}",
                    self.url,
                    "check the board's supply, and that no other program drives it",
                )

    async def read(self, channel: str) -> bool:
        """Return whether one relay is on. Raises BenchError as ``switch`` does."""
        async with self._busy:
            return await self._read(channel)

    async def _read(self, channel: str) -> bool:
        body = await self._ask(f"relay read {channel}")
        if body not in _STATES:
            raise self._misunderstood(body, "on or off")
        return _STATES[body]

    async def _ask(self, command: str) -> str:
        if not self._in_step:
            await self._get_in_step()
        self._buffer.clear()
        self._in_step = False
        await self._line.write(command.encode() + b"\r")
        heard = []
        try:
            async with asyncio.timeout(REPLY_TIME):
                while True:
                    text = await self._next_reply()
                    heard.append(text)
                    _, echo, body = text.partition(command.lower())
                    if echo:
                        self._in_step = True
                        return body
        except TimeoutError:
            got = ", ".join([*heard, _flat(bytes(self._buffer))])
            raise BenchError(
                f"no reply to {command!r} within {REPLY_TIME:g} s (got {got!r})",
                self.url,
                "check that this port is the relay board, and unplug it and plug it in again",
            ) from None

    async def _get_in_step(self) -> None:
        self._buffer.clear()
        await self._line.write(b"\r")
        try:
            async with asyncio.timeout(_SYNC_TIME):
                await self._next_reply()
        except TimeoutError:
            return

    async def _next_reply(self) -> str:
        while _PROMPT not in self._buffer:
            if self.lost.done():
                raise BenchError(
                    f"the relay board is gone ({self.lost.result()})", self.url, "check its cable"
                )
            self._arrived.clear()
            arrival = asyncio.ensure_future(self._arrived.wait())
            either: set[asyncio.Future[Any]] = {arrival, self.lost}
            try:
                await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            finally:
                arrival.cancel()
        reply, _, rest = bytes(self._buffer).partition(_PROMPT)
        self._buffer[:] = rest
        return _flat(reply)

    def _received(self, data: bytes, at: float) -> None:
        self._buffer += data
        del self._buffer[:-_MOST_BYTES]
        self._arrived.set()

    def _misunderstood(self, body: str, expected: str) -> BenchError:
        self._in_step = False
        return BenchError(
            f"the relay board answered {body!r} where {expected} was expected",
            self.url,
            "check the channel, and that the board is one with relay commands",
        )


def _flat(reply: bytes) -> str:
    """Return what is left of a reply when notifications, line ends and letter case do not count."""
    text = _NOTIFICATION.sub("", reply.decode("ascii", "backslashreplace").lower())
    return text.replace("\r", "").replace("\n", "").strip()


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
            await self.board.switch(self.channel, False)
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
                await self.board.switch(self.channel, False)
        finally:
            await self.board.release(self)

    async def set(self, active: bool) -> bool:
        """Switch the relay; it has been read back when this returns True. Raises BenchError."""
        if not self._is_open:
            raise BenchError(f"relay {self.channel} is not open", self.board.url, "open it first")
        await self.board.switch(self.channel, active)
        return True
