"""The events in the body of a request: a JSON value in, the events in their order out. Pure and total."""

from __future__ import annotations

from collections.abc import Mapping

MOST_EVENTS = 1_000
"""Events of one request that are read."""


def events_in(body: object, path: str = "", *, most: int = MOST_EVENTS) -> list[object] | None:
    """Return the events that a body tells, None when it has no such thing.

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
