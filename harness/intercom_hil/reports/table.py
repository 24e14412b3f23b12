"""The CSV renderer: a row for each requirement that a scenario judged, for spreadsheets.

A requirement that no scenario judged has a row without a scenario, a scenario that judged none a row without
a requirement: nothing is left out. Texts of devices are cells too, and a spreadsheet takes a cell that begins
with ``=``, ``+``, ``-`` or ``@`` for a formula: such a text has an apostrophe put before it.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from intercom_hil.reports.outcomes import plus_minus
from intercom_hil.reports.output import put
from intercom_hil.run_folder.fields import clock, line, shorten
from intercom_hil.run_folder.records import Requirement, Run, Scenario

FILE_NAME = "results.csv"
COLUMNS = (
    *("requirement", "class", "requirement title", "verdict", "scenario", "scenario title"),
    *("scenario verdict", "started", "duration_s", "attempts", "expected", "seen", "measured", "evidence"),
    *("mode", "report"),
)
MOST = 2_000
"""Characters of one cell."""
_FORMULA = tuple("=+-@\t\r\n＝＋－＠−")
"""How a cell begins that a spreadsheet may compute: the signs of ASCII, and their full-width forms."""
_TIME = "%Y-%m-%dT%H:%M:%SZ"


def render(run: Run) -> bytes:
    """Return the run as CSV (RFC 4180) in UTF-8."""
    return b"".join(_encoded(run))


def write(run: Run) -> Path:
    """Write the table into the run directory and return its path."""
    return put(run.folder, FILE_NAME, _encoded(run))


def neutral(text: str) -> str:
    """Return a text as a cell of one line that no spreadsheet computes."""
    cell = shorten(line(text), MOST)
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


class _Line:
    """Where a row is written to: it is handed on as it is, so that a long table is never whole in memory."""

    def write(self, text: str) -> str:
        return text


def _encoded(run: Run) -> Iterator[bytes]:
    writer = csv.writer(_Line(), quoting=csv.QUOTE_ALL)
    for cells in _rows(run):
        row: Any = writer.writerow(cells)  # what ``write`` returned
        yield row.encode()


def _rows(run: Run) -> Iterator[Sequence[str]]:
    yield COLUMNS
    rows = {row.id: row for row in run.requirements}
    judged: set[str] = set()
    of_run = [neutral(run.mode.kind), neutral(run.number)]
    for scenario in run.scenarios:
        judged.update(scenario.requirements)
        yield from ([*cells, *of_run] for cells in _of_scenario(scenario, rows))
    for row in run.requirements:
        if row.id not in judged:
            known = (row.id, row.kind, row.title, row.verdict.name)
            yield [*map(neutral, known), *[""] * 10, *of_run]


def _of_scenario(scenario: Scenario, rows: dict[str, Requirement]) -> Iterator[list[str]]:
    evidence = next((file.path for file in scenario.evidence if file.label == "folder"), "")
    about = [
        scenario.id,
        scenario.title,
        scenario.verdict.name,
        clock(scenario.started, _TIME) if scenario.started is not None else "",
        f"{scenario.duration or 0.0:.3f}",
        str(scenario.attempts),
    ]
    for key, verdict in (scenario.requirements or {"": scenario.verdict}).items():
        row = rows.get(key)
        known = [row.kind, row.title] if row is not None else ["", ""]
        of_it = [item for item in scenario.judgements if item.requirement == key and item.verdict is verdict]
        texts = [of_it[0].expected, of_it[0].seen] if of_it else ["", "; ".join(scenario.problems)]
        measured = "; ".join(
            f"{item.name} {item.value:g}{plus_minus(item)} {item.unit}"
            for item in scenario.measurements
            if item.requirement == key and item.value is not None
        )
        cells = [key, *known, verdict.name, *about, *texts, measured, evidence]
        yield list(map(neutral, cells))
