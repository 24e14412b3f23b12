"""Files of JSON lines, read again: what cannot be read is named by its file, its line and its field."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from intercom_hil.errors import BenchError

_Model = TypeVar("_Model", bound=BaseModel)
_RESTORE = "restore the file as the bench wrote it"


def read_lines(path: Path, model: type[_Model]) -> list[_Model]:
    """Read a file with one JSON object a line; lines with nothing in them count for nothing.

    Args:
        path: the file.
        model: what each line is.

    Raises:
        OSError: the file cannot be read.
        BenchError: a line is none of these; the message says which line, and what is wrong with it.
    """
    found = []
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                try:
                    found.append(model.model_validate_json(line))
                except ValidationError as problem:
                    what = f"it cannot be read: line {number}: {first_of(problem)}"
                    raise BenchError(what, str(path), _RESTORE) from problem
    return found


def first_of(problem: ValidationError) -> str:
    """Return the first thing that is wrong with a stored record, with its field, in one line."""
    error = problem.errors(include_url=False)[0]
    place = ".".join(map(str, error["loc"]))
    said = _WORDS.get(error["type"]) or error["msg"].replace("Input should", "it should")
    return " ".join(f"{place}: {said}".removeprefix(": ").split())


_WORDS = {"missing": "it is missing", "extra_forbidden": "no such field", "union_tag_invalid": "no such kind"}
