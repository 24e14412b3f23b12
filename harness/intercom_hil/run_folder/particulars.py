"""Who tested, for whom, in which mode, and which issue of the report this is: as reports see it."""

from __future__ import annotations

from dataclasses import dataclass

from intercom_hil.run_folder.fields import line, mapping, moment, sequence, text, texts, whole

CONFORMANCE = "conformance"
DIAGNOSTIC = "diagnostic"


@dataclass(frozen=True, slots=True)
class Equipment:
    """One piece of equipment that results rest on. ``calibrated`` and ``due`` are days, 2026-11-28."""

    name: str
    identity: str
    calibrated: str
    due: str
    certificate: str


@dataclass(frozen=True, slots=True)
class Laboratory:
    """Who tests. ``address`` may have several lines; ``place`` is where, if not there."""

    name: str
    address: str
    place: str
    contact: str
    accreditation: str
    equipment: tuple[Equipment, ...]


@dataclass(frozen=True, slots=True)
class Customer:
    """For whom it is tested; ``order`` is the customer's number for it."""

    name: str
    address: str
    contact: str
    order: str


@dataclass(frozen=True, slots=True)
class ReportDetails:
    """What only the laboratory knows of one report; a text that is empty was not stated."""

    number: str = ""
    received: str = ""
    condition: str = ""
    conditions: str = ""
    tested_by: str = ""
    authorised_by: str = ""
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Mode:
    """Whether a run speaks for the device as a whole; ``reasons`` say why one is only diagnostic."""

    kind: str
    reasons: tuple[str, ...]

    @property
    def is_conformance(self) -> bool:
        """Whether it may state conformity."""
        return self.kind == CONFORMANCE

    @property
    def words(self) -> str:
        """What it is called on every page."""
        return "Conformance run" if self.is_conformance else "Diagnostic run: no statement of conformity"


@dataclass(frozen=True, slots=True)
class Issue:
    """One issue of the report. ``issued`` is seconds since the epoch; ``reason`` is empty for the first."""

    number: int
    issued: float | None
    reason: str
    changes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BenchCheck:
    """The last time before a run that its bench was checked (seconds since the epoch), by which version."""

    time: float | None
    harness: str


NOT_STATED = ReportDetails()
NOT_RECORDED = Mode(DIAGNOSTIC, ("the version of the bench that made the run did not record its mode",))


def laboratory_of(value: object) -> Laboratory | None:
    """Return who tests; None where that was not said."""
    row = mapping(value)
    if not row:
        return None
    equipment = tuple(_equipment(mapping(item)) for item in sequence(row.get("equipment")))
    return Laboratory(
        name=line(row.get("name")),
        address=text(row.get("address")),
        place=text(row.get("place")),
        contact=line(row.get("contact")),
        accreditation=line(row.get("accreditation")),
        equipment=equipment,
    )


def _equipment(row: dict[str, object]) -> Equipment:
    names = ("name", "identity", "calibrated", "due", "certificate")
    return Equipment(**{name: line(row.get(name)) for name in names})


def customer_of(value: object) -> Customer | None:
    """Return for whom it is tested; None where that was not said."""
    row = mapping(value)
    if not row:
        return None
    named = {name: line(row.get(name)) for name in ("name", "contact", "order")}
    return Customer(address=text(row.get("address")), **named)


def details_of(value: object) -> ReportDetails:
    """Return what the laboratory said of the report."""
    row = mapping(value)
    return ReportDetails(
        number=line(row.get("number")),
        received=line(row.get("received")),
        condition=text(row.get("condition")),
        conditions=text(row.get("conditions")),
        tested_by=line(row.get("tested_by")),
        authorised_by=line(row.get("authorised_by")),
        remarks=texts(row.get("remarks")),
    )


def mode_of(value: object, contradicted_by: tuple[str, ...] = ()) -> Mode:
    """Return the mode of a run.

    Args:
        value: what ``run.json`` says.
        contradicted_by: what it says beside that no conformance run could have.
    """
    row = mapping(value)
    if not row:
        return NOT_RECORDED
    reasons = texts(row.get("reasons"))
    if line(row.get("kind")) == CONFORMANCE and not reasons and not contradicted_by:
        return Mode(CONFORMANCE, ())
    return Mode(DIAGNOSTIC, tuple(dict.fromkeys([*reasons, *contradicted_by])))


def issues_of(value: object, ended: float | None) -> tuple[Issue, ...]:
    """Return the issues of a report; a run that does not tell of any has the first, of when it ended."""
    rows = [mapping(item) for item in sequence(value)]
    found = tuple(
        Issue(
            whole(row.get("number"), 1),
            moment(row.get("issued")),
            line(row.get("reason")),
            texts(row.get("changes")),
        )
        for row in rows
    )
    return found or (Issue(1, ended, "", ()),)


def check_of(value: object) -> BenchCheck | None:
    """Return the last check of the bench; None where there was none."""
    row = mapping(value)
    return BenchCheck(moment(row.get("time")), line(row.get("harness"))) if row else None
