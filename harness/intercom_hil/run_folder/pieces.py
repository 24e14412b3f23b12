"""Reads an object of JSON of which one member is a long list: the list piece by piece, each as it is wanted.

So what is made of ten thousand scenarios stands in memory, and never beside them all as they were written.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable

_BLANKS = re.compile(r"[ \t\n\r]*")


def load_in_pieces(written: str, name: str, take: Callable[[object], object]) -> object:
    """Return the value of a JSON text, as ``json.loads`` does.

    Args:
        written: the text.
        name: of the member whose list is taken piece by piece.
        take: returns what is to stand for an element of that list.

    Raises:
        ValueError: it is no JSON.
        RecursionError: it is nested too deeply.
    """
    try:
        return _Walk(written, name, take).whole()
    except (_OtherwiseError, json.JSONDecodeError):
        return json.loads(written)  # which says what is wrong with it, if anything is


class _OtherwiseError(Exception):
    """It is no object, or none that is written as JSON wants it."""


class _Walk:
    """One walk through a text."""

    def __init__(self, written: str, name: str, take: Callable[[object], object]) -> None:
        self._written, self._name, self._take = written, name, take
        self._decode = json.JSONDecoder().raw_decode
        self._at = 0

    def whole(self) -> dict[str, object]:
        """Return the object that the text is."""
        members: dict[str, object] = {}
        self._expect("{")
        while not self._comes("}"):
            if members:
                self._expect(",")
            key = self._value()
            if not isinstance(key, str):
                raise _OtherwiseError
            self._expect(":")
            members[key] = self._list() if key == self._name and self._comes("[") else self._value()
        self._expect("}")
        if self._next():
            raise _OtherwiseError
        return members

    def _list(self) -> list[object]:
        taken: list[object] = []
        self._expect("[")
        while not self._comes("]"):
            if taken:
                self._expect(",")
            taken.append(self._take(self._value()))
        self._expect("]")
        return taken

    def _value(self) -> object:
        self._next()
        value, self._at = self._decode(self._written, self._at)
        return value

    def _next(self) -> str:
        """Return the next character that is no blank; nothing at the end."""
        blanks = _BLANKS.match(self._written, self._at)
        self._at = blanks.end() if blanks else self._at
        return self._written[self._at : self._at + 1]

    def _comes(self, character: str) -> bool:
        return self._next() == character

    def _expect(self, character: str) -> None:
        if self._next() != character:
            raise _OtherwiseError
        self._at += 1
