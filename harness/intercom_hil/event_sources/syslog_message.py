"""One syslog message: bytes to its parts, whatever came (RFC 5424 §6, RFC 3164 §4).

Total: by RFC 3164 §4.3 anything at all may be a message, so what is not understood is its text. Where a
header has fields that may as well be the beginning of the text, the reader of the text decides.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from intercom_hil.event_sources.text_bytes import text_of
from intercom_hil.layouts.control_bytes import without_control_bytes
from intercom_hil.layouts.written_time import leading_time, read_time

LONGEST_TEXT = 8192  # characters of one message that are handed on
MOST_MESSAGES = 100
"""Messages of one datagram, and lines of one message, that are read."""
_NEXT = re.compile(rb"[\r\n\0]+(?=(?:\d{1,5} )?<\d{1,3}>)")
_COUNT = re.compile(rb"(\d{1,5}) (?=<\d{1,3}>)")
_PRIORITY = re.compile(r"\s*<(\d{1,3})>\s*")
_HIGHEST = 191
_NIL = "-"
_NEW = re.compile(r"\d{1,2} +(\S+) +(\S+) +(\S+) +(\S+) +(\S+)(?: +|\Z)")
_STRUCTURED = re.compile(
    r"(?:-|(?:\[[^\s=\]\"]{1,32}(?: [^\s=\]\"]{1,32}=\"(?:[^\"\\\]]|\\.)*\")*\])+)(?: |\Z)", re.DOTALL
)
_SEQUENCE = re.compile(r"(?:\d{1,10}: +)?[*.]?")
"""What routers put before the time: a sequence number, and that the clock was never set."""
_TAG = re.compile(r"([^\s:\[\]=\"]{1,48})(?:\[[^\]]{0,32}\]: *|:(?: +|\Z))")
_LEVEL = re.compile(
    r"(?:[\[(<]?(?:emerg(?:ency)?|alert|crit(?:ical)?|err(?:or)?|warn(?:ing)?|notice|info|debug|trace)[\])>]?:?"
    r"|<[\w.-]{1,16}>|\[[^\]]{0,200}\])\s*(?=[^\s:])",
    re.IGNORECASE,
)
"""What programs put between the header and what they have to say: a level, a thread, a file's name."""
_GLUED_TAG = re.compile(r"([^\s:\[\]=\"]{1,48}):(?=\S)")
_MOST_WORDS = 3
"""Such words that are passed over."""

Understood = Callable[[str], bool]


def _anything(text: str) -> bool:
    """Take any text for understood: the likeliest reading counts."""
    del text
    return True


def messages_in(datagram: bytes) -> list[bytes]:
    """Return the messages of one datagram: one by RFC 5426 §3.1; some devices send several, even counted."""
    messages: list[bytes] = []
    rest = datagram.strip(b"\r\n\0 ")
    while rest and len(messages) < MOST_MESSAGES:
        count = _COUNT.match(rest)
        if count is not None and count.end() + int(count[1]) <= len(rest):
            end = next_at = count.end() + int(count[1])
        else:
            following = _NEXT.search(rest)
            end, next_at = following.span() if following else (len(rest), len(rest))
        messages.append(rest[count.end() if count else 0 : end])
        rest = rest[next_at:].lstrip(b"\r\n\0 ")
    return [message for message in messages if message]


@dataclass(frozen=True, slots=True)
class SyslogMessage:
    """What a message says of itself, and its text. ``time`` is seconds since the epoch, by the sender."""

    text: str
    facility: int | None = None
    severity: int | None = None
    time: float | None = None
    host: str = ""
    app: str = ""

    @classmethod
    def parse(cls, data: bytes, arrived: float, understood: Understood = _anything) -> SyslogMessage:
        """Read a message.

        Args:
            data: its bytes.
            arrived: when it came (seconds since the epoch): what its time leaves out is taken near that.
            understood: whether a text means something, where it is doubtful what belongs to the text.
        """
        text = " ".join(_lines(data))
        priority = _PRIORITY.match(text)
        facility = severity = None
        body = text
        if priority is not None and int(priority[1]) <= _HIGHEST:
            facility, severity = divmod(int(priority[1]), 8)
            body = text[priority.end() :]
        readings = list(_readings(body, arrived, dated=facility is not None))
        doubtful = (one for reading in readings for one in _without_words(reading))
        best = next((one for one in (*readings, *doubtful) if understood(one.text)), readings[0])
        return replace(best, facility=facility, severity=severity)

    @classmethod
    def all_in(
        cls, datagram: bytes, arrived: float, understood: Understood = _anything
    ) -> list[SyslogMessage]:
        """Read every message of a datagram; the lines of one are messages of their own if they mean more.

        Args:
            datagram: the bytes.
            arrived: when they came (seconds since the epoch).
            understood: whether a text means something.
        """
        messages = []
        for data in messages_in(datagram):
            whole = cls.parse(data, arrived, understood)
            lines = [line.encode("utf-8", "replace") for line in _lines(data)]
            if len(lines) > 1 and not understood(whole.text):
                parts = [cls.parse(line, arrived, understood) for line in lines]
                if any(understood(part.text) for part in parts):
                    messages += [part._after(parts[0]) for part in parts]
                    continue
            messages.append(whole)
        return messages

    def _after(self, first: SyslogMessage) -> SyslogMessage:
        """Return the message with the header of the first line, as far as it has none of its own."""
        if self.facility is not None:
            return self
        time = first.time if self.time is None else self.time
        host, app = self.host or first.host, self.app or first.app
        return SyslogMessage(self.text, first.facility, first.severity, time, host, app)


def _lines(data: bytes) -> list[str]:
    """Return the lines of a message without control bytes, empty ones left out."""
    lines = text_of(data[: 4 * LONGEST_TEXT]).strip("\r\n\0")[:LONGEST_TEXT].split("\n", MOST_MESSAGES)
    return [line for line in map(without_control_bytes, lines) if line.strip()] or [""]


def _readings(body: str, arrived: float, *, dated: bool) -> Iterator[SyslogMessage]:
    """Yield what a message without its priority may be, the likeliest first."""
    new = _NEW.match(body) if dated else None
    if new is not None and (new[1] == _NIL or leading_time(new[1], arrived) is not None):
        yield from _new(body, new, arrived)
    yield from _old(body, arrived, dated=dated)


def _new(body: str, found: re.Match[str], arrived: float) -> Iterator[SyslogMessage]:
    """Yield what RFC 5424 makes of it, and what it is when the last fields of the header are left out."""
    time = None if found[1] == _NIL else read_time(found[1], near=arrived)
    host, app = _named(found[2]), _named(found[3])
    rest = body[found.end() :]
    structured = _STRUCTURED.match(rest)
    if structured is not None:
        yield SyslogMessage(rest[structured.end() :], time=time, host=host, app=app)
    yield SyslogMessage(rest, time=time, host=host, app=app)
    for field in (5, 4, 3):
        yield SyslogMessage(body[found.start(field) :], time=time, host=host, app=app)


def _old(body: str, arrived: float, *, dated: bool) -> Iterator[SyslogMessage]:
    """Yield what RFC 3164 makes of it, leaving out what is not there."""
    time, host, rest = _header_time(body, arrived)
    tag = _TAG.match(rest) if dated or time is not None else None
    named = rest.partition(" ")
    if tag is not None:
        yield SyslogMessage(rest[tag.end() :], time=time, host=host, app=tag[1])
    elif time is not None and (tag := _TAG.match(named[2])) is not None:
        yield SyslogMessage(named[2][tag.end() :], time=time, host=named[0], app=tag[1])
    yield SyslogMessage(rest, time=time, host=host)
    if time is not None and named[2]:
        second = named[2].partition(" ")
        yield SyslogMessage(named[2], time=time, host=named[0])
        yield SyslogMessage(second[2], time=time, host=named[0], app=second[0])
    before, _, after = rest.partition(":")
    if after and " " not in before:
        yield SyslogMessage(after.lstrip(), time=time, host=host, app=before)
    yield SyslogMessage(body, time=time)


def _without_words(reading: SyslogMessage) -> Iterator[SyslogMessage]:
    """Yield a message without what may stand between its header and its text."""
    for _ in range(_MOST_WORDS):
        word = _LEVEL.match(reading.text)
        tag = None if word or reading.app else _GLUED_TAG.match(reading.text)
        found = word or tag
        if found is None:
            return
        reading = replace(reading, text=reading.text[found.end() :], app=tag[1] if tag else reading.app)
        yield reading


def _header_time(body: str, arrived: float) -> tuple[float | None, str, str]:
    """Return the time of a header, the host where one stands before it, and what follows."""
    numbered = _SEQUENCE.match(body)
    host, _, later = body[numbered.end() if numbered else 0 :].partition(" ")
    for before, text in (("", body), (host.rstrip(":"), later.removeprefix(": "))):
        begin = _SEQUENCE.match(text)
        assert begin is not None
        found = leading_time(text[begin.end() :], arrived)
        if found is not None:
            return found[0], before, text[begin.end() + found[1] :]
    return None, "", body


def _named(field: str) -> str:
    return "" if field == _NIL else field
