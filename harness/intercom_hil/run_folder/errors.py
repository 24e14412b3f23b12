"""The one way in which rendering can fail for a reader: there is no run to report on, or nowhere to write."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


class ReportError(Exception):
    """No report can be made.

    Attributes:
        what: what is wrong, one clause.
        where: the file or folder concerned.
        remedy: what the reader can do about it.
        written: the reports that could be made all the same.
    """

    def __init__(self, what: str, where: str, remedy: str, written: Sequence[Path] = ()) -> None:
        self.what, self.where, self.remedy, self.written = what, where, remedy, tuple(written)
        super().__init__(f"{where}: {what}. Remedy: {remedy}")

    @classmethod
    def of(cls, problems: Sequence[ReportError], written: Sequence[Path]) -> ReportError:
        """Return the problems of several reports as one, with the files that were written."""
        *others, last = problems
        where = "; ".join([*(str(other) for other in others), last.where])
        return cls(last.what, where, last.remedy, written)
