"""The other ends of a scenario's calls: remote stations with numbers and addresses, called or calling.

What a station is to do comes in; running stations go out, and what they and the PBX say is on the timeline.
"""

from __future__ import annotations

import asyncio
from typing import Any

from intercom_hil.bench.assembly import Assembly
from intercom_hil.bench_file.tables import PbxTable
from intercom_hil.device.intercom import Intercom
from intercom_hil.errors import Inconclusive
from intercom_hil.pbx.endpoint import Endpoint, codecs
from intercom_hil.stations.behaviours import Behaviour, calls
from intercom_hil.stations.caller_spoofing import SPOOFS, CallerIdentity
from intercom_hil.stations.station import Station

FIRST_NUMBER = 3410
SIP_PORT = 5060


def number_at(number: str, pbx: PbxTable) -> str:
    """Return a number's SIP address at the PBX; without a port 5060 is meant (RFC 3261 §19.1.2)."""
    return f"sip:{number}@{pbx.address}" + (f":{pbx.sip_port}" if pbx.sip_port != SIP_PORT else "")


class Remotes:
    """The remote stations of one scenario."""

    def __init__(self, assembly: Assembly) -> None:
        self._assembly = assembly
        self._next_address = 0

    def _begin_anew(self) -> None:
        """Hand out the addresses from the first one on."""
        self._next_address = 0

    @property
    def intercom(self) -> Intercom:
        """The device under test."""
        return self._assembly.intercom

    @property
    def pbx_address(self) -> str:
        """The SIP server's address."""
        return self._assembly.file.pbx.address

    def number(self, place: int) -> str:
        """Return the number of the remote station at a place (0, 1, ...)."""
        number = FIRST_NUMBER + place
        return str(number if str(number) != self._assembly.file.device.extension else number + 90)

    def at_server(self, number: str) -> str:
        """Return the full address of a number at the SIP server, with its port if that is not 5060."""
        return number_at(number, self._assembly.file.pbx)

    def direct_caller_uri(self, place: int) -> str:
        """Return the full address of the station at a place when it calls without the PBX."""
        return f"sip:{self.number(place)}@{self._address(place)}"

    async def stations(self, *behaviours: Behaviour) -> list[Station]:
        """Start remote stations, the first with ``number(0)``; the PBX knows where each of them is."""
        places = [(self.number(i), self._take_address(), behaviour) for i, behaviour in enumerate(behaviours)]
        return list(await asyncio.gather(*(self._station(*place) for place in places)))

    async def call_device(
        self,
        *,
        caller: str,
        direct: bool = False,
        tone_hz: float = 1000,
        hang_up_after: float | None = None,
        **more: Any,
    ) -> Station:
        """Have a remote station call the device.

        Args:
            caller: the number it calls as.
            direct: straight to the device, not through the PBX.
            tone_hz: the tone it plays.
            hang_up_after: seconds after the answer; else it stays until the scenario ends.
            **more: what ``calls`` takes besides: a display name, headers, a security, video.
        """
        file = self._assembly.file
        address = self._take_address()
        if direct:
            target, via = self.intercom.uri, (file.device.address, file.device.sip_port)
            from_uri = f"sip:{caller}@{address}"
        else:
            target = f"sip:{self.intercom.extension}@{file.pbx.address}"
            via = (file.pbx.address, file.pbx.sip_port)
            from_uri = f"sip:{caller}@{file.pbx.address}"
            spoken = codecs(video=bool(more.get("video")))
            await self._assembly.pbx.set_endpoint(Endpoint(name=caller, password="", codecs=spoken))
        options = {"from_uri": from_uri, "tone_hz": tone_hz, "hang_up_after": hang_up_after, **more}
        self._assembly.name_station(address, caller)
        return await self._assembly.stations.start(caller, calls(target, via, **options), address)

    async def impersonate(self, trick: str, *, permitted: str, stranger: str) -> Station:
        """Have a stranger call and claim, in the way named, to be a permitted caller (INC-07).

        Raises:
            ValueError: no such trick is known.
        """
        if trick == "display name, through the server":
            return await self.call_device(caller=stranger, display_name=permitted)
        if trick not in SPOOFS:
            raise ValueError(f"unknown trick {trick!r}")
        own = self._address(self._next_address)
        lie: dict[str, Any] = dict(SPOOFS[trick](CallerIdentity(permitted, self.pbx_address, stranger, own)))
        return await self.call_device(caller=stranger, direct=True, **lie)

    async def _station(self, number: str, address: str, behaviour: Behaviour) -> Station:
        self._assembly.name_station(address, number)
        station = await self._assembly.stations.start(number, behaviour, address)
        spoken = codecs(video=bool(behaviour.parameters.get("video")))
        await self._assembly.pbx.set_endpoint(
            Endpoint(name=number, password="", contact=station.uri, codecs=spoken)
        )
        return station

    def _address(self, place: int) -> str:
        """Return the address of the station at a place. Raises Inconclusive: the bench has not so many."""
        addresses = self._assembly.file.stations.addresses
        if place >= len(addresses):
            raise Inconclusive(
                f"the scenario takes at least {place + 1} remote stations, and the bench file has "
                f"{len(addresses)} (stations.addresses)"
            )
        return addresses[place]

    def _take_address(self) -> str:
        place, self._next_address = self._next_address, self._next_address + 1
        return self._address(place)
