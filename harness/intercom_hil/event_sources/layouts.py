"""The layouts that come along: what the emulated intercom can speak, and a start for devices of other makes.

A name comes in, a layout goes out. A bench file adds its own in ``[layouts.NAME]``.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from intercom_hil.errors import BenchError
from intercom_hil.event_sources.console_layout import Layout
from intercom_hil.event_sources.event_fields import EventFields

_VALUE = r'(?:"(?:[^"\\]|\\.)*"|[^\s"]+)'
_MORE = rf"(?: \w+={_VALUE})*"
_TIME = r"(?P<time>[0-9][0-9T:.+Z-]*)"
_EVENT = (
    rf"event name=(?P<name>{_VALUE})"
    rf"(?: screen=(?P<screen>{_VALUE}))?(?: details=(?P<details>{_VALUE}))?{_MORE}"
)

KEYED = Layout.from_patterns(
    "keyed",
    {
        "event": rf"{_TIME} {_EVENT}",
        "screen": rf"{_TIME} screen text=(?P<text>{_VALUE}){_MORE}",
        "boot": rf"{_TIME} boot{_MORE}",
        "note": rf"{_TIME} (?P<text>(?:sip|config) \w+{_MORE})",
    },
)
"""``<ISO time> <subject> key=value …``: what the emulated intercom writes. Values with blanks are quoted."""

KEYED_MESSAGE = Layout.from_patterns(
    "keyed-message",
    {
        "event": _EVENT,
        "screen": rf"screen text=(?P<text>{_VALUE}){_MORE}",
        "boot": rf"boot{_MORE}",
        "note": rf"(?P<text>(?:sip|config) \w+{_MORE})",
    },
)
"""``keyed`` without the time: for syslog, whose header has it."""

_BRACKETS = r"\[(?P<time>[0-9][0-9 T:.+Z-]*)\] <\w+>"
BRACKETED = Layout.from_patterns(
    "bracketed",
    {
        "event": rf"{_BRACKETS} event: (?P<name>\S+) \((?P<screen>[^()]*)\)(?: (?P<details>.*))?",
        "screen": rf"{_BRACKETS} screen: (?P<text>.*)",
        "boot": rf"{_BRACKETS} boot: .*",
        "note": rf"{_BRACKETS} (?P<text>(?:sip|config): .*)",
    },
)
"""``[2026-11-22 20:41:03.123] <info> event: NAME (SCREEN) DETAILS``: a program's log file, as many look."""

LABELLED = Layout.from_patterns(
    "labelled",
    {
        "event": r"Time: (?P<time>[^;]*); Event: (?P<name>[^;]*)"
        r"(?:; Screen: (?P<screen>[^;]*))?(?:; Details: (?P<details>.*))?",
        "screen": r"Time: (?P<time>[^;]*); Shown: (?P<text>.*)",
        "boot": r"Time: (?P<time>[^;]*); Boot: .*",
        "note": r"Time: (?P<time>[^;]*); Note: (?P<text>.*)",
    },
)
"""``Time: …; Event: …; Screen: …; Details: …``: ``key: value``, what comes last may hold anything."""

JSON_LINES = Layout.from_fields("json-lines", EventFields())
"""A JSON object a line: ``time`` and ``event``, ``screen``, ``details``; or ``shown``, ``boot``, ``note``."""

LAYOUTS: Mapping[str, Layout] = MappingProxyType(
    {layout.name: layout for layout in (KEYED, KEYED_MESSAGE, BRACKETED, LABELLED, JSON_LINES)}
)
"""The layouts that every bench file can name."""


def layout_named(name: str, own: Mapping[str, Layout] = MappingProxyType({})) -> Layout:
    """Return a layout by its name, one of a bench file's ``own`` or one of those that come along.

    Raises:
        BenchError: there is none; those there are are named.
    """
    known = {**LAYOUTS, **own}
    if name not in known:
        raise BenchError(f"there is no layout {name!r}", remedy=f"use one of: {', '.join(known)}")
    return known[name]
