"""The bench file: what stands on the bench and where, as one TOML file, checked whole before anything starts.

A file comes in; a frozen model goes out, or one ``BenchError`` that names the file, every field that is
wrong, and what to do about it.
"""

from __future__ import annotations

import ipaddress
import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from harness.spec.capabilities import Capability
from harness.spec.settings import Host, Name, Port
from harness.timeline.errors import BenchError


def _ip_address(value: str) -> str:
    try:
        return str(ipaddress.ip_address(value))
    except ValueError:
        raise ValueError(f"{value!r} is not an IP address") from None


IpAddress = Annotated[str, AfterValidator(_ip_address)]
PortRange = tuple[Port, Port]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class BenchTable(_Table):
    """The bench itself: its name in reports, and the address of its own listeners."""

    name: Annotated[str, Field(min_length=1, max_length=60)]
    description: str = ""
    address: IpAddress
    hep_port: Port = Field(default=9060, description="UDP port of the collector of the PBX's SIP (HEP3)")


class EngineTable(_Table):
    """The container engine."""

    kind: Literal["auto", "podman", "docker"] = "auto"


class CaptureTable(_Table):
    """Where packets are captured."""

    interface: Annotated[str, Field(min_length=1, max_length=15)]


class PbxTable(_Table):
    """The PBX: its address on the device's network and its ports."""

    address: IpAddress
    sip_port: Port = 5060
    other_sip_port: Port = Field(default=5062, description="a second one, UDP and TCP (CFG-04)")
    tls_port: Port = 5061
    name: Host | None = Field(default=None, description="domain name by which the device finds it (CFG-03)")
    http_port: Port = 8088
    ami_port: Port = 5038


class ProxyTable(_Table):
    """The SIP proxy in front of the PBX; without one nothing about proxies can be found out."""

    address: IpAddress
    port: Port = 5060


class StationsTable(_Table):
    """The remote stations: one address each; as many may take part at once."""

    addresses: Annotated[tuple[IpAddress, ...], Field(min_length=1)]
    sip_port: Port = 5070
    rtp_ports: PortRange = (20_000, 21_000)

    @model_validator(mode="after")
    def _ordered(self) -> StationsTable:
        if self.rtp_ports[1] - self.rtp_ports[0] < 20:
            raise ValueError("rtp_ports must be [first, last] with room for at least 20 ports")
        return self


class EmulatedTable(_Table):
    """How the emulated intercom is started."""

    portal_port: Port = 8080
    rtp_ports: PortRange = (42_000, 42_499)
    media_timeout: Annotated[float, Field(gt=0, le=3600, description="s without audio that end a call")] = 2.0
    faults: tuple[str, ...] = Field(default=(), description="rules it shall break, by name")
    variant: str | None = Field(default=None, description="a legal variant of its behaviour")


class ConsoleTable(_Table):
    """The device's serial console."""

    port: Annotated[str, Field(min_length=1, description="device path or pyserial URL")]
    baud_rate: Annotated[int, Field(ge=50, le=4_000_000)] = 115_200
    layout: str = "keyed"


class ButtonTable(_Table):
    """The relay that is wired across the intercom button."""

    kind: Literal["numato-relay"] = "numato-relay"
    port: Annotated[str, Field(min_length=1, description="the board's device path or pyserial URL")]
    channel: Annotated[int, Field(ge=0, le=31)] = 0
    hold: Annotated[float, Field(gt=0, le=10, description="seconds")] = 0.1


class PortalTable(_Table):
    """The Admin Portal that configures the device."""

    url: Annotated[str, Field(pattern=r"^https?://\S+$")]
    account: str
    password: str
    device_id: str = "door"
    viewer: str = Field(default="", description="an account that may only look (CFG-02)")
    viewer_password: str = ""


class SpeakerTable(_Table):
    """A recording that grows with what the device's speaker plays."""

    recording: Path


class CapabilitiesTable(_Table):
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


class DeviceTable(_Table):
    """The device under test and what is wired to it."""

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
    button: ButtonTable | None = None
    portal: PortalTable | None = None
    speaker: SpeakerTable | None = None

    @model_validator(mode="after")
    def _wired(self) -> DeviceTable:
        wired = {"console": self.console, "button": self.button, "portal": self.portal}
        if self.kind == "physical":
            missing = [name for name, table in wired.items() if table is None]
            if missing:
                raise ValueError(f"a physical device needs the tables {', '.join(missing)} under [device]")
        elif any(wired.values()) or self.speaker:
            raise ValueError("an emulated device brings its own console, button, portal and speaker")
        return self


class BenchFile(_Table):
    """A whole bench."""

    bench: BenchTable
    engine: EngineTable = EngineTable()
    capture: CaptureTable
    pbx: PbxTable
    proxy: ProxyTable | None = None
    stations: StationsTable
    device: DeviceTable

    @model_validator(mode="after")
    def _one_role_an_address(self) -> BenchFile:
        roles = [
            ("bench.address", self.bench.address),
            ("pbx.address", self.pbx.address),
            ("device.address", self.device.address),
            *([("proxy.address", self.proxy.address)] if self.proxy else []),
            *((f"stations.addresses[{i}]", a) for i, a in enumerate(self.stations.addresses)),
        ]
        holders: dict[str, str] = {}
        for field, address in roles:
            if address in holders:
                raise ValueError(
                    f"{field} and {holders[address]} are both {address}; every role needs its own"
                )
            holders[address] = field
        return self


def lane(file: BenchFile, number: int) -> BenchFile:
    """Return the bench that stands beside this one: the same, on other loopback addresses.

    Args:
        file: a bench of an emulated device.
        number: which; 0 is the bench itself.

    Raises:
        BenchError: the device is physical, or an address is not on the loopback network.
    """
    if number == 0:
        return file
    if file.device.kind != "emulated":
        raise BenchError(
            f"bench {file.bench.name} has one physical device and cannot be doubled", "-n", "leave -n out"
        )

    def shifted(value: object) -> object:
        if isinstance(value, dict):
            return {key: shifted(item) for key, item in value.items()}
        if isinstance(value, tuple | list):
            return [shifted(item) for item in value]
        if isinstance(value, str) and value.startswith("127."):
            parts = value.split(".")
            return ".".join([parts[0], parts[1], str((int(parts[2]) + number) % 256), parts[3]])
        return value

    return BenchFile.model_validate(shifted(file.model_dump(mode="json")))


_REMEDIES = {
    "extra_forbidden": "remove it, or correct its spelling; docs/bench-file.md lists the fields",
    "missing": "add it; docs/bench-file.md shows how",
    "less_than_equal": "choose a value in range",
    "greater_than_equal": "choose a value in range",
}


def load(path: Path) -> BenchFile:
    """Read and check a bench file.

    Raises:
        BenchError: the file is missing, no TOML, or not a bench; every wrong field is named.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else "it is not UTF-8 text"
        raise BenchError(
            f"the bench file cannot be read ({reason})",
            where=str(path),
            remedy="name an existing one with --bench FILE; fixtures/benches holds examples",
        ) from None
    try:
        return BenchFile.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as problem:
        raise BenchError(f"not a TOML file: {problem}", str(path), "correct the line it names") from None
    except ValidationError as problem:
        raise BenchError(_told(problem), str(path), _advice(problem)) from None


def _told(problem: ValidationError) -> str:
    return "; ".join(
        f"{_field(error['loc'])}: {error['msg'].removeprefix('Value error, ')}" for error in problem.errors()
    )


def _field(location: tuple[int | str, ...]) -> str:
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text or "the whole file"


def _advice(problem: ValidationError) -> str:
    advice = dict.fromkeys(
        _REMEDIES.get(error["type"], "correct the value; docs/bench-file.md tells what it may be")
        for error in problem.errors()
    )
    return "; ".join(advice)
