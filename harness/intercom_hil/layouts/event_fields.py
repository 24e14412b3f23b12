"""Where the parts of an event stand in a JSON object, an HTTP request or a row of a table. Pure and total."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from intercom_hil.layouts.bounded_expression import BoundedExpression

REQUEST_PATH = "path:"
"""The key under which an HTTP request has its path, beside what it reports."""
ELEMENT_TEXT = "#text"
"""The key of the text of an XML element that has more than text."""
_DEEPEST = 16  # steps of a path


@dataclass(frozen=True, slots=True)
class EventFields:
    """The paths of what is wanted, as ``text_at`` takes them. Empty: it is not reported.

    An object with a ``name`` is an event, else one with ``shown`` a screen text, with ``boot`` a start-up,
    with ``note`` a remark. ``path`` is matched with the whole path of an HTTP request; what its groups
    ``name``, ``screen``, ``details`` and ``time`` find goes before what the fields find.
    """

    name: str = "event"
    screen: str = "screen"
    details: str = "details"
    time: str = "time"
    shown: str = "shown"
    boot: str = "boot"
    note: str = "note"
    path: BoundedExpression | None = None

    def pick(self, value: object) -> tuple[str, dict[str, str]] | None:
        """Return the kind of what an object reports, with its parts by the names of a layout's groups.

        Raises:
            TooSlowError: the expression ``path`` comes to no end.
        """
        found = self._in_path(value)
        fields = {"name": self.name, "screen": self.screen, "details": self.details, "time": self.time}
        parts = {part: found.get(part) or text_at(value, path) for part, path in fields.items()}
        if parts["name"]:
            return "event", parts
        for kind, path in (("screen", self.shown), ("boot", self.boot), ("note", self.note)):
            text = text_at(value, path)
            if text:
                return kind, {"text": text}
        return None

    def _in_path(self, value: object) -> Mapping[str, str]:
        if self.path is None or not isinstance(value, Mapping):
            return {}
        return self.path.fullmatch(_text(value.get(REQUEST_PATH))) or {}

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of things that can be reported."""
        paths = {"event": self.name or self.path, "screen": self.shown, "boot": self.boot, "note": self.note}
        return frozenset(kind for kind, path in paths.items() if path)


def text_at(value: object, path: str) -> str:
    """Return what stands at a path as text; empty when nothing, or no single value, stands there.

    Args:
        value: a value as JSON has them.
        path: keys and places in lists, joined by dots; or a JSON pointer (RFC 6901), which begins with ``/``.
    """
    if not path:
        return ""
    if isinstance(value, Mapping) and path in value:  # a key may have a dot in it
        return _text(value[path])
    if path.startswith("/"):
        steps = [step.replace("~1", "/").replace("~0", "~") for step in path[1:].split("/")]
    else:
        steps = path.split(".")
    for step in steps[:_DEEPEST]:
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, list) and step.isdecimal() and len(step) < 6 and int(step) < len(value):
            value = value[int(step)]
        else:
            return ""
    return _text(value)


def _text(value: object) -> str:
    if isinstance(value, Mapping):
        value = value.get(ELEMENT_TEXT)
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()  # JSON may hold half a character
    if isinstance(value, bool):
        return "true" if value else ""
    return format(value, "") if isinstance(value, int | float) and abs(value) < 1e300 else ""
