"""A pool of benches: several bench files that one run plays on, side by side.

Paths of bench files, or of folders of them, come in. What goes out: the benches, no two of which name one
instrument, and which of them stands at which place of the run. Benches that share a run must be alike: one
report tells of one kind of device on one kind of bench.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
            kind = _kind(member.file)
            differing = [name for name in expected if kind[name] != expected[name]]
            if differing:
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

    def at(self, place: int) -> Member:
        """Return the bench at a place of the run; one emulated bench has as many places as are wanted.

        Raises:
            BenchError: there is no bench for that place.
        """
        if len(self.members) == 1:
            (only,) = self.members
            return Member(only.path, lane(only.file, place))
        self.check_workers(place + 1)
        return self.members[place]

    @property
    def name(self) -> str:
        """What a run on all of them is called."""
        return ", ".join(member.file.bench.name for member in self.members)


def bench_files(paths: Sequence[Path]) -> list[Path]:
    """Return bench files, with the ``*.toml`` of each folder among the paths in its place, in order.

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


def _kind(file: BenchFile) -> Mapping[str, Any]:
    """Return what decides which verdicts a bench can come to, by the fields' names."""
    device = file.device
    return {
        "device.kind": device.kind,
        "device.capabilities": device.capabilities,
        "device.emulated.faults": device.emulated.faults,
        "device.emulated.variant": device.emulated.variant,
        "device.console.layout": device.console.layout if device.console else device.emulated.console_layout,
        "device.event_sources": [source.kind for source in device.event_sources],
        "device.configurator": device.configurator,
        "device.portal.viewer": bool(device.portal and device.portal.viewer),
        "device.speaker": device.speaker is not None,
        "device.power": device.power is not None,
        "device.inputs": sorted(device.inputs),
        "proxy": file.proxy is not None,
        "pbx.name": bool(file.pbx.name),
        "stations.addresses (how many)": len(file.stations.addresses),
    }
