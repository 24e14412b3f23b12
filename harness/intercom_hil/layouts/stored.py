"""A layout as plain data, so that the evidence says in which language its lines were read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from intercom_hil.layouts.bounded_expression import BoundedExpression
from intercom_hil.layouts.event_fields import EventFields
from intercom_hil.layouts.layout import Layout

_PATH = "path"


def stored(layout: Layout) -> dict[str, Any]:
    """Return a layout as data; of one that is more than expressions and fields, its name alone."""
    if type(layout) is not Layout:
        return {"name": layout.name}
    found: dict[str, Any] = {
        "name": layout.name,
        "failures": {kind: one.text for kind, one in layout.failures.items()},
        "time_format": layout.time_format,
    }
    if layout.fields is None:
        return found | {"patterns": {kind: one.text for kind, one in layout.expressions.items()}}
    values = {one.name: getattr(layout.fields, one.name) for one in fields(layout.fields)}
    path = layout.fields.path
    return found | {"fields": values | {_PATH: path.text if path is not None else ""}}


def restored(data: Mapping[str, Any]) -> Layout:
    """Return the layout that was stored.

    Raises:
        BenchError: an expression is none.
        ValueError, TypeError, KeyError: it is no stored layout, or one of which only the name was stored.
    """
    name, failures = str(data["name"]), dict(data["failures"])
    time_format = str(data["time_format"])
    if "fields" not in data:
        return Layout.from_patterns(name, data["patterns"], failures=failures, time_format=time_format)
    values = dict(data["fields"])
    path = values.pop(_PATH)
    expression = BoundedExpression(path, f"layout {name}, fields, path") if path else None
    return Layout.from_fields(
        name, EventFields(**values, path=expression), failures=failures, time_format=time_format
    )
