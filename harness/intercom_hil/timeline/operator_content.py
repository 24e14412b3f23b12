"""What the timeline keeps of the person at the bench: questions, how they ended, and what was heard.

None of it holds what the person was to type in: passwords may be in that.
"""

from __future__ import annotations

from typing import Literal

from intercom_hil.timeline.content import BaseContent


class OperatorAsked(BaseContent):
    """A person was asked. ``about`` is the kind of question, ``ways`` where it could be answered."""

    kind: Literal["asked"] = "asked"
    number: int
    about: str
    text: str
    ways: tuple[str, ...]

    def __str__(self) -> str:
        return f"operator asked: {self.text}"


class OperatorAnswered(BaseContent):
    """A question has ended. ``way`` is empty if nobody answered; ``waited`` is how long it stood, in s.

    ``by`` is who answered, ``choice`` and ``text`` what, ``expected`` what would have been right where there
    is such a thing, ``attachments`` the names of photos and files, in the scenario's folder.
    """

    kind: Literal["answered"] = "answered"
    number: int
    about: str
    way: str = ""
    by: str = ""
    choice: str = ""
    text: str = ""
    expected: str = ""
    waited: float
    attachments: tuple[str, ...] = ()

    def __str__(self) -> str:
        if not self.way:
            return f"question {self.number} was not answered"
        said = ": ".join(part for part in (self.choice, self.text) if part)
        return f"{self.by or 'operator'} answered ({self.way}): {said}"


class OperatorHeard(BaseContent):
    """What a person reported to have heard at the device's speaker: one answer, whatever it stands for.

    ``what`` was heard, ``tone_hz`` its pitch by a tuner, ``meter_db`` its level by a sound level meter: such
    levels compare with each other only.
    """

    kind: Literal["operator_heard"] = "operator_heard"
    what: Literal["nothing", "noise", "tone", "sound"]
    tone_hz: float | None = None
    meter_db: float | None = None

    def __str__(self) -> str:
        pitch = f" of {self.tone_hz:.0f} Hz" if self.tone_hz else ""
        level = f", {self.meter_db:.1f} dB by the meter" if self.meter_db is not None else ""
        return f"a person heard {self.what}{pitch}{level}"
