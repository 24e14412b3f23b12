"""The StrictDoc renderer: requirements with verdicts as a document of StrictDoc (``.sdoc``).

``strictdoc export requirements.sdoc`` makes its web pages of it. Requirements stand in their families,
scenarios after them, each with a relation to the requirements that it is about or breaks. The document has
no markup; what would be a link, an anchor or the end of a field in it is written so that it is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from intercom_hil.reports.output import put
from intercom_hil.reports.traced import MOST, STAMP, Trace, TracedScenario, about, findings, trace
from intercom_hil.run_folder import verdicts
from intercom_hil.run_folder.fields import clock, line, shorten
from intercom_hil.run_folder.records import Run

FILE_NAME = "requirements.sdoc"
_VERIFIES = "Verifies"
_CHOICE = f"SingleChoice({', '.join(verdict.name for verdict in verdicts.VERDICTS)})"
_FIELDS = {
    "SECTION": {"TITLE": "String"},
    "REQUIREMENT": {
        "UID": "String",
        "CLASS": "String",
        "VERDICT": _CHOICE,
        "TITLE": "String",
        "STATEMENT": "String",
        "SOURCE": "String",
        "RATIONALE": "String",
        "FINDINGS": "String",
        "EVIDENCE": "String",
    },
    "SCENARIO": {
        "UID": "String",
        "VERDICT": _CHOICE,
        "STARTED": "String",
        "TITLE": "String",
        "STATEMENT": "String",
        "FINDINGS": "String",
        "EVIDENCE": "String",
    },
}
"""What there is in the document, and the fields of each in the order in which they are written."""
_MARKUP = re.compile(r"\[(?=\s*(?:LINK|ANCHOR)\b)", re.IGNORECASE)
_BLOCK_BEGINS = ">>>"
_FIELD_ENDS = re.compile(r"^(?=<<<)", re.MULTILINE)


def render(run: Run) -> bytes:
    """Return the run as a document of StrictDoc in UTF-8."""
    return "".join(f"{row}\n" for row in _rows(run, trace(run))).encode()


def write(run: Run) -> Path:
    """Write the document into the run directory and return its path."""
    return put(run.folder, FILE_NAME, render(run))


def _rows(run: Run, traced: Trace) -> Iterator[str]:
    yield from ("[DOCUMENT]", f"TITLE: {_plain(about(run))}", f"VERSION: {run.fingerprint[:16]}")
    yield from (f"DATE: {clock(run.ended or run.started, STAMP)}", "OPTIONS:", "  MARKUP: Text")
    yield from ("", "[GRAMMAR]", "ELEMENTS:")
    for tag, fields in _FIELDS.items():
        yield f"- TAG: {tag}"
        if tag == "SECTION":
            yield from ("  PROPERTIES:", "    IS_COMPOSITE: True")
        yield "  FIELDS:"
        for name, kind in fields.items():
            yield from (f"  - TITLE: {name}", f"    TYPE: {kind}", "    REQUIRED: False")
        if tag == "SCENARIO":
            yield from ("  RELATIONS:", "  - TYPE: Parent", f"    ROLE: {_VERIFIES}")
    for name, rows in traced.families:
        yield from ("", "[[SECTION]]", f"TITLE: {_plain(name)}")
        for row in rows:
            yield from ("", "[REQUIREMENT]", f"UID: {row.uid}")
            yield from _field("CLASS", row.row.kind)
            yield f"VERDICT: {row.row.verdict.name}"
            yield from _field("TITLE", row.row.title)
            yield from _block("STATEMENT", [row.row.text or row.row.title])
            yield from _field("SOURCE", row.row.source)
            yield from _block("RATIONALE", [row.row.harm])
            yield from _block("FINDINGS", row.findings)
            yield from _block("EVIDENCE", map(_evidence, row.scenarios))
        yield from ("", "[[/SECTION]]")
    if traced.scenarios:
        yield from ("", "[[SECTION]]", "TITLE: Scenarios")
        for scenario in traced.scenarios:
            yield from _scenario(scenario, traced.uids)
        yield from ("", "[[/SECTION]]")


def _scenario(traced: TracedScenario, uids: Mapping[str, str]) -> Iterator[str]:
    scenario = traced.scenario
    yield from ("", "[SCENARIO]", f"UID: {traced.uid}", f"VERDICT: {scenario.verdict.name}")
    yield f"STARTED: {clock(scenario.started, STAMP)}"
    yield from _field("TITLE", scenario.title)
    yield from _block("STATEMENT", scenario.doc.splitlines() or [scenario.title])
    yield from _block("FINDINGS", findings(scenario))
    yield from _block("EVIDENCE", [_evidence(traced)])
    if traced.verifies:
        yield "RELATIONS:"
        for requirement in traced.verifies:
            yield from ("- TYPE: Parent", f"  VALUE: {uids[requirement]}", f"  ROLE: {_VERIFIES}")


def _evidence(traced: TracedScenario) -> str:
    files = ", ".join(href for _, href in traced.evidence) or "no evidence is there"
    return f"{traced.scenario.verdict.name}: {traced.scenario.title}: {files}"


def _field(name: str, value: str) -> Iterator[str]:
    shown = _plain(value)
    if shown:
        yield f"{name}: {shown}"


def _block(name: str, rows: Iterable[str]) -> Iterator[str]:
    shown = [_plain(row) for row in rows]
    if any(shown):
        yield f"{name}: >>>"
        yield from (_FIELD_ENDS.sub(" ", row) for row in shown if row)
        yield "<<<"


def _plain(text: str) -> str:
    """Return a text of one line in which nothing means anything to StrictDoc."""
    found = _MARKUP.sub("(", shorten(line(text), MOST))
    return f'"{found}"' if found == _BLOCK_BEGINS else found
