"""What could not be read and may have been what a rule asks for: messages of a party, lines of the device."""

from __future__ import annotations

from intercom_hil.timeline import Observation, Pattern, Timeline, Witness
from intercom_hil.timeline.observation import ConsoleLine, MalformedSip, UnreadableLine

_IN_LINES = frozenset({"event", "screen"})
_LONGEST_WORD = 14
"""Bytes of the longest keep-alive of a maker's own: no start line of SIP is as short as that."""


def in_lines(pattern: Pattern) -> bool:
    """Whether a pattern asks for what the device writes in its lines: its events, or what it shows."""
    return pattern.kind in _IN_LINES


def unread(timeline: Timeline, pattern: Pattern, after: float, until: float) -> list[Observation]:
    """Return what could not be read between two times (epoch seconds) and may be what a pattern asks for.

    Of messages those are the bytes of the parties that it names. Where only a session description was
    unreadable, its message was read: it counts for patterns that ask about the session. Of lines they are
    those in which an event may be hidden; a screen text may be in any of the console's.
    """
    if in_lines(pattern):
        return _lines(timeline, pattern, after, until)
    if pattern.kind != "sip":
        return []
    parties = [(name, pattern.fields[name]) for name in ("sender", "receiver") if name in pattern.fields]
    return [
        o
        for o in timeline
        if isinstance(o.content, MalformedSip)
        and after <= o.time <= until
        and pattern.witness in (None, o.witness)
        and (o.content.is_whole or "media" in pattern.fields)
        and all(condition.holds(getattr(o.content, name)) for name, condition in parties)
    ]


def keep_alives(timeline: Timeline) -> frozenset[str]:
    """Return, in hexadecimal, the words by which two parties keep their way open: neither takes them for SIP.

    Such a word has no line end, and goes both ways, or one way again and again. It is no message that departs
    from the grammar.
    """
    went: dict[str, list[tuple[str, str]]] = {}
    for observation in timeline:
        content = observation.content
        if not isinstance(content, MalformedSip) or len(content.raw_hex) > 2 * _LONGEST_WORD:
            continue
        if not set(b"\r\n") & set(bytes.fromhex(content.raw_hex)):
            went.setdefault(content.raw_hex, []).append((content.source, content.destination))
    return frozenset(
        word for word, ways in went.items() if any((b, a) in ways or ways.count((a, b)) > 1 for a, b in ways)
    )


def unread_messages(timeline: Timeline, receiver: str, until: float) -> list[Observation]:
    """Return the bytes to a party, until a time (epoch seconds), in which a message may be hidden."""
    keep = keep_alives(timeline)
    return [
        o
        for o in timeline
        if isinstance(o.content, MalformedSip)
        and o.content.is_whole
        and o.content.receiver == receiver
        and o.content.raw_hex not in keep
        and o.time <= until
    ]


def unread_events(timeline: Timeline, until: float) -> list[Observation]:
    """Return the lines until a time (epoch seconds) in which an event of the judged log may be hidden."""
    return _lines(timeline, Pattern(kind="event", text="event"), float("-inf"), until)


def _lines(timeline: Timeline, pattern: Pattern, after: float, until: float) -> list[Observation]:
    return [
        o
        for o in timeline
        if isinstance(o.content, UnreadableLine)
        and pattern.witness in (None, o.witness)
        and (o.content.may_hold_event or (pattern.kind == "screen" and o.witness is Witness.CONSOLE))
        and o.time <= until
        and after <= _end(timeline, o, o.content)
    ]


def _end(timeline: Timeline, observation: Observation, line: UnreadableLine) -> float:
    """Return when a line was over (epoch seconds): one without an end goes on until the next begins."""
    if line.ended:
        return observation.time
    further = (
        o.time
        for o in timeline
        if o.witness is observation.witness
        and o.seq > observation.seq
        and isinstance(o.content, ConsoleLine | UnreadableLine)
    )
    return next(further, float("inf"))
