"""The tables of a bench file: one frozen model each, every field with its bounds.

A table is checked as TOML gives it; what is wrong is a pydantic ``ValidationError``.
"""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from intercom_hil.admin_portal.options import BrowserOptions
from intercom_hil.device.configurator_kinds import (
    AnyConfigurator,
    CommandOptions,
    ConfiguratorOptions,
    OperatorOptions,
    PortalOptions,
)
from intercom_hil.event_sources.source_kinds import AnySource
from intercom_hil.instruments.registry import AnyInput, AnyOutput, PowerOptions
from intercom_hil.kinds import no_ipv6
from intercom_hil.paths import FileBeside, PortBeside, Words
from intercom_hil.spec.capabilities import Capability
from intercom_hil.spec.limits import Limits
from intercom_hil.spec.settings import Host, Name, Port
from intercom_hil.spec.timing import USUAL_TIMING, Timing


def _ip_address(value: str) -> str:
    try:
        address = str(ipaddress.ip_address(value))
    except ValueError:
        raise ValueError(f"{value!r} is not an IP address") from None
    return no_ipv6(address)


IpAddress = Annotated[str, AfterValidator(_ip_address)]
Seconds = Annotated[float, Field(gt=0, le=86_400)]
PortRange = tuple[Port, Port]


class Table(BaseModel):
    """What all tables have in common: nothing unknown in them, nothing changed afterwards."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class BenchTable(Table):
    """The bench itself: its name in reports, and the address of its own listeners."""

    name: Annotated[str, Field(min_length=1, max_length=60)]
    description: str = ""
    address: IpAddress
    hep_port: Port = Field(default=9060, description="UDP port of the collector of the PBX's SIP (HEP3)")


class EngineTable(Table):
    """What the native programs run in: containers, or nothing but this machine."""

    kind: Literal["auto", "podman", "docker", "native"] = "auto"


class EvidenceTable(Table):
    """What of a run is kept that somebody could misuse, and who vouches for it."""

    media_keys: Literal["kept", "redacted"] = Field(
        default="kept", description="the SRTP keys in session descriptions; redacted: nobody can decrypt"
    )
    key: FileBeside | None = Field(
        default=None,
        description="private key (Ed25519, PEM) that signs the seals of runs: intercom-hil key new",
    )
    time_stamp: Annotated[str, Field(pattern=r"^(https?://\S+)?$")] = Field(
        default="", description="URL of the time-stamping service (RFC 3161) that stamps the seals of runs"
    )
    time_stamp_ca: FileBeside | None = Field(
        default=None, description="certificates (PEM) that vouch for it: its stamps are checked at once"
    )


class CaptureTable(Table):
    """Where packets are captured."""

    interface: Annotated[str, Field(min_length=1, max_length=15)]


class PbxTable(Table):
    """The PBX: its address on the device's network and its ports."""

    address: IpAddress
    sip_port: Port = 5060
    other_sip_port: Port = Field(default=5062, description="a second one, UDP and TCP (CFG-04)")
    tls_port: Port = 5061
    name: Host | None = Field(default=None, description="domain name by which the device finds it (CFG-03)")
    http_port: Port = 8088
    ami_port: Port = 5038

    @model_validator(mode="after")
    def _one_use_a_port(self) -> PbxTable:
        uses: dict[int, str] = {}
        for field in ("sip_port", "other_sip_port", "tls_port", "http_port", "ami_port"):
            port = getattr(self, field)
            if port in uses:
                raise ValueError(f"{uses[port]} and {field} are both {port}; each needs a port of its own")
            uses[port] = field
        return self


class ProxyTable(Table):
    """The SIP proxy in front of the PBX; without one nothing about proxies can be found out."""

    address: IpAddress
    port: Port = 5060


class StationsTable(Table):
    """The remote stations: one address each; as many may take part at once."""

    addresses: Annotated[tuple[IpAddress, ...], Field(min_length=1)]
    sip_port: Port = 5070
    rtp_ports: PortRange = (20_000, 21_000)

    @model_validator(mode="after")
    def _ordered(self) -> StationsTable:
        if self.rtp_ports[1] - self.rtp_ports[0] < 20:
            raise ValueError("rtp_ports must be [first, last] with room for at least 20 ports")
        return self


LABGRID = "labgrid:"
"""What a port begins with that is a resource in a labgrid place."""


class LabgridTable(Table):
    """Places of a labgrid that the bench has while it runs."""

    coordinator: Annotated[str, Field(pattern=r"^\S+$", description="host:port")] = "127.0.0.1:20408"
    places: Annotated[tuple[Annotated[str, Field(pattern=r"^[\w.-]+$")], ...], Field(min_length=1)]
    client: Words = Field(default=(), description="the command that starts labgrid-client")
    reserve: bool = Field(default=True, description="queue for the places, as others do")
    priority: float = Field(default=0.0, description="in that queue; higher comes first")
    wait: Annotated[float, Field(ge=0, le=86_400, description="s, for a place that another has")] = 0.0


class EmulatedTable(Table):
    """How the emulated intercom is started."""

    portal_port: Port = 8080
    rtp_ports: PortRange = (42_000, 42_499)
    serial_server: Port | None = Field(
        default=None, description="TCP port of its serial line (RFC 2217): console, with RTS as the button"
    )
    media_timeout: Annotated[float, Field(gt=0, le=3600, description="s without audio that end a call")] = 2.0
    console_layout: Literal["keyed", "bracketed", "labelled", "json-lines"] = "keyed"
    syslog_format: Literal["rfc5424", "rfc3164"] = "rfc5424"
    syslog_framing: Literal["octet-counting", "newline"] = "octet-counting"
    faults: tuple[str, ...] = Field(default=(), description="rules it shall break, by name")
    variant: str | None = Field(default=None, description="a legal variant of its behaviour")
    pace: dict[Literal["restart", "registration", "dial"], Annotated[float, Field(ge=0, le=3600)]] = Field(
        default={}, description="s by which it is slower than it need be"
    )


class ConsoleTable(Table):
    """The device's serial console."""

    port: PortBeside
    baud_rate: Annotated[int, Field(ge=50, le=4_000_000)] = 115_200
    dtr: bool | None = Field(default=None, description="level of DTR while the console is open")
    rts: bool | None = Field(default=None, description="level of RTS while the console is open")
    exclusive: bool = Field(default=True, description="no other program may open the port meanwhile")
    layout: str = "keyed"
    reopen_within: Annotated[
        float, Field(ge=0, le=600, description="s its cable may be out before the run counts it as lost")
    ] = 0.0


class SpeakerTable(Table):
    """A recording that grows with what the device's speaker plays."""

    recording: FileBeside


class TrustedCaTable(Table):
    """A certificate authority that the device trusts without an upload, and whose key the bench may use."""

    certificate: FileBeside
    key: FileBeside


class SoundCardTable(Table):
    """A sound card: its input hears the device's speaker, its output plays at the device's microphone."""

    card: str = Field(default="default", description="the card's ALSA name, put for {card}")
    rate: Annotated[int, Field(ge=8000, le=192_000, description="samples a second, put for {rate}")] = 16_000
    level: Annotated[float, Field(ge=-60, le=-3.01, description="dBov of what is played")] = -20.0
    record: Words = ("arecord", "-q", "-D{card}", "-traw", "-fS16_LE", "-c1", "-r{rate}")
    play: Words = ("aplay", "-q", "-D{card}", "-traw", "-fS16_LE", "-c1", "-r{rate}")

    def command(self, words: tuple[str, ...]) -> tuple[str, ...]:
        """Return a command with card and rate in their places."""
        return tuple(word.replace("{card}", self.card).replace("{rate}", str(self.rate)) for word in words)


class CapabilitiesTable(Table):
    """What the device has, or the bench can get at: each is declared; false makes rows not applicable."""

    event_log: bool
    screen: bool
    speaker: bool
    srtp: bool
    tls: bool
    proxy: bool
    session_timer: bool
    video: bool
    validation: bool = Field(
        default=True, description="the device itself refuses wrong settings; false by default with a command"
    )
    portal_pages: bool = Field(
        default=False, description="the bench can look at the pages of its Admin Portal in a browser"
    )

    def lacks(self, capability: Capability) -> bool:
        """Whether it is declared to be missing."""
        return not getattr(self, capability.value)


LARGEST_PHOTO = 2_000_000
"""Bytes of a picture of the device."""
PICTURES = {b"\x89PNG\r\n\x1a\n": ".png", b"\xff\xd8\xff": ".jpg"}
"""What a picture's file begins with, by the kinds that there may be."""


def _picture(path: Path) -> Path:
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_PHOTO + 1)
    except OSError as problem:
        raise ValueError(
            f"{path} cannot be read ({problem.strerror}); name a picture, or leave it out"
        ) from None
    if not data.startswith(tuple(PICTURES)):
        raise ValueError(f"{path} is neither PNG nor JPEG; convert it, or leave it out")
    if len(data) > LARGEST_PHOTO:
        raise ValueError(f"{path} has more than {LARGEST_PHOTO} bytes; make it smaller")
    return path


Photo = Annotated[FileBeside, AfterValidator(_picture)]


class DeviceTable(Table):
    """The device under test and what is wired to it; an emulated one brings what is not named."""

    kind: Literal["emulated", "physical"]
    make: str = Field(default="", max_length=80, description="who made it, for reports")
    model: str = Field(default="", max_length=80)
    serial: str = Field(default="", max_length=80, description="its serial number")
    hardware: str = Field(default="", max_length=80, description="its hardware revision")
    firmware: str = Field(default="", max_length=80, description="its firmware; compared with its User-Agent")
    mac: str = Field(
        default="", pattern=r"^([0-9A-Fa-f]{2}([:-][0-9A-Fa-f]{2}){5})?$", description="its MAC address"
    )
    photo: Photo | None = Field(default=None, description="a picture of it, PNG or JPEG, up to 2 MB")
    address: IpAddress
    sip_port: Port = 5060
    extension: Name = "3401"
    display_name: str = "Front Door"
    capabilities: CapabilitiesTable
    timing: Timing = USUAL_TIMING
    limits: Limits = Limits()
    reconfigure: Literal["always", "when-needed"] = Field(
        default="always", description="when-needed: leave a device alone that has the settings wanted already"
    )
    emulated: EmulatedTable = EmulatedTable()
    console: ConsoleTable | None = None
    event_sources: tuple[AnySource, ...] = Field(
        default=(), description="where events come from beside the console; the first that tells is judged"
    )
    button: AnyOutput | None = None
    power: PowerOptions | None = None
    inputs: dict[Name, AnyInput] = Field(default={}, description="contacts to watch, by name")
    configurator: AnyConfigurator = Field(
        default="portal", description="how settings get into the device: a name has a table of its own"
    )
    portal: PortalOptions | None = None
    operator: OperatorOptions | None = None
    command: CommandOptions | None = None
    browser: BrowserOptions | None = Field(
        default=None, description="an emulated device brings what is not named"
    )
    speaker: SpeakerTable | None = None
    sound_card: SoundCardTable | None = None
    trusted_ca: TrustedCaTable | None = None

    button_sense: Name | None = Field(
        default=None, description="the input that is wired across the button, if one is"
    )

    @model_validator(mode="before")
    @classmethod
    def _left_alone(cls, data: Any) -> Any:
        """A device is left alone where it has the settings wanted, if new ones cost a person or a restart."""
        if not isinstance(data, dict):
            return data
        timing = data.get("timing")
        slow = bool(timing.get("apply")) if isinstance(timing, dict) else False
        by_hand = data.get("configurator") == "operator"
        return {"reconfigure": "when-needed", **data} if by_hand or slow else data

    @model_validator(mode="before")
    @classmethod
    def _checked_by_the_command(cls, data: Any) -> Any:
        """What a command refuses is not what the device refuses, unless the bench file says so."""
        if not isinstance(data, dict) or data.get("configurator") != "command":
            return data
        declared = data.get("capabilities")
        return (
            {**data, "capabilities": {"validation": False, **declared}}
            if isinstance(declared, dict)
            else data
        )

    @model_validator(mode="before")
    @classmethod
    def _seen_by_the_browser(cls, data: Any) -> Any:
        """Where there is a browser, the portal's pages can be looked at, unless the bench file says no."""
        declared = data.get("capabilities") if isinstance(data, dict) else None
        if not isinstance(declared, dict) or not ("browser" in data or data.get("configurator") == "browser"):
            return data
        return {**data, "capabilities": {"portal_pages": True, **declared}}

    @model_validator(mode="after")
    def _pages_need_a_browser(self) -> DeviceTable:
        if self.browser is None and self.configurator != "browser":
            if self.capabilities.portal_pages:
                raise ValueError("capabilities.portal_pages needs the table [device.browser]")
            if any(source.kind == "portal-page" for source in self.event_sources):
                raise ValueError('event_sources of kind "portal-page" need the table [device.browser]')
        return self

    @model_validator(mode="after")
    def _wired(self) -> DeviceTable:
        wired: dict[str, object | None] = {"button": self.button}
        wired |= {"portal": self.portal} if self.configurator == "portal" else {}
        unread = self._read_by_nobody()
        missing = ["console"] if unread else []
        missing += [name for name, table in wired.items() if table is None]
        if self.speaker is not None and self.sound_card is not None and self.sound_card.record:
            raise ValueError("speaker and sound_card both hear the speaker: leave one of them out")
        if self.configurator == "operator" and self.operator is None:
            raise ValueError('configurator = "operator" needs the table [device.operator]')
        if self.configurator == "command" and self.command is None:
            raise ValueError('configurator = "command" needs the table [device.command]')
        if self.configurator == "browser" and self.kind == "physical":
            given = self.way_to_settings.model_dump()
            lacks = [name for name in ("url", "account", "password") if not given[name]]
            if lacks:
                raise ValueError(f"device.browser needs {', '.join(lacks)}, for a physical device")
        if self.kind == "physical" and missing:
            instead = f" (or event_sources, or capabilities.{unread} = false)" if unread else ""
            raise ValueError(
                f"a physical device needs the tables {', '.join(missing)} under [device]{instead}"
            )
        if self.button_sense is not None and self.button_sense not in self.inputs:
            raise ValueError(f"button_sense names no table of [device.inputs]: {self.button_sense!r}")
        return self

    @property
    def way_to_settings(self) -> ConfiguratorOptions:
        """What brings settings to the device, of a complete table."""
        if isinstance(self.configurator, ConfiguratorOptions):
            return self.configurator
        table = getattr(self, self.configurator)
        if table is None and self.configurator == "browser":
            return BrowserOptions()
        assert isinstance(table, ConfiguratorOptions)
        return table

    @property
    def wrong_values(self) -> int | None:
        """How many wrong values of a field are tried, where each takes its time; None for all of them."""
        if self.configurator not in ("operator", "browser"):
            return None
        found: int | None = getattr(self.way_to_settings, "wrong_values", None)
        return found

    def _read_by_nobody(self) -> str:
        """Return a capability that is declared and that no console, event source or person could report."""
        if self.console or self.event_sources:
            return ""
        if self.capabilities.event_log:
            return Capability.EVENT_LOG
        by_person = self.operator is not None and "screen" in self.operator.reads
        return Capability.SCREEN if self.capabilities.screen and not by_person else ""
