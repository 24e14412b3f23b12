"""What a device says in one HTTP request, whatever the form: values in which a layout's fields are found.

A body is JSON (one value, an array, one value a line), XML, a form (RFC 1866 §8.2.1) or multipart (RFC 7578):
by its bytes, since devices declare any content type or none. Path and query stand beside each event of the
body, or are an event themselves. Total.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from urllib.parse import parse_qsl, unquote

from intercom_hil.event_sources.text_bytes import text_of
from intercom_hil.event_sources.xml_value import xml_value
from intercom_hil.layouts.event_fields import REQUEST_PATH

MOST_EVENTS = 1_000
"""Events of one request that are read."""
MOST_FIELDS = 200
"""Fields of a query, a form or a multipart body that are read."""
_SPACE = b" \t\r\n\0"
_BETWEEN = re.compile(r"[\s,\x1e]*")  # RFC 7464 has 1e before each value
_BOUNDARY = re.compile(r'boundary="?([^";,\s]{1,200})', re.IGNORECASE)
_NAME = re.compile(r'[;\s]name="?([^";\r\n]*)', re.IGNORECASE)


def events_in(body: object, path: str = "", *, most: int = MOST_EVENTS) -> list[object] | None:
    """Return the events that a body reports, None when it has no such thing.

    Args:
        body: the value.
        path: the dotted path of the event or list of events; empty: the body itself.
        most: how many are read.
    """
    for step in path.split(".") if path else ():
        body = body.get(step) if isinstance(body, Mapping) else None
    if isinstance(body, Mapping):
        return [body]
    return body[:most] if isinstance(body, list) else None


def events_of(
    path: str, query: str, content_type: str, body: bytes, events_at: str = ""
) -> tuple[list[object], str]:
    """Return the events of a request, and what is wrong with its body, or nothing.

    Args:
        path: the path of its target, percent-encoded.
        query: the query of its target.
        content_type: what it declares its body to be.
        body: its body.
        events_at: the dotted path of the list of events in the body.

    Returns:
        Each event that is a mapping has the segments of the path as ``path:1``, ``path:2`` and so on, and the
        parameters of the query as ``query:NAME``, and by their names where it has nothing else there.
    """
    beside = _beside(path, query)
    problem = ""
    found: list[object] = []
    if body.strip(_SPACE):
        try:
            for document in _documents(content_type, body):
                events = events_in(document, events_at)
                if events is None:
                    raise ValueError("there are no events in it")
                found += events
        except (ValueError, RecursionError) as reason:
            problem = str(reason)[:200]
            found += [None] if found else []  # what could be read before it counts, and is not all
    merged = [{**beside, **event} if isinstance(event, Mapping) else event for event in found[:MOST_EVENTS]]
    return merged or [beside], problem


def _beside(path: str, query: str) -> dict[str, object]:
    decoded = unquote(path, errors="backslashreplace")
    segments = [segment for segment in decoded.split("/") if segment][:MOST_FIELDS]
    parameters = _form(query)
    return {
        **parameters,
        **{f"query:{name}": value for name, value in parameters.items()},
        **{f"path:{place}": segment for place, segment in enumerate(segments, start=1)},
        REQUEST_PATH: decoded,
    }


def _documents(content_type: str, body: bytes) -> Iterator[object]:
    """Yield the values of a body. Raises ValueError or RecursionError where there are none, or no more."""
    text = text_of(body).strip("\ufeff \t\r\n\0\x1e")
    boundary = _boundary(content_type, text)
    if boundary:
        yield _fields_of(dict(_parts(text, boundary)))
    elif text.startswith("<"):
        root = xml_value(body)
        (inside,) = root.values()
        yield {**root, **(inside if isinstance(inside, Mapping) else {})}
    elif text[:1] in ("{", "[") or not ("=" in text or "urlencoded" in content_type.lower()):
        yield from _json_values(text)
    else:
        yield _fields_of(_form(text))


def _json_values(text: str) -> Iterator[object]:
    decoder = json.JSONDecoder()
    at = 0
    while at < len(text):
        try:
            value, at = decoder.raw_decode(text, at)
        except ValueError as problem:
            raise ValueError(f"it is no JSON: {problem}") from None
        yield value
        between = _BETWEEN.match(text, at)
        at = between.end() if between else at


def _form(text: str) -> dict[str, object]:
    """Return a form, or a query. Of fields of one name the first counts."""
    fields: dict[str, object] = {}
    for field in text.split("&", MOST_FIELDS)[:MOST_FIELDS]:
        for name, value in parse_qsl(field.strip(), keep_blank_values=True, errors="backslashreplace"):
            fields.setdefault(name, value)
    return fields


def _fields_of(form: dict[str, object]) -> dict[str, object]:
    """Return a form in which what is JSON is its value; what an object in it has is had by the form, too."""
    objects = {}
    for name, text in form.items():
        if isinstance(text, str) and text.lstrip()[:1] in ("{", "["):
            try:
                objects[name] = json.loads(text)
            except (ValueError, RecursionError):
                continue
    inside = [value for value in objects.values() if isinstance(value, Mapping)]
    dotted = {
        f"{name}.{key}": v for name, o in objects.items() if isinstance(o, Mapping) for key, v in o.items()
    }
    return {**form, **objects, **dotted, **(inside[0] if len(inside) == 1 else {})}


def _boundary(content_type: str, text: str) -> str:
    declared = _BOUNDARY.search(content_type) if content_type.lower().startswith("multipart/") else None
    if declared is not None:
        return declared[1]
    first = text.partition("\n")[0].strip()
    return first[2:] if first.startswith("--") and "content-disposition" in text.lower() else ""


def _parts(text: str, boundary: str) -> Iterator[tuple[str, str]]:
    for part in text.split(f"--{boundary}", MOST_FIELDS)[1:]:
        head, end, value = part.replace("\r\n", "\n").lstrip("\n").partition("\n\n")
        name = _NAME.search(head)
        if end and name is not None:
            yield name[1], value.removesuffix("\n")
