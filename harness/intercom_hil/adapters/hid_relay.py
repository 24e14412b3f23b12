"""The relays of a USB HID board (DCTTech's, sold under many names): feature reports over hidraw.

Protocol facts (the boards' firmware, and clients published for them): vendor 16c0, product 05df; other
gadgets have these too, so the product's name counts: ``USBRelay`` and how many relays there are. A report
has eight bytes and no number. ``FF n`` switches relay n on, ``FD n`` off, counted from 1. The report that is
read has the board's five characters, two bytes without meaning, and one bit for each relay, the first lowest.
The kernel bounds each transfer by 5 s, and makes the device readable with an error when it is unplugged.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from intercom_hil.errors import BenchError
from intercom_hil.instruments.kinds import OutputOptions
from intercom_hil.instruments.shared_port import OutputGuest, SharedPorts
from intercom_hil.instruments.uninterrupted import uninterrupted
from intercom_hil.kinds import Found, Wizard

MOST_CHANNELS = 8
DEVICES = Path("/dev")
_NUMBERS = {"vendor": 0x16C0, "product": 0x05DF}
_NAMED = re.compile(r"USBRelay(\d{1,2})\b", re.IGNORECASE)
_ON, _OFF = 0xFF, 0xFD
_REPORT = 8
"""Bytes of a report; one more goes before them, the number of the report: 0, because there is only one."""
_REMEDIES = {
    errno.ENOENT: "plug the board in; `ls /dev/hidraw*` lists what is there",
    errno.EACCES: 'let your user use it by a udev rule: KERNEL=="hidraw*", ATTRS{idVendor}=="16c0", '
    'ATTRS{idProduct}=="05df", GROUP="plugdev", MODE="0660"',
    errno.EAGAIN: "end the program that has the board, and call it by one name in the bench file",
}


def _request(direction: int, number: int, size: int) -> int:
    """Return an ioctl of hidraw (``linux/hidraw.h``): 1 writes, 2 reads."""
    return direction << 30 | size << 16 | ord("H") << 8 | number


_GET_INFO = _request(2, 0x03, 8)
_GET_NAME = _request(2, 0x04, 256)
_SET_FEATURE = _request(3, 0x06, _REPORT + 1)
_GET_FEATURE = _request(3, 0x07, _REPORT + 1)


class HidBoard:
    """One board: one order at a time. Must be made inside a running event loop.

    Attributes:
        url: where the board is: its device, or its five characters.
        turn: held by whoever talks to the board, over as many orders as belong together.
    """

    noun: ClassVar[str] = "a HID relay board"

    def __init__(self, url: str) -> None:
        self.url = url
        self.turn = asyncio.Lock()
        self._users: set[int] = set()
        self._fd: int | None = None
        self._channels = 0
        self._loop = asyncio.get_running_loop()
        self._lost: asyncio.Future[str] = self._loop.create_future()

    @property
    def lost(self) -> asyncio.Future[str]:
        """Resolves with the reason when the board is unplugged."""
        return self._lost

    async def acquire(self, user: object) -> None:
        """Open the board for ``user``, unless it is open. Raises BenchError."""
        if self._fd is None or self._lost.done():
            self._close()
            self._open()
        self._users.add(id(user))

    async def release(self, user: object) -> None:
        """Close the board when ``user`` was the last to use it."""
        self._users.discard(id(user))
        if not self._users:
            self._close()

    async def switch(self, channel: int, active: bool) -> None:
        """Switch a relay. Raises BenchError."""
        if channel > self._channels:
            raise BenchError(
                f"it has no relay {channel}, but {self._channels}", self.url, "count the relays from 1"
            )
        await self._transfer(_SET_FEATURE, bytes((0, _ON if active else _OFF, channel)))

    async def state(self, channel: int) -> bool:
        """Return whether a relay is on. Raises BenchError."""
        report = await self._transfer(_GET_FEATURE, b"")
        return bool(report[_REPORT] >> (channel - 1) & 1)

    async def _transfer(self, request: int, order: bytes) -> bytearray:
        """Exchange one report. It is a matter of milliseconds, but the kernel may wait for the board."""
        report = bytearray(order.ljust(_REPORT + 1, b"\0"))
        fd = self._fd
        if fd is None or self._lost.done():
            reason = self._lost.result() if self._lost.done() else "it is not open"
            raise BenchError(f"the board cannot be used ({reason})", self.url, "plug it in; open it first")
        try:
            await asyncio.to_thread(fcntl.ioctl, fd, request, report)
        except OSError as problem:
            if problem.errno in (errno.ENODEV, errno.EIO, errno.EPIPE):
                self._lose(str(problem))
            raise _error(problem, self.url, "does not take its report") from problem
        return report

    def _open(self) -> None:
        path = _device_of(self.url)
        try:
            fd = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as problem:
            raise _error(problem, self.url, "cannot be opened") from problem
        try:
            name = _name(fd)
            if name is None:
                raise BenchError(
                    "it is no HID relay board (16c0:05df, USBRelay…)", self.url, "correct the device"
                )
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as problem:
            os.close(fd)
            raise _error(problem, self.url, "cannot be had") from problem
        except BaseException:
            os.close(fd)
            raise
        self._channels = int(name[1])
        self._fd = fd
        if self._lost.done():
            self._lost = self._loop.create_future()
        self._loop.add_reader(fd, self._readable)

    def _readable(self) -> None:
        """Find out that the board is gone; it sends no report by itself."""
        if self._fd is None:
            return
        try:
            os.read(self._fd, 64)
        except BlockingIOError:
            return
        except OSError as problem:
            self._lose(str(problem))

    def _lose(self, reason: str) -> None:
        if not self._lost.done():
            self._lost.set_result(reason)
        if self._fd is not None:
            self._loop.remove_reader(self._fd)

    def _close(self) -> None:
        fd, self._fd = self._fd, None
        if fd is not None:
            self._loop.remove_reader(fd)
            os.close(fd)


class HidRelay(OutputGuest):
    """Output over one relay of a board. Off is the safe state: opening and closing switch it off.

    Attributes:
        board: the board, shared between its relays.
        channel: counted from 1, as printed on the board.
    """

    def __init__(self, board: HidBoard, channel: int) -> None:
        super().__init__(board, f"relay {channel}")
        self.board = board
        self.channel = channel

    async def read(self) -> bool:
        """Return the state that the board reports. Raises BenchError."""
        self._check_open()
        async with self.board.turn:
            return await uninterrupted(self.board.state(self.channel))

    async def _settle(self) -> None:
        async with self.board.turn:
            self.left_active = await uninterrupted(self.board.state(self.channel))
        await self._switch(False)

    async def _switch(self, active: bool) -> bool:
        async with self.board.turn:
            await uninterrupted(self.board.switch(self.channel, active))
            shown = await uninterrupted(self.board.state(self.channel))
        if shown is not active:
            wanted = "on" if active else "off"
            raise BenchError(
                f"relay {self.channel} was switched {wanted} but does not read {wanted}",
                self.board.url,
                "check the board's supply, and that no other program drives it",
            )
        return True


class HidRelayOptions(OutputOptions):
    """A relay of a USB HID board."""

    label: ClassVar[str] = "a relay of a USB HID board (DCTTech and alike, 16c0:05df)"
    kind: Literal["hid-relay"]
    board: Annotated[
        str, Field(min_length=1, description="its device, such as /dev/hidraw0, or its five characters")
    ]
    channel: Annotated[int, Field(ge=1, le=MOST_CHANNELS)] = 1

    @property
    def where(self) -> str:
        """The board and its relay."""
        return f"{self.board} relay {self.channel}"

    def claims(self) -> Mapping[str, str]:
        """Return the board: one bench at a time has it."""
        board = os.path.realpath(self.board) if self.board.startswith("/") else self.board
        return {f"HID relay board {board}": "board"}

    def make(self, ports: SharedPorts, *, name: str = "output") -> HidRelay:
        """Return the output. Raises BenchError."""
        return HidRelay(ports.at(self.board, HidBoard, HidBoard), self.channel)

    @classmethod
    def ask(cls, wizard: Wizard) -> dict[str, Any]:
        """Ask for board and relay."""
        board = wizard.offered("HID relay board", boards())
        channel = wizard.number("Relay, counted from 1", 1, least=1, most=MOST_CHANNELS)
        return {"board": board, "channel": channel}


def boards() -> list[Found]:
    """Return the boards that are plugged in, with what is to be said of each."""
    found = []
    for path in sorted(DEVICES.glob("hidraw*")):
        try:
            fd = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            continue  # what it is cannot be known
        try:
            name = _name(fd)
            if name is not None:
                found.append(Found(str(path), f"board {_characters(fd)}, {name[1]} relays"))
        except OSError as problem:
            found.append(Found(str(path), f"cannot be read: {problem.strerror}"))
        finally:
            os.close(fd)
    return found


def _device_of(board: str) -> str:
    """Return the device of a board that is called by it, or by its five characters. Raises BenchError."""
    if board.startswith("/"):
        return board
    there = boards()
    for candidate in there:
        if candidate.description.startswith(f"board {board},"):
            return candidate.name
    seen = ", ".join(f"{one.name} ({one.description})" for one in there)
    told = f"there is {seen}" if there else "none is there, or none may be opened"
    raise BenchError(f"no HID relay board is called {board!r}", board, f"correct its name: {told}")


def _name(fd: int) -> re.Match[str] | None:
    """Return the board's name with its number of relays, None of anything else. Raises OSError."""
    info, name = bytearray(8), bytearray(256)
    fcntl.ioctl(fd, _GET_INFO, info)
    numbers = {
        "vendor": int.from_bytes(info[4:6], "little"),
        "product": int.from_bytes(info[6:8], "little"),
    }
    fcntl.ioctl(fd, _GET_NAME, name)
    return _NAMED.search(name.partition(b"\0")[0].decode("utf-8", "replace")) if numbers == _NUMBERS else None


def _characters(fd: int) -> str:
    report = bytearray(_REPORT + 1)
    fcntl.ioctl(fd, _GET_FEATURE, report)
    return report[1:6].rstrip(b"\0").decode("ascii", "replace")


def _error(problem: OSError, where: str, what: str) -> BenchError:
    remedy = _REMEDIES.get(problem.errno or 0, "plug the board in again")
    return BenchError(f"the board {what} ({problem.strerror})", where, remedy)
