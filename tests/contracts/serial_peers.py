"""The other ends of serial lines, for tests: real ptys and real loopback TCP, served by a thread each."""

import os
import pty
import re
import select
import socket
import threading
import tty
from collections.abc import Callable

import serial
import serial.rfc2217

ADDRESS = "127.0.45.1"


class Peer:
    """A box at the far end of a serial line. ``answer`` turns what it hears into what it says."""

    def __init__(self, answer: Callable[[bytes], bytes] | None = None) -> None:
        self.answer = answer
        self.heard = bytearray()
        self._stop_read, self._stop_write = os.pipe()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._ready = threading.Event()

    def start(self) -> "Peer":
        self._thread.start()
        return self

    def _serve(self) -> None:
        while True:
            readable, _, _ = select.select([self._source(), self._stop_read], [], [])
            if self._stop_read in readable:
                return
            try:
                data = self._read()
            except OSError:
                data = b""
            if not data:
                select.select([self._stop_read], [], [], 0.01)  # a pty whose other end is closed reads EIO
                continue
            self.heard += data
            if self.answer is not None and (reply := self.answer(data)):
                self._write(reply)

    def send(self, data: bytes) -> None:
        assert self._ready.wait(5)
        self._write(data)

    def unplug(self) -> None:
        if self._stop_write < 0:
            return
        os.write(self._stop_write, b"x")
        self._thread.join(5)
        os.close(self._stop_write)
        os.close(self._stop_read)
        self._stop_write = -1
        self._close()


class PtyPeer(Peer):
    def __init__(self, answer=None) -> None:
        super().__init__(answer)
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        self.url = os.ttyname(self._slave)
        self._ready.set()

    def _source(self) -> int:
        return self._master

    def _read(self) -> bytes:
        return os.read(self._master, 4096)

    def _write(self, data: bytes) -> None:
        os.write(self._master, data)

    def _close(self) -> None:
        os.close(self._slave)
        os.close(self._master)


class TcpPeer(Peer):
    def __init__(self, answer=None) -> None:
        super().__init__(answer)
        self._listener = socket.create_server((ADDRESS, 0))
        self._connection: socket.socket | None = None
        self.url = f"socket://{ADDRESS}:{self._listener.getsockname()[1]}"

    def _source(self) -> int:
        return (self._connection or self._listener).fileno()

    def _read(self) -> bytes:
        if self._connection is None:
            self._connection, _ = self._listener.accept()
            self._connected()
            return b""
        data = self._connection.recv(4096)
        if not data:
            self._connection.close()
            self._connection = None
            self._ready.clear()
        return data

    def _connected(self) -> None:
        self._ready.set()

    def _write(self, data: bytes) -> None:
        self._connection.sendall(data)

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._listener.close()


class Rfc2217Peer(TcpPeer):
    """A terminal server as pyserial's own RFC 2217 example makes one, with a looped port behind it."""

    def __init__(self, answer=None) -> None:
        super().__init__(answer)
        self.url = self.url.replace("socket:", "rfc2217:")

    def _connected(self) -> None:
        self.port = serial.serial_for_url("loop://")
        self._manager = serial.rfc2217.PortManager(self.port, self)

    def write(self, data: bytes) -> None:  # what the manager calls to answer options
        self._connection.sendall(data)

    def _read(self) -> bytes:
        data = super()._read()
        plain = b"".join(self._manager.filter(data)) if data else b""
        if data and self._manager._client_is_rfc2217:
            self._ready.set()
        return plain

    def _write(self, data: bytes) -> None:
        self._connection.sendall(b"".join(self._manager.escape(data)))


class NumatoBoard:
    """The firmware of a relay board: bytes of commands in, bytes of replies out.

    ``noise`` is called with each reply and may change it on its way, as firmwares and noise do.
    """

    def __init__(self, channels: int = 16, *, eol: bytes = b"\n\r", noise=None) -> None:
        self.relays = [False] * channels
        self.changes: list[tuple[int, bool]] = []
        self.closed = threading.Event()  # some relay was switched on
        self.eol = eol
        self.noise = noise
        self._command = bytearray()

    def __call__(self, data: bytes) -> bytes:
        out = b""
        for byte in data:
            if byte != 0x0D:
                self._command.append(byte)
                continue
            command = bytes(self._command)
            self._command.clear()
            reply = command + self.eol + self._value(command.decode("ascii", "replace")) + b">"
            out += self.noise(reply) if self.noise else reply
        return out

    def _value(self, command: str) -> bytes:
        match = re.fullmatch(r"relay (on|off|read) ([0-9A-V])", command)
        if not match:
            return b""
        number = int(match[2], 32)
        if match[1] == "read":
            return (b"on" if self.relays[number] else b"off") + self.eol
        self.relays[number] = match[1] == "on"
        self.changes.append((number, self.relays[number]))
        if self.relays[number]:
            self.closed.set()
        return b""
