"""The PBX's mirror of every SIP message it sent or received, after decryption: a collector of HEP3 packets.

They go onto the timeline as SIP messages of the witness PBX.

The PBX dates what it sends to the microsecond but cuts the time of what it receives to the millisecond, so a
message received just after another was sent may claim to be earlier. It mirrors in true order, though: such a
time is raised to that of the message mirrored before. It stays up to 1 ms early; only messages further apart
than that can be put in order by their PBX times.

Nor does it know its own address over UDP: it gives the one that the kernel would choose towards the other
side, which is the first address of the network port (127.0.0.1 on loopback). The topmost Via says which side
is the PBX: it is the sender of every request and the receiver of every response that it wrote the Via of.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import Callable

from intercom_hil.errors import BenchError
from intercom_hil.lateness import stretched
from intercom_hil.timeline.observation import Witness
from intercom_hil.timeline.sip_content import NameOf, sip_content
from intercom_hil.timeline.timeline import Append
from intercom_hil.wire import hep
from intercom_hil.wire.sip import Message, SipError
from intercom_hil.wire.sip_stream import SipFramer

TCP = 6
LOCALHOST = "127.0.0.1"
_MILLISECOND = 0.001
_RECEIVE_BUFFER = 1 << 20
"""Bytes the kernel keeps while the bench is busy: some thousand messages."""


class HepCollector(asyncio.DatagramProtocol):
    """The collector on one address. ``rejected`` counts datagrams that were no HEP3 packets."""

    def __init__(
        self,
        pbx_address: str,
        append: Append,
        name_of: NameOf,
        keep: Callable[[bytes], None] = lambda data: None,
    ) -> None:
        """Describe the collector.

        Args:
            pbx_address: the PBX's.
            append: puts an observation on the timeline.
            name_of: who is at an address and port.
            keep: is given every packet as it came.
        """
        self._pbx_address, self._keep = pbx_address, keep
        self._append, self._name_of = append, name_of
        self._transport: asyncio.DatagramTransport | None = None
        self._closed = asyncio.Event()
        self._latest = 0.0
        self._at_once = b"", 0  # several messages that came at once, and which of them was taken last
        self._marker = secrets.token_bytes(16)
        self._marked: asyncio.Future[None] | None = None
        self.rejected = 0

    async def open(self, address: tuple[str, int]) -> None:
        """Listen on an address and port. Raises BenchError if that is taken or not ours."""
        loop = asyncio.get_running_loop()
        try:
            self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=address)
        except OSError as problem:
            where = f"{address[0]}:{address[1]}/udp"
            raise BenchError(
                f"cannot listen: {problem.strerror}", where, "free it, or choose another"
            ) from None
        kernel = self._transport.get_extra_info("socket")
        kernel.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)

    async def close(self) -> None:
        """Stop listening; the address is free when this returns. Idempotent."""
        if self._transport:
            self._transport.close()
            await self._closed.wait()

    async def flush(self, within: float = 2.0) -> None:
        """Return when everything that the PBX has mirrored so far is on the timeline.

        A datagram of the collector's own goes the same way, and comes after all that lies in the kernel.

        Args:
            within: bound in seconds.

        Raises:
            BenchError: the collector is not open, or its own datagram did not come in time.
        """
        transport = self._transport
        if transport is None or transport.is_closing():
            raise BenchError("the mirror of the PBX's SIP is not collected", "pbx")
        self._marked = asyncio.get_running_loop().create_future()
        transport.sendto(self._marker, transport.get_extra_info("sockname"))
        try:
            async with stretched(within):
                await self._marked
        except TimeoutError:
            raise BenchError(f"a datagram to itself did not arrive within {within:g} s", "hep") from None

    def connection_lost(self, exc: Exception | None) -> None:
        """Take note that the socket is closed."""
        self._closed.set()

    def datagram_received(self, data: bytes, addr: object) -> None:
        """Put one mirrored message onto the timeline."""
        if data == self._marker:
            if self._marked is not None and not self._marked.done():
                self._marked.set_result(None)
            return
        try:
            packet = hep.parse(data)
        except hep.HepError:
            self.rejected += 1
            return
        self._keep(data)
        source, destination = self._sides(packet)
        payload = self._one_of(packet.payload) if packet.protocol == TCP else packet.payload
        content = sip_content(payload, source, destination, transport_of(packet), self._name_of)
        self._append(Witness.PBX, content, self._in_order(packet.time))

    def _one_of(self, payload: bytes) -> bytes:
        """Return the message that bytes of a connection stand for.

        Of several messages that came at once the PBX mirrors all with each; a part of another may follow one.
        """
        framer, whole = SipFramer(), []
        framer.feed(payload)
        try:
            while (message := framer.next_message()) is not None:
                whole.append(message)
        except SipError:
            return payload
        if not whole or whole[0] == payload:
            return payload
        before, place = self._at_once
        place = (place + 1) % len(whole) if before == payload else 0
        self._at_once = payload, place
        return whole[place]

    def _sides(self, packet: hep.HepPacket) -> tuple[tuple[str, int], tuple[str, int]]:
        """Return source and destination; the PBX's own side has its address, whatever the packet says."""
        source, destination = packet.source, packet.destination
        if self._pbx_address in (source[0], destination[0]):
            return source, destination
        if self._sent_by_pbx(packet):
            return (self._pbx_address, source[1]), destination
        return source, (self._pbx_address, destination[1])

    def _sent_by_pbx(self, packet: hep.HepPacket) -> bool:
        try:
            message = Message.parse(packet.payload)
        except SipError:
            return packet.source[0] == LOCALHOST
        vias = message.vias
        via_of_pbx = bool(vias) and vias[0].host.strip("[]") == self._pbx_address
        return via_of_pbx == (message.status is None)

    def _in_order(self, time: float) -> float:
        if 0 < self._latest - time < _MILLISECOND:
            return self._latest
        self._latest = time
        return time


def transport_of(packet: hep.HepPacket) -> str:
    """Return UDP, TCP or TLS; the packet says TCP for both, the topmost Via says which."""
    if packet.protocol != TCP:
        return "UDP"
    try:
        vias = Message.parse(packet.payload).vias
    except SipError:
        return "TCP"
    return "TLS" if vias and vias[0].transport == "TLS" else "TCP"
