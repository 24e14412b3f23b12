"""The layouts that come along: what the emulated intercom can speak, and a start for devices of other makes.

Other distributions add theirs as entry points, a bench file its own in ``[layouts.NAME]``.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping, MutableMapping
from typing import cast

from intercom_hil import extensions
from intercom_hil.extensions import Registry
from intercom_hil.layouts.event_fields import EventFields
from intercom_hil.layouts.layout import Layout

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
        r"(?:; Screen: (?P<screen>[^;]*))?(?:; Details: ?(?P<details>.*))?",
        "screen": r"Time: (?P<time>[^;]*); Shown: (?P<text>.*)",
        "boot": r"Time: (?P<time>[^;]*); Boot: .*",
        "note": r"Time: (?P<time>[^;]*); Note: (?P<text>.*)",
    },
)
"""``Time: …; Event: …; Screen: …; Details: …``: ``key: value``, what comes last may hold anything."""

JSON_LINES = Layout.from_fields("json-lines", EventFields())
"""A JSON object a line: ``time`` and ``event``, ``screen``, ``details``; or ``shown``, ``boot``, ``note``."""


def _layout(loaded: object) -> Layout:
    if not isinstance(loaded, Layout):
        raise TypeError("it is no Layout")
    return loaded


LAYOUTS: Registry[Layout] = Registry(extensions.LAYOUTS, _layout)
"""The layouts that every bench file can name: ours, and those of other distributions."""


def with_own(own: Mapping[str, Layout]) -> Mapping[str, Layout]:
    """Return the layouts that a bench file with ``own`` ones can name; none is loaded before it is."""
    return ChainMap(dict(own), cast(MutableMapping[str, Layout], LAYOUTS))  # it writes to the first alone
