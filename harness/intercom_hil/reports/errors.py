"""The one way rendering can go wrong for a reader: there is no run to report on, or no place to write."""

from __future__ import annotations


class ReportError(Exception):
    """No report can be made.

    Attributes:
        what: what is wrong, one clause.
        where: the file or folder concerned.
        remedy: what the reader can do about it.
    """

    def __init__(self, what: str, where: str, remedy: str) -> None:
        self.what, self.where, self.remedy = what, where, remedy
        super().__init__(f"{where}: {what}. Remedy: {remedy}")
