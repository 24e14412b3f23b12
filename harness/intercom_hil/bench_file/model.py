"""The bench file: what stands on the bench and where, as one TOML file, checked whole before anything starts.

Reading it gives a frozen model, or one ``BenchError`` that names the file, every field that is wrong, and
what to do about it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, StringConstraints, ValidationError, model_validator

from intercom_hil.bench_file.tables import (
    LABGRID,
    BenchTable,
    CaptureTable,
    DeviceTable,
    EngineTable,
    EvidenceTable,
    LabgridTable,
    PbxTable,
    ProxyTable,
    StationsTable,
    Table,
)
from intercom_hil.bench_file.toml_positions import Keys, Position, nearest, positions
from intercom_hil.errors import BenchError
from intercom_hil.event_sources.source_kinds import unusable
from intercom_hil.layouts.known import LAYOUTS, with_own
from intercom_hil.layouts.layout import Layout
from intercom_hil.layouts.options import LayoutOptions
from intercom_hil.spec.laboratory import Customer, Laboratory, Particulars, ReportDetails

LayoutName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,39}$")]


class BenchFile(Table):
    """A whole bench."""

    bench: BenchTable
    engine: EngineTable = EngineTable()
    evidence: EvidenceTable = EvidenceTable()
    capture: CaptureTable
    pbx: PbxTable
    proxy: ProxyTable | None = None
    stations: StationsTable
    labgrid: LabgridTable | None = None
    device: DeviceTable
    laboratory: Laboratory | None = Field(default=None, description="who tests, for reports")
    customer: Customer | None = Field(default=None, description="for whom")
    report: ReportDetails = ReportDetails()
    layouts: dict[LayoutName, LayoutOptions] = Field(default={}, description="languages of the device's own")

    @property
    def known_layouts(self) -> Mapping[str, Layout]:
        """Every layout that this file can name: its own, and those installed. Raises BenchError."""
        return with_own({name: options.layout(name) for name, options in self.layouts.items()})

    @property
    def particulars(self) -> Particulars:
        """Who tests, for whom, and under which number."""
        return Particulars(laboratory=self.laboratory, customer=self.customer, report=self.report)

    def with_faults(self, faults: Sequence[str], where: str) -> BenchFile:
        """Return the same bench with an emulated intercom that has faults beside those of the file.

        Args:
            faults: their names; none changes nothing.
            where: the bench file's path, for the message.

        Raises:
            BenchError: the device is none that is emulated.
        """
        if not faults:
            return self
        if self.device.kind != "emulated":
            raise BenchError("--fault is for emulated devices", where, "leave it out")
        emulated = self.device.emulated.model_copy(update={"faults": (*self.device.emulated.faults, *faults)})
        return self.model_copy(update={"device": self.device.model_copy(update={"emulated": emulated})})

    @model_validator(mode="after")
    def _layouts_are_known(self) -> BenchFile:
        for name in self.layouts:
            if name in LAYOUTS:
                raise ValueError(f"layouts.{name} is there already; choose another name")
        try:
            known = self.known_layouts
        except BenchError as problem:
            raise ValueError(f"{problem.where}: {problem.what}; {problem.remedy}") from None
        named = [("device.console", "", self.device.console.layout)] if self.device.console else []
        named += [
            (f"device.event_sources[{index}]", source.kind if source.needs_fields else "", source.layout)
            for index, source in enumerate(self.device.event_sources)
        ]
        for field, needed_by, name in named:
            wrong = unusable(name, known, needed_by=needed_by)
            if wrong:
                raise ValueError(f"{field}.layout: {wrong}")
        return self

    @model_validator(mode="after")
    def _ports_in_places(self) -> BenchFile:
        names = sorted(text for text in texts(self.device.model_dump()) if text.startswith(LABGRID))
        if names and self.labgrid is None:
            raise ValueError(f"{', '.join(names)}: there is no table [labgrid] that names the place")
        return self

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

    if file.labgrid is not None:
        raise BenchError(
            f"bench {file.bench.name} has its place in a labgrid and cannot be doubled", "-n", "leave -n out"
        )

    def shifted(value: object) -> object:
        if isinstance(value, dict):
            return {key: shifted(item) for key, item in value.items()}
        if isinstance(value, tuple | list):
            return [shifted(item) for item in value]
        if isinstance(value, str):
            return _LOOPBACK.sub(lambda found: f"{found[1]}{(int(found[2]) + number) % 256}{found[3]}", value)
        return value

    return BenchFile.model_validate(shifted(file.model_dump(mode="json")))


def texts(value: object) -> Iterator[str]:
    """Yield every text in plain data, however deep it lies."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list | tuple):
        for item in value.values() if isinstance(value, dict) else value:
            yield from texts(item)


_LOOPBACK = re.compile(r"\b(127\.\d{1,3}\.)(\d{1,3})(\.\d{1,3})\b")
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
        document = tomllib.loads(text)
        return BenchFile.model_validate(document, context={"folder": path.resolve().parent})
    except tomllib.TOMLDecodeError as problem:
        raise BenchError(f"not a TOML file: {problem}", str(path), "correct the line it names") from None
    except ValidationError as problem:
        raise BenchError(_message(problem, document, positions(text)), str(path), _advice(problem)) from None


def _message(problem: ValidationError, document: dict[str, Any], found: Mapping[Keys, Position]) -> str:
    lines = []
    for error in problem.errors():
        field, position = nearest(error["loc"], document, found)
        where = f"line {position[0]}, column {position[1]}: " if position else ""
        lines.append(f"{where}{_field(field)}: {error['msg'].removeprefix('Value error, ')}")
    return "; ".join(lines)


def _field(location: Keys) -> str:
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
