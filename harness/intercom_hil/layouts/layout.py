"""What a line of one kind of device means: the layouts, pure and total.

A layout is data: regular expressions with named groups, or, for lines that are JSON, the names of fields;
so a device of another make needs a table and no code. Control sequences are taken off a line before it is
read. A line that nothing fits is still a ConsoleLine; half a line is no event, and is an UnreadableLine.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from intercom_hil.errors import BenchError
from intercom_hil.layouts.bounded_expression import BoundedExpression, TooSlowError
from intercom_hil.layouts.control_bytes import lines_without_control_bytes, without_control_bytes
from intercom_hil.layouts.event_fields import EventFields
from intercom_hil.layouts.written_time import read_time
from intercom_hil.spec.events import EVENTS, FAILURE_KINDS
from intercom_hil.timeline.observation import (
    ConsoleLine,
    Content,
    DeviceEvent,
    Note,
    ScreenText,
    UnreadableLine,
)

_GROUPS = {"event": {"name"}, "screen": {"text"}, "boot": set[str](), "note": {"text"}}
"""The expressions a layout may have, and the named groups each must have.

``event`` may also have the groups ``screen``, ``details`` and ``time``.
"""

_SOME_TIME = datetime(2001, 2, 3, 4, 5, 6)
_ESCAPED = re.compile(r"\\(?!x[89a-f][0-9a-f])(.)", re.DOTALL)  # not of a byte that was no text
_KERNEL_STAMP = re.compile(r"\[ *\d{1,7}\.\d{6}\]")
"""What Linux begins its messages with; they go out at once, in the middle of whatever a program writes."""
_NO_TEXT = re.compile(r"\\x[89a-f][0-9a-f]|\ufffd")
_DAMAGE = re.compile(rf"{_KERNEL_STAMP.pattern}|{_NO_TEXT.pattern}")
_NOISE = re.compile(r"(?:\\x[89a-f][0-9a-f]|\ufffd)+\s*")
"""Bytes that are no text, at the beginning of a line: a device that is switched on makes some."""
_WORD = re.compile(r"[a-z_]{5,}")
_LONGEST_KEPT = 300  # characters of an unreadable line that go onto the timeline


@dataclass(frozen=True, slots=True)
class Reading:
    """What one line says. ``boot`` means that the device has just started, and is its banner."""

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
    expressions: Mapping[str, BoundedExpression]
    failures: Mapping[str, BoundedExpression] = field(default_factory=dict)
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
        expressions = {kind: BoundedExpression(text, f"{where}, {kind}") for kind, text in patterns.items()}
        for kind, expression in expressions.items():
            for group in sorted(_GROUPS[kind] - expression.groups):
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
        nothing: Mapping[str, BoundedExpression] = MappingProxyType({})
        return cls(name, nothing, _signs(where, failures), _usable(where, time_format), fields)

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of things that it can read: ``event``, ``screen``, ``boot``, ``note``."""
        return self.fields.kinds if self.fields else frozenset(self.expressions)

    def read(self, line: str) -> Reading:
        """Return what a line says: that it was written, unless it shows nothing, and what it means."""
        text = without_control_bytes(line)
        if not text.strip():
            return NOTHING
        meaning = self._meaning(text)
        return Reading((ConsoleLine(text=text), *meaning.contents), meaning.boot)

    def meaning(self, line: str) -> Reading:
        """Return what a line means, and nothing if that is not known."""
        return self._meaning(without_control_bytes(line))

    def meaning_of(self, value: object) -> Reading:
        """Return what a JSON value means, where the layout has fields."""
        try:
            picked = self.fields.pick(value) if self.fields is not None else None
            if picked is None:
                return NOTHING
            return self._reading(
                picked[0], {part: lines_without_control_bytes(text) for part, text in picked[1].items()}
            )
        except TooSlowError as problem:
            return _unreadable(str(value), str(problem))

    def may_begin_event(self, text: str) -> bool:
        """Whether a line that begins with ``text`` may be an event."""
        text = without_control_bytes(text).lstrip()
        if self.fields is not None:
            return text.startswith("{")
        if not text or "event" not in self.expressions:
            return False
        try:
            return self.expressions["event"].may_begin_with(text)
        except TooSlowError:
            return True

    def failure_kind(self, details: str) -> str:
        """Return the kind of failure that an event's details show (EVT-13), or nothing."""
        return next((kind for kind, sign in self.failures.items() if sign.found_in(details)), "")

    def _meaning(self, text: str) -> Reading:
        try:
            for attempt in _attempts(text):
                found = self._matched(attempt)
                if found is not None:
                    damage = _cut_within(*found)
                    return _unreadable(text, damage) if damage else self._reading(*found)
            damage = self._may_hide_event(text)
        except TooSlowError as problem:
            damage = str(problem)
        return _unreadable(text, damage) if damage else NOTHING

    def _matched(self, text: str) -> tuple[str, Mapping[str, str]] | None:
        """Return the kind of a whole line and its parts."""
        if self.fields is not None:
            try:
                picked = self.fields.pick(json.loads(text))
            except (ValueError, RecursionError):
                return None
            return (
                (picked[0], {part: lines_without_control_bytes(value) for part, value in picked[1].items()})
                if picked
                else None
            )
        for kind, expression in self.expressions.items():
            found = expression.fullmatch(text)
            if found is not None:
                return kind, {"text": text, **{group: _unquoted(value) for group, value in found.items()}}
        return None

    def _may_hide_event(self, text: str) -> str:
        """Return what is wrong with a line of no known kind that may be what is left of an event."""
        if self.fields is not None:
            broken = text.lstrip().startswith("{") and not _is_json(text)
            return "a JSON object is damaged" if broken else ""
        damage = _DAMAGE.search(text, 1)
        if damage is not None:
            return "a line was cut" if self.may_begin_event(text[: damage.start()]) else ""
        for word in _WORD.finditer(text):
            if _begins_a_name(word[0]) and self.may_begin_event(text[: word.end()]):
                whole = self.may_begin_event(text)
                return (
                    "a line ends too early"
                    if whole
                    else "a line begins as an event does, and goes on as none"
                )
        return ""

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


def _signs(where: str, failures: Mapping[str, str] | None) -> Mapping[str, BoundedExpression]:
    for kind in sorted((failures or {}).keys() - set(FAILURE_KINDS)):
        raise BenchError(f"there is no failure kind {kind!r}", where, f"use {', '.join(FAILURE_KINDS)}")
    texts = failures or _FAILURES
    return MappingProxyType(
        {kind: BoundedExpression(text, f"{where}, {kind}") for kind, text in texts.items()}
    )


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


def _attempts(text: str) -> list[str]:
    """Return what may be a line of a layout: the line without blanks round it, as it is, without noise."""
    noise = _NOISE.match(text)
    attempts = [text.strip(), text, text[noise.end() :].strip() if noise else ""]
    return [attempt for place, attempt in enumerate(attempts) if attempt and attempt not in attempts[:place]]


def _cut_within(kind: str, parts: Mapping[str, str]) -> str:
    """Return how a line that a layout can read was cut all the same, or nothing."""
    shown = [text for part, text in parts.items() if kind == "screen" or part != "text"]
    if kind in ("event", "screen") and any(_KERNEL_STAMP.search(text) for text in shown):
        return "a line was cut by a kernel message"
    name = parts.get("name", "")
    if kind == "event" and _NO_TEXT.search(name + parts.get("screen", "")):
        return "bytes that are no text, in the name of an event or what it shows"
    alone = kind == "event" and not (parts.get("screen") or parts.get("details"))
    begun = len(name) >= 3 and name not in EVENTS and any(known.startswith(name) for known in EVENTS)
    return "a line ends within the name of an event" if alone and begun else ""


def _begins_a_name(word: str) -> bool:
    """Whether a word is what an event's name begins with, or begins with a whole one."""
    return any(name.startswith(word) or word.startswith(name) for name in EVENTS)


def _unreadable(text: str, reason: str) -> Reading:
    return Reading((UnreadableLine(text=text[:_LONGEST_KEPT], reason=reason),))


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _unquoted(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] == '"':
        return _ESCAPED.sub(r"\1", value[1:-1])
    return value
