"""The sound of a station that has moved to another port: its tone goes out from there.

SIPp has one socket for the sound of a call. So the bench itself has the second one, on the station's address.
"""

from __future__ import annotations

import asyncio
import secrets
from pathlib import Path

from intercom_hil.errors import BenchError

Address = tuple[str, int]

_PACKET = 160
"""Samples, and bytes of G.711, in one packet."""
_PACKET_TIME = 0.02
_BEHIND = 0.2
"""Seconds after which packets that were due are left out, not made up for."""
_PCMA = 8


class MovedSound:
    """Two sockets, for RTP and, at the port above, RTCP; nothing is sent before `play`.

    Attributes:
        place: address and port.
    """

    def __init__(self, place: Address, tone: Path) -> None:
        """Prepare.

        Args:
            place: address and port.
            tone: a file of raw A-law, which is sent over and over.
        """
        self.place, self._tone = place, tone
        self._sockets: list[asyncio.DatagramTransport] = []
        self._playing: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Open the sockets.

        Raises:
            BenchError: somebody has a port.
        """
        address, port = self.place
        loop = asyncio.get_running_loop()
        try:
            for number in (port, port + 1):
                transport, _ = await loop.create_datagram_endpoint(
                    asyncio.DatagramProtocol, local_addr=(address, number)
                )
                self._sockets.append(transport)
        except OSError as problem:
            self.close()
            text = f"the sound of a station cannot move to {address}:{port}: {problem.strerror}"
            raise BenchError(text, "stations", "free the port and the one above it") from problem

    def play(self, to: Address) -> None:
        """Send the tone there from now on, and nowhere else."""
        self.hush()
        self._playing = asyncio.create_task(self._play(to), name=f"moved sound to {to[0]}:{to[1]}")

    def hush(self) -> None:
        """Send nothing any more. Idempotent."""
        if self._playing is not None:
            self._playing.cancel()
            self._playing = None

    def close(self) -> None:
        """Stop, and give the ports back. Idempotent."""
        self.hush()
        sockets, self._sockets = self._sockets, []
        for transport in sockets:
            transport.close()

    async def _play(self, to: Address) -> None:
        """Send packets at their time, one after the other (RFC 3550 §5.1)."""
        sound, source = self._tone.read_bytes(), secrets.token_bytes(4)
        sequence, timestamp = secrets.randbits(15), secrets.randbits(31)
        loop = asyncio.get_running_loop()
        due, at = loop.time(), 0
        while True:
            numbers = sequence.to_bytes(2, "big") + timestamp.to_bytes(4, "big")
            packet = bytes((0x80, _PCMA)) + numbers + source + sound[at : at + _PACKET]
            self._sockets[0].sendto(packet, to)
            sequence, timestamp = sequence + 1 & 0xFFFF, timestamp + _PACKET & 0xFFFFFFFF
            at = (at + _PACKET) % (len(sound) - len(sound) % _PACKET)
            due += _PACKET_TIME
            if loop.time() - due > _BEHIND:
                due = loop.time()
            await asyncio.sleep(max(0.0, due - loop.time()))
