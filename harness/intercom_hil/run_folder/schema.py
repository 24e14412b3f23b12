"""The JSON Schema of ``run.json``, as it comes along with the package: what a run must look like to be read.

Of JSON Schema this knows what that file uses. A value that does not fit is named by its place in the file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Any

_NAMES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}


@cache
def run_schema() -> dict[str, Any]:
    """Return the schema of ``run.json``."""
    file = resources.files("intercom_hil").joinpath("schemas", "run.schema.json")
    schema: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return schema


def default(name: str) -> Any:
    """Return what stands for a field of ``run.json`` that an earlier version did not write."""
    return run_schema()["properties"][name]["default"]


def misfits(value: object, part: str = "", place: str = "") -> Iterator[str]:
    """Yield how a value does not fit the schema, each with its place: ``scenarios[3].started is not ...``.

    Args:
        value: what is looked at.
        part: the name of a definition in the schema; the whole of it without.
        place: where the value stands.
    """
    schema = run_schema()
    known = schema["$defs"]
    yield from _misfits(value, known[part] if part else schema, place, known)


def _misfits(value: object, schema: Mapping[str, Any], place: str, known: Mapping[str, Any]) -> Iterator[str]:
    if "$ref" in schema:
        schema = known[schema["$ref"].rpartition("/")[2]]
    choices = schema.get("anyOf") or schema.get("oneOf")
    if choices is not None:
        if all(any(_misfits(value, choice, place, known)) for choice in choices):
            yield f"{place} is none of what it may be: {', '.join(map(_shown, choices))}"
        return
    if "const" in schema:
        if value != schema["const"] or type(value) is not type(schema["const"]):
            yield f"{place} is not {schema['const']!r}"
        return
    wanted = schema.get("type")
    if wanted is not None and not _is(value, wanted):
        yield f"{place or 'the file'} is not of type {wanted}"
        return
    if isinstance(value, dict):
        yield from _of_object(value, schema, place, known)
    elif isinstance(value, list) and "items" in schema:
        for index, item in enumerate(value):
            yield from _misfits(item, schema["items"], f"{place}[{index}]", known)


def _of_object(
    value: dict[str, object], schema: Mapping[str, Any], place: str, known: Mapping[str, Any]
) -> Iterator[str]:
    prefix = f"{place}." if place else ""
    for name in schema.get("required", ()):
        if name not in value:
            yield f"{prefix}{name} is missing"
    named, others = schema.get("properties", {}), schema.get("additionalProperties", True)
    for name, item in value.items():
        if name in named:
            yield from _misfits(item, named[name], f"{prefix}{name}", known)
        elif isinstance(others, dict):
            yield from _misfits(item, others, f"{prefix}{name}", known)
        elif not others:
            yield f"{prefix}{name} is unknown"


def _is(value: object, wanted: str) -> bool:
    if wanted in ("number", "integer"):
        kinds = (int,) if wanted == "integer" else (int, float)
        return isinstance(value, kinds) and not isinstance(value, bool)
    return isinstance(value, _NAMES[wanted])


def _shown(choice: Mapping[str, Any]) -> str:
    return repr(choice["const"]) if "const" in choice else str(choice.get("type", choice.get("$ref")))
