"""Who tests, for whom, with what equipment, and under which number: what a test report states beside results.

The tables ``[laboratory]``, ``[customer]`` and ``[report]`` of a bench file, as a run keeps them. They are
what ISO/IEC 17025:2017 asks of a report (§7.8.2.1 and §7.8.3.1) that no bench can observe.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

Words = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]
"""A name, or a few words, on one line of a report."""
Name = Annotated[Words, StringConstraints(min_length=1)]
Prose = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000)]
"""An address or a remark: it may have several lines."""


def is_day(value: object) -> bool:
    """Return whether a value is a date of TOML, or one in quotes; a time of day and a number are none."""
    if isinstance(value, str):
        return re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value) is not None
    return isinstance(value, date) and not isinstance(value, datetime)


def _day(value: Any) -> Any:
    if value is not None and not is_day(value):
        raise ValueError(f"{value!s:.40} is no date; write it as 2030-06-30")
    return value


Day = Annotated[date, BeforeValidator(_day)]
"""A day. Numbers are none: they would count as seconds since 1970."""


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Equipment(_Table):
    """One piece of equipment that results rest on, as the laboratory's own records know it (§6.4.13)."""

    name: Name = Field(description="what it is: relay board, sound card, clock …")
    identity: Words = Field(
        default="", description="what tells it from others of its kind: USB id, serial or asset number"
    )
    calibrated: Day | None = Field(default=None, description="when it was calibrated, or checked, last")
    due: Day | None = Field(default=None, description="until when that holds")
    certificate: Words = Field(default="", description="number of the certificate, and who issued it")

    @model_validator(mode="after")
    def _in_order(self) -> Equipment:
        if self.calibrated and self.due and self.due < self.calibrated:
            raise ValueError("due is before calibrated; a calibration holds from the day it was made")
        return self


class Laboratory(_Table):
    """Who tests (§7.8.2.1 b, c)."""

    name: Name
    address: Prose = Field(default="", description="its postal address")
    place: Prose = Field(default="", description="where the tests are made, where that is not its address")
    contact: Words = ""
    accreditation: Words = Field(
        default="", description="body and number, where this method is within its scope"
    )
    equipment: tuple[Equipment, ...] = Field(
        default=(), description="what results rest on: relay board, sound card, clock"
    )


class Customer(_Table):
    """For whom it is tested (§7.8.2.1 e)."""

    name: Name
    address: Prose = ""
    contact: Words = ""
    order: Words = Field(default="", description="the customer's number for it")


class ReportDetails(_Table):
    """What only the laboratory knows of one report (§7.8.2.1 d, g, h, n, o; §7.8.3.1 a)."""

    number: Words = Field(default="", description="unique among the laboratory's reports; on every page")
    received: Day | None = Field(default=None, description="the day on which the device was received")
    condition: Prose = Field(default="", description="the condition it was received in")
    conditions: Prose = Field(default="", description="of the place, where they matter: temperature, supply")
    tested_by: Words = Field(default="", description="who carries the tests out")
    authorised_by: Words = Field(default="", description="who authorises the report: name and function")
    remarks: tuple[Annotated[Prose, StringConstraints(min_length=1)], ...] = Field(
        default=(), description="additions to, deviations or exclusions from the method, one each"
    )


class Particulars(_Table):
    """What a run keeps of these tables.

    Attributes:
        laboratory: who tests, if that was said.
        customer: for whom, if that was said.
        report: the rest.
    """

    laboratory: Laboratory | None = None
    customer: Customer | None = None
    report: ReportDetails = ReportDetails()
