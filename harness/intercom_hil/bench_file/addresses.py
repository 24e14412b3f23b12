"""The addresses a bench needs: are they this machine's, and free?"""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator

from intercom_hil.bench_file.model import BenchFile
from intercom_hil.errors import BenchError
from intercom_hil.event_sources.options import LogFileOptions, SyslogOptions


def taken_addresses(file: BenchFile) -> Iterator[BenchError]:
    """Yield a problem for each address of the bench file that cannot be listened on."""
    wanted = [
        ("pbx.sip_port", file.pbx.address, file.pbx.sip_port, socket.SOCK_DGRAM),
        ("pbx.sip_port", file.pbx.address, file.pbx.sip_port, socket.SOCK_STREAM),
        ("pbx.other_sip_port", file.pbx.address, file.pbx.other_sip_port, socket.SOCK_DGRAM),
        ("pbx.other_sip_port", file.pbx.address, file.pbx.other_sip_port, socket.SOCK_STREAM),
        ("pbx.tls_port", file.pbx.address, file.pbx.tls_port, socket.SOCK_STREAM),
        ("pbx.http_port", file.pbx.address, file.pbx.http_port, socket.SOCK_STREAM),
        ("pbx.ami_port", file.pbx.address, file.pbx.ami_port, socket.SOCK_STREAM),
        ("bench.hep_port", file.bench.address, file.bench.hep_port, socket.SOCK_DGRAM),
    ]
    if file.proxy is not None:
        for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
            wanted.append(("proxy.port", file.proxy.address, file.proxy.port, kind))
    for index, address in enumerate(file.stations.addresses):
        wanted.append((f"stations.addresses[{index}]", address, file.stations.sip_port, socket.SOCK_DGRAM))
    for place, source in enumerate(file.device.event_sources):
        if not isinstance(source, LogFileOptions):
            by_datagram = isinstance(source, SyslogOptions) and source.transport == "udp"
            kind = socket.SOCK_DGRAM if by_datagram else socket.SOCK_STREAM
            where = f"device.event_sources[{place}].port"
            wanted.append((where, source.address or file.bench.address, source.port, kind))
    if file.device.kind == "emulated":
        portal = file.device.emulated.portal_port
        wanted.append(("device.sip_port", file.device.address, file.device.sip_port, socket.SOCK_DGRAM))
        wanted.append(("device.emulated.portal_port", file.device.address, portal, socket.SOCK_STREAM))
    for field, address, port, kind in wanted:
        problem = _taken(field, address, port, kind)
        if problem is not None:
            yield problem


def _taken(field: str, address: str, port: int, kind: socket.SocketKind) -> BenchError | None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    protocol = "UDP" if kind is socket.SOCK_DGRAM else "TCP"
    with socket.socket(family, kind) as probe:
        if kind is socket.SOCK_STREAM:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as problem:
            if problem.errno == errno.EADDRINUSE:
                what = f"{protocol} {address}:{port} is in use by another program"
                remedy = f"end that program (ss -lnup, ss -lntp), or change {field} in the bench file"
            else:
                what = f"{protocol} {address}:{port} cannot be used ({problem.strerror})"
                remedy = f"give this machine that address, or change {field} in the bench file"
            return BenchError(what, field, remedy)
    return None
