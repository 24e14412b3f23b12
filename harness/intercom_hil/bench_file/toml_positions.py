"""The line and column of every table and key in a TOML text.

The parser of the standard library does not say where a value stood. But it can be asked, line by line,
whether the text up to there is whole, and what has come to it since; so it is still the parser that decides.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

Keys = tuple[str | int, ...]
"""The keys, and the indices of arrays, that lead to a value."""
Position = tuple[int, int]
"""Line and column, counted from 1."""


def positions(text: str) -> dict[Keys, Position]:
    """Return where each table, key and array element of a TOML text is first named.

    Raises:
        tomllib.TOMLDecodeError: it is not TOML.
    """
    tomllib.loads(text)
    found: dict[Keys, Position] = {}
    lines = text.splitlines(keepends=True)
    begun, whole = 0, ""
    for end in range(1, len(lines) + 1):
        piece = "".join(lines[begun:end])
        try:
            document = tomllib.loads(whole + piece)
        except tomllib.TOMLDecodeError:
            continue  # in the middle of an array or of a long string
        for path in _paths(document):
            if path not in found:
                found[path] = _position(path, piece, begun)
        begun, whole = end, whole + piece
    return found


def _paths(value: Any, path: Keys = ()) -> Iterator[Keys]:
    if path:
        yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        yield from _paths(item, (*path, key))


def _position(path: Keys, piece: str, before: int) -> Position:
    """Return where a statement names the last key of a path; its own beginning if it does not."""
    name = next((str(key) for key in reversed(path) if isinstance(key, str)), "")
    at = re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", piece)
    start = at.start() if at else len(piece) - len(piece.lstrip())
    return before + piece.count("\n", 0, start) + 1, start - (piece.rfind("\n", 0, start) + 1) + 1


def nearest(
    location: Keys, document: dict[str, Any], found: Mapping[Keys, Position]
) -> tuple[Keys, Position | None]:
    """Return the path that a location means in a document, and the position nearest to it.

    A location may name what no file has: the kind that a table was taken for, a key that is missing.
    """
    path: Keys = ()
    value: Any = document
    missing: Keys = ()
    for part in location:
        if (
            part in value
            if isinstance(value, dict)
            else isinstance(value, list) and part in range(len(value))
        ):
            path, value, missing = (*path, part), value[part], ()
        else:
            missing = (part,)
    position = next((found[path[:end]] for end in range(len(path), 0, -1) if path[:end] in found), None)
    return (*path, *missing), position
