"""The device's syslog: every entry of its log to a server, over UDP, TCP or TLS.

Messages are as RFC 5424 or RFC 3164 have them, framed on a stream by RFC 6587; by TLS the server is checked.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from intercom_hil.emulator.outbox import Outbox
from intercom_hil.emulator.speech import Entry, iso, untimed

_PRIORITY = 16 * 8 + 6
"""local0, informational."""
_APP = "intercom"


@dataclass(frozen=True, slots=True)
class SyslogServer:
    """Where the device sends its syslog, and how. ``url`` is ``udp://``, ``tcp://`` or ``tls://host:port``."""

    url: str
    old: bool = False
    counted: bool = True
    ca: Path | None = None


class Syslog:
    """Sends the log of one device. Must be made inside a running event loop; raises OSError."""

    def __init__(self, server: SyslogServer, address: str) -> None:
        self._server = server
        self._address = address
        parts = urlsplit(server.url)
        self._at = (parts.hostname or "", parts.port or 0)
        self._context = ssl.create_default_context(cafile=server.ca) if parts.scheme == "tls" else None
        self._datagrams: socket.socket | None = None
        self._outbox: Outbox | None = None
        self._writer: asyncio.StreamWriter | None = None
        if parts.scheme == "udp":
            self._datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._datagrams.setblocking(False)
            self._datagrams.bind((address, 0))
        else:
            self._outbox = Outbox(self._stream)

    def write(self, entry: Entry, at: float) -> None:
        """Send an entry; a datagram that nobody takes is gone, as syslog over UDP has it."""
        message = self._message(entry, at)
        if self._outbox is not None:
            framed = b"%d %s" % (len(message), message) if self._server.counted else message + b"\n"
            self._outbox.put(framed)
        elif self._datagrams is not None:
            try:
                self._datagrams.sendto(message, self._at)
            except OSError:
                return  # what came of an earlier datagram: nobody listened

    async def close(self) -> None:
        """Send no more."""
        if self._datagrams is not None:
            self._datagrams.close()
        if self._outbox is not None:
            await self._outbox.close()
        if self._writer is not None:
            self._writer.close()

    def _message(self, entry: Entry, at: float) -> bytes:
        text = untimed(entry).encode("utf-8", "backslashreplace")
        if self._server.old:
            moment = datetime.fromtimestamp(at, UTC)
            stamp = f"{moment:%b} {moment.day:2} {moment:%H:%M:%S}"
            return f"<{_PRIORITY}>{stamp} {self._address} {_APP}: ".encode() + text
        mark = b"" if text.isascii() else b"\xef\xbb\xbf"
        return f"<{_PRIORITY}>1 {iso(at)} {self._address} {_APP} - - - ".encode() + mark + text

    async def _stream(self, framed: bytes) -> None:
        if self._writer is None or self._writer.is_closing():
            _, self._writer = await asyncio.open_connection(
                *self._at, local_addr=(self._address, 0), ssl=self._context
            )
        self._writer.write(framed)
        try:
            await self._writer.drain()
        except OSError:
            self._writer = None
            raise
