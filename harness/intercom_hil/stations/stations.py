"""All remote stations of the bench: started from behaviours, each at an address of its own, and ended.

After `stop_all` no call of theirs is standing, whatever they were doing.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from intercom_hil.errors import BenchError
from intercom_hil.sipp.options import Credentials, Media, Options, Traces
from intercom_hil.sipp.templates import render, scenario_templates
from intercom_hil.stations.moved_sound import MovedSound
from intercom_hil.stations.station import OrderFile, ReadSip, Station
from intercom_hil.stations.tone import tone_file
from intercom_hil.timeline import Append
from intercom_hil.timeline.observation import StationEnded

if TYPE_CHECKING:
    from intercom_hil.sipp.hosts import SippHost
    from intercom_hil.stations.behaviours import Behaviour

SIP_PORT = 5070
RTP_PORTS = (20000, 20199)
CONTROL_PORT = 8888
"""SIPp's remote control; it is bound to the station's address, or it would be open to the network."""
TEMPLATES = Path(__file__).parent / "templates"
"""The folder of the SIPp scenario templates."""
_NUMBER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")


class Stations:
    """The bench's stations.

    Args:
        host: where SIPp runs.
        addresses: IPv4 addresses for stations, one each.
        folder: where stations work (tones, orders), at the same path for the host and for us.
        append: puts what stations log on the timeline.
        templates: the folder of the SIPp scenario templates.
        sip_port: every station's SIP port.
        rtp_ports: first and last port of every station's media.
        read_sip: makes what is appended of the messages a station logged; None leaves them in their file.
    """

    def __init__(
        self,
        *,
        host: SippHost,
        addresses: Sequence[str],
        folder: Path,
        append: Append,
        templates: Path = TEMPLATES,
        sip_port: int = SIP_PORT,
        rtp_ports: tuple[int, int] = RTP_PORTS,
        read_sip: ReadSip | None = None,
    ) -> None:
        self._host, self._addresses, self._work = host, tuple(addresses), folder.resolve()
        self._append, self._read_sip = append, read_sip
        self._sip_port, self._rtp_ports = sip_port, rtp_ports
        self._templates = scenario_templates(templates)
        self._folder = folder
        self._started = 0
        self._stations: list[Station] = []

    def begin(self, folder: Path) -> None:
        """Begin a scenario: logs of stations started from now on go to its folder."""
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder

    async def start(self, number: str, behaviour: Behaviour, address: str | None = None) -> Station:
        """Start a station; when this returns it listens, or, if it is a caller, is about to call.

        Args:
            number: its number: letters, digits, dash and underscore.
            behaviour: what it does.
            address: its address; the next free one of the bench's if not given.

        Raises:
            BenchError: no address is free, the port is taken, a template is wrong, or SIPp would not start.
        """
        if not _NUMBER.fullmatch(number):
            raise BenchError(
                f"{number!r} is no station number", "stations", "use letters, digits, dash and underscore"
            )
        station = self._make(number, behaviour, self._address(address))
        self._stations.append(station)  # before the first await: the address is taken from now on
        try:
            await station.start()
        except BaseException:
            await station.stop()
            self._stations.remove(station)
            raise
        return station

    async def stop_all(self) -> list[StationEnded]:
        """End every station, all at once, and return how each ended since the last time. Idempotent."""
        stations, self._stations = self._stations, []
        return list(await asyncio.gather(*(station.stop() for station in stations)))

    def _address(self, wanted: str | None) -> str:
        used = {station.address for station in self._stations if not station.ended}
        free = [a for a in ([wanted] if wanted else self._addresses) if a not in used]
        if not free:
            raise BenchError(
                f"{wanted} has a station already" if wanted else f"all {len(used)} addresses have a station",
                "stations",
                "stop a station first, or give the bench more addresses for stations",
            )
        return free[0]

    def _make(self, number: str, behaviour: Behaviour, address: str) -> Station:
        self._started += 1
        name = f"{number}-{self._started}"
        order = OrderFile(self._work / f"{name}.order")
        stem = self._folder.resolve() / name
        hz = behaviour.tone_hz
        tone = tone_file(hz, self._work) if hz is not None else None
        first, last = self._rtp_ports
        moved = (
            (last - 1) // 2 * 2
        )  # the last even port with one above it (RFC 3550 §11); SIPp has those below
        scenario = render(
            self._templates,
            f"{behaviour.template}.xml.j2",
            stem.with_suffix(".xml"),
            number=number,
            token=secrets.token_hex(4),  # for branches
            order_file=order.path.name,
            tone_file=tone,
            moved_port=moved,
            ulaw_file=tone_file(hz, self._work, "ulaw") if hz is not None and behaviour.moves else None,
            **behaviour.parameters,
        )
        options = Options(
            scenario=scenario,
            local=(address, self._sip_port),
            remote=behaviour.via,
            service=number,
            credentials=Credentials(*behaviour.credentials) if behaviour.credentials else None,
            answers_out_of_call=behaviour.courteous,
            # SIPp does not hear what comes while it sends; UDP sends it again: no reason to give up.
            default_behaviors="all,-abortunexp" if behaviour.courteous else "none",
            media=Media(address, (first, moved - 1)),
            remembers_calls=0,
            control=(address, CONTROL_PORT),
            traces=replace(Traces.beside(stem), counts=False, response_times=False),
            # A caller calls once, and at once: the first call comes when the rate lets it.
            calls=1 if behaviour.places_call else None,
            simultaneous=1 if behaviour.places_call else None,
            rate=1000 if behaviour.places_call else None,
        )
        return Station(
            number=number,
            behaviour=behaviour,
            options=options,
            order=order,
            host=self._host,
            append=self._append,
            read_sip=self._read_sip,
            moved_sound=MovedSound((address, moved), tone) if tone and behaviour.moves else None,
        )
