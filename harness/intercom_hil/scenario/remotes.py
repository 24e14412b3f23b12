"""The other ends of a scenario's calls: remote stations with numbers and addresses, called or calling."""

from __future__ import annotations

import asyncio

from intercom_hil.bench.assembly import Assembly
from intercom_hil.device.intercom import Intercom
from intercom_hil.pbx.endpoint import Endpoint, codecs
from intercom_hil.scenario.addresses import Addresses
from intercom_hil.stations.behaviours import Behaviour, ClearOffer, Offer, calls, obeys
from intercom_hil.stations.caller_spoofing import SPOOFS, CallerIdentity
from intercom_hil.stations.station import Station

_THROUGH_SERVER = "display name, through the server"
SPOOFED_CALLS = (_THROUGH_SERVER, *SPOOFS)
"""Every way in which ``Remotes.impersonate`` can have a stranger call."""


class Remotes(Addresses):
    """The remote stations of one scenario."""

    def __init__(self, assembly: Assembly) -> None:
        super().__init__(assembly.file)
        self._assembly = assembly
        self._next_address = 0

    def _begin_anew(self) -> None:
        """Hand out the addresses from the first one on."""
        self._next_address = 0

    @property
    def intercom(self) -> Intercom:
        """The device under test."""
        return self._assembly.intercom

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
        display_name: str = "",
        from_uri: str | None = None,
        contact: str | None = None,
        extra_headers: tuple[str, ...] = (),
        security: Offer = "plain",
        video: bool = False,
        mute_after: float | None = None,
        new_key_after: float | None = None,
        clear_media: bool = False,
        challenge: tuple[int, str] | None = None,
        clear_offer: tuple[ClearOffer, float] | None = None,
        refer_to: tuple[str, float] | None = None,
        place: int | None = None,
        refers_when_told: str | None = None,
        late_offer: bool = False,
        strange_section: bool = False,
        ack_after: float | None = None,
    ) -> Station:
        """Have a remote station call the device.

        Args:
            caller: the number it calls as.
            direct: straight to the device, not through the PBX.
            tone_hz: the tone it plays, in Hz.
            hang_up_after: seconds after the answer; else it stays until the scenario ends.
            display_name: in From.
            from_uri: what stands in From; else the caller's own address.
            contact: what stands in Contact; else the station's own.
            extra_headers: whole header lines for the INVITE.
            security: what it offers.
            video: whether it offers video (with security plain only).
            mute_after: seconds from the answer until it sends no more media.
            new_key_after: seconds from the answer to a re-INVITE that changes its key (security srtp).
            clear_media: whether its media goes out in clear although it offered keys (security srtp).
            challenge: a status (401, 407) and realm with which the device's first BYE is challenged.
            clear_offer: how RTP/AVP is asked for within the call, and how many seconds after the answer.
            refer_to: the URI to which the device is referred (RFC 3515), and how many seconds after.
            place: where it calls from; else from the next place that no station has had in this scenario.
            refers_when_told: to where it refers the device when told to; without it, it can be told nothing.
            late_offer: whether it leaves the offer to the device (with security plain only).
            strange_section: whether it offers a section of a kind that few know besides.
            ack_after: seconds from the answer to its ACK.

        Raises:
            Inconclusive: the bench has not so many stations.
        """
        file = self._assembly.file
        await self.intercom.until_ready()
        address = self._take_address() if place is None else self.station_address(place)
        if direct:
            target, via = self.intercom.uri, (file.device.address, file.device.sip_port)
            own = f"sip:{caller}@{address}"
        else:
            target = f"sip:{self.intercom.extension}@{file.pbx.address}"
            via = (file.pbx.address, file.pbx.sip_port)
            own = f"sip:{caller}@{file.pbx.address}"
            await self._assembly.pbx.set_endpoint(
                Endpoint(name=caller, password="", codecs=codecs(video=video))
            )
        behaviour = calls(
            target,
            via,
            own if from_uri is None else from_uri,
            display_name=display_name,
            hang_up_after=hang_up_after,
            tone_hz=tone_hz,
            security=security,
            extra_headers=extra_headers,
            contact=contact,
            video=video,
            mute_after=mute_after,
            new_key_after=new_key_after,
            clear_media=clear_media,
            challenge=challenge,
            clear_offer=clear_offer,
            refer_to=refer_to,
            late_offer=late_offer,
            strange_section=strange_section,
            ack_after=ack_after,
        )
        if refers_when_told is not None:
            behaviour = obeys(behaviour, refers_when_told)
        self._assembly.name_station(address, caller)
        return await self._assembly.stations.start(caller, behaviour, address)

    async def station_at(self, place: int, behaviour: Behaviour) -> Station:
        """Start a remote station with ``number(place)``, at a place of its own, where no other plays now."""
        return await self._station(self.number(place), self.station_address(place), behaviour)

    async def impersonate(self, trick: str, *, permitted: str, stranger: str) -> Station:
        """Have a stranger call and claim, in the way named, to be a permitted caller (INC-07).

        Raises:
            ValueError: no such trick is known.
        """
        if trick == _THROUGH_SERVER:
            return await self.call_device(caller=stranger, display_name=permitted)
        if trick not in SPOOFS:
            raise ValueError(f"unknown trick {trick!r}")
        own = self.station_address(self._next_address)
        lie = SPOOFS[trick](CallerIdentity(permitted, self.pbx_address, stranger, own))
        return await self.call_device(caller=stranger, direct=True, **lie)

    async def _station(self, number: str, address: str, behaviour: Behaviour) -> Station:
        self._assembly.name_station(address, number)
        station = await self._assembly.stations.start(number, behaviour, address)
        spoken = codecs(video=bool(behaviour.parameters.get("video")))
        await self._assembly.pbx.set_endpoint(
            Endpoint(name=number, password="", contact=station.uri, codecs=spoken)
        )
        return station

    def _take_address(self) -> str:
        place, self._next_address = self._next_address, self._next_address + 1
        return self.station_address(place)
