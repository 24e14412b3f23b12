"""Firmware of a PoE switch, for tests: an SNMPv2c agent for one port on a real UDP socket."""

import socket
import threading

ADDRESS = "127.0.45.7"
PORT_7 = bytes.fromhex("06 0c 2b 06 01 02 01 69 01 01 01 03 01 07")
"""pethPsePortAdminEnable.1.7 as it stands in a message."""
GET, SET, RESPONSE = 0xA0, 0xA3, 0xA2


class PoeSwitch:
    """Answers requests for its one port, of the community ``private``; the first datagram is lost if asked.

    Attributes:
        on: whether the port feeds.
        changes: its states, as they were set.
        loses: how many requests it is still deaf to.
        refuses: the error-status that it answers orders with, or 0.
        stuck: whether the port stays as it is.
    """

    def __init__(self):
        self.on, self.changes = False, []
        self.loses, self.refuses, self.stuck = 0, 0, False
        self.address = ADDRESS
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((ADDRESS, 0))
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", (ADDRESS, self.port))
        self._thread.join(10)
        self._socket.close()

    def _serve(self):
        while True:
            data, peer = self._socket.recvfrom(2048)
            if not data:
                return
            if self.loses:
                self.loses -= 1
            elif (answer := self._answer(data)) is not None:
                self._socket.sendto(answer, peer)

    def _answer(self, data):
        """All lengths are below 128 here, so that each is one byte, and fields stand where they stand."""
        assert data[0] == 0x30
        assert data[1] == len(data) - 2
        if data[2:5] != b"\x02\x01\x01" or data[5:7] != b"\x04\x07" or data[7:14] != b"private":
            return None
        kind, pdu = data[14], data[16:]
        number = pdu[: 2 + pdu[1]]
        name, value = data[-len(PORT_7) - 3 : -3], data[-3:]
        if kind == GET:
            name, value = data[-len(PORT_7) - 2 : -2], b""
        status = 0
        if name != PORT_7:
            value = b"\x81\x00"
        elif kind == SET and self.refuses:
            status = self.refuses
        else:
            if kind == SET and not self.stuck:
                self.on = value[2] == 1
                self.changes.append(self.on)
            value = bytes((2, 1, 1 if self.on else 2)) if kind == GET else value
        binding = tlv(0x30, tlv(0x30, name + value))
        pdu = tlv(RESPONSE, number + bytes((2, 1, status, 2, 1, 0)) + binding)
        return tlv(0x30, b"\x02\x01\x01\x04\x07private" + pdu)


def tlv(tag, content):
    assert len(content) < 128
    return bytes((tag, len(content))) + content
