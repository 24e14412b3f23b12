"""A fault that only the SIP port can have: calls with keys that nobody can use are answered past the stack.

The stack would refuse such an offer by itself. The porter looks at each datagram first, and takes these out.
"""

from __future__ import annotations

import select
import socket

from intercom_hil.emulator.agent_sockets import duplicate_of_bound_socket
from intercom_hil.emulator.fault_stray_messages import answer_for
from intercom_hil.emulator.invite import read_invite
from intercom_hil.emulator.vocabulary import Offer

_LARGEST = 65_536


class Porter:
    """Stands at the stack's datagram socket; the stack reads between two turns of the porter."""

    def __init__(self, local: tuple[str, int], media: tuple[str, int]) -> None:
        """Take post.

        Args:
            local: where the stack's datagram socket is bound; nothing happens where it has none.
            media: where an answer says that the audio is wanted.
        """
        self._local, self._media = local, media
        self._door = duplicate_of_bound_socket(local)

    def wait(self, seconds: float) -> None:
        """Wait for a datagram, at most so long; take it out if it is one for the porter."""
        if self._door is None or not select.select([self._door], [], [], seconds)[0]:
            return
        look = socket.MSG_PEEK | socket.MSG_DONTWAIT
        data, source = self._door.recvfrom(_LARGEST, look)
        message = data.decode(errors="replace")
        if message.startswith("INVITE ") and read_invite(message).offer is Offer.KEYLESS:
            self._door.recv(_LARGEST)
            self._door.sendto(answer_for(message, self._local, self._media).encode(), source)

    def close(self) -> None:
        """Give the duplicate back; the stack keeps its own. Idempotent."""
        if self._door is not None:
            self._door.close()
            self._door = None
