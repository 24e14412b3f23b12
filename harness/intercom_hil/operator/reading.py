"""A person reads what no instrument does: screen, speaker, picture.

The question names what to look at, never what should be there: the right answer stands hidden among others.
The answer goes onto the timeline as what it is, one answer of a person: a text on the screen, or what was
heard, by the witness *operator*, dated when the person was asked.
"""

from __future__ import annotations

from typing import Literal

from intercom_hil.errors import Inconclusive
from intercom_hil.operator.prompter import Prompter
from intercom_hil.operator.question import Answer, Choice, Question
from intercom_hil.spec.events import EVENTS
from intercom_hil.timeline.observation import OperatorHeard, ScreenText, Witness
from intercom_hil.timeline.pattern import Pattern
from intercom_hil.timeline.timeline import Append, now

Heard = Literal["nothing", "noise", "tone", "sound"]
"""What a person can have heard."""
Reading = Literal["screen", "announcement", "speaker"]
"""What a person can read: texts on the screen, whether something is announced, a tone and its level."""

_NOTHING = Choice(name="nothing", label="Nothing")
_OTHER_TEXT = Choice(name="other", label="Something else (write it below)")
_SOUNDS = (
    _NOTHING,
    Choice(name="noise", label="Only a faint noise"),
    Choice(name="announcement", label="Speech, or a signal that means something"),
)
_TONES = (
    _NOTHING,
    Choice(name="tone", label="One steady tone"),
    Choice(name="other", label="Something else: speech, noise, several tones"),
)
_SHARPEST = 20_000.0  # Hz that a person hears


def reading(pattern: Pattern) -> Reading | None:
    """Return what a person would have to read to find what a pattern describes; None if that is no matter."""
    if pattern.kind == "screen":
        return "screen"
    if pattern.kind == "speaker":
        return "speaker" if "tone_hz" in pattern.fields else "announcement"
    return None


class Reader:
    """Has a person look at the device's screen, or listen at its speaker."""

    def __init__(self, prompter: Prompter, append: Append, address: str = "") -> None:
        """Make a reader of the device at ``address``; ``append`` puts observations on the timeline."""
        self._prompter, self._append, self._address = prompter, append, address

    async def read(self, pattern: Pattern, *, level: bool = False) -> None:
        """Have the person look or listen for what the pattern describes, and return what that was.

        Args:
            pattern: what is looked for; it is not shown.
            level: whether the level of a tone matters, and not only the tone.

        Raises:
            Inconclusive: nobody answered, or the person could not say what matters.
        """
        begun = now()
        match reading(pattern):
            case "screen":
                await self._screen(pattern, begun)
            case "announcement":
                await self._announcement(pattern, begun)
            case "speaker":
                await self._tone(pattern, begun, level=level)

    async def _screen(self, pattern: Pattern, begun: float) -> None:
        condition = pattern.fields.get("text")
        wanted = [str(text) for text in (condition.one_of or ())] if condition else []
        texts = sorted({*(kind.screen_name for kind in EVENTS.values()), *wanted})
        answer = await self._ask(
            "screen",
            "what the screen shows",
            "Look at the device's screen. What does it show now, or did it show in the last few seconds?",
            (*(Choice(name=text, label=text) for text in texts), _OTHER_TEXT, _NOTHING),
            wanted,
            text_label="If something else: what?",
        )
        if answer.choice == _NOTHING.name:
            return
        shown = " ".join(answer.text.split()) if answer.choice == _OTHER_TEXT.name else answer.choice
        self._append(Witness.OPERATOR, ScreenText(text=shown), begun)

    async def _announcement(self, pattern: Pattern, begun: float) -> None:
        answer = await self._ask(
            "sound",
            "what the speaker plays",
            "Listen at the device's speaker. What does it play now, or did it play in the last few seconds?",
            _SOUNDS,
            [str(pattern)],
            text_label="What was said?",
        )
        heard: dict[str, Heard] = {"nothing": "nothing", "noise": "noise", "announcement": "sound"}
        self._append(Witness.OPERATOR, OperatorHeard(what=heard[answer.choice]), begun)

    async def _tone(self, pattern: Pattern, begun: float, *, level: bool) -> None:
        answer = await self._ask(
            "sound",
            "which tone the speaker plays",
            "Listen at the device's speaker. What does it play now?",
            _TONES,
            [str(pattern)],
            numbers={
                "hz": "Pitch in Hz, as a tuner app on a phone shows it",
                "db": "Level in dB, as a sound level meter shows it: always from the same place",
            },
            numbers_with=("tone",),
        )
        pitch, metered = answer.numbers.get("hz"), answer.numbers.get("db")
        if answer.choice != "tone":
            other: Heard = "nothing" if answer.choice == "nothing" else "sound"
            self._append(Witness.OPERATOR, OperatorHeard(what=other), begun)
            return
        if pitch is None or not 0 < pitch <= _SHARPEST:
            raise Inconclusive("the operator heard a tone, and could not say its pitch")
        if level and metered is None:
            raise Inconclusive("the operator heard a tone, and could not say its level")
        self._append(Witness.OPERATOR, OperatorHeard(what="tone", tone_hz=pitch, meter_db=metered), begun)

    async def _ask(
        self,
        about: Literal["screen", "sound"],
        title: str,
        text: str,
        choices: tuple[Choice, ...],
        expected: list[str],
        *,
        text_label: str = "",
        numbers: dict[str, str] | None = None,
        numbers_with: tuple[str, ...] = (),
    ) -> Answer:
        return await self._prompter.ask(
            Question(
                about=about,
                title=title,
                text=text,
                address=self._address,
                choices=choices,
                text_label=text_label,
                numbers=numbers or {},
                numbers_with=numbers_with,
                expected=" or ".join(expected),
            )
        )
