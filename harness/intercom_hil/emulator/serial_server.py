"""The device's serial line on a terminal server (RFC 2217): console lines out, and RTS across the button.

For benches whose intercom hangs on a serial server, or whose button is pressed by a cable's RTS. One client
at a time, as such servers have it. What is written while there is none is lost, as on a cable nobody reads.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable
from typing import Any, cast

from serial.rfc2217 import PortManager, Serial

_MOST_WAITING = 1 << 20
"""Bytes that may wait for a slow client; one that takes none any more is let go."""


class _Port:
    """The port behind the server, as the protocol's manager asks for it. RTS is wired to the button."""

    bytesize, parity, stopbits = 8, "N", 1
    break_condition = rtscts = xonxoff = False
    cts = dsr = ri = cd = False

    def __init__(self, rts_changed: Callable[[bool], None]) -> None:
        self.baudrate = 115_200
        self.dtr = False
        self._rts = False
        self._rts_changed = rts_changed

    @property
    def rts(self) -> bool:
        return self._rts

    @rts.setter
    def rts(self, active: Any) -> None:
        if bool(active) is not self._rts:
            self._rts = bool(active)
            self._rts_changed(self._rts)

    def reset_input_buffer(self) -> None:
        """Forget what came in: nothing is kept."""

    def reset_output_buffer(self) -> None:
        """Forget what is to go out: nothing is kept."""


class SerialServer:
    """A terminal server with one port. ``pressed`` is called with the button's state when RTS moves."""

    def __init__(self, pressed: Callable[[bool], None]) -> None:
        self._port = _Port(pressed)
        self._client: asyncio.StreamWriter | None = None
        self._manager: PortManager | None = None
        self._server: asyncio.Server | None = None

    async def start(self, address: str, port: int) -> None:
        """Listen. Raises OSError where the port cannot be had."""
        self._server = await asyncio.start_server(self._serve, address, port)

    def write(self, piece: bytes) -> None:
        """Send one piece to the client, if there is one."""
        if self._client is None or self._manager is None:
            return
        if self._client.transport.get_write_buffer_size() > _MOST_WAITING:
            self._client.transport.abort()
            return
        self._client.write(b"".join(self._manager.escape(piece)))

    def close(self) -> None:
        """Let the client go, and listen no more; may be called again."""
        if self._client is not None:
            self._client.transport.abort()
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._client is not None:
            writer.close()
            return
        self._client, self._manager = writer, PortManager(cast(Serial, self._port), cast(Serial, writer))
        try:
            while data := await reader.read(4096):
                for _ in self._manager.filter(data):
                    pass  # the console takes no input; the manager answers the options itself
        except (ConnectionError, ValueError, LookupError, struct.error):
            pass  # it went away, or speaks no RFC 2217: both end its visit
        finally:
            self._client = self._manager = None
            self._port.rts = False
            writer.close()
