"""A TLS server that presents a chosen certificate and chosen versions, and reports what a client makes of it.

Every connection's stages go onto the timeline: what the client offered, whether it completed the handshake,
whether it then sent anything, and how it ended. Nothing it sends is answered.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from intercom_hil.errors import BenchError
from intercom_hil.serving.listener import Listener
from intercom_hil.timeline import Append, Witness
from intercom_hil.timeline.observation import TlsSeen
from intercom_hil.wire.error import clean
from intercom_hil.wire.tls import ClientHello, TlsError

NameOf = Callable[[str, int], str]
MOST_CONNECTIONS = 64
"""At a time; a further one is closed at once."""
LONGEST_CONNECTION = 60.0
"""Seconds after which a connection is ended that neither side ends."""
MOST_BYTES = 1 << 16
"""Bytes of one connection that are counted; then it is ended."""
_CHUNK = 4096


@dataclass(frozen=True)
class TlsOffer:
    """What a TLS server can do.

    Attributes:
        chain: PEM file of the certificate chain that it presents.
        key: PEM file of its private key.
        oldest: the oldest protocol version it settles on.
        newest: the newest.
        suites: OpenSSL's names of the cipher suites up to TLS 1.2; None for the usual ones.
    """

    chain: Path
    key: Path
    oldest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2
    newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
    suites: str | None = None

    def context(self) -> ssl.SSLContext:
        """Return the server's side of it.

        Raises:
            BenchError: this Python's OpenSSL cannot do what is asked for.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        try:
            # Level 0: a server that shall be refused for being obsolete must be able to be obsolete.
            context.set_ciphers(f"{self.suites or 'DEFAULT'}:@SECLEVEL=0")
            with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
                context.maximum_version, context.minimum_version = self.newest, self.oldest
            context.load_cert_chain(self.chain, self.key)
        except (ssl.SSLError, ValueError, OSError) as problem:
            raise BenchError(
                f"a TLS server cannot be made: {problem}", str(self.chain), "see what this OpenSSL can do"
            ) from None
        return context


class TlsTestServer:
    """A TLS server at one address, at a port that the system picks.

    Where it has something else to present ``then``, its first client is heard, and left: whoever connects
    after that gets the other certificate.

    Attributes:
        address: where it listens.
        port: the port, once started.
    """

    def __init__(
        self,
        address: str,
        offer: TlsOffer,
        *,
        append: Append,
        name_of: NameOf,
        then: TlsOffer | None = None,
    ) -> None:
        self.address, self.port = address, 0
        self._context = offer.context()
        self._later = then.context() if then else None
        self._append, self._name_of = append, name_of
        self._count = 0
        self._listener = Listener(self._talk, most=MOST_CONNECTIONS)

    async def start(self) -> None:
        """Listen. Raises BenchError when the address is not this machine's."""
        try:
            await self._listener.open(self.address, 0)
        except OSError as problem:
            raise BenchError(
                f"cannot listen: {problem.strerror}", self.address, "give this machine that address"
            ) from None
        self.port = self._listener.port

    async def close(self) -> None:
        """End every connection and stop listening. Idempotent."""
        await self._listener.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._count += 1
        first = self._count == 1
        context = self._context if first or self._later is None else self._later
        connection = _Connection(self._count, reader, writer, context, self._append)
        connection.left_when_heard = first and self._later is not None
        host, port = writer.get_extra_info("peername")[:2]
        connection.parties = (self._name_of(host, port), self._name_of(self.address, self.port))
        try:
            async with asyncio.timeout(LONGEST_CONNECTION):
                how = await connection.serve()
        except TimeoutError:
            how = "ended by the bench, for neither side had"
        except asyncio.CancelledError:
            how = "ended by the bench, with the scenario"
        connection.say("ended", text=how)


class _Connection:
    def __init__(
        self,
        number: int,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        context: ssl.SSLContext,
        append: Append,
    ) -> None:
        self.parties = ("", "")
        self.left_when_heard = False
        self._number, self._reader, self._writer, self._append = number, reader, writer, append
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._opening: bytes | None = b""
        self._received = 0

    def say(self, stage: str, **more: str) -> None:
        """Put a stage of the connection on the timeline."""
        sender, receiver = self.parties
        content = TlsSeen.model_validate(
            {"connection": self._number, "sender": sender, "receiver": receiver, "stage": stage}
            | {"received": self._received, **more}
        )
        self._append(Witness.STATION, content, time.time())

    async def serve(self) -> str:
        """Serve the connection to its end; return how it ended."""
        try:
            if not await self._handshake():
                return "the client closed before the handshake was complete"
            return await self._listen()
        except ssl.SSLZeroReturnError:
            return "the client closed (close_notify)"
        except ssl.SSLError as problem:
            with contextlib.suppress(ConnectionError):
                await self._flush()
            return f"TLS: {(problem.reason or str(problem)).replace('_', ' ').lower()}"
        except TlsError as problem:
            return f"no TLS: {clean(str(problem))}"
        except ConnectionError as problem:
            return f"the client broke off: {problem.strerror or problem}"

    async def _handshake(self) -> bool:
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                await self._flush()
                if not await self._fill():
                    return False
            else:
                await self._flush()
                cipher = self._tls.cipher()
                version = (self._tls.version() or "").replace("TLSv", "TLS ")
                self.say("agreed", version=_dotted(version), suite=cipher[0] if cipher else "")
                return True

    async def _listen(self) -> str:
        while self._received < MOST_BYTES:
            try:
                data = self._tls.read(_CHUNK)
            except ssl.SSLWantReadError:
                await self._flush()
                if not await self._fill():
                    return "the client closed"
                continue
            if not data:
                return "the client closed"
            first, self._received = not self._received, self._received + len(data)
            if first:
                line = data.split(b"\r\n", 1)[0][:120].decode("utf-8", "backslashreplace")
                self.say("spoken", text=line)
                if self.left_when_heard:
                    return "ended by the bench, which presents another certificate from now on"
        return f"ended by the bench after {MOST_BYTES} bytes"

    async def _fill(self) -> bool:
        data = await self._reader.read(_CHUNK)
        if self._opening is not None:
            self._opening += data
            hello = ClientHello.parse(self._opening)
            if hello is not None:
                self._opening = None
                weak = ", ".join(hello.weak_suites)
                name = clean(hello.server_name)
                self.say("offered", version=hello.newest, server_name=name, weak_suites=weak)
        self._incoming.write(data)
        return bool(data)

    async def _flush(self) -> None:
        data = self._outgoing.read()
        if data:
            self._writer.write(data)
            await self._writer.drain()


def _dotted(version: str) -> str:
    return "TLS 1.0" if version == "TLS 1" else version
