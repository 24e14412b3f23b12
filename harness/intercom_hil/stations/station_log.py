"""A station's live log line, ``EV WORD key=value ...``, taken apart.

The scenario templates write them. Any other line, a peer's bytes included, is no event and gives None.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_TO_THE_END = ("from", "reason")
"""Keys whose values may contain blanks; each stands last in its line."""


@dataclass(frozen=True)
class LogEvent:
    """One line.

    Attributes:
        word: what happened: INVITE, RINGING, REFUSED, CANCELLED, ESTABLISHED, RENEGOTIATED, HANGING-UP and
            ENDED; of a caller CALLING, PROGRESS, CHALLENGED and CANCELLING too.
        fields: ``callid`` always; ``how`` of ENDED is refused, cancelled, gave-up, ignored, peer or us.
    """

    word: str
    fields: Mapping[str, str]

    @classmethod
    def parse(cls, text: str) -> LogEvent | None:
        """Return the line's meaning, or None if it has none."""
        head, _, rest = text.partition(" ")
        word, _, rest = rest.partition(" ")
        if head != "EV" or not word:
            return None
        fields: dict[str, str] = {}
        while rest:
            key, equals, rest = rest.partition("=")
            if not equals:
                return None
            value, rest = (rest, "") if key in _TO_THE_END else _split(rest)
            fields[key] = value
        return cls(word, fields)

    @property
    def call_id(self) -> str:
        """The Call-ID (RFC 3261 §8.1.1.4) of the call it is about."""
        return self.fields.get("callid", "")

    @property
    def opens_call(self) -> bool:
        """Whether a call begins with it."""
        return self.word in ("INVITE", "CALLING")

    @property
    def ends_call(self) -> bool:
        """Whether the station has nothing more to do with the call."""
        return self.word == "ENDED"


def said_by(messages: Path) -> Path:
    """Return the file with a station's own lines and their times, which lies beside that of its messages."""
    return messages.with_name(f"{messages.name.partition('.')[0]}.said.log")


def _split(text: str) -> tuple[str, str]:
    value, _, rest = text.partition(" ")
    return value, rest
