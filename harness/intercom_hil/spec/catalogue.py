"""The requirement catalogue: every statement about an intercom that can get a verdict, as data.

The rows come from ``requirements.toml`` beside this module and are checked as they are read. What goes out
is frozen: markers, monitors and reports name a requirement by its id and look it up here.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationInfo,
    model_validator,
)

from intercom_hil.spec.capabilities import Capability

_FAMILY = "[A-Z][A-Z0-9]{1,11}"
Text = Annotated[str, Field(min_length=1)]


class RequirementClass(BaseModel):
    """Where a requirement comes from, or how binding it is, which decides what a verdict on it means.

    Attributes:
        name: what a row's ``class`` says.
        meaning: the class in words, for readers of reports.
        judged: whether a device can pass or fail it; else what it does is only recorded.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    meaning: str
    judged: bool = True

    def __str__(self) -> str:
        return self.name


STATED = RequirementClass(name="S", meaning="stated")
DERIVED = RequirementClass(name="D", meaning="derived")
GAP = RequirementClass(name="G", meaning="gap", judged=False)
_USUAL = {one.name: one for one in (STATED, DERIVED, GAP)}


def _class_of(value: Any, info: ValidationInfo) -> Any:
    if not isinstance(value, str):
        return value
    classes = (info.context or {}).get("classes") or _USUAL
    if value not in classes:
        raise ValueError(f"there is no class {value!r}; use {', '.join(classes)}")
    return classes[value]


Class = Annotated[RequirementClass, BeforeValidator(_class_of), PlainSerializer(str)]


class Requirement(BaseModel):
    """One row of the catalogue.

    Attributes:
        id: family and number, as markers and reports name it.
        class_: one of its catalogue's; ``class`` in the data file and in JSON.
        title: a few words for a table.
        text: the requirement in full.
        source: the section of the vendor's page, and the clause of the RFC where there is one.
        harm: what a visitor, a guard or an installer suffers when it is broken.
        capability: what a device must have for it to apply at all; none: it applies to every device.
        event_name: the literal event name, on the rows that define one event (EVT-01..10).
        screen_name: that event's literal screen name.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Annotated[str, Field(pattern=rf"^{_FAMILY}-[0-9]{{2,4}}$")]
    class_: Annotated[Class, Field(alias="class")]
    title: Annotated[str, Field(min_length=1, max_length=60)]
    text: Text
    source: Text
    harm: Text
    capability: Capability | None = None
    event_name: str | None = None
    screen_name: str | None = None

    @model_validator(mode="after")
    def _event_is_whole(self) -> Requirement:
        if (self.event_name is None) != (self.screen_name is None):
            raise ValueError(f"{self.id}: event_name and screen_name belong together")
        return self

    @property
    def family(self) -> str:
        """The prefix of the id."""
        return self.id.partition("-")[0]

    @property
    def judged(self) -> bool:
        """Whether a device can pass or fail it."""
        return self.class_.judged

    def __str__(self) -> str:
        return f"{self.id} {self.title}"


class _File(BaseModel):
    """What the data file of a catalogue holds."""

    model_config = ConfigDict(extra="forbid")

    title: Annotated[str, Field(min_length=1, max_length=80)]
    families: dict[Annotated[str, Field(pattern=rf"^{_FAMILY}$")], Text]
    classes: dict[str, Literal["judged", "recorded"]] = {}
    requirement: list[dict[str, Any]]


class Catalogue(Mapping[str, Requirement]):
    """Requirements by id, in the order of reports.

    Attributes:
        title: what reports call it.
        families: its families in the order in which reports show them: prefix of the ids, and name.
    """

    def __init__(self, title: str, families: Mapping[str, str], rows: Mapping[str, Requirement]) -> None:
        self.title, self.families, self._rows = title, dict(families), dict(rows)

    @classmethod
    def parse(cls, text: str) -> Catalogue:
        """Read a catalogue from the text of a data file.

        Args:
            text: TOML with a ``title``, a table ``families`` (prefix and name), one ``[[requirement]]`` for
                each row, and, where the classes of rows are not S, D and G, a table ``classes``: each
                ``"judged"`` or ``"recorded"``.

        Raises:
            ValueError: the text is no TOML, something in it is malformed (``pydantic.ValidationError``), an
                id comes twice, or the rows are not in the order of the families and by number.
        """
        file = _File.model_validate(tomllib.loads(text))
        own = {
            n: RequirementClass(name=n, meaning=n, judged=how == "judged") for n, how in file.classes.items()
        }
        rows: dict[str, Requirement] = {}
        for data in file.requirement:
            row = Requirement.model_validate(data, context={"classes": own})
            if row.family not in file.families:
                raise ValueError(f"{row.id}: no family is called {row.family}")
            if row.id in rows:
                raise ValueError(f"{row.id} comes twice")
            rows[row.id] = row
        order = list(file.families)
        if list(rows) != sorted(rows, key=lambda name: (order.index(rows[name].family), name)):
            raise ValueError(f"the rows are not in the order {', '.join(order)} and by number")
        return cls(file.title, file.families, rows)

    @classmethod
    def read(cls, path: Path) -> Catalogue:
        """Read a catalogue from a data file. Raises OSError, and ValueError as ``parse`` does."""
        return cls.parse(path.read_text(encoding="utf-8"))

    @cached_property
    def digest(self) -> str:
        """The SHA-256, in hex, of all that it says: what a run was judged by."""
        rows = [row.model_dump(mode="json", by_alias=True) for row in self._rows.values()]
        said = {"title": self.title, "families": self.families, "requirement": rows}
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()

    def __getitem__(self, name: str) -> Requirement:
        return self._rows[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)


CATALOGUE = Catalogue.parse(
    resources.files("intercom_hil.spec").joinpath("requirements.toml").read_text(encoding="utf-8")
)
"""The requirements of the vendor's page."""
FAMILIES = CATALOGUE.families
"""Their families."""


def catalogue_markdown(
    scenarios: Mapping[str, Sequence[str]] = MappingProxyType({}),
    measured: Mapping[str, Sequence[str]] = MappingProxyType({}),
    others: Sequence[Catalogue] = (),
    remarks: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> str:
    """Return the catalogue as the Markdown page ``docs/requirements.md``.

    Args:
        scenarios: by id, the scenarios that ask for it, in words.
        measured: by id, the names of what they measure.
        others: further catalogues, to follow under their titles.
        remarks: by id, what else there is to say of it.
    """
    lines = [_PREFACE]
    for catalogue in (CATALOGUE, *others):
        lines += [f"# {catalogue.title}", ""] if catalogue is not CATALOGUE else []
        for family, name in catalogue.families.items():
            lines += [f"## {name} ({family})", ""]
            for row in catalogue.values():
                if row.family == family:
                    lines += [*_section(row), *(f"- {remark}" for remark in remarks.get(row.id, ()))]
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

*Supports* names clauses of standards that a verdict is evidence for ([standards](standards.md)).
"""
