"""The requirement catalogue: every statement about an intercom that can get a verdict, as data.

The rows come from ``requirements.toml`` beside this module and are checked as they are read. What goes out
is frozen: markers, monitors and reports name a requirement by its id and look it up here.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping, Sequence
from enum import StrEnum
from importlib import resources
from types import MappingProxyType
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from intercom_hil.spec.capabilities import Capability

FAMILIES: dict[str, str] = {
    "CFG": "Settings",
    "REG": "Registration and connectivity",
    "PRX": "Proxy",
    "TLS": "TLS",
    "ENC": "Encryption of media",
    "OUT": "Outgoing calls",
    "INC": "Incoming calls",
    "VID": "Video",
    "EVT": "Event log",
}
"""The families of requirements in the order in which reports show them: prefix of the id, and its name."""

Text = Annotated[str, Field(min_length=1)]


class RequirementClass(StrEnum):
    """Where a requirement comes from, which decides what a verdict on it means."""

    STATED = "S"
    DERIVED = "D"
    GAP = "G"

    @property
    def judged(self) -> bool:
        """Whether a device can pass or fail it; a gap is only recorded."""
        return self is not RequirementClass.GAP

    @property
    def meaning(self) -> str:
        """The class in words, for readers of reports."""
        return _MEANINGS[self]


_MEANINGS = {
    RequirementClass.STATED: "stated",
    RequirementClass.DERIVED: "derived",
    RequirementClass.GAP: "gap",
}


class Requirement(BaseModel):
    """One row of the catalogue.

    Attributes:
        id: family and number, as markers and reports name it.
        class_: stated, derived or gap; ``class`` in the data file and in JSON.
        title: a few words for a table.
        text: the requirement in full.
        source: the section of the vendor's page, and the clause of the RFC where there is one.
        harm: what a visitor, a guard or an installer suffers when it is broken.
        capability: what a device must have for it to apply at all; none: it applies to every device.
        event_name: the literal event name, on the rows that define one event (EVT-01..10).
        screen_name: that event's literal screen name.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Annotated[str, Field(pattern=r"^[A-Z]{3}-[0-9]{2}$")]
    class_: Annotated[RequirementClass, Field(alias="class")]
    title: Annotated[str, Field(min_length=1, max_length=60)]
    text: Text
    source: Text
    harm: Text
    capability: Capability | None = None
    event_name: str | None = None
    screen_name: str | None = None

    @model_validator(mode="after")
    def _belongs_somewhere(self) -> Requirement:
        if self.family not in FAMILIES:
            raise ValueError(f"{self.id}: no family is called {self.family}")
        if (self.event_name is None) != (self.screen_name is None):
            raise ValueError(f"{self.id}: event_name and screen_name belong together")
        return self

    @property
    def family(self) -> str:
        """The prefix of the id, a key of ``FAMILIES``."""
        return self.id.partition("-")[0]

    @property
    def judged(self) -> bool:
        """Whether a device can pass or fail it."""
        return self.class_.judged

    def __str__(self) -> str:
        return f"{self.id} {self.title}"


class UnknownRequirement(KeyError):  # noqa: N818  (it says what happened)
    """An id that the catalogue does not hold.

    Attributes:
        name: what was asked for.
        near: ids of the catalogue that look like it, the most alike first.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.near = tuple(difflib.get_close_matches(name.strip().upper(), CATALOGUE, n=3, cutoff=0.6))
        super().__init__(name)

    def __str__(self) -> str:
        hint = f" Did you mean {' or '.join(self.near)}?" if self.near else ""
        return f"no requirement is called {self.name!r}.{hint} docs/requirements.md lists them all."


def parse(text: str) -> dict[str, Requirement]:
    """Read a catalogue from the text of a data file.

    Args:
        text: TOML with one ``[[requirement]]`` table for each row.

    Returns:
        The rows by id, in the order of the file.

    Raises:
        ValueError: the text is no TOML, a row is malformed (``pydantic.ValidationError``), an id comes
            twice, or the rows are not in the order of ``FAMILIES`` and by number.
    """
    rows: dict[str, Requirement] = {}
    for data in tomllib.loads(text).get("requirement", []):
        row = Requirement.model_validate(data)
        if row.id in rows:
            raise ValueError(f"{row.id} comes twice")
        rows[row.id] = row
    order = list(FAMILIES)
    if list(rows.values()) != sorted(rows.values(), key=lambda row: (order.index(row.family), row.id)):
        raise ValueError(f"the rows are not in the order {', '.join(order)} and by number")
    return rows


CATALOGUE: dict[str, Requirement] = parse(
    resources.files("intercom_hil.spec").joinpath("requirements.toml").read_text(encoding="utf-8")
)
"""Every requirement by its id, in the order of reports."""


def requirement(name: str) -> Requirement:
    """Return the requirement whose id is ``name``.

    Raises:
        UnknownRequirement: there is none; the message names ids that look alike.
    """
    try:
        return CATALOGUE[name]
    except KeyError:
        raise UnknownRequirement(name) from None


def catalogue_markdown(
    scenarios: Mapping[str, Sequence[str]] = MappingProxyType({}),
    measured: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> str:
    """Return the catalogue as the Markdown page ``docs/requirements.md``.

    Args:
        scenarios: by id, the scenarios that ask for it, in words.
        measured: by id, the names of what they measure.
    """
    lines = [_PREFACE]
    for family, name in FAMILIES.items():
        lines += [f"## {name} ({family})", ""]
        for row in CATALOGUE.values():
            if row.family == family:
                lines += [*_section(row)]
                lines += [f"- Measured: {', '.join(measured[row.id])}"] if row.id in measured else []
                asked = scenarios.get(row.id, ())
                lines += ["- Scenarios:", *(f"  - {sentence}" for sentence in asked)] if asked else []
                lines += [""]
    return "\n".join(lines).rstrip() + "\n"


def _section(row: Requirement) -> list[str]:
    lines = [f"### {row.id}: {row.title}", "", _escaped(row.text), "", f"- Class: {row.class_.meaning}"]
    if row.event_name:
        lines += [f"- Event name: `{row.event_name}`", f"- Screen name: `{row.screen_name}`"]
    if row.capability:
        lines += [f"- Applies to: devices with the capability `{row.capability}`"]
    return [*lines, f"- Source: {_escaped(row.source)}", f"- If broken: {_escaped(row.harm)}"]


def _escaped(text: str) -> str:
    """Keep ``<extension>`` from being taken for HTML."""
    return text.replace("<", "\\<")


_PREFACE = """\
# The requirements

<!-- Written by `intercom-hil requirements` from requirements.toml; do not edit. -->

What an intercom must do, one entry for each statement that can get a verdict. *Page* is the vendor's
documentation page "SIP Intercom" for Alcatraz Facial Authentication Devices; the wording here is ours, and
only interface strings (event names, screen names, setting labels) are literal.

- **stated**: the page says it.
- **derived**: the page states a purpose, and this is what it takes for the purpose to hold.
- **gap**: the page is silent. What the device does is recorded as an observation and gets no pass or fail.
"""
