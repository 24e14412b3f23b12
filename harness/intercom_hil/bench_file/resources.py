"""What a bench needs for itself: its addresses, and the hardware that its file names, each by one name.

Whoever means the same thing finds the same name; with it goes the field of the bench file that names it.
``intercom_hil.lab.locks`` sees to it that no two benches hold one of them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from intercom_hil.bench_file.model import BenchFile
from intercom_hil.bench_file.tables import LABGRID, SoundCardTable
from intercom_hil.instruments.kinds import InstrumentOptions
from intercom_hil.instruments.serial_names import port_identity

_IN_A_PLACE = port_identity(LABGRID)


def claims(file: BenchFile) -> dict[str, str]:
    """Return everything that only one bench at a time may use, each with the field that names it."""
    found: dict[str, str] = {}
    for field, name in _named(file):
        if not name.startswith(_IN_A_PLACE):  # the place that it is in is claimed
            found.setdefault(name, field)
    return found


def place_claim(coordinator: str, place: str) -> str:
    """Return the name under which a labgrid place is claimed on this machine."""
    return f"labgrid place {place} at {coordinator}"


def _named(file: BenchFile) -> Iterator[tuple[str, str]]:
    device = file.device
    yield "bench.address", f"address {file.bench.address}"
    yield "pbx.address", f"address {file.pbx.address}"
    if file.proxy is not None:
        yield "proxy.address", f"address {file.proxy.address}"
    for index, address in enumerate(file.stations.addresses):
        yield f"stations.addresses[{index}]", f"address {address}"
    yield "device.address", f"address {device.address}"
    if device.console is not None:
        yield "device.console.port", port_identity(device.console.port)
    if device.button is not None:
        yield from _wired("device.button", device.button)
    if device.power is not None:
        yield from _wired("device.power.output", device.power.output)
    for name, options in device.inputs.items():
        yield from _wired(f"device.inputs.{name}", options)
    if device.speaker is not None:
        yield "device.speaker.recording", f"recording {os.path.realpath(device.speaker.recording)}"
    if device.sound_card is not None:
        yield "device.sound_card", _sound(device.sound_card)
    if file.labgrid is not None:
        for index, place in enumerate(file.labgrid.places):
            yield f"labgrid.places[{index}]", place_claim(file.labgrid.coordinator, place)


def _wired(table: str, options: InstrumentOptions) -> Iterator[tuple[str, str]]:
    for name, field in options.claims().items():
        yield f"{table}.{field}" if field else table, name


def _sound(table: SoundCardTable) -> str:
    used = any("{card}" in word for word in (*table.record, *table.play))
    return f"sound card {table.card}" if used else f"command {' '.join((*table.record, *table.play))}"
