"""A pool of benches: several bench files that one run plays on, side by side.

A pool is given as paths of bench files, or of folders of them. No two of its benches may name one instrument,
and each process of the run has one of them. Benches that share a run must be alike: one report is about one
kind of device on one kind of bench.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from intercom_hil.bench_file.model import BenchFile, lane, load
from intercom_hil.bench_file.resources import claims
from intercom_hil.errors import BenchError


@dataclass(frozen=True)
class Member:
    """One bench of a pool: its file, and what is in it."""

    path: Path
    file: BenchFile


@dataclass(frozen=True)
class Pool:
    """Benches in the order in which they were named."""

    members: tuple[Member, ...]

    @classmethod
    def load(cls, paths: Sequence[Path]) -> Pool:
        """Read the bench files, each of which must be a bench of its own.

        Raises:
            BenchError: one cannot be read, or two have a name or an instrument in common.
        """
        members = tuple(Member(path, load(path)) for path in bench_files(paths))
        names: dict[str, Member] = {}
        claimed: dict[str, tuple[Member, str]] = {}
        for member in members:
            name = member.file.bench.name
            if name in names:
                other = names[name].path
                raise BenchError(
                    f"{other} is a bench {name!r} too", str(member.path), "give each bench a name of its own"
                )
            names[name] = member
            for instrument, field in claims(member.file).items():
                other_member, other_field = claimed.setdefault(instrument, (member, field))
                if other_member is not member:
                    raise BenchError(
                        f"{field} is {instrument}, and so is {other_field} of {other_member.path}",
                        str(member.path),
                        "give each bench its own addresses and instruments",
                    )
        return cls(members)

    def check_alike(self) -> None:
        """Make sure that it makes no difference to a verdict on which bench a scenario is played.

        Raises:
            BenchError: two benches differ in what decides which verdicts there can be.
        """
        first = self.members[0]
        expected = _kind(first.file)
        for member in self.members[1:]:
            if differing := _differing(expected, _kind(member.file)):
                raise BenchError(
                    f"it would not give the same verdicts as {first.path}: {', '.join(differing)} differ",
                    str(member.path),
                    "play every scenario on every bench, with a report for each: --each",
                )

    def check_workers(self, count: int) -> None:
        """Make sure that there is a bench for each of ``count`` processes.

        Raises:
            BenchError: there are more processes than benches, and no bench that can be doubled.
        """
        if len(self.members) == 1:
            lane(self.members[0].file, count - 1)
        elif count > len(self.members):
            raise BenchError(
                f"there are {len(self.members)} benches for {count} processes",
                "-n",
                "leave -n out, or name more",
            )

    def at(self, number: int) -> Member:
        """Return the bench of one process among those of a run; an emulated one serves as many as are wanted.

        Raises:
            BenchError: there is no bench for it.
        """
        if len(self.members) == 1:
            (only,) = self.members
            return Member(only.path, lane(only.file, number))
        self.check_workers(number + 1)
        return self.members[number]

    @property
    def name(self) -> str:
        """What a run on all of them is called."""
        return ", ".join(member.file.bench.name for member in self.members)


def bench_files(paths: Sequence[Path]) -> list[Path]:
    """Return bench files, with the ``*.toml`` of each folder among the paths in its stead, in order.

    Raises:
        BenchError: a folder holds none.
    """
    found: list[Path] = []
    for path in paths:
        if not path.is_dir():
            found.append(path)
            continue
        inside = sorted(path.glob("*.toml"))
        if not inside:
            raise BenchError("no bench file (*.toml) is in that folder", str(path), "name another one")
        found += inside
    return found


CANNOT_MATTER = (
    "bench.*",
    "capture.*",
    "labgrid",
    "labgrid.*",
    "pbx.*address",
    "pbx.*port",
    "proxy.address",
    "proxy.port",
    "stations.sip_port",
    "stations.rtp_ports*",
    "device.address",
    "device.sip_port",
    "device.extension",
    "device.display_name",
    "device.serial",
    "device.emulated.*port*",
    "device.emulated.serial_server",
    "device.emulated.console_layout",
    "device.console.port",
    "device.console.baud_rate",
    "device.event_sources.*.address",
    "device.event_sources.*.port",
    "device.event_sources.*.certificate",
    "device.event_sources.*.private_key",
    "device.button.*",
    "device.power.output.*",
    "device.inputs.*.*",
    "device.portal.*url",
    "device.portal.account",
    "device.portal.*password",
    "device.portal.device_id",
    "device.portal.ca",
    "device.operator.name",
    "device.operator.terminal",
    "device.operator.web",
    "device.operator.answers",
    "device.operator.within",
    "device.speaker.*",
    "device.sound_card.card",
    "device.trusted_ca.*",
)
"""Fields that decide no verdict: where things are and what they are called. All others must be equal."""
_WHETHER = ("pbx.name", "device.portal.viewer", "device.sound_card.record", "device.sound_card.play")
"""Fields of which it matters only whether they are given."""
_BROUGHT_BY_EMULATED = ("device.console", "device.button", "device.portal", "device.speaker")


def _kind(file: BenchFile) -> Mapping[str, Any]:
    """Return everything that decides which verdicts a bench can come to, by the fields' names."""
    data = file.model_dump(mode="json")
    device = file.device
    found = dict(_fields("", data, {file.pbx.address: "<pbx>", device.address: "<device>"}))
    found["engine.kind"] = "native" if file.engine.kind == "native" else "container"
    found["stations.addresses (how many)"] = len(file.stations.addresses)
    if device.kind == "emulated":
        # It brings what the file leaves out, so that both ways come to the same.
        found = {name: value for name, value in found.items() if not _is_brought(name)}
        layout = None if device.event_sources else device.emulated.console_layout
        found["device.console.layout"] = device.console.layout if device.console else layout
        found["device.console.reopen_within"] = device.console.reopen_within if device.console else 0.0
    return found


def _is_brought(name: str) -> bool:
    return any(name == table or name.startswith(f"{table}.") for table in _BROUGHT_BY_EMULATED)


def _fields(name: str, value: Any, roles: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    """Yield what can matter of a value of a bench file and of all that is in it.

    Args:
        name: where it stands, dotted.
        value: plain data.
        roles: what stands for the addresses that are the bench's own.
    """
    if any(fnmatchcase(name, pattern) for pattern in CANNOT_MATTER):
        return
    if name in _WHETHER:
        yield name, bool(value)
    elif isinstance(value, dict):
        if name:
            yield name, "given"
        for key, item in value.items():
            yield from _fields(f"{name}.{key}" if name else key, item, roles)
    elif isinstance(value, list) and name == "stations.addresses":
        return  # how many there are is what matters
    elif isinstance(value, list):
        yield name, len(value)
        for index, item in enumerate(value):
            yield from _fields(f"{name}.{index}", item, roles)
    else:
        yield name, roles.get(value, value) if isinstance(value, str) else value


def _differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Return the fields that differ; of a table that only one has, the table alone."""
    absent = object()
    names = [name for name in {**one, **other} if one.get(name, absent) != other.get(name, absent)]
    return [name for name in names if not any(name.startswith(f"{table}.") for table in names)]
