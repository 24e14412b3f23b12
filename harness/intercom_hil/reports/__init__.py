"""Reports on a run: a run directory in, files for readers out. Knows nothing of the bench that made it.

Every renderer is one module with ``write(run) -> Path``; a further format is one more file and one more
entry in ``RENDERERS``.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from intercom_hil.reports.errors import ReportError
from intercom_hil.reports.html import write as write_html
from intercom_hil.reports.junit import write as write_junit
from intercom_hil.reports.records import Run
from intercom_hil.reports.run import read_run

__all__ = ["RENDERERS", "ReportError", "render"]

RENDERERS: dict[str, Callable[[Run], Path]] = {"junit": write_junit, "html": write_html}
"""Every report format by name."""


def render(run_folder: Path) -> list[Path]:
    """Write every report into a run directory.

    Args:
        run_folder: the directory that holds run.json; a partial run is reported as such.

    Returns:
        The files written.

    Raises:
        ReportError: the folder holds no readable run, or cannot be written to.
    """
    run = read_run(run_folder)
    try:
        return [write(run) for write in RENDERERS.values()]
    except OSError as problem:
        raise ReportError(
            f"the reports cannot be written ({problem.strerror})",
            str(run_folder),
            "make the run directory writable and see that the disk is not full",
        ) from problem
