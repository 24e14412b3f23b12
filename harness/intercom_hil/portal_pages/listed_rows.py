"""Which rows of a list are new: a portal's list of events, read again and again. Pure.

A list shows the newest row first or last, whole or a page at a time, and rows may be alike: two calls that
fail in one second. A row that was known is never new again, whatever a list forgets, or how it sorts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

Row = tuple[tuple[str, str], ...]
"""The cells of a row: names of columns, and the texts in them."""
MOST_KNOWN = 50_000
"""Rows that are remembered. What a list has shown longer ago, and shows again, counts as new."""


class ListFollower:
    """Finds what is new in a list; what it shows at first was there before, and is not new."""

    def __init__(self) -> None:
        self._began = False
        self._whole = False
        self._known: Counter[Row] = Counter()

    def knows_any(self, rows: Iterable[Row]) -> bool:
        """Return whether rows are known that are among these, so that older ones need not be read.

        At first that is so of any rows: what is older is of no interest.
        """
        return not self._began or any(row in self._known for row in rows)

    def take(self, rows: Sequence[Row], *, whole: bool) -> list[Row]:
        """Take what the list shows; return the rows that are new, in the order in which they came about.

        Of rows that are alike as many are new as there are more than there have ever been at one time.

        Args:
            rows: in the order in which they came about, the newest last.
            whole: whether there are none besides; else older ones were not read.
        """
        new: list[Row] = []
        if self._began:
            if not self._whole:  # what stands before all that is known is older than what was read at first
                rows = rows[next((place for place, row in enumerate(rows) if row in self._known), 0) :]
            surplus = Counter(rows) - self._known
            for row in reversed(rows):  # of rows that are alike the last ones are the new ones
                if surplus[row] > 0:
                    surplus[row] -= 1
                    new.append(row)
            new.reverse()
        else:
            self._began, self._whole = True, whole
        self._known |= Counter(rows)
        if len(self._known) > MOST_KNOWN:
            self._known, self._whole = Counter(rows), False
        return new
