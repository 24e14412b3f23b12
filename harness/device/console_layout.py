"""What a console line of one kind of device says: a line in, typed contents out; pure and total.

A layout is data: regular expressions with named groups, so that a device of another make needs a table and
no code. A line that no expression matches whole is still a ConsoleLine; nothing is ever guessed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType

from harness.spec.events import FAILURE_KINDS
from harness.timeline.errors import BenchError
from harness.timeline.observation import ConsoleLine, Content, DeviceEvent, Note, ScreenText

_GROUPS = {"event": {"name"}, "screen": {"text"}, "boot": set[str](), "note": {"text"}}
"""The expressions a layout may have, and the named groups each must have.

``event`` may also have the groups ``screen``, ``details`` and ``time``.
"""

_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Reading:
    """What one line says. ``boot`` tells that the device has just started, and is its banner."""

    contents: tuple[Content, ...]
    boot: str | None = None


@dataclass(frozen=True)
class Layout:
    r"""The console language of one kind of device.

    Attributes:
        name: what bench files call it.
        expressions: an expression per kind of line (``event``, ``screen``, ``boot``, ``note``); each has to
            match a whole line. A value that a group finds in double quotes is unquoted, ``\`` escapes.
        failures: an expression per kind of failure (EVT-13), searched for in an event's details; the
            first that is found names the kind.
        time_format: of the group ``time``, for ``datetime.strptime``; ISO 8601 when empty. UTC unless
            it says otherwise.
    """

    name: str
    expressions: Mapping[str, re.Pattern[str]]
    failures: Mapping[str, re.Pattern[str]] = field(default_factory=dict)
    time_format: str = ""

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
        where = f"console layout {name}"
        for kind in patterns.keys() - _GROUPS.keys():
            raise BenchError(f"there are no lines of kind {kind!r}", where, f"use {', '.join(_GROUPS)}")
        for kind in (failures or {}).keys() - set(FAILURE_KINDS):
            raise BenchError(f"there is no failure kind {kind!r}", where, f"use {', '.join(FAILURE_KINDS)}")
        expressions = {kind: _compiled(text, f"{where}, {kind}") for kind, text in patterns.items()}
        for kind, expression in expressions.items():
            for group in sorted(_GROUPS[kind] - expression.groupindex.keys()):
                raise BenchError(
                    f"the group {group!r} is missing", f"{where}, {kind}", f"write (?P<{group}>…)"
                )
        return cls(
            name,
            MappingProxyType(expressions),
            MappingProxyType(
                {kind: _compiled(text, f"{where}, {kind}") for kind, text in (failures or _FAILURES).items()}
            ),
            time_format,
        )

    def read(self, line: str) -> Reading:
        """Return what a line says: always that it was written, and what it means if that is known."""
        written = ConsoleLine(text=line)
        for kind, expression in self.expressions.items():
            match = expression.fullmatch(line)
            if match is None:
                continue
            found = {group: _unquoted(value) for group, value in match.groupdict("").items()}
            if kind == "boot":
                return Reading((written,), boot=line)
            return Reading((written, self._meaning(kind, found)))
        return Reading((written,))

    def failure_kind(self, details: str) -> str:
        """Return the kind of failure that an event's details tell (EVT-13), or nothing."""
        return next((kind for kind, sign in self.failures.items() if sign.search(details)), "")

    def _meaning(self, kind: str, found: Mapping[str, str]) -> Content:
        if kind == "screen":
            return ScreenText(text=found["text"])
        if kind == "note":
            return Note(text=found["text"])
        details = found.get("details", "")
        return DeviceEvent(
            name=found["name"],
            screen_name=found.get("screen", ""),
            details=details,
            failure=self.failure_kind(details),
            device_time=self._time(found.get("time", "")),
        )

    def _time(self, text: str) -> float | None:
        try:
            time = (
                datetime.strptime(text, self.time_format)
                if self.time_format
                else datetime.fromisoformat(text)
            )
        except ValueError:
            return None
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()


def _compiled(text: str, where: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as problem:
        raise BenchError(f"{text!r} is no regular expression: {problem}", where, "correct it") from problem


def _unquoted(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] == '"':
        return _ESCAPED.sub(r"\1", value[1:-1])
    return value


_FAILURES = {kind: rf"(?i)\A\s*{kind}\b" for kind in FAILURE_KINDS}
_VALUE = r'(?:"(?:[^"\\]|\\.)*"|[^\s"]+)'
_MORE = rf"(?: \w+={_VALUE})*"
_TIME = r"(?P<time>[0-9][0-9T:.+Z-]*)"

KEYED = Layout.from_patterns(
    "keyed",
    {
        "event": rf"{_TIME} event name=(?P<name>{_VALUE})(?: screen=(?P<screen>{_VALUE}))?"
        rf"(?: details=(?P<details>{_VALUE}))?{_MORE}",
        "screen": rf"{_TIME} screen text=(?P<text>{_VALUE}){_MORE}",
        "boot": rf"{_TIME} boot{_MORE}",
        "note": rf"{_TIME} (?P<text>(?:sip|config) \w+{_MORE})",
    },
)
"""``<ISO time> <subject> key=value …``: what the emulated intercom writes. Values with blanks are quoted."""

LAYOUTS: Mapping[str, Layout] = MappingProxyType({KEYED.name: KEYED})
"""The layouts that bench files can name."""


def layout_named(name: str) -> Layout:
    """Return a layout by its name. Raises BenchError naming those there are."""
    try:
        return LAYOUTS[name]
    except KeyError:
        raise BenchError(
            f"there is no console layout {name!r}", remedy=f"use one of: {', '.join(LAYOUTS)}"
        ) from None
