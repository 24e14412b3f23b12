"""``diff`` and ``history``: what runs come to beside each other, in the terminal and as a page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from intercom_hil.comparison.differences import compare
from intercom_hil.comparison.history import earlier_values, history
from intercom_hil.comparison.html import write_differences, write_history
from intercom_hil.comparison.text import differences_in_lines, history_in_lines
from intercom_hil.run_folder.run import read_run

Report = Callable[[str], None]


def show_differences(
    before: Path,
    after: Path,
    report: Report,
    *,
    html: Path | None = None,
    among: Path | None = None,
    with_events: bool = False,
) -> bool:
    """Compare two run folders.

    Args:
        before: the first.
        after: the second.
        report: takes each line.
        html: a file for the same as a page.
        among: a folder of earlier runs, whose spread counts.
        with_events: whether other events alone are a difference.

    Returns:
        Whether they differ.

    Raises:
        ReportError: a run cannot be read, or the page cannot be written.
    """
    earlier = earlier_values(among) if among is not None else None
    found = compare(read_run(before), read_run(after), earlier)
    for line in differences_in_lines(found, with_events=with_events):
        report(line)
    if html is not None:
        write_differences(found, html, with_events=with_events)
        report(f"page {html}")
    return found.are_there(with_events=with_events)


def show_history(
    folder: Path,
    report: Report,
    *,
    html: Path | None = None,
    requirement: str = "",
    last: int = 0,
    with_faults: bool = False,
) -> None:
    """Show what the runs of a folder come to.

    Args:
        folder: where run folders are.
        report: takes each line.
        html: a file for the same as a page.
        requirement: only this requirement or family; all unless given.
        last: only so many runs, the newest; all unless given.
        with_faults: whether runs with injected faults count.

    Raises:
        ReportError: there is no run, or the page cannot be written.
    """
    found = history(folder, last=last, requirement=requirement, with_faults=with_faults)
    for line in history_in_lines(found):
        report(line)
    if html is not None:
        write_history(found, html)
        report(f"page {html}")
