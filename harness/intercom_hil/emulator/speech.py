"""The languages that the device's log can be written in: an entry and its time in, one line of text out."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType

from intercom_hil.emulator.vocabulary import Show, WriteEvent, WriteLine

Entry = WriteEvent | Show | WriteLine
Speech = Callable[[float, Entry], str]
"""Takes the time of an entry (seconds since the epoch) and the entry, and gives a line without its end."""

_PLAIN = re.compile(r"[A-Za-z0-9_.:/@+-]+")
_ALWAYS_QUOTED = frozenset({"screen", "details", "text", "reason"})
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def iso(at: float) -> str:
    """Return a time as ISO 8601 in UTC, to the microsecond."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def clean(text: str) -> str:
    """Return a text in one line: what controls terminals is shown by its number."""
    return _CONTROL.sub(lambda found: f"?{ord(found[0]):02x}?", text)


def words_and_fields(words: str, fields: Iterable[tuple[str, str]]) -> str:
    """Return words and fields as ``words name=value``; values that are no plain word are quoted."""
    return " ".join([words, *(f"{name}={_value(name, value)}" for name, value in fields)])


def untimed(entry: Entry) -> str:
    """Return an entry without its time, for ways that date it themselves."""
    match entry:
        case WriteEvent():
            fields = (("name", entry.name), ("screen", entry.screen_name), ("details", entry.details))
            return words_and_fields("event", fields)
        case Show():
            return words_and_fields("screen", (("text", entry.text),))
        case WriteLine():
            return words_and_fields(entry.words, entry.fields)


def as_object(at: float, entry: Entry) -> dict[str, str]:
    """Return an entry as the fields of a JSON object."""
    fields = {"time": iso(at)}
    match entry:
        case WriteEvent():
            return fields | {"event": entry.name, "screen": entry.screen_name, "details": entry.details}
        case Show():
            return fields | {"shown": entry.text}
        case WriteLine():
            return fields | {"boot" if entry.words == "boot" else "note": untimed(entry)}


def _keyed(at: float, entry: Entry) -> str:
    return f"{iso(at)} {untimed(entry)}"


def _bracketed(at: float, entry: Entry) -> str:
    before = f"[{iso(at).removesuffix('Z').replace('T', ' ')}] <info>"
    match entry:
        case WriteEvent():
            return f"{before} event: {entry.name} ({entry.screen_name}) {clean(entry.details)}".rstrip()
        case Show():
            return f"{before} screen: {clean(entry.text)}"
        case WriteLine():
            subject, _, rest = untimed(entry).partition(" ")
            return f"{before} {subject}: {rest}"


def _labelled(at: float, entry: Entry) -> str:
    match entry:
        case WriteEvent():
            labels = {"Event": entry.name, "Screen": entry.screen_name, "Details": clean(entry.details)}
        case Show():
            labels = {"Shown": clean(entry.text)}
        case WriteLine():
            labels = {"Boot" if entry.words == "boot" else "Note": untimed(entry)}
    return "; ".join(f"{label}: {text}" for label, text in {"Time": iso(at), **labels}.items())


def _json_lines(at: float, entry: Entry) -> str:
    return json.dumps(as_object(at, entry))


def _value(name: str, value: str) -> str:
    text = clean(value)
    if name not in _ALWAYS_QUOTED and _PLAIN.fullmatch(text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


KEYED: Speech = _keyed
SPEECHES: Mapping[str, Speech] = MappingProxyType(
    {"keyed": _keyed, "bracketed": _bracketed, "labelled": _labelled, "json-lines": _json_lines}
)
"""The languages by the names that bench files give them."""
