"""The table of a layout in a bench file: a device's own language, as data."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from intercom_hil.layouts.bounded_expression import BoundedExpression
from intercom_hil.layouts.event_fields import EventFields
from intercom_hil.layouts.layout import Layout

PathInJson = Annotated[str, Field(max_length=200)]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FieldsOptions(_Table):
    """Where things stand in JSON and in HTTP requests, or the headings of columns; empty: not reported."""

    name: Annotated[PathInJson, Field(min_length=1)] = "event"
    screen: PathInJson = "screen"
    details: PathInJson = "details"
    time: PathInJson = "time"
    shown: PathInJson = "shown"
    boot: PathInJson = "boot"
    note: PathInJson = "note"
    path: str = Field(default="", description="expression for the whole path of an HTTP request, with groups")

    def layout_fields(self, where: str) -> EventFields:
        """Return the fields of a layout. Raises BenchError: ``path`` is no expression."""
        path = BoundedExpression(self.path, f"{where}, fields, path") if self.path else None
        return EventFields(**{**self.model_dump(), "path": path})


class LayoutOptions(_Table):
    """A language of a device's lines: regular expressions, or the fields of JSON."""

    event: str | None = None
    screen: str | None = None
    boot: str | None = None
    note: str | None = None
    fields: FieldsOptions | None = None
    failures: dict[str, str] = Field(default={}, description="expressions found in details, by failure kind")
    time_format: str = ""

    @model_validator(mode="after")
    def _of_one_kind(self) -> LayoutOptions:
        if bool(self.patterns) == (self.fields is not None):
            raise ValueError("a layout has expressions (event, screen, boot, note) or fields, one of the two")
        return self

    @property
    def patterns(self) -> dict[str, str]:
        """The expressions by kind of line."""
        expressions = {"event": self.event, "screen": self.screen, "boot": self.boot, "note": self.note}
        return {kind: text for kind, text in expressions.items() if text is not None}

    def layout(self, name: str) -> Layout:
        """Return the layout. Raises BenchError: an expression, a group or a time format is wrong."""
        failures = self.failures or None
        if self.fields is None:
            return Layout.from_patterns(name, self.patterns, failures=failures, time_format=self.time_format)
        fields = self.fields.layout_fields(f"layout {name}")
        return Layout.from_fields(name, fields, failures=failures, time_format=self.time_format)
