"""Values put into a table of a TOML file, which stays as it was otherwise: comments, order and spelling.

Before the new text is returned, it is read again: it must hold the new values and else what it held before.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from typing import Any

from intercom_hil.bench_file.toml_positions import positions
from intercom_hil.errors import BenchError

_STATEMENT = re.compile(r'(?P<key>\s*[\w-]+\s*=\s*)(?:\[[^\]#]*\]|"[^"]*"|[^\s#\["]+)')


def with_table(text: str, table: tuple[str, ...], values: Mapping[str, object], comment: str = "") -> str:
    """Return a TOML text in which a table has some values.

    Args:
        text: the whole file.
        table: the keys that lead to the table, such as ``("device", "timing")``.
        values: numbers, truth values, texts and lists of these, by key; other keys stay as they are.
        comment: what stands above the table where it has to be added.

    Raises:
        BenchError: the file says it in a way that cannot be changed line by line (an inline table, a value on
            several lines).
    """
    if not values:
        return text
    name = ".".join(table)
    wanted = _merged(tomllib.loads(text), table, values)
    lines = text.splitlines()
    header = next((i for i, line in enumerate(lines) if re.match(rf"\s*\[{re.escape(name)}\]", line)), None)
    if header is None:
        lines += ["", *([f"# {comment}"] if comment else []), f"[{name}]"]
        header = len(lines) - 1
    known = positions(text)
    end = header + 1
    added = []
    for key, value in values.items():
        where = known.get((*table, key))
        if where is None:
            added.append(f"{key} = {_toml(value)}")
            continue
        end = max(end, where[0])
        old = lines[where[0] - 1]
        found = _STATEMENT.match(old)
        if found is not None:
            lines[where[0] - 1] = found["key"] + _toml(value) + old[found.end() :]
    of_table = [
        where[0] for path, where in known.items() if path[: len(table)] == table and len(path) > len(table)
    ]
    end = max([end, *of_table])
    changed = "\n".join([*lines[:end], *added, *lines[end:]]) + "\n"
    try:
        if tomllib.loads(changed) == wanted:
            return changed
    except tomllib.TOMLDecodeError:
        pass
    raise BenchError(
        f"[{name}] is written in a way that cannot be changed line by line",
        name,
        f"write it as a table [{name}] with one value a line",
    )


def _merged(document: dict[str, Any], table: tuple[str, ...], values: Mapping[str, object]) -> dict[str, Any]:
    place = document
    for key in table:
        place = place.setdefault(key, {})
    place.update({key: list(value) if isinstance(value, tuple) else value for key, value in values.items()})
    return document


def _toml(value: object) -> str:
    return json.dumps(list(value) if isinstance(value, tuple) else value)
