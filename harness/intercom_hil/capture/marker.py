"""Datagrams that mark a moment in the captured stream: send one, and see it come through.

Each carries a token that only this run knows, so a marker (or an ICMP error that quotes one) can be
distinguished from all other traffic and kept out of files and timelines.
"""

from __future__ import annotations

import asyncio
import errno
import secrets
import socket

from intercom_hil.errors import BenchError
from intercom_hil.lateness import stretched

RESEND = 0.01
"""Seconds after which a marker is sent again for the first time; each further wait is twice as long.

One may be lost on its way. The very first packet of a capture is, where the filter asks for a direction:
libpcap itself filters what may have been in the kernel buffer before, and does not know its direction.
"""

_TOKEN_BYTES, _COUNT_BYTES = 16, 8


class Marker:
    """The markers of one capture, all sent to one address."""

    def __init__(self, address: tuple[str, int]) -> None:
        """Prepare; ``open`` opens the socket.

        Args:
            address: any that is reached over the captured interface. On loopback, one that nobody else uses.
        """
        self._address = address
        self._token = secrets.token_bytes(_TOKEN_BYTES)
        self._count = 0
        self._awaited: dict[bytes, asyncio.Future[None]] = {}
        self._socket: socket.socket | None = None

    def open(self) -> None:
        """Open the socket; own the address where that is possible, so that nothing answers markers with ICMP.

        Raises:
            BenchError: the address is in use.
        """
        self._socket = sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sender.setblocking(False)
        try:
            sender.bind(self._address)
        except OSError as problem:
            if problem.errno == errno.EADDRINUSE:
                raise self._error(problem, "choose another marker address") from problem
            sender.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)

    def close(self) -> None:
        """Close the socket. Idempotent."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def recognises(self, frame: bytes) -> bool:
        """Return whether a captured frame is, or quotes, a marker; whoever waits for it goes on."""
        at = frame.find(self._token)
        if at < 0:
            return False
        seen = self._awaited.get(frame[at : at + _TOKEN_BYTES + _COUNT_BYTES])
        if seen is not None and not seen.done():
            seen.set_result(None)
        return True

    async def come_through(self, within: float, lost: asyncio.Future[str]) -> None:
        """Send a marker and wait until it is recognised.

        Args:
            within: bound in seconds.
            lost: resolves when waiting has become pointless.

        Raises:
            BenchError: it cannot be sent, did not come through in time, or the capture was lost.
        """
        self._count += 1
        marker = self._token + self._count.to_bytes(_COUNT_BYTES, "big")
        seen = self._awaited[marker] = asyncio.get_running_loop().create_future()
        pause = RESEND
        try:
            async with stretched(within):
                while not seen.done():
                    if lost.done():
                        raise BenchError(f"the capture is lost: {lost.result()}", self._where)
                    self._send(marker)
                    await asyncio.wait((seen, lost), timeout=pause, return_when=asyncio.FIRST_COMPLETED)
                    pause *= 2
        except TimeoutError:
            raise BenchError(
                f"a marker datagram did not come through the capture within {within:g} s",
                self._where,
                "the marker address must be reached over the captured interface",
            ) from None
        finally:
            del self._awaited[marker]

    def _send(self, marker: bytes) -> None:
        if self._socket is None:
            raise BenchError("the capture does not run", self._where)
        try:
            self._socket.sendto(marker, self._address)
        except OSError as problem:
            raise self._error(problem, "the marker address must be reachable") from problem

    @property
    def _where(self) -> str:
        return f"marker address {self._address[0]}:{self._address[1]}"

    def _error(self, problem: OSError, remedy: str) -> BenchError:
        return BenchError(f"no marker can be sent: {problem.strerror}", self._where, remedy)
