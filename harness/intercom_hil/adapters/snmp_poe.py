"""A port of a PoE switch as the device's supply: SNMPv2c over UDP, its administrative state read back.

Protocol facts: ``pethPsePortAdminEnable`` (RFC 3621 §2, 1.3.6.1.2.1.105.1.1.1.3.GROUP.PORT) is 1 while the
port may feed what hangs on it, 2 while it may not. Messages are those of RFC 3416 §3 with a community
(RFC 1901 §3) in BER (X.690). A request that got no answer is sent again under its number.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field

from intercom_hil.errors import BenchError
from intercom_hil.instruments.kinds import OutputOptions
from intercom_hil.instruments.shared_port import SharedPorts
from intercom_hil.instruments.uninterrupted import uninterrupted
from intercom_hil.kinds import Wizard, no_ipv6

ADMIN_ENABLE = "1.3.6.1.2.1.105.1.1.1.3"
"""pethPsePortAdminEnable, to be followed by group and port."""
TRIES = 5
ANSWERED_WITHIN = 1.0
"""Seconds after which a request is sent again."""
_ENABLED, _DISABLED = 1, 2
_INTEGER, _TEXT, _NULL, _OID, _SEQUENCE = 0x02, 0x04, 0x05, 0x06, 0x30
_GET, _SET, _RESPONSE = 0xA0, 0xA3, 0xA2
_VERSION_2C = 1
_ABSENT = (0x80, 0x81, 0x82)  # noSuchObject, noSuchInstance, endOfMibView
_ERRORS = {5: "genErr", 6: "noAccess", 13: "resourceUnavailable", 16: "authorizationError", 17: "notWritable"}


class _NotUnderstoodError(ValueError):
    """Bytes that are no answer to what was asked."""


class SnmpPoePort:
    """Output over one port of a PoE switch: active while the port is enabled.

    Opening and closing make it inactive. Must be made inside a running event loop.

    Attributes:
        lost: never resolves: there is nothing that is held open.
    """

    def __init__(
        self, host: str, oid: str, *, community: str, port: int = 161, inverted: bool = False
    ) -> None:
        """Describe the port.

        Args:
            host: the switch's IPv4 address or name.
            oid: the object that enables the port.
            community: one that may write.
            port: the switch's UDP port for SNMP.
            inverted: whether it is active, and unsafe to leave alone, when it is off.
        """
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._host, self._port, self._oid = host, port, oid
        self._community, self._inverted = community, inverted
        self._is_open = False
        self._one = asyncio.Lock()

    async def open(self) -> None:
        """Make it inactive. Raises BenchError."""
        if not self._is_open:
            await self._switch(False)
            self._is_open = True

    async def close(self) -> None:
        """Make it inactive. Raises BenchError."""
        if self._is_open:
            self._is_open = False
            await self._switch(False)

    async def set(self, active: bool) -> bool:
        """Switch it, and return that it reads the new state.

        Raises:
            BenchError: no answer in time, a refusal, or it reads otherwise.
        """
        self._check_open()
        return await self._switch(active)

    async def read(self) -> bool:
        """Return its state. Raises BenchError."""
        self._check_open()
        async with self._one:
            return await self._is_on() is not self._inverted

    def _check_open(self) -> None:
        if not self._is_open:
            raise BenchError("it is not open", self._host, "open it first")

    async def _switch(self, active: bool) -> bool:
        on = active is not self._inverted
        async with self._one:
            await uninterrupted(self._exchange(_ENABLED if on else _DISABLED))
            if await self._is_on() is not on:
                wanted = "on" if on else "off"
                raise self._failed(
                    f"the port was switched {wanted} but does not read {wanted}",
                    "check that nothing else manages the switch",
                )
        return True

    async def _is_on(self) -> bool:
        state = await uninterrupted(self._exchange(None))
        if state not in (_ENABLED, _DISABLED):
            raise self._failed(f"the port's state is {state}, neither 1 nor 2", "check group and port")
        return state == _ENABLED

    async def _exchange(self, value: int | None) -> int:
        """Ask for the object's value, or set it, and return what the switch says it is."""
        number = secrets.randbelow(0x7FFFFFFF)
        request = encoded(number, self._community, self._oid, value)
        loop = asyncio.get_running_loop()
        try:
            transport, answers = await loop.create_datagram_endpoint(
                lambda: _Answers(number, self._oid), remote_addr=(self._host, self._port)
            )
        except OSError as problem:
            raise self._failed(f"it cannot be reached ({problem})", "check its address") from problem
        try:
            for _ in range(TRIES):
                transport.sendto(request)
                await asyncio.wait((answers.value,), timeout=ANSWERED_WITHIN)
                if answers.value.done():
                    return answers.value.result()
        except _NotUnderstoodError as problem:
            raise self._failed(str(problem), "check group, port, and that the community may write") from None
        finally:
            transport.close()
        remedy = "check its address, that SNMPv2c is on, and the community: a switch is silent to a wrong one"
        raise self._failed(f"no answer within {TRIES * ANSWERED_WITHIN:g} s", remedy)

    def _failed(self, what: str, remedy: str) -> BenchError:
        return BenchError(what, f"SNMP {self._host}:{self._port} {self._oid}", remedy)


class _Answers(asyncio.DatagramProtocol):
    """Takes the answer to one request; anything else is passed over."""

    def __init__(self, number: int, oid: str) -> None:
        self.value: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._number, self._oid = number, oid

    def datagram_received(self, data: bytes, addr: object) -> None:
        """Read what came."""
        if self.value.done():
            return
        try:
            answer = decoded(data, self._number, self._oid)
        except _NotUnderstoodError as problem:
            self.value.set_exception(problem)
            return
        if answer is not None:
            self.value.set_result(answer)

    def error_received(self, exc: Exception) -> None:
        """Pass over that nobody listens (yet): the switch may be starting."""


def encoded(number: int, community: str, oid: str, value: int | None) -> bytes:
    """Return a message with a GetRequest-PDU, or a SetRequest-PDU where there is a value (RFC 3416 §4.2)."""
    shown = _tlv(_NULL, b"") if value is None else _integer(value)
    binding = _tlv(_SEQUENCE, _tlv(_OID, _oid_bytes(oid)) + shown)
    head = _integer(number) + _integer(0) + _integer(0)
    pdu = _tlv(_GET if value is None else _SET, head + _tlv(_SEQUENCE, binding))
    return _tlv(_SEQUENCE, _integer(_VERSION_2C) + _tlv(_TEXT, community.encode()) + pdu)


def decoded(data: bytes, number: int, oid: str) -> int | None:
    """Return the value that a Response-PDU has, None where it is no answer to this request.

    Raises:
        ValueError: the switch refuses, has no such object, or says something that is no integer.
    """
    try:
        message = _parts(_parts(data)[0][1])
        kind, pdu = message[2]
        answered, status, _, bindings = _parts(pdu)
        if kind != _RESPONSE or int.from_bytes(answered[1], "big", signed=True) != number:
            return None
        (named, (tag, content)) = _parts(_parts(bindings[1])[0][1])[:2]
    except (IndexError, ValueError):
        return None
    error = int.from_bytes(status[1], "big")
    if error:
        raise _NotUnderstoodError(f"it refuses: {_ERRORS.get(error, f'error-status {error}')} (RFC 3416 §3)")
    if named[1] != _oid_bytes(oid):
        return None
    if tag in _ABSENT:
        raise _NotUnderstoodError("it has no such port (noSuchInstance, RFC 3416 §4.2.1)")
    if tag != _INTEGER or not 1 <= len(content) <= 4:
        raise _NotUnderstoodError(f"the port's state is no integer (tag {tag:#04x})")
    return int.from_bytes(content, "big", signed=True)


def _tlv(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def _integer(value: int) -> bytes:
    return _tlv(_INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def _oid_bytes(oid: str) -> bytes:
    first, second, *rest = map(int, oid.split("."))
    content = bytearray()
    for number in (40 * first + second, *rest):
        digits = [number & 0x7F]
        while number := number >> 7:
            digits.append(0x80 | number & 0x7F)
        content += bytes(reversed(digits))
    return bytes(content)


def _parts(data: bytes) -> list[tuple[int, bytes]]:
    """Return the values that stand one after the other. Raises ValueError or IndexError where one is cut."""
    parts, at = [], 0
    while at < len(data):
        tag, size, at = data[at], data[at + 1], at + 2
        if size & 0x80:
            length = size & 0x7F
            size, at = int.from_bytes(data[at : at + length], "big"), at + length
        if at + size > len(data):
            raise ValueError("a value that is cut")
        parts.append((tag, data[at : at + size]))
        at += size
    return parts


class SnmpPoeOptions(OutputOptions):
    """A port of a PoE switch."""

    label: ClassVar[str] = "a port of a PoE switch, over SNMP"
    kind: Literal["snmp-poe"]
    address: Annotated[str, Field(pattern=r"^[^\s/]+$"), AfterValidator(no_ipv6)]
    interface: Annotated[int, Field(ge=1, le=65535)]
    group: Annotated[int, Field(ge=1, le=65535)] = 1
    community: Annotated[str, Field(repr=False, min_length=1)] = "private"
    snmp_port: Annotated[int, Field(ge=1, le=65535)] = 161

    @property
    def where(self) -> str:
        """The switch's address."""
        return self.address

    def claims(self) -> Mapping[str, str]:
        """Return the port of the switch: one bench at a time has it."""
        return {f"PoE {self.address} {self.group}.{self.interface}": "address"}

    def make(self, ports: SharedPorts, *, name: str = "output") -> SnmpPoePort:
        """Return the output."""
        return self._made(inverted=False)

    def make_supply(self, ports: SharedPorts, *, name: str, normally_on: bool) -> SnmpPoePort:
        """Return the switch of a supply: *on* means that the device has power."""
        return self._made(inverted=normally_on)

    def _made(self, *, inverted: bool) -> SnmpPoePort:
        oid = f"{ADMIN_ENABLE}.{self.group}.{self.interface}"
        return SnmpPoePort(
            self.address, oid, community=self.community, port=self.snmp_port, inverted=inverted
        )

    @classmethod
    def ask(cls, wizard: Wizard) -> dict[str, Any]:
        """Ask for switch, port and community."""
        return {
            "address": wizard.text("The switch's address", "192.0.2.2", pattern=r"[^\s/]+"),
            "interface": wizard.number("Its port that feeds the device", 1, least=1, most=65535),
            "community": wizard.text("Its community that may write", "private", pattern=r".+"),
        }
