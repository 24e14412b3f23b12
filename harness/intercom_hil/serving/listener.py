"""Connections come in at one TCP port, each is talked to on its own, and closing ends them all."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
_HANDSHAKE = 10.0  # s


def peer_of(writer: asyncio.StreamWriter) -> str:
    """Return the IP address of the other end; empty if that has left already."""
    return str((writer.get_extra_info("peername") or ("",))[0])


class Listener:
    """Listens at one port. Must be made and used inside a running event loop."""

    def __init__(self, talk: Talk, *, most: int, makes_room: bool = False) -> None:
        """Make a listener that does not listen yet.

        Args:
            talk: is called for each connection, which is closed when it returns. A client that stalls
                (TimeoutError) or leaves (OSError) ends it and nothing else.
            most: connections at a time; a further one is closed at once.
            makes_room: a further one takes the place of the oldest that nobody has asked to keep.
        """
        self._talk, self._most, self._makes_room = talk, most, makes_room
        self._servers: list[asyncio.Server] = []
        self._connections: dict[asyncio.Task[None], bool] = {}

    @property
    def is_open(self) -> bool:
        """Whether it listens."""
        return bool(self._servers)

    @property
    def port(self) -> int:
        """The TCP port it listens at."""
        return int(self._servers[0].sockets[0].getsockname()[1])

    async def open(self, address: str, port: int, *, tls: ssl.SSLContext | None = None) -> None:
        """Listen on an IP address and a TCP port (0: any). Raises OSError when they cannot be had."""
        handshake = _HANDSHAKE if tls else None
        self._servers.append(
            await asyncio.start_server(self._accept, address, port, ssl=tls, ssl_handshake_timeout=handshake)
        )

    async def take_over(self, listening: socket.socket) -> None:
        """Accept what comes in at a socket that listens already; it is closed with the others."""
        self._servers.append(await asyncio.start_server(self._accept, sock=listening))

    def keep(self) -> None:
        """Keep the connection that is being talked to, whoever else wants its place."""
        connection = asyncio.current_task()
        if connection in self._connections:
            self._connections[connection] = True

    async def close(self) -> None:
        """Listen no more, and end every connection. Idempotent."""
        servers, self._servers = self._servers, []
        for server in servers:
            server.close()
        for connection in tuple(self._connections):
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.current_task()
        assert connection is not None
        if len(self._connections) >= self._most and not self._made_room():
            writer.close()
            return
        self._connections[connection] = False
        try:
            await self._talk(reader, writer)
        except (TimeoutError, OSError, asyncio.CancelledError):
            writer.transport.abort()  # who stalls, leaves, or is left is waited for no longer
        finally:
            self._connections.pop(connection, None)
            writer.close()

    def _made_room(self) -> bool:
        """Close the oldest connection that need not be kept; return whether there was one."""
        oldest = next((one for one, kept in self._connections.items() if not kept), None)
        if not self._makes_room or oldest is None:
            return False
        del self._connections[oldest]
        oldest.cancel()
        return True
