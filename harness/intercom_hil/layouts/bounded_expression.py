"""A regular expression that somebody wrote into a bench file, matched in bounded time.

A pattern such as ``(x+x+)+y`` takes for ever on the wrong line. ``re`` cannot be stopped; ``regex`` gives up
after a time-out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import regex

from intercom_hil.errors import BenchError

LONGEST = 4_000
"""Characters of one expression."""
WITHIN = 0.05
"""Seconds of processor time that one line may take; an ordinary one takes some microseconds."""
MOST_TIMEOUTS = 20
"""Lines that may take too long before an expression is tried no more."""


class TooSlowError(Exception):
    """An expression that does not come to an end on some line; the message names it."""


class BoundedExpression:
    """One expression.

    Attributes:
        where: what messages call it.
    """

    def __init__(self, text: str, where: str) -> None:
        """Compile an expression.

        Raises:
            BenchError: it is none, or too long.
        """
        self.where = where
        self._timeouts = 0
        if len(text) > LONGEST:
            raise BenchError(f"an expression has more than {LONGEST} characters", where, "shorten it")
        try:
            self._pattern = regex.compile(text)
        except (regex.error, RecursionError, OverflowError) as problem:
            raise BenchError(
                f"{text!r} is no regular expression: {problem}", where, "correct it"
            ) from problem

    @property
    def text(self) -> str:
        """The expression as it was written."""
        return str(self._pattern.pattern)

    @property
    def groups(self) -> frozenset[str]:
        """The names of its groups."""
        return frozenset(self._pattern.groupindex)

    def fullmatch(self, text: str) -> Mapping[str, str] | None:
        """Return its named groups where it matches the whole text. Raises TooSlowError."""
        match = self._tried(self._pattern.fullmatch, text)
        return None if match is None else match.groupdict("")

    def found_in(self, text: str) -> bool:
        """Return whether it is found in a text. Raises TooSlowError."""
        return self._tried(self._pattern.search, text) is not None

    def may_begin_with(self, text: str) -> bool:
        """Return whether a whole match may begin with a text. Raises TooSlowError."""
        return self._tried(self._pattern.fullmatch, text, partial=True) is not None

    def _tried(self, attempt: Any, text: str, **options: bool) -> Any:
        if self._timeouts < MOST_TIMEOUTS:
            try:
                return attempt(text, timeout=WITHIN, **options)
            except (TimeoutError, MemoryError):
                self._timeouts += 1
        raise TooSlowError(f"{self.where}: the expression comes to no end; make its repetitions unambiguous")
