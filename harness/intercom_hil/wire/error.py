"""The one kind of error a parser of this room may raise."""

from __future__ import annotations


class WireError(ValueError):
    """Bytes that are not what they should be.

    Attributes:
        problem: what is wrong with them, one clause.
        data: the offending bytes.
    """

    def __init__(self, problem: str, data: bytes = b"") -> None:
        self.problem, self.data = problem, data
        super().__init__(f"{problem}: {data[:60]!r}{'…' if len(data) > 60 else ''}" if data else problem)


def clean(text: str) -> str:
    """Return text that can be stored as UTF-8: bytes that were no UTF-8 become backslash escapes."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def is_utf8(text: str) -> bool:
    """Return whether text decoded with ``surrogateescape`` was UTF-8 throughout."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
