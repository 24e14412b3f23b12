"""A Numato-style USB board on a serial line: one command at a time, its reply, and notifications.

Protocol facts (vendor's published host code and the independent client ``numato-gpio``): CDC-ACM, the speed
does not matter. A command is lower-case ASCII ended by CR. The reply is the command's echo, a line end, for
questions a value and another line end, and the prompt ``>``. Line ends and letter case differ between
firmwares, so both are ignored. A notification ``# HEX HEX HEX`` and a line end, without a prompt, may come in
the middle of any reply. Error replies are not documented: any body that is not the expected one is an error.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any, ClassVar

from intercom_hil.errors import BenchError
from intercom_hil.instruments.serial_line import SerialLine
from intercom_hil.lateness import stretched

REPLY_TIME = 1.0  # s a board may take for one reply
_SYNC_TIME = 0.2  # s a board may take to prompt after an empty command; one that stays silent is no error
_MOST_BYTES = 4096  # of replies not yet understood
_PROMPT = b">"
_NOTIFICATION = re.compile(rb"#\s*([0-9a-f]{1,32}) +([0-9a-f]{1,32}) +([0-9a-f]{1,32})[\r\n]+", re.IGNORECASE)
_BEGUN_NOTIFICATION = re.compile(rb"#[\s0-9a-f]{0,110}\Z", re.IGNORECASE)

OnNotification = Callable[[int, float], None]
"""Takes the levels of all GPIO lines, one bit each, and the time they were read (seconds since the epoch)."""


class Board:
    """One board: one command at a time, each with a bounded reply time.

    It is opened by the first of its users and closed by the last. After a reply that did not come the
    board's input is cleared with an empty command before the next one. Must be made inside a running loop.

    Attributes:
        url: where the board is.
        turn: held by whoever talks to the board, over as many commands as belong together.
    """

    noun: ClassVar[str] = "a relay board"

    def __init__(self, url: str, *, baudrate: int = 19_200) -> None:
        self.url = url
        self.turn = asyncio.Lock()
        self._line = SerialLine(url, baudrate=baudrate, on_bytes=self._received)
        self._in_step = False
        self._buffer = bytearray()
        self._arrived = asyncio.Event()
        self._on_notification: OnNotification | None = None

    @property
    def lost(self) -> asyncio.Future[str]:
        """Resolves with the reason when the board is unplugged."""
        return self._line.lost

    def listen(self, on_notification: OnNotification) -> None:
        """Give every notification from now on to ``on_notification``, in place of who listened before."""
        self._on_notification = on_notification

    async def acquire(self, user: object) -> bool:
        """Open the board for ``user``, unless it is open; return whether it was closed. Raises BenchError."""
        async with self.turn:
            opened = not self._line.is_open
            if opened:
                self._in_step = False
            await self._line.acquire(user)
            return opened

    async def release(self, user: object) -> None:
        """Close the board when ``user`` was the last to hold it."""
        async with self.turn:
            await self._line.release(user)

    def fail(self, reason: str) -> None:
        """Give the board up: who asks it cannot go on."""
        self._line.fail(reason)

    async def order(self, command: str) -> None:
        """Give a command that has no value to return. The caller holds ``turn``.

        Raises:
            BenchError: no reply in time, or one that is not understood.
        """
        if body := await self.ask(command):
            raise self.misunderstood(body, "nothing but a prompt")

    async def ask(self, command: str) -> str:
        """Give a command and return its value, lower case, empty if it has none. The caller holds ``turn``.

        Raises:
            BenchError: no reply in time.
        """
        if not self._in_step:
            await self._get_in_step()
        self._forget()
        self._in_step = False
        await self._line.write(command.encode() + b"\r")
        heard: list[str] = []
        try:
            async with stretched(REPLY_TIME):
                while (body := self._value(command, await self._next_reply(), heard)) is None:
                    pass
                return body
        except TimeoutError:
            while (text := self._reply()) is not None:  # it came, and nobody had the time to read it
                if (body := self._value(command, text, heard)) is not None:
                    return body
            got = ", ".join([*heard, _flat(bytes(self._buffer))])
            raise BenchError(
                f"no reply to {command!r} within {REPLY_TIME:g} s (got {got!r})",
                self.url,
                "check that this port is the relay board, and unplug it and plug it in again",
            ) from None

    def _value(self, command: str, text: str, heard: list[str]) -> str | None:
        """Return the value in a reply to a command; None if it is a reply to another."""
        heard.append(text)
        _, echo, body = text.partition(command.lower())
        self._in_step = bool(echo)
        return body if echo else None

    def misunderstood(self, body: str, expected: str) -> BenchError:
        """Return the error to raise for a value that is not what was expected."""
        self._in_step = False
        return BenchError(
            f"the relay board answered {body!r} where {expected} was expected",
            self.url,
            "check the channel, and that the board is one with these commands",
        )

    async def _get_in_step(self) -> None:
        self._forget()
        await self._line.write(b"\r")
        try:
            async with asyncio.timeout(_SYNC_TIME):
                await self._next_reply()
        except TimeoutError:
            return

    def _forget(self) -> None:
        """Drop what was not understood, but not a notification that has just begun: an edge is in it."""
        begun = _BEGUN_NOTIFICATION.search(self._buffer)
        self._buffer[:] = begun[0] if begun else b""

    async def _next_reply(self) -> str:
        while (reply := self._reply()) is None:
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
        return reply

    def _reply(self) -> str | None:
        """Return the next reply that has come, None without one."""
        reply, prompt, rest = bytes(self._buffer).partition(_PROMPT)
        if not prompt:
            return None
        self._buffer[:] = rest
        return _flat(reply)

    def _received(self, data: bytes, at: float) -> None:
        self._buffer += data
        while found := _NOTIFICATION.search(self._buffer):
            levels = int(found[1], 16)
            del self._buffer[found.start() : found.end()]
            if self._on_notification is not None:
                self._on_notification(levels, at)
        del self._buffer[:-_MOST_BYTES]
        self._arrived.set()


def _flat(reply: bytes) -> str:
    """Return what is left of a reply when line ends and letter case do not count."""
    text = reply.decode("ascii", "backslashreplace").lower()
    return text.replace("\r", "").replace("\n", "").strip()
