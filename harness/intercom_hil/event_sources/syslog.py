"""The syslog receiver: the device's messages over UDP (RFC 5426), TCP (RFC 6587) or TLS (RFC 5425).

Anybody may send; only the device's own messages are observed, by the witness *syslog*. Whatever is sent, a
receiver goes on receiving.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import AfterValidator, Field, model_validator

from intercom_hil.errors import BenchError
from intercom_hil.event_sources.publisher import EventPublisher
from intercom_hil.event_sources.raw_log import RawLog
from intercom_hil.event_sources.roles import SourceRole, language
from intercom_hil.event_sources.source import TlsIdentity
from intercom_hil.event_sources.source_kinds import Listening, LiveSourceOptions, SourceContext
from intercom_hil.event_sources.syslog_framing import FramingError, SyslogFramer
from intercom_hil.event_sources.syslog_message import SyslogMessage
from intercom_hil.kinds import Wizard, no_ipv6
from intercom_hil.layouts.layout import Layout, Reading
from intercom_hil.paths import FileBeside
from intercom_hil.serving.listener import Listener, peer_of
from intercom_hil.spec.settings import Host, Port
from intercom_hil.timeline.observation import DeviceEvent, Note, SyslogSeen, UnreadableLine, Witness
from intercom_hil.timeline.timeline import Append, now

Transport = Literal["udp", "tcp", "tls"]
MOST_CONNECTIONS = 16
"""Streams at a time; a further one is refused."""
_CHUNK = 65_536
_BUFFER = 1 << 20  # bytes of datagrams that the kernel keeps while the bench is busy
_ALL = SourceRole()


class SyslogReader:
    """Reads messages in a layout, and publishes what they say."""

    def __init__(self, layout: Layout, publisher: EventPublisher) -> None:
        self.layout, self._publisher = layout, publisher

    def message(self, data: bytes, at: float) -> None:
        """Take the bytes of a message, and when they came (seconds since the epoch)."""
        for message in SyslogMessage.all_in(data, at, self._understood):
            self._publish(message, at)

    def _understood(self, text: str) -> bool:
        meaning = self.layout.meaning(text)
        unread = any(isinstance(content, UnreadableLine) for content in meaning.contents)
        return bool(meaning.contents or meaning.boot) and not unread

    def _publish(self, message: SyslogMessage, at: float) -> None:
        seen = SyslogSeen(
            facility=message.facility,
            severity=message.severity,
            host=message.host,
            app=message.app,
            device_time=message.time,
            text=message.text,
        )
        meaning = self.layout.meaning(message.text)
        contents = tuple(
            content.model_copy(update={"device_time": message.time})
            if isinstance(content, DeviceEvent) and content.device_time is None
            else content
            for content in meaning.contents
        )
        self._publisher.publish(Reading((seen, *contents), meaning.boot), at)


class SyslogReceiver:
    """Receives one device's syslog. Must be made inside a running event loop.

    Attributes:
        name: what messages and its raw log are called after.
        lost: resolves with the reason when it can receive no more.
        language: how it is read, and what it is judged by, as data.
    """

    def __init__(
        self,
        name: str,
        *,
        address: str,
        port: int,
        transport: Transport,
        sender: str,
        layout: Layout,
        append: Append,
        role: SourceRole = _ALL,
        identity: TlsIdentity | None = None,
    ) -> None:
        """Describe the receiver.

        Args:
            name: its name, such as ``syslog``.
            address: the IP address it listens on.
            port: the port it listens on.
            transport: over what.
            sender: the IP address of the device; what others send is noted and not read.
            layout: what the texts of messages mean. Events get the time of the message's header unless the
                text has one.
            append: puts observations on the current scenario's timeline.
            role: what this source is judged by.
            identity: what it presents by TLS; needed for ``tls``.
        """
        self.name = name
        self._address, self._port, self._transport = address, port, transport
        self._sender, self._identity = sender, identity
        self._publisher = EventPublisher(name, Witness.SYSLOG, append=append, role=role)
        self._reader = SyslogReader(layout, self._publisher)
        self.language = language(layout, role)
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._raw = RawLog(self.lost)
        self._strangers: set[str] = set()
        self._datagrams: asyncio.DatagramTransport | None = None
        self._listener = Listener(self._talk, most=MOST_CONNECTIONS)

    @property
    def _where(self) -> str:
        return f"{self._transport}://{self._address}:{self._port}"

    async def open(self) -> None:
        """Listen. Raises BenchError when the port cannot be had, or the certificate cannot be used."""
        if self._datagrams is not None or self._listener.is_open:
            return
        if self.lost.done():
            self.lost = self._raw.lost = asyncio.get_running_loop().create_future()
        self._publisher.opened()
        context = None
        if self._transport == "tls":
            assert self._identity is not None
            context = self._identity.context()
        try:
            if self._transport == "udp":
                await self._open_datagrams()
            else:
                await self._listener.open(self._address, self._port, tls=context)
        except OSError as problem:
            raise BenchError(
                f"syslog cannot be received ({problem.strerror or problem})",
                self._where,
                "free the port, give this machine the address, or take a port from 1024 on",
            ) from problem

    async def close(self) -> None:
        """End every stream, and listen no more. Idempotent."""
        if self._datagrams is not None:
            self._datagrams.close()
            self._datagrams = None
        await self._listener.close()
        self._raw.close()

    def begin(self, folder: Path) -> None:
        """Begin a scenario: every message goes into ``<name>.log``, as length, blank, message, newline."""
        self._raw.begin(folder / f"{self.name}.log")
        self._strangers.clear()
        self._publisher.begin()

    async def _open_datagrams(self) -> None:
        family = socket.AF_INET6 if ":" in self._address else socket.AF_INET
        port = socket.socket(family, socket.SOCK_DGRAM)
        try:
            port.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
            port.setblocking(False)
            port.bind((self._address, self._port))
            transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
                lambda: _Datagrams(self), sock=port
            )
        except OSError:
            port.close()
            raise
        self._datagrams = transport

    def datagram(self, data: bytes, source: str) -> None:
        """Take one datagram."""
        if self._is_device(source):
            self._message(data)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_device(peer_of(writer)):
            await self._follow(reader)

    async def _follow(self, reader: asyncio.StreamReader) -> None:
        framer = SyslogFramer()
        try:
            while data := await reader.read(_CHUNK):
                for message in framer.feed(data):
                    self._message(message)
            if rest := framer.rest():
                self._message(rest)
        except FramingError as problem:
            self._raw.write(problem.data)
            self._publisher.say(
                Note(text=f"{self.name}: the stream was ended by the bench: {problem}"), now()
            )
        except OSError as problem:
            self._publisher.say(Note(text=f"{self.name}: the stream broke off: {problem.strerror}"), now())

    def _is_device(self, source: str) -> bool:
        if source == self._sender:
            return True
        if source not in self._strangers and len(self._strangers) < MOST_CONNECTIONS:
            self._strangers.add(source)
            self._publisher.say(Note(text=f"{self.name}: messages from {source} are not read"), now())
        return False

    def _message(self, data: bytes) -> None:
        at = now()
        self._raw.write(b"%d %s\n" % (len(data), data), at)
        self._reader.message(data, at)


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, receiver: SyslogReceiver) -> None:
        self._receiver = receiver

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._receiver.datagram(data, addr[0])


class SyslogOptions(LiveSourceOptions):
    """The device sends syslog to the bench."""

    label: ClassVar[str] = "as syslog messages, sent to the bench"
    witness: ClassVar[Witness] = Witness.SYSLOG
    kind: Literal["syslog"]
    port: Port
    address: Annotated[Host, AfterValidator(no_ipv6)] | None = Field(
        default=None, description="where the bench listens; its own when not given"
    )
    transport: Transport = "udp"
    layout: str = Field(default="keyed-message", description="the language of the messages' texts")
    certificate: FileBeside | None = Field(
        default=None, description="PEM chain for tls; else one of the run's own"
    )
    private_key: FileBeside | None = None

    @model_validator(mode="after")
    def _whole_identity(self) -> SyslogOptions:
        if (self.certificate is None) != (self.private_key is None):
            raise ValueError("certificate and private_key go together")
        if self.certificate is not None and self.transport != "tls":
            raise ValueError("a certificate is of use with transport = 'tls' only")
        return self

    def listens(self) -> Iterator[Listening]:
        """Yield its port."""
        yield Listening("udp" if self.transport == "udp" else "tcp", self.port, self.address)

    def make(self, name: str, context: SourceContext) -> SyslogReceiver:
        """Return the receiver, not yet open."""
        address = self.address or context.bench
        identity = None
        if self.certificate is not None and self.private_key is not None:
            identity = TlsIdentity(self.certificate, self.private_key)
        elif self.transport == "tls":
            identity = context.identity(address)
        return SyslogReceiver(
            name,
            address=address,
            port=self.port,
            transport=self.transport,
            sender=context.device,
            layout=context.layout,
            append=context.append,
            role=context.role,
            identity=identity,
        )

    @classmethod
    def ask(cls, wizard: Wizard) -> dict[str, Any]:
        """Ask for port and transport."""
        port = wizard.number("Port on which the bench listens", 5514, least=1, most=65_535)
        return {"port": port, "transport": wizard.choice("Sent over", dict.fromkeys(get_args(Transport), ""))}
