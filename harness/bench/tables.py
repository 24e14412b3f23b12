"""The tables of a bench file: one frozen model each, every field with its bounds.

What may come in: what TOML makes of a table. What goes out: a model, or pydantic's word on what is wrong.
"""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from harness.instruments.catalogue import InputOptions, OutputOptions, PowerOptions
from harness.spec.capabilities import Capability
from harness.spec.settings import Host, Name, Port


def _ip_address(value: str) -> str:
    try:
        return str(ipaddress.ip_address(value))
    except ValueError:
        raise ValueError(f"{value!r} is not an IP address") from None


IpAddress = Annotated[str, AfterValidator(_ip_address)]
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
    """The container engine."""

    kind: Literal["auto", "podman", "docker"] = "auto"


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


class EmulatedTable(Table):
    """How the emulated intercom is started."""

    portal_port: Port = 8080
    rtp_ports: PortRange = (42_000, 42_499)
    serial_server: Port | None = Field(
        default=None, description="TCP port of its serial line (RFC 2217): console, with RTS as the button"
    )
    media_timeout: Annotated[float, Field(gt=0, le=3600, description="s without audio that end a call")] = 2.0
    faults: tuple[str, ...] = Field(default=(), description="rules it shall break, by name")
    variant: str | None = Field(default=None, description="a legal variant of its behaviour")


class ConsoleTable(Table):
    """The device's serial console."""

    port: Annotated[str, Field(min_length=1, description="device path or pyserial URL")]
    baud_rate: Annotated[int, Field(ge=50, le=4_000_000)] = 115_200
    layout: str = "keyed"
    reopen_within: Annotated[
        float, Field(ge=0, le=600, description="s its cable may be out before the run counts it as lost")
    ] = 0.0


class PortalTable(Table):
    """The Admin Portal that configures the device."""

    url: Annotated[str, Field(pattern=r"^https?://\S+$")]
    account: str
    password: str
    device_id: str = "door"
    viewer: str = Field(default="", description="an account that may only look (CFG-02)")
    viewer_password: str = ""


class SpeakerTable(Table):
    """A recording that grows with what the device's speaker plays."""

    recording: Path


class CapabilitiesTable(Table):
    """What the device has, or the bench can get at: each is declared; false makes rows not applicable."""

    event_log: bool
    screen: bool
    speaker: bool
    srtp: bool
    tls: bool
    proxy: bool
    video: bool

    def lacks(self, capability: Capability) -> bool:
        """Whether it is declared to be missing."""
        return not getattr(self, capability.value)


class DeviceTable(Table):
    """The device under test and what is wired to it; an emulated one brings what is not named."""

    kind: Literal["emulated", "physical"]
    address: IpAddress
    sip_port: Port = 5060
    extension: Name = "3401"
    display_name: str = "Front Door"
    capabilities: CapabilitiesTable
    reconfigure: Literal["always", "when-needed"] = Field(
        default="always", description="when-needed: leave a device alone that has the settings wanted already"
    )
    emulated: EmulatedTable = EmulatedTable()
    console: ConsoleTable | None = None
    button: OutputOptions | None = None
    power: PowerOptions | None = None
    inputs: dict[Name, InputOptions] = Field(default={}, description="contacts to watch, by name")
    portal: PortalTable | None = None
    speaker: SpeakerTable | None = None

    button_sense: Name | None = Field(
        default=None, description="the input that is wired across the button, if one is"
    )

    @model_validator(mode="after")
    def _wired(self) -> DeviceTable:
        wired = {"console": self.console, "button": self.button, "portal": self.portal}
        missing = [name for name, table in wired.items() if table is None]
        if self.kind == "physical" and missing:
            raise ValueError(f"a physical device needs the tables {', '.join(missing)} under [device]")
        if self.button_sense is not None and self.button_sense not in self.inputs:
            raise ValueError(f"button_sense names no table of [device.inputs]: {self.button_sense!r}")
        return self
