"""A registrar and remote station for the tests of the emulated intercom: plain UDP, scripted answers.

It speaks just enough SIP (RFC 3261) to register a device with digest, take its calls and call it.
"""

import asyncio
import hashlib
import re
import socket
import time
from dataclasses import dataclass, field

KEY = "7sx7rIVteT3big23dnhfReuPnYKTbjK4kghf7qLn"
REALM = "bench"


@dataclass
class Message:
    start: str
    headers: list[tuple[str, str]]
    body: str
    at: float = field(default_factory=time.time)

    @classmethod
    def parse(cls, data: bytes):
        head, _, body = data.decode().partition("\r\n\r\n")
        first, *lines = head.split("\r\n")
        return cls(
            first, [(n.strip(), v.strip()) for n, _, v in (line.partition(":") for line in lines)], body
        )

    def __getitem__(self, name):
        return next((v for n, v in self.headers if n.lower() == name.lower()), "")

    @property
    def method(self):
        return "" if self.status else self.start.split()[0]

    @property
    def status(self):
        return int(self.start.split()[1]) if self.start.startswith("SIP/2.0") else 0

    @property
    def uri(self):
        return self.start.split()[1]

    @property
    def media_line(self):
        return next((line for line in self.body.splitlines() if line.startswith("m=audio")), "")

    @property
    def crypto(self):
        return "a=crypto:" in self.body


class Peer(asyncio.DatagramProtocol):
    """``answers`` maps a user part to the statuses its INVITEs get, in order; 0 means: ring and wait."""

    def __init__(self, address, port=5060):
        self.address, self.port = address, port
        self.answers = {}
        self.answer_profile = {}
        self.registrations = True
        self.undecided = False
        self.password = "secret"
        self.proxy_realm = ""
        self.seen = []
        self._news = asyncio.Condition()
        self._count = 0
        self.rtp = []
        self.plain = True

    async def open(self):
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(
            lambda: self, local_addr=(self.address, self.port)
        )
        self.media_socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.media_socket.bind((self.address, 0))
        self.media_socket.setblocking(False)
        loop.add_reader(self.media_socket, self._rtp)
        return self

    def close(self):
        asyncio.get_running_loop().remove_reader(self.media_socket)
        self.media_socket.close()
        self._transport.close()

    async def __aenter__(self):
        return await self.open()

    async def __aexit__(self, *_):
        self.close()

    def _rtp(self):
        self.rtp.append(self.media_socket.recv(2048))
        self._task = asyncio.create_task(self._tell())

    async def receives_rtp(self, count, within=5.0):
        """Wait until so many RTP packets have come in all."""
        async with asyncio.timeout(within), self._news:
            await self._news.wait_for(lambda: len(self.rtp) >= count)

    def datagram_received(self, data, source):
        if len(data.strip()) == 0:
            return
        message = Message.parse(data)
        self.seen.append((message, source))
        self._task = asyncio.create_task(self._tell())
        if message.method == "REGISTER":
            self._registrar(message, source)
        elif message.method == "INVITE":
            self._invited(message, source)
        elif message.method == "CANCEL":
            self.respond(message, source, 200, "OK")
            invite = self.find(lambda m: m.method == "INVITE" and m["Call-ID"] == message["Call-ID"])[-1]
            self.respond(invite, source, 487, "Request Terminated")
        elif message.method in ("BYE", "OPTIONS"):
            self.respond(message, source, 200, "OK")

    def send(self, text, where):
        """Send a message as it stands."""
        self._transport.sendto(text.encode(), where)

    async def _tell(self):
        async with self._news:
            self._news.notify_all()

    def find(self, condition):
        return [m for m, _ in self.seen if condition(m)]

    async def sees(self, condition, within=5.0, count=1):
        """Wait for the ``count``-th message that satisfies the condition."""
        async with asyncio.timeout(within), self._news:
            await self._news.wait_for(lambda: len(self.find(condition)) >= count)
        return self.find(condition)[count - 1]

    async def sees_request(self, method, within=5.0, count=1, user=None):
        return await self.sees(
            lambda m: m.method == method and (user is None or f"sip:{user}@" in m.uri), within, count
        )

    async def sees_response(self, call_id, method, within=5.0):
        return await self.sees(
            lambda m: m.status >= 200 and m["Call-ID"] == call_id and m["CSeq"].endswith(method), within
        )

    def respond(self, request, source, status, reason, extra="", body=""):
        tag = "" if ";tag=" in request["To"] or status == 100 else ";tag=peer"
        lines = [f"SIP/2.0 {status} {reason}"]
        lines += [f"Via: {v}" for n, v in request.headers if n == "Via"]
        lines += [f"From: {request['From']}", f"To: {request['To']}{tag}", f"Call-ID: {request['Call-ID']}"]
        lines += [f"CSeq: {request['CSeq']}", f"Contact: <sip:peer@{self.address}:{self.port}>"]
        lines += [extra] if extra else []
        lines += ["Content-Type: application/sdp"] if body else []
        lines += [f"Content-Length: {len(body)}", "", body]
        self._transport.sendto("\r\n".join(lines).encode(), source)

    def _registrar(self, message, source):
        if not self.registrations:
            return
        if self.proxy_realm and f'realm="{self.proxy_realm}"' not in message["Proxy-Authorization"]:
            challenge = f'Proxy-Authenticate: Digest realm="{self.proxy_realm}", nonce="p1", algorithm=MD5'
            self.respond(message, source, 407, "Proxy Authentication Required", challenge)
            return
        authorization = message["Authorization"]
        if self.undecided:  # challenges once more, and then says nothing
            if 'nonce="n2"' not in authorization:
                challenge = f'WWW-Authenticate: Digest realm="{REALM}", nonce="n2", algorithm=MD5'
                self.respond(message, source, 401, "Unauthorized", challenge)
            return
        if not authorization:
            challenge = f'WWW-Authenticate: Digest realm="{REALM}", nonce="n1", algorithm=MD5'
            self.respond(message, source, 401, "Unauthorized", challenge)
            return
        fields = dict(re.findall(r'(\w+)="?([^",]*)"?', authorization))
        a1 = hashlib.md5(f"{fields['username']}:{REALM}:{self.password}".encode()).hexdigest()
        a2 = hashlib.md5(f"REGISTER:{fields['uri']}".encode()).hexdigest()
        expected = hashlib.md5(f"{a1}:{fields['nonce']}:{a2}".encode()).hexdigest()
        if fields["response"] == expected:
            self.respond(message, source, 200, "OK", f"Expires: {message['Expires'] or 3600}")
        else:
            self.respond(message, source, 403, "Forbidden")

    def sdp(self, profile="RTP/AVP", crypto=False):
        lines = ["v=0", f"o=- 1 1 IN IP4 {self.address}", "s=-", f"c=IN IP4 {self.address}", "t=0 0"]
        lines += [f"m=audio {self.media_socket.getsockname()[1]} {profile} 8"]
        lines += [f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}"] if crypto else []
        return "\r\n".join(lines) + "\r\n"

    def _invited(self, message, source):
        if ";tag=" in message["To"]:
            self.respond(message, source, 200, "OK", body=self.sdp())
            return
        user = re.match(r"sip:([^@]+)@", message.uri)[1]
        script = self.answers.get(user, [404])
        status = script.pop(0) if len(script) > 1 else script[0]
        if "SAVP" in message.media_line and self.plain and status in (200, 0):
            status = 488
        if status == 0:
            self.respond(message, source, 180, "Ringing")
        elif status == 200:
            secure = "SAVP" in message.media_line
            profile = self.answer_profile.get(user, "RTP/SAVP" if secure else "RTP/AVP")
            self.respond(message, source, 200, "OK", body=self.sdp(profile, "SAVP" in profile))
        else:
            self.respond(message, source, status, "Scripted")

    def hang_up(self, invite):
        """Send BYE in the dialog that an INVITE of the device made."""
        tag = "peer"
        contact = re.search(r"<([^>]*)>", invite["Contact"])[1]
        self._request(
            "BYE", contact, invite["Call-ID"], f"<sip:x@{self.address}>;tag={tag}", invite["From"], 7
        )

    def _request(self, method, uri, call_id, caller, callee, cseq, extra="", body=""):
        host = re.search(r"@([^:;>]+)(?::(\d+))?", uri)
        self._count += 1
        lines = [f"{method} {uri} SIP/2.0"]
        via = f"SIP/2.0/UDP {self.address}:{self.port};branch=z9hG4bK{id(self)}{self._count}"
        lines += [f"Via: {via}", f"From: {caller}", f"To: {callee}", f"Call-ID: {call_id}"]
        lines += [
            f"CSeq: {cseq} {method}",
            "Max-Forwards: 70",
            f"Contact: <sip:peer@{self.address}:{self.port}>",
        ]
        lines += [extra] if extra else []
        lines += ["Content-Type: application/sdp"] if body else []
        lines += [f"Content-Length: {len(body)}", "", body]
        self._transport.sendto("\r\n".join(lines).encode(), (host[1], int(host[2] or 5060)))

    async def call(
        self, uri, caller, profile="RTP/AVP", crypto=False, within=5.0, extra="", ack=True, late=False
    ):
        """Place a call and, unless told otherwise, acknowledge its final answer; return that.

        With ``late`` the offer is left to the device, and the ACK answers it.
        """
        self._count += 1
        call_id = f"call{self._count}-{id(self)}"
        caller = f"{caller};tag=a{self._count}"
        described = self.sdp(profile, crypto)
        body = "" if late else described
        self._request("INVITE", uri, call_id, caller, f"<{uri}>", 1, extra, body)
        answer = await self.sees_response(call_id, "INVITE", within)
        if ack:
            self._request("ACK", uri, call_id, caller, answer["To"], 1, body=described if late else "")
        return answer

    async def end_call(self, answer, uri):
        """Send BYE for a call of ours."""
        self._request("BYE", uri, answer["Call-ID"], answer["From"], answer["To"], 2)
        return await self.sees_response(answer["Call-ID"], "BYE")
