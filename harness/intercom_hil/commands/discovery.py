"""What this computer has that a bench may use: serial ports and network addresses.

The lists are empty where there is nothing or no way to look.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterator
from dataclasses import dataclass

from intercom_hil.errors import BenchError
from intercom_hil.instruments.serial_names import stable_name_of
from intercom_hil.kinds import Found
from intercom_hil.processes.command import run

_LOOK_WITHIN = 5.0  # s


@dataclass(frozen=True)
class Address:
    """One IPv4 address of this computer, with the network it is in."""

    interface: str
    address: ipaddress.IPv4Interface

    def __str__(self) -> str:
        return f"{self.interface} {self.address}"


def serial_ports() -> list[Found]:
    """Return the serial ports with something behind them, by their stable names where they have one."""
    from serial.tools.list_ports import comports

    return [
        Found(str(stable_name_of(port.device) or port.device), port.description)
        for port in sorted(comports(), key=lambda port: port.device)
        if port.vid is not None or port.hwid != "n/a"
    ]


def addresses() -> list[Address]:
    """Return the IPv4 addresses of this computer, those of the outside first."""
    try:
        done = run(["ip", "-j", "-4", "address"], within=_LOOK_WITHIN)
        links = json.loads(done.stdout or "[]")
    except (BenchError, ValueError):
        return []
    return sorted(_addresses(links), key=lambda found: found.address.is_loopback)


def _addresses(links: list[dict[str, object]]) -> Iterator[Address]:
    for link in links:
        infos = link.get("addr_info")
        for info in infos if isinstance(infos, list) else ():
            network = f"{info.get('local')}/{info.get('prefixlen')}"
            yield Address(str(link.get("ifname")), ipaddress.IPv4Interface(network))
