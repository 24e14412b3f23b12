"""What the timeline keeps of a question to the person at the bench: that it was asked, and how it ended.

Neither holds what the person was to type in: passwords may be in that.
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
