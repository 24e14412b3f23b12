"""What a line of one kind of device says: a line in, typed contents out; pure and total.

A layout is data: regular expressions with named groups, or, for lines that are JSON, the names of fields;
so a device of another make needs a table and no code. A line that nothing fits is still a ConsoleLine;
nothing is ever guessed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from intercom_hil.errors import BenchError
from intercom_hil.event_sources.event_fields import EventFields, read_time
from intercom_hil.spec.events import FAILURE_KINDS
from intercom_hil.timeline.observation import ConsoleLine, Content, DeviceEvent, Note, ScreenText

_GROUPS = {"event": {"name"}, "screen": {"text"}, "boot": set[str](), "note": {"text"}}
"""The expressions a layout may have, and the named groups each must have.

``event`` may also have the groups ``screen``, ``details`` and ``time``.
"""

_SOME_TIME = datetime(2001, 2, 3, 4, 5, 6)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Reading:
    """What one line says. ``boot`` tells that the device has just started, and is its banner."""

    contents: tuple[Content, ...]
    boot: str | None = None


@dataclass(frozen=True)
class Layout:
    r"""The language of one kind of device.

    Attributes:
        name: what bench files call it.
        expressions: an expression per kind of line (``event``, ``screen``, ``boot``, ``note``); each has to
            match a whole line. A value that a group finds in double quotes is unquoted, ``\`` escapes.
        failures: an expression per kind of failure (EVT-13), searched for in an event's details; the
            first that is found names the kind.
        time_format: of the group ``time``, for ``datetime.strptime``; when empty, ISO 8601 or seconds
            since the epoch. UTC unless it says otherwise.
        fields: where things stand in lines that are JSON objects; there are no expressions then.
    """

    name: str
    expressions: Mapping[str, re.Pattern[str]]
    failures: Mapping[str, re.Pattern[str]] = field(default_factory=dict)
    time_format: str = ""
    fields: EventFields | None = None

    @classmethod
    def from_patterns(
        cls,
        name: str,
        patterns: Mapping[str, str],
        *,
        failures: Mapping[str, str] | None = None,
        time_format: str = "",
    ) -> Layout:
        """Make a layout of expressions given as text, as a bench file has them.

        Raises:
            BenchError: an expression that is none, of an unknown kind, or without a group it needs.
        """
        where = f"layout {name}"
        for kind in sorted(patterns.keys() - _GROUPS.keys()):
            raise BenchError(f"there are no lines of kind {kind!r}", where, f"use {', '.join(_GROUPS)}")
        expressions = {kind: _compiled(text, f"{where}, {kind}") for kind, text in patterns.items()}
        for kind, expression in expressions.items():
            for group in sorted(_GROUPS[kind] - expression.groupindex.keys()):
                raise BenchError(
                    f"the group {group!r} is missing", f"{where}, {kind}", f"write (?P<{group}>…)"
                )
        return cls(name, MappingProxyType(expressions), _signs(where, failures), _usable(where, time_format))

    @classmethod
    def from_fields(
        cls,
        name: str,
        fields: EventFields,
        *,
        failures: Mapping[str, str] | None = None,
        time_format: str = "",
    ) -> Layout:
        """Make a layout for lines that are JSON objects. Raises BenchError as ``from_patterns`` does."""
        where = f"layout {name}"
        nothing: Mapping[str, re.Pattern[str]] = MappingProxyType({})
        return cls(name, nothing, _signs(where, failures), _usable(where, time_format), fields)

    @property
    def tells(self) -> frozenset[str]:
        """The kinds of things that it can tell: ``event``, ``screen``, ``boot``, ``note``."""
        return self.fields.kinds if self.fields else frozenset(self.expressions)

    def read(self, line: str) -> Reading:
        """Return what a line says: always that it was written, and what it means if that is known."""
        meaning = self.meaning(line)
        return Reading((ConsoleLine(text=line), *meaning.contents), meaning.boot)

    def meaning(self, line: str) -> Reading:
        """Return what a line means, and nothing if that is not known."""
        if self.fields is not None:
            try:
                return self.meaning_of(json.loads(line))
            except (ValueError, RecursionError):
                return NOTHING
        for kind, expression in self.expressions.items():
            match = expression.fullmatch(line)
            if match is not None:
                found = {group: _unquoted(value) for group, value in match.groupdict("").items()}
                return self._reading(kind, {"text": line, **found})
        return NOTHING

    def meaning_of(self, value: object) -> Reading:
        """Return what a JSON value means, where the layout has fields."""
        picked = self.fields.pick(value) if self.fields is not None else None
        return self._reading(*picked) if picked else NOTHING

    def failure_kind(self, details: str) -> str:
        """Return the kind of failure that an event's details tell (EVT-13), or nothing."""
        return next((kind for kind, sign in self.failures.items() if sign.search(details)), "")

    def _reading(self, kind: str, found: Mapping[str, str]) -> Reading:
        if kind == "boot":
            return Reading((), boot=found["text"])
        if kind == "screen":
            return Reading((ScreenText(text=found["text"]),))
        if kind == "note":
            return Reading((Note(text=found["text"]),))
        details = found.get("details", "")
        event = DeviceEvent(
            name=found["name"],
            screen_name=found.get("screen", ""),
            details=details,
            failure=self.failure_kind(details),
            device_time=read_time(found.get("time", ""), self.time_format),
        )
        return Reading((event,))


NOTHING = Reading(())
"""What a line says that is not understood."""
_FAILURES = {kind: rf"(?i)\A\s*{kind}\b" for kind in FAILURE_KINDS}


def _signs(where: str, failures: Mapping[str, str] | None) -> Mapping[str, re.Pattern[str]]:
    for kind in sorted((failures or {}).keys() - set(FAILURE_KINDS)):
        raise BenchError(f"there is no failure kind {kind!r}", where, f"use {', '.join(FAILURE_KINDS)}")
    texts = failures or _FAILURES
    return MappingProxyType({kind: _compiled(text, f"{where}, {kind}") for kind, text in texts.items()})


def _usable(where: str, time_format: str) -> str:
    try:
        if time_format:
            datetime.strptime(_SOME_TIME.strftime(time_format), time_format)
    except (ValueError, re.error) as problem:
        remedy = "write it as for Python's datetime.strptime, such as %Y-%m-%d %H:%M:%S"
        raise BenchError(
            f"{time_format!r} is no time format ({problem})", f"{where}, time_format", remedy
        ) from None
    return time_format


def _compiled(text: str, where: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as problem:
        raise BenchError(f"{text!r} is no regular expression: {problem}", where, "correct it") from problem


def _unquoted(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] == '"':
        return _ESCAPED.sub(r"\1", value[1:-1])
    return value
