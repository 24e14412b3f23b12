"""Numbers and addresses at a bench: what its file says of them, known before anything runs."""

from __future__ import annotations

from intercom_hil.bench.emulated_device import pbx_name
from intercom_hil.bench_file.model import BenchFile
from intercom_hil.errors import Inconclusive
from intercom_hil.proxy.proxy import USERNAME
from intercom_hil.spec.capabilities import Capability
from intercom_hil.spec.limits import Limits
from intercom_hil.spec.settings import ProxySettings
from intercom_hil.spec.timing import Timing

FIRST_NUMBER = 3410
SIP_PORT = 5060


class Addresses:
    """Who is where. Declared settings are made of it: before the run for its order, and when it is played."""

    def __init__(self, file: BenchFile) -> None:
        self._file = file

    @property
    def extension(self) -> str:
        """The device's extension in the bench's plain configuration."""
        return self._file.device.extension

    @property
    def display_name(self) -> str:
        """The device's display name in the bench's plain configuration."""
        return self._file.device.display_name

    @property
    def pbx_address(self) -> str:
        """The SIP server's address."""
        return self._file.pbx.address

    @property
    def pbx_port(self) -> int:
        """The SIP server's usual port."""
        return self._file.pbx.sip_port

    @property
    def pbx_other_port(self) -> int:
        """Another port of the SIP server's, for UDP and TCP."""
        return self._file.pbx.other_sip_port

    @property
    def pbx_is_named(self) -> bool:
        """Whether the device can reach the SIP server by a domain name."""
        return pbx_name(self._file) is not None

    @property
    def pbx_name(self) -> str:
        """The SIP server's domain name. Raises Inconclusive where the device can find it by none."""
        name = pbx_name(self._file)
        if name is None:
            raise Inconclusive("the bench file has no name for the SIP server (pbx.name)")
        return name

    @property
    def proxy_settings(self) -> ProxySettings:
        """What the device is configured with to get through the proxy (CFG-21).

        The password is made up anew for every run, and stands there once the proxy runs (``Bench.proxy``).

        Raises:
            Inconclusive: this bench has no proxy.
        """
        proxy = self._file.proxy
        if proxy is None:
            raise Inconclusive("this bench has no proxy; its file needs a table [proxy]")
        return ProxySettings(username=USERNAME, address=proxy.address, password="", port=proxy.port)

    @property
    def timing(self) -> Timing:
        """How long the device may take for what it does (``[device.timing]``): the bounds of all waits."""
        return self._file.device.timing

    @property
    def limits(self) -> Limits:
        """What the device takes as settings (``[device.limits]``)."""
        return self._file.device.limits

    def has(self, capability: Capability) -> bool:
        """Whether the bench file declares that the device has it."""
        return not self._file.device.capabilities.lacks(capability)

    def number(self, place: int) -> str:
        """Return the number of the remote station at a place (0, 1, ...)."""
        number = str(FIRST_NUMBER + place)
        return number if number != self._file.device.extension else str(FIRST_NUMBER + place + 90)

    def further(self, *places: int) -> tuple[str, ...]:
        """Return numbers at places for further contacts, as many as the device takes beside the first one."""
        return tuple(self.number(place) for place in places)[: self.limits.contacts - 1]

    def at_server(self, number: str) -> str:
        """Return the full address of a number at the SIP server.

        It has no port where that is 5060, which is meant then (RFC 3261 §19.1.2).
        """
        pbx = self._file.pbx
        return f"sip:{number}@{pbx.address}" + (f":{pbx.sip_port}" if pbx.sip_port != SIP_PORT else "")

    def station_address(self, place: int) -> str:
        """Return the IP address of the station at a place. Raises Inconclusive: the bench has not so many."""
        addresses = self._file.stations.addresses
        if place >= len(addresses):
            raise Inconclusive(
                f"the scenario takes at least {place + 1} remote stations, and the bench file has "
                f"{len(addresses)} (stations.addresses)"
            )
        return addresses[place]

    def station_uri(self, place: int) -> str:
        """Return where the station at a place can be called without the PBX. Raises Inconclusive as above."""
        return f"sip:{self.number(place)}@{self.station_address(place)}:{self._file.stations.sip_port}"

    @property
    def station_port(self) -> int:
        """The SIP port of every station."""
        return self._file.stations.sip_port

    def direct_caller_uri(self, place: int) -> str:
        """Return the address by which the station at a place calls without the PBX. Raises Inconclusive."""
        return f"sip:{self.number(place)}@{self.station_address(place)}"
