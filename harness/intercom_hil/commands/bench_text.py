"""The text of a bench file, with comments for whoever reads it next, made of a draft."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_BEFORE_STATIONS = 3
"""Addresses for bench, PBX and proxy."""


@dataclass
class Draft:
    """What has been answered so far.

    Attributes:
        name: of the bench.
        kind: of the device.
        interface: where packets are captured.
        identity: make, model, serial number and firmware of the device, as far as they are known.
        device: the device's address.
        taken: the addresses of bench, PBX, proxy and stations, in this order.
        missing: those of them that this computer does not have, with their networks.
        name_of_link: the network interface that leads to the device.
        configurator: how settings get into the device: the name of the table that says so, or a table itself.
        console: its table; likewise ``source`` of events, ``button``, ``portal``, ``operator``, ``command``,
            ``browser``.
        recording: the sound file of the loudspeaker, empty for none.
        capabilities: what the device has.
        reports: the tables ``laboratory``, ``customer`` and ``report``, as far as something was said.
    """

    name: str
    kind: str
    interface: str
    identity: dict[str, str] = field(default_factory=dict)
    device: str = ""
    taken: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    name_of_link: str = ""
    configurator: str | dict[str, Any] = "portal"
    console: dict[str, Any] = field(default_factory=dict)
    source: dict[str, Any] = field(default_factory=dict)
    button: dict[str, Any] = field(default_factory=dict)
    portal: dict[str, Any] = field(default_factory=dict)
    operator: dict[str, Any] = field(default_factory=dict)
    command: dict[str, Any] = field(default_factory=dict)
    browser: dict[str, Any] = field(default_factory=dict)
    recording: str = ""
    capabilities: dict[str, bool] = field(default_factory=dict)
    reports: dict[str, dict[str, str]] = field(default_factory=dict)

    def take_addresses(self, first: ipaddress.IPv4Address, stations: int) -> None:
        """Give bench, PBX, proxy and stations addresses in a row."""
        self.taken = [str(first + place) for place in range(_BEFORE_STATIONS + stations)]


def bench_text(draft: Draft) -> str:
    """Return the bench file of a draft."""
    bench, pbx, proxy, *stations = draft.taken
    device: dict[str, Any] = {"kind": draft.kind, **draft.identity, "address": draft.device}
    by_table = isinstance(draft.configurator, dict)
    if draft.configurator != "portal" and not by_table:
        device["configurator"] = draft.configurator
    parts = [
        "# docs/bench-file.md explains every field.\n",
        _table("bench", {"name": draft.name, "address": bench}, {"address": "the bench's own listeners"}),
        _table("capture", {"interface": draft.interface}, {}),
        _table("pbx", {"address": pbx}, {"address": "this computer's; the device registers there"}),
        _table(
            "proxy",
            {"address": proxy, "port": 5080},
            {"port": "not the usual one: a device that ignores its proxy's port is found out"},
        ),
        _table("stations", {"addresses": stations}, {"addresses": "one for each remote station"}),
        _table("device", device, {}),
        _table("device.capabilities", draft.capabilities, _FALSE),
    ]
    if draft.source:
        parts.append(_table("[device.event_sources]", draft.source, {}))
    for name in (
        "console",
        "button",
        "portal",
        "operator",
        "command",
        "browser",
        *(["configurator"] * by_table),
    ):
        if table := getattr(draft, name):
            parts.append(_table(f"device.{name}", table, {}))
    if draft.recording:
        parts.append(_table("device.speaker", {"recording": draft.recording}, {}))
    parts += [_table(name, table, {}) for name, table in draft.reports.items()]
    return "\n".join(parts)


_FALSE = {"event_log": "what is false makes the requirements about it not applicable"}


def _table(name: str, values: Mapping[str, Any], comments: Mapping[str, str]) -> str:
    lines = [f"[{name}]"]
    for key, value in values.items():
        # A JSON text, number, list or truth value is a TOML one, but for the one control character it keeps.
        written = json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        lines += [f"# {comments[key]}"] if key in comments else []
        lines.append(f"{key} = {written}")
    return "\n".join([*lines, ""])
