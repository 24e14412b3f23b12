"""The other ends of serial lines, for tests: real ptys and real loopback TCP, served by a thread each."""

import os
import pty
import select
import socket
import threading
import tty
from collections.abc import Callable

import serial
import serial.rfc2217
from serial.urlhandler import protocol_loop

from tests.contracts.numato_firmware import NumatoBoard

__all__ = [
    "ADDRESS",
    "ModemPort",
    "MuteManager",
    "NoModemLines",
    "NumatoBoard",
    "OtherModemLines",
    "Peer",
    "PtyPeer",
    "Rfc2217Peer",
    "TcpPeer",
]

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

    @property
    def plugged(self) -> bool:
        """Whether it has not been unplugged."""
        return self._stop_write >= 0

    def send(self, data: bytes) -> None:
        assert self._ready.wait(5)
        self._write(data)

    def unplug(self) -> None:
        if not self.plugged:
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

    def write_as_client(self, data: bytes) -> None:
        """Have the peer hear something behind all that the client has written."""
        if self.plugged:
            os.write(self._slave, data)

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


class ModemPort(protocol_loop.Serial):
    """The port behind a terminal server: it notes what its outputs are told and senses what a test says."""

    def __init__(self) -> None:
        self.driven: list[tuple[str, bool]] = []
        self.sensed = {"cts": False, "dsr": False, "ri": False, "cd": False}
        super().__init__("loop://")
        self.driven.clear()

    def _update_rts_state(self) -> None:
        self.driven.append(("rts", self._rts_state))

    def _update_dtr_state(self) -> None:
        self.driven.append(("dtr", self._dtr_state))

    cts = property(lambda self: self.sensed["cts"])
    dsr = property(lambda self: self.sensed["dsr"])
    ri = property(lambda self: self.sensed["ri"])
    cd = property(lambda self: self.sensed["cd"])


class MuteManager(serial.rfc2217.PortManager):
    """A terminal server's RFC 2217 that tells nothing of the port's inputs."""

    def check_modem_lines(self, force_notification=False):
        del force_notification


class NoModemLines(serial.rfc2217.PortManager):
    """A terminal server's RFC 2217 that confirms no change of modem lines, as one with a pty behind it."""

    def rfc2217_send_subnegotiation(self, option, value=b""):
        if option != serial.rfc2217.SERVER_SET_CONTROL:
            super().rfc2217_send_subnegotiation(option, value)


class OtherModemLines(serial.rfc2217.PortManager):
    """A terminal server's RFC 2217 that confirms another state of the modem lines than was asked for."""

    def rfc2217_send_subnegotiation(self, option, value=b""):
        if option == serial.rfc2217.SERVER_SET_CONTROL:
            value = serial.rfc2217.SET_CONTROL_REQ_DTR
        super().rfc2217_send_subnegotiation(option, value)


class Rfc2217Peer(TcpPeer):
    """A terminal server as pyserial's own RFC 2217 example makes one, with a port of ours behind it."""

    def __init__(self, answer=None, *, manager=serial.rfc2217.PortManager) -> None:
        super().__init__(answer)
        self.port = ModemPort()
        self._make_manager = manager
        self._manager: serial.rfc2217.PortManager | None = None
        self.url = self.url.replace("socket:", "rfc2217:")

    def _connected(self) -> None:
        self._manager = self._make_manager(self.port, self)

    def sense(self, line: str, active: bool) -> None:
        """Change an input of the port; the server tells its client."""
        self.port.sensed[{"dcd": "cd"}.get(line, line)] = active
        if self._manager is not None:
            self._manager.check_modem_lines()

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
