"""A SIP party over UDP, just able enough to test the PBX: registers, calls, answers as told."""

import asyncio
import hashlib
import re
import secrets

SDP = (
    "v=0\r\no=- 1 1 IN IP4 {0}\r\ns=-\r\nc=IN IP4 {0}\r\nt=0 0\r\n"
    "m=audio 21900 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n"
)


class Phone(asyncio.DatagramProtocol):
    """One party on one address; ``answers`` are the statuses with which it answers an INVITE, in order."""

    def __init__(self, user, password, pbx, answers=(180, 200), display=""):
        self.user, self.password, self.pbx, self.answers, self.display = user, password, pbx, answers, display
        self.received = asyncio.Queue()
        self.requests = []
        self.expires = 60

    async def open(self, address):
        self.address = address
        loop = asyncio.get_running_loop()
        self.transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=address)
        return self

    def close(self):
        self.transport.close()

    def datagram_received(self, data, addr):
        text = data.decode()
        if text.startswith("SIP/2.0 "):
            self.received.put_nowait(text)
            return
        self.requests.append(text)
        method = text.split()[0]
        statuses = self.answers if method == "INVITE" else () if method == "ACK" else (200,)
        for status in statuses:
            self.transport.sendto(self._response(text, status).encode(), addr)

    def _response(self, request, status):
        kept = re.findall(r"(?m)^(?:Via|From|Call-ID|CSeq):.*\r\n", request)
        to = re.search(r"(?m)^To:.*", request)[0].strip()
        body = SDP.format(self.address[0]) if status == 200 and request.startswith("INVITE") else ""
        return (
            f"SIP/2.0 {status} Whatever\r\n{''.join(kept)}{to}{'' if 'tag=' in to else ';tag=callee'}\r\n"
            f"Contact: <sip:{self.user}@{self.address[0]}:{self.address[1]}>\r\n"
            f"Content-Type: application/sdp\r\nContent-Length: {len(body)}\r\n\r\n{body}"
        )

    async def register(self, expires=60):
        """Register for so many seconds and return the final status."""
        self.expires = expires
        return (await self._transact("REGISTER", f"sip:{self.pbx[0]}", self.user))[0]

    async def call(self, number):
        """Call a number and return the final status and response."""
        return await self._transact(
            "INVITE", f"sip:{number}@{self.pbx[0]}", number, SDP.format(self.address[0])
        )

    async def _transact(self, method, uri, to, body=""):
        self.call_id, tag, credentials = secrets.token_hex(8), secrets.token_hex(4), ""
        for cseq in (1, 2):
            here = f"{self.address[0]}:{self.address[1]}"
            head = (
                f"Via: SIP/2.0/UDP {here};branch=z9hG4bK{secrets.token_hex(8)}\r\n"
                f"From: {self.display}<sip:{self.user}@{self.pbx[0]}>;tag={tag}\r\n"
                f"Call-ID: {self.call_id}\r\nMax-Forwards: 70\r\n"
            )
            self._send(
                f"{method} {uri} SIP/2.0\r\n{head}To: <sip:{to}@{self.pbx[0]}>\r\nCSeq: {cseq} {method}\r\n"
                f"Contact: <sip:{self.user}@{here}>\r\nExpires: {self.expires}\r\n{credentials}"
                f"Content-Type: application/sdp\r\nContent-Length: {len(body)}\r\n\r\n{body}"
            )
            status, text = await self._final()
            if method == "INVITE":
                its_to = re.search(r"(?m)^To:.*", text)[0].strip()
                self._send(
                    f"ACK {uri} SIP/2.0\r\n{head}{its_to}\r\nCSeq: {cseq} ACK\r\nContent-Length: 0\r\n\r\n"
                )
            if status != 401 or cseq == 2:
                return status, text
            credentials = self._credentials(text, method, uri)
        raise AssertionError("unreachable")

    def _send(self, text):
        self.transport.sendto(text.encode(), self.pbx)

    async def _final(self):
        async with asyncio.timeout(5):
            while True:
                text = await self.received.get()
                status = int(text[8:11])
                if status >= 200 and f"Call-ID: {self.call_id}" in text:
                    return status, text

    def _credentials(self, challenge, method, uri):
        realm, nonce = (re.search(rf'{k}="([^"]*)"', challenge)[1] for k in ("realm", "nonce"))

        def md5(text):
            return hashlib.md5(text.encode()).hexdigest()

        ours = md5(f"{self.user}:{realm}:{self.password}")
        response = md5(f"{ours}:{nonce}:00000001:c:auth:{md5(f'{method}:{uri}')}")
        return (
            f'Authorization: Digest username="{self.user}", realm="{realm}", nonce="{nonce}", uri="{uri}", '
            f'response="{response}", algorithm=MD5, qop=auth, nc=00000001, cnonce="c"\r\n'
        )
