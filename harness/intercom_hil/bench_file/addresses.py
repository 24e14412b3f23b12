"""The addresses and ports a bench needs: are they this host's, and free?"""

from __future__ import annotations

import errno
import ipaddress
import socket
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from intercom_hil.bench_file.model import BenchFile
from intercom_hil.errors import BenchError
from intercom_hil.event_sources.source_kinds import LiveSourceOptions

_ROUTES = Path("/proc/net/route")
_UDP, _TCP = socket.SOCK_DGRAM, socket.SOCK_STREAM
_OF_DEVICE = "device.address"
_INTERFACES = ("pbx.http_port", "pbx.ami_port")


class _Wanted(NamedTuple):
    """One port that is to be listened on, with the fields that name its address and itself."""

    address_field: str
    port_field: str
    address: str
    port: int
    kind: socket.SocketKind


def taken_addresses(
    file: BenchFile, *, device_is_on: bool = False, pbx_is_on: bool = False
) -> Iterator[BenchError]:
    """Yield a problem for each port that cannot be listened on, and one for each address of another host.

    Args:
        file: the bench.
        device_is_on: whether its emulated device has its own ports already.
        pbx_is_on: whether its PBX has the ports of its interfaces already; those for SIP it takes later.
    """
    foreign: dict[str, list[str]] = {}
    for wanted in _wanted(file):
        if device_is_on and wanted.address_field == _OF_DEVICE:
            continue
        if pbx_is_on and wanted.port_field in _INTERFACES:
            continue
        if wanted.address in foreign or not _is_here(wanted.address):
            foreign.setdefault(wanted.address, []).append(wanted.address_field)
        elif problem := _taken(wanted):
            yield problem
    for address, fields in foreign.items():
        yield BenchError(
            f"{address} is not an address of this host",
            ", ".join(dict.fromkeys(fields)),
            f"give it to this host (`sudo {_add(file, address)}`), or name one that `ip -br address` lists",
        )


def _wanted(file: BenchFile) -> Iterator[_Wanted]:
    pbx, bench, device = file.pbx, file.bench, file.device
    for field, port, kinds in (
        ("pbx.sip_port", pbx.sip_port, (_UDP, _TCP)),
        ("pbx.other_sip_port", pbx.other_sip_port, (_UDP, _TCP)),
        ("pbx.tls_port", pbx.tls_port, (_TCP,)),
        ("pbx.http_port", pbx.http_port, (_TCP,)),
        ("pbx.ami_port", pbx.ami_port, (_TCP,)),
    ):
        yield from (_Wanted("pbx.address", field, pbx.address, port, kind) for kind in kinds)
    yield _Wanted("bench.address", "bench.hep_port", bench.address, bench.hep_port, _UDP)
    if file.proxy is not None:
        for kind in (_UDP, _TCP):
            yield _Wanted("proxy.address", "proxy.port", file.proxy.address, file.proxy.port, kind)
    for index, address in enumerate(file.stations.addresses):
        field = f"stations.addresses[{index}]"
        yield _Wanted(field, field, address, file.stations.sip_port, _UDP)
    for index, source in enumerate(device.event_sources):
        for own in source.listens() if isinstance(source, LiveSourceOptions) else ():
            kind = _UDP if own.protocol == "udp" else _TCP
            field = f"device.event_sources[{index}]"
            where = f"{field}.address" if own.address else "bench.address"
            yield _Wanted(where, f"{field}.port", own.address or bench.address, own.port, kind)
    if device.kind == "emulated":
        portal = device.emulated.portal_port
        yield _Wanted(_OF_DEVICE, "device.sip_port", device.address, device.sip_port, _UDP)
        yield _Wanted(_OF_DEVICE, "device.emulated.portal_port", device.address, portal, _TCP)


def _is_here(address: str) -> bool:
    """Whether an address is this host's: some port of it can be bound."""
    with socket.socket(_family(address), _UDP) as probe:
        try:
            probe.bind((address, 0))
        except OSError as problem:
            return problem.errno != errno.EADDRNOTAVAIL
    return True


def _taken(wanted: _Wanted) -> BenchError | None:
    with socket.socket(_family(wanted.address), wanted.kind) as probe:
        if wanted.kind is _TCP:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((wanted.address, wanted.port))
        except OSError as problem:
            protocol, letter = ("UDP", "u") if wanted.kind is _UDP else ("TCP", "t")
            place = f"{protocol} {wanted.address}:{wanted.port}"
            if problem.errno == errno.EADDRINUSE:
                find = f"sudo ss -ln{letter}p sport = :{wanted.port}"
                remedy = (
                    f"end that program (`{find}` names it), or change {wanted.port_field} in the bench file"
                )
                return BenchError(f"{place} is in use by another program", wanted.port_field, remedy)
            remedy = f"change {wanted.port_field} in the bench file"
            return BenchError(f"{place} cannot be used ({problem.strerror})", wanted.port_field, remedy)
    return None


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def _add(file: BenchFile, address: str) -> str:
    """Return the command that gives this host an address, on the network where the device is."""
    interface, prefix = _network_of(file.device.address) or ("INTERFACE", 128 if ":" in address else 24)
    if file.capture.interface != "any":
        interface = file.capture.interface
    return f"ip address add {address}/{prefix} dev {interface}"


def _network_of(address: str) -> tuple[str, int] | None:
    """Return interface and prefix length of this host's network that has an IPv4 address, if one has."""
    try:
        sought = ipaddress.IPv4Address(address)
        lines = _ROUTES.read_text(encoding="ascii").splitlines()[1:]
    except (ValueError, OSError):
        return None
    for interface, to, gateway, *more in (line.split() for line in lines):
        network, mask = (int.from_bytes(struct.pack("<I", int(word, 16)), "big") for word in (to, more[4]))
        if int(gateway, 16) == 0 and mask and int(sought) & mask == network:
            return interface, mask.bit_count()
    return None
