"""The annex of the PDF report: every scenario with what was expected, seen and measured in it."""

from __future__ import annotations

from pathlib import Path

from intercom_hil.paper import report
from intercom_hil.reports.output import put
from intercom_hil.run_folder.records import Run

FILE_NAME = "report-annex.pdf"


def write(run: Run) -> Path:
    """Write the annex into the run directory and return its path.

    Raises:
        ReportError: WeasyPrint, or what it needs of the system, is not installed.
    """
    return put(run.folder, FILE_NAME, report.render(run, annex=True))
