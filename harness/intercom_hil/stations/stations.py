"""All remote stations of the bench: started from behaviours, each at an address of its own, and ended.

In comes a supervised place with SIPp in it; out go running stations.
After `stop_all` no call of theirs is standing, whatever they were doing.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import jinja2

from intercom_hil.errors import BenchError
from intercom_hil.stations.sockets import is_bound, is_taken
from intercom_hil.stations.station import Files, ReadSip, Station
from intercom_hil.stations.tone import tone_file
from intercom_hil.stations.traces import read_problem
from intercom_hil.timeline import Append
from intercom_hil.timeline.observation import StationEnded

if TYPE_CHECKING:
    from intercom_hil.processes.supervisor_client import Supervised
    from intercom_hil.stations.behaviours import Behaviour

SIP_PORT = 5070
RTP_PORTS = (20000, 20199)
CONTROL_PORT = 8888
"""SIPp's remote control; it is bound to the station's address, or it would be open to the network."""
TEMPLATES = Path(__file__).parent / "templates"
"""The folder of the SIPp scenario templates."""
LIFETIME = 3600
"""Seconds after which a station ends by itself, should everybody forget it."""
READY_WITHIN = 5.0
"""Seconds within which a started station listens; it takes milliseconds."""
POLL = 0.002
"""Seconds between looks at whether it does."""
_NUMBER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")


class Stations:
    """The bench's stations.

    Args:
        place: where SIPp runs.
        addresses: IPv4 addresses for stations, one each.
        folder: where stations work (tones, orders), at the same path for the place and for us.
        append: puts what stations say on the timeline.
        templates: the folder of the SIPp scenario templates.
        sip_port: every station's SIP port.
        rtp_ports: first and last port of every station's media.
        read_sip: makes what is appended of the messages a station logged; None leaves them in their file.
    """

    def __init__(
        self,
        *,
        place: Supervised,
        addresses: Sequence[str],
        folder: Path,
        append: Append,
        templates: Path = TEMPLATES,
        sip_port: int = SIP_PORT,
        rtp_ports: tuple[int, int] = RTP_PORTS,
        read_sip: ReadSip | None = None,
    ) -> None:
        self._place, self._addresses, self._work = place, tuple(addresses), folder.resolve()
        self._append, self._read_sip = append, read_sip
        self._sip_port, self._rtp_ports = sip_port, rtp_ports
        self._templates = _environment(templates)
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
        station, files = self._make(number, behaviour, self._address(address))
        self._stations.append(station)  # before the first await: the address is taken from now on
        try:
            station.runs(
                await self._place.start(
                    files.scenario.stem,
                    self._command(station, files),
                    cwd=self._work,
                    on_line=station.hear,
                )
            )
            if not behaviour.places_call:
                await self._until_listening(station, files)
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
        try:
            taken = is_taken(free[0], self._sip_port)
        except OSError as problem:
            raise BenchError(f"cannot use it: {problem}", free[0], "give an IPv4 address") from None
        if taken:
            raise BenchError(
                "another program has this UDP port",
                f"{free[0]}:{self._sip_port}",
                "end it (a station left over from a killed run?) or choose other addresses",
            )
        return free[0]

    def _make(self, number: str, behaviour: Behaviour, address: str) -> tuple[Station, Files]:
        self._started += 1
        name = f"{number}-{self._started}"
        stem = self._folder.resolve() / name
        files = Files(
            scenario=stem.with_suffix(".xml"),
            order=self._work / f"{name}.order",
            messages=stem.with_suffix(".messages.log"),
            short=stem.with_suffix(".short.csv"),
            errors=stem.with_suffix(".errors.log"),
            statistics=stem.with_suffix(".statistics.csv"),
        )
        files.give_order("none")
        files.scenario.write_text(self._render(number, behaviour, files), encoding="utf-8")
        station = Station(
            number=number,
            address=address,
            port=self._sip_port,
            behaviour=behaviour,
            files=files,
            append=self._append,
            read_sip=self._read_sip,
        )
        return station, files

    def _render(self, number: str, behaviour: Behaviour, files: Files) -> str:
        tone = tone_file(behaviour.tone_hz, self._work) if behaviour.tone_hz is not None else None
        name = f"{behaviour.template}.xml.j2"
        try:
            return self._templates.get_template(name).render(
                number=number, order_file=files.order.name, tone_file=tone, **behaviour.parameters
            )
        except jinja2.TemplateError as problem:
            raise BenchError(f"scenario template: {problem}", name, "mend the template") from problem

    def _command(self, station: Station, files: Files) -> list[str]:
        behaviour, own = station.behaviour, station.address
        low, high = self._rtp_ports
        command = ["sipp"]
        if behaviour.via is not None:
            command += [f"{behaviour.via[0]}:{behaviour.via[1]}", "-m", "1", "-l", "1", "-r", "1000"]
        if behaviour.credentials is not None:
            command += ["-au", behaviour.credentials[0], "-ap", behaviour.credentials[1]]
        # SIPp does not hear what comes while it sends; UDP sends it again, so that is no reason to give up.
        command += ["-aa", "-default_behaviors", "all,-abortunexp"] if behaviour.courteous else ["-nd"]
        return [
            *command,
            *("-sf", str(files.scenario), "-s", station.number, "-cid_type", "uuid"),
            *("-i", own, "-bind_local", "-p", str(station.port), "-ci", own, "-cp", str(CONTROL_PORT)),
            *("-mi", own, "-min_rtp_port", str(low), "-max_rtp_port", str(high)),
            *("-nostdin", "-rfc3339", "-f", str(LIFETIME), "-timeout", str(LIFETIME)),
            *("-trace_logs", "-log_file", "/dev/fd/3"),
            *("-trace_msg", "-message_file", str(files.messages)),
            *("-trace_shortmsg", "-shortmessage_file", str(files.short)),
            *("-trace_err", "-error_file", str(files.errors)),
            *("-trace_stat", "-stf", str(files.statistics), "-fd", "60"),
        ]

    async def _until_listening(self, station: Station, files: Files) -> None:
        try:
            async with asyncio.timeout(READY_WITHIN):
                while not is_bound(station.address, station.port):
                    if station.ended:
                        end = await station.stop()
                        raise _would_not_start(station, files, f"exit status {end.exit_status}")
                    await asyncio.sleep(POLL)
        except TimeoutError:
            raise _would_not_start(station, files, f"not listening after {READY_WITHIN:g} s") from None


def _would_not_start(station: Station, files: Files, symptom: str) -> BenchError:
    return BenchError(
        f"SIPp would not be station {station.number}: {read_problem(files.errors) or symptom}",
        str(files.scenario),
        "mend what SIPp complains of",
    )


def sipp_text(text: object) -> str:
    r"""Write a text so that SIPp and XML take every character of it for itself.

    SIPp reads ``\xHH`` in messages and values as one byte; what could mean anything to it or to its XML
    reader, and whatever is not ASCII, is written so.
    """
    plain = str(text)
    return "".join(
        c
        if c.isascii() and c.isprintable() and c not in "\\[]\"'&<>"
        else "".join(f"\\x{b:02X}" for b in c.encode())
        for c in plain
    )


def _environment(folder: Path) -> jinja2.Environment:
    # Autoescape is for HTML; here the filter `sip` escapes, as SIPp wants it.
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["sip"] = sipp_text
    return environment
