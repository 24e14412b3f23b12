"""Connections come in at one TCP port, each is talked to on its own, and closing ends them all."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
_HANDSHAKE = 10.0  # s


def peer_of(writer: asyncio.StreamWriter) -> str:
    """Return the IP address of the other end; empty if that has left already."""
    return str((writer.get_extra_info("peername") or ("",))[0])


class Listener:
    """Listens at one port. Must be made and used inside a running event loop."""

    def __init__(self, talk: Talk, *, most: int) -> None:
        """Make a listener that does not listen yet.

        Args:
            talk: is called for each connection, which is closed when it returns. A client that stalls
                (TimeoutError) or leaves (OSError) ends it and nothing else.
            most: connections at a time; a further one is closed at once.
        """
        self._talk, self._most = talk, most
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    @property
    def is_open(self) -> bool:
        """Whether it listens."""
        return self._server is not None

    @property
    def port(self) -> int:
        """The TCP port it listens at."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    async def open(self, address: str, port: int, *, tls: ssl.SSLContext | None = None) -> None:
        """Listen on an IP address and a TCP port (0: any). Raises OSError when they cannot be had."""
        handshake = _HANDSHAKE if tls else None
        self._server = await asyncio.start_server(
            self._accept, address, port, ssl=tls, ssl_handshake_timeout=handshake
        )

    async def close(self) -> None:
        """Listen no more, and end every connection. Idempotent."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
        for connection in tuple(self._connections):
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.current_task()
        assert connection is not None
        if len(self._connections) >= self._most:
            writer.close()
            return
        self._connections.add(connection)
        try:
            await self._talk(reader, writer)
        except (TimeoutError, OSError, asyncio.CancelledError):
            writer.transport.abort()  # who stalls, leaves, or is left is waited for no longer
        finally:
            self._connections.discard(connection)
            writer.close()
