"""A SIP party written by hand, byte for byte: what a station meets when the far end is not SIPp."""

import asyncio
import re
import secrets

from intercom_hil.media.rtp import parse_rtp
from intercom_hil.media.srtp import receiver
from intercom_hil.wire.sdp import Session
from intercom_hil.wire.sip import Message

CRYPTO = "a=crypto:{tag} {suite} inline:" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNk" + "\r\n"


def offer(address, port, profile="RTP/AVP", formats="8 101", extra=""):
    return (
        f"v=0\r\no=- 1 1 IN IP4 {address}\r\ns=-\r\nc=IN IP4 {address}\r\nt=0 0\r\n"
        f"m=audio {port} {profile} {formats}\r\na=rtpmap:8 PCMA/8000\r\n{extra}"
    )


class Inbox(asyncio.DatagramProtocol):
    def __init__(self):
        self.queue = asyncio.Queue()
        self.closed = asyncio.get_running_loop().create_future()

    def connection_lost(self, exc):
        self.closed.set_result(None)

    def datagram_received(self, data, addr):
        self.queue.put_nowait((data, addr))


class RawParty:
    """One dialog with a station, driven from a test."""

    def __init__(self, address, port=5090):
        self.here = address, port
        self.call_id, self.tag, self.branch = secrets.token_hex(8), secrets.token_hex(4), ""
        self.to = ""
        self.cseq = 0
        self._transactions = {}

    async def __aenter__(self):
        loop = asyncio.get_running_loop()
        self._sip, self.inbox = await loop.create_datagram_endpoint(Inbox, local_addr=self.here)
        self._rtp, self.sound = await loop.create_datagram_endpoint(
            Inbox, local_addr=(self.here[0], self.here[1] + 2)
        )
        return self

    async def __aexit__(self, *_):
        self._sip.close()
        self._rtp.close()
        await self.inbox.closed
        await self.sound.closed

    @property
    def uri(self):
        return f"sip:raw@{self.here[0]}:{self.here[1]}"

    @property
    def rtp_port(self):
        return self.here[1] + 2

    def offer(self, **options):
        return offer(self.here[0], self.rtp_port, **options)

    def request(self, method, station, body="", *, branch=None, cseq=None, headers=""):
        """Send a request; an ACK or CANCEL of the last INVITE wants its branch and CSeq."""
        self.station = station
        if cseq is None:
            self.cseq += 1
            cseq = self.cseq
        branch = branch or f"z9hG4bK{secrets.token_hex(8)}"
        if method == "INVITE":
            self.branch = branch
        self.last = (
            f"{method} {station.uri} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {self.here[0]}:{self.here[1]};branch={branch}\r\n"
            f"From: <sip:raw@{self.here[0]}>;tag={self.tag}\r\nTo: {self.to or f'<{station.uri}>'}\r\n"
            f"Call-ID: {self.call_id}\r\nCSeq: {cseq} {method}\r\nMax-Forwards: 70\r\n{headers}"
            f"Contact: <sip:raw@{self.here[0]}:{self.here[1]}>\r\n"
            + ("Content-Type: application/sdp\r\n" if body else "")
            + f"Content-Length: {len(body)}\r\n\r\n{body}"
        ).encode()
        self.again()

    def again(self):
        """Send the last request once more, unchanged."""
        self._sip.sendto(self.last, (self.station.address, self.station.port))

    def respond(self, request, status, body="", *, to_tag="", headers=""):
        to = request.header("To") or ""
        head = "".join(f"{n}: {v}\r\n" for n, v in request.headers if n in ("Via", "From", "Call-ID", "CSeq"))
        tag = f";tag={to_tag}" if to_tag and "tag=" not in to else ""
        data = (
            f"SIP/2.0 {status} Raw\r\n{head}To: {to}{tag}\r\n"
            f"Contact: <sip:raw@{self.here[0]}:{self.here[1]}>\r\n{headers}"
            + ("Content-Type: application/sdp\r\n" if body else "")
            + f"Content-Length: {len(body)}\r\n\r\n{body}"
        )
        self._sip.sendto(data.encode(), self.peer)

    def _belongs(self, request):
        """A branch stands for one transaction (RFC 3261 §8.1.1.7): by it a repeated request is known."""
        key, own = (request.branch, request.method), (request.header("Call-ID"), request.cseq)
        assert self._transactions.setdefault(key, own) == own, (
            f"{key} is of {self._transactions[key]} too: {own}"
        )

    async def receive(self, what, within=3.0):
        """Return the next message that is ``what``: a method, or a status (with the method of its CSeq)."""
        async with asyncio.timeout(within):
            while True:
                data, self.peer = await self.inbox.queue.get()
                message = Message.parse(data)
                if message.status is None:
                    self._belongs(message)
                kind = message.method if message.status is None else f"{message.status} {message.cseq[1]}"
                if kind == what:
                    self.to = self.to or (message.header("To") or "")
                    return message

    async def hears_nothing_for(self, seconds):
        """Return whether no SIP message comes for that long."""
        try:
            await asyncio.wait_for(self.inbox.queue.get(), seconds)
        except TimeoutError:
            return True
        return False

    async def invite(self, station, body=None, **options):
        """Call and return the 200."""
        self.request("INVITE", station, self.offer() if body is None else body, **options)
        ok = await self.receive("200 INVITE")
        self.to = ok.header("To")
        self.ack()
        return ok

    def ack(self):
        self.request("ACK", self.station, cseq=self.cseq)

    async def hang_up(self):
        self.request("BYE", self.station)
        await self.receive("200 BYE")

    async def packets(self, count, within=3.0):
        """Return that many RTP packets, as they came."""
        async with asyncio.timeout(within):
            return [(await self.sound.queue.get())[0] for _ in range(count)]


def answer_of(message):
    """Return the SDP of a message and its one audio section."""
    session = Session.parse(message.body)
    return session, next(m for m in session.media if m.media == "audio")


def payloads(packets, crypto=None):
    """Return the payloads of the packets, decrypted if a key is given; None for one that fails."""
    judge = receiver(crypto) if crypto else None
    plain = [judge.unprotect(packet) if judge else packet for packet in packets]
    return [parse_rtp(packet).payload if packet else None for packet in plain]


def header_value(message, name, pattern):
    match = re.search(pattern, message.header(name) or "")
    return match[1] if match else None
