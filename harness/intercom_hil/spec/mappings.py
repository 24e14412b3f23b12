"""What verdicts on requirements are evidence for, in the terms of standards that customers have to keep to.

The mapping is data (``mappings.toml``): a requirement, the clauses of standards that it bears on, and why. A
pass supports a clause, it never proves it: the standards ask for documentation and for more than SIP shows.
"""

from __future__ import annotations

import tomllib
from importlib import resources
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Text = Annotated[str, Field(min_length=1)]


class Standard(BaseModel):
    """One standard.

    Attributes:
        id: its number.
        title: its number, edition and title.
        clauses: the clauses that are mapped, each with what it is about in a few words of ours.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    id: Text
    title: Text
    clauses: dict[str, Text]


class Support(BaseModel):
    """Requirements that bear on clauses of standards, and why."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    requirements: Annotated[list[Text], Field(min_length=1)]
    clauses: dict[str, list[Text]]
    reason: Text


class Mapping(BaseModel):
    """The whole mapping."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    standard: list[Standard]
    supports: list[Support]

    @classmethod
    def parse(cls, text: str) -> Mapping:
        """Read a mapping from TOML.

        Raises:
            ValueError: it is no TOML, or malformed; a standard or clause is used that is not listed.
        """
        found = cls.model_validate(tomllib.loads(text))
        listed = {one.id: one.clauses for one in found.standard}
        for support in found.supports:
            for standard, clauses in support.clauses.items():
                unknown = [clause for clause in clauses if clause not in listed.get(standard, {})]
                if unknown or standard not in listed:
                    raise ValueError(f"not listed: {standard} {', '.join(unknown)}".rstrip())
        return found

    def of(self, requirement: str) -> dict[str, list[str]]:
        """Return the clauses that a requirement supports, by standard; in the order of the standards."""
        found: dict[str, list[str]] = {}
        for standard in self.standard:
            clauses = dict.fromkeys(
                clause
                for support in self.supports
                if requirement in support.requirements
                for clause in support.clauses.get(standard.id, ())
            )
            if clauses:
                order = list(standard.clauses)
                found[standard.id] = sorted(clauses, key=order.index)
        return found


MAPPING = Mapping.parse(
    resources.files("intercom_hil.spec").joinpath("mappings.toml").read_text(encoding="utf-8")
)


def in_words(clauses: dict[str, list[str]]) -> str:
    """Return clauses by standard as a line: ``EN 18031-1 SCM-2, SCM-3; EN 303 645 5.5-1``."""
    return "; ".join(f"{standard} {', '.join(some)}" for standard, some in clauses.items())


def mapping_markdown(mapping: Mapping = MAPPING) -> str:
    """Return the mapping as tables of Markdown: for each clause the requirements that support it, and why."""
    lines: list[str] = []
    for standard in mapping.standard:
        lines += [
            f"### {standard.title}",
            "",
            "| clause | about | supported by | because |",
            "|---|---|---|---|",
        ]
        for clause, about in standard.clauses.items():
            for support in mapping.supports:
                if clause in support.clauses.get(standard.id, ()):
                    rows = ", ".join(support.requirements)
                    lines.append(f"| {clause} | {about} | {rows} | {support.reason} |")
        lines.append("")
    return "\n".join(lines)
