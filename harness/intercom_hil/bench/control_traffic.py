"""The bench's own control traffic: what of the packets on its addresses it makes itself, and no rule judges.

Requests to the portal, to the PBX's interfaces and to relay boxes are most of the frames on a bench, and hold
its passwords. What the device sends stays in sight, whatever port it goes to: only what a portal or a serial
server at its address answers is passed over.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from intercom_hil.bench_file.model import BenchFile, texts

_PORTS = {"http": 80, "https": 443, "telnet": 23}
_WITNESSES = ("event_sources", "capabilities", "limits", "timing")
"""Tables of a device that name nothing that the bench controls."""

Server = tuple[str, int]
"""The address, or name, of a server, and its port."""


def control_traffic(file: BenchFile) -> tuple[str, ...]:
    """Return the flows that are not to be captured, in the language of pcap-filter(7).

    Names are looked up, and may take their time; a server whose name is not known is not passed over.
    """
    pbx, bench, device = file.pbx, file.bench, file.device
    not_the_device = f"not host {device.address}"
    flows = [
        f"tcp and host {pbx.address} and (port {pbx.http_port} or port {pbx.ami_port}) and {not_the_device}",
        f"udp and host {bench.address} and port {bench.hep_port} and {not_the_device}",
    ]
    for host, port in dict.fromkeys(_servers(file)):
        for address in _addresses(host):
            if address == device.address:
                if port not in _sip_ports(file):
                    flows.append(
                        f"tcp and ((src host {address} and src port {port})"
                        f" or (dst host {address} and dst port {port}))"
                    )
            elif address not in _roles(file):
                flows.append(f"host {address} and port {port} and {not_the_device}")
    return tuple(flows)


def _servers(file: BenchFile) -> Iterator[Server]:
    """Yield what the bench controls the device and its wiring through."""
    device = file.device
    if device.kind == "emulated":
        yield device.address, device.emulated.portal_port
        if device.emulated.serial_server is not None:
            yield device.address, device.emulated.serial_server
    tables = device.model_dump(mode="json")
    for name, table in tables.items():
        if name in _WITNESSES:
            continue
        for text in texts(table):
            yield from _in_url(text)
        yield from _by_address(table)


def _in_url(text: str) -> Iterator[Server]:
    with suppress(ValueError):
        parts = urlsplit(text)
        port = parts.port or _PORTS.get(parts.scheme)
        if "://" in text and parts.hostname and port:
            yield parts.hostname, port


def _by_address(table: Any) -> Iterator[Server]:
    """Yield the servers of tables that name an address and a port of their own."""
    if isinstance(table, Mapping):
        if isinstance(address := table.get("address"), str):
            for name, port in table.items():
                if name.endswith("port") and isinstance(port, int):
                    yield address, port
        for item in table.values():
            yield from _by_address(item)
    elif isinstance(table, list):
        for item in table:
            yield from _by_address(item)


def _addresses(host: str) -> list[str]:
    with suppress(ValueError):
        return [str(ipaddress.ip_address(host))]
    try:
        found = socket.getaddrinfo(host, None, socket.AF_INET, socket.SOCK_STREAM)
    except OSError:
        return []
    return sorted({str(address[0]) for *_, address in found})


def _sip_ports(file: BenchFile) -> frozenset[int]:
    pbx, device = file.pbx, file.device
    return frozenset({device.sip_port, device.sip_port + 1, pbx.sip_port, pbx.other_sip_port, pbx.tls_port})


def _roles(file: BenchFile) -> frozenset[str]:
    proxy = (file.proxy.address,) if file.proxy else ()
    return frozenset({file.pbx.address, file.bench.address, *proxy, *file.stations.addresses})
