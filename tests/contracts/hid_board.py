"""A USB HID relay board, shown to the kernel through its uhid; here is the firmware."""

import os
import select
import struct
import threading
import time
from pathlib import Path

_UHID = Path("/dev/uhid")
_CREATE2, _DESTROY, _START, _GET, _GET_REPLY, _SET, _SET_REPLY = 11, 1, 2, 9, 10, 13, 14
_BUS_USB = 3
_EVENT = 4 + 4376
"""Bytes of the longest event (``linux/uhid.h``): a type, and the request that makes a device."""
DESCRIPTOR = bytes.fromhex("06 00ff 0901 a101 1500 26ff00 7508 9508 0900 b20201 c0")
"""One feature report of eight bytes without a number, as the boards describe themselves."""
_BUSY = 16  # EBUSY


def available() -> bool:
    """Return whether this kernel takes HID devices from a program, and this user may be that program."""
    return os.access(_UHID, os.R_OK | os.W_OK)


class HidBoard:
    """A board with its relays, that is there until it is unplugged.

    Attributes:
        path: its device.
        relays: what is on, by the number that is printed on the board.
        changes: each order in its order: relay and state.
        deaf: whether it fails every report from now on.
        stuck: relays whose contacts do not follow.
    """

    def __init__(self, count: int = 2, *, characters: str = "BENCH", product: int = 0x05DF) -> None:
        self.relays = dict.fromkeys(range(1, count + 1), False)
        self.changes: list[tuple[int, bool]] = []
        self.deaf = False
        self.stuck: set[int] = set()
        self._characters = characters
        before = set(Path("/sys/class/hidraw").glob("*"))
        self._fd = os.open(_UHID, os.O_RDWR | os.O_CLOEXEC)
        self._stop_read, self._stop_write = os.pipe()
        self._there = True
        name = f"www.dcttech.com USBRelay{count}"
        self._send(
            _CREATE2,
            struct.pack("<128s64s64s", name.encode(), b"bench", characters.encode())
            + struct.pack("<HHIIII", len(DESCRIPTOR), _BUS_USB, 0x16C0, product, 0x0100, 0)
            + DESCRIPTOR.ljust(4096, b"\0"),
        )
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        self.path = f"/dev/{_appears(before)}"

    def unplug(self) -> None:
        """Take the board away; nothing happens when it is gone."""
        if self._there:
            self._there = False
            os.write(self._stop_write, b"x")
            self._thread.join(5)
            self._send(_DESTROY, b"")
            for fd in (self._fd, self._stop_read, self._stop_write):
                os.close(fd)

    def _send(self, kind: int, body: bytes) -> None:
        os.write(self._fd, struct.pack("<I", kind) + body)

    def _serve(self) -> None:
        while True:
            readable, _, _ = select.select([self._fd, self._stop_read], [], [])
            if self._stop_read in readable:
                return
            event = os.read(self._fd, _EVENT)
            (kind,) = struct.unpack_from("<I", event)
            if kind == _SET:
                number, _, _, size = struct.unpack_from("<IBBH", event, 4)
                done = 0 if not self.deaf and self._ordered(event[12 : 12 + size]) else _BUSY
                self._send(_SET_REPLY, struct.pack("<IH", number, done))
            elif kind == _GET:
                (number,) = struct.unpack_from("<I", event, 4)
                report = b"\0" + self._report()
                head = struct.pack("<IHH", number, _BUSY if self.deaf else 0, len(report))
                self._send(_GET_REPLY, head + report.ljust(4096, b"\0"))

    def _report(self) -> bytes:
        states = sum(1 << (number - 1) for number, on in self.relays.items() if on)
        return self._characters.encode().ljust(5, b"\0")[:5] + bytes((0, 0, states))

    def _ordered(self, report: bytes) -> bool:
        _, order, number, *_ = report  # the number of the report comes first: there is one only
        if order not in (0xFF, 0xFD) or number not in self.relays:
            return False
        if number not in self.stuck:
            self.relays[number] = order == 0xFF
            self.changes.append((number, order == 0xFF))
        return True


def _appears(before: set[Path]) -> str:
    limit = time.monotonic() + 10
    while time.monotonic() < limit:
        new = set(Path("/sys/class/hidraw").glob("*")) - before
        for path in new:
            if Path("/dev", path.name).exists():
                return path.name
        time.sleep(0.01)
    raise TimeoutError("the kernel made no hidraw device")
