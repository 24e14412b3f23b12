"""What a fault is: something between the device's logic and everything else that changes what passes.

It is called with an input and the logic's step, and returns the outputs that the faulty device performs
instead.
"""

from __future__ import annotations

from collections.abc import Callable

from intercom_hil.emulator.form import Form
from intercom_hil.emulator.page_rules import PageRules
from intercom_hil.emulator.settings import Encryption, SipSettings
from intercom_hil.emulator.vocabulary import (
    Answer,
    Configured,
    Dial,
    Ended,
    Established,
    HangUp,
    Input,
    Output,
    Step,
)


class Situation:
    """What an onlooker knows of the device: its settings and its one call.

    Attributes:
        settings: the settings in force, if any.
        call: the name of the call being tried or up, or nothing.
        placed: whether the device placed that call.
        up: whether that call is established.
    """

    def __init__(self) -> None:
        self.settings: SipSettings | None = None
        self.call = ""
        self.placed = False
        self.up = False

    @property
    def encryption(self) -> Encryption:
        """The encryption setting in force."""
        return self.settings.encryption if self.settings else Encryption.UNSET

    @property
    def idle(self) -> bool:
        """Whether there is no call."""
        return not self.call

    def update(self, given: Input, outputs: list[Output]) -> None:
        """Take note of one step."""
        if isinstance(given, Configured):
            self.settings = given.settings
        if isinstance(given, Established) and given.call == self.call:
            self.up = True
        redialled = any(isinstance(output, Dial) and output.call == self.call for output in outputs)
        if isinstance(given, Ended) and given.call == self.call and not redialled:
            self.call, self.up = "", False
        for output in outputs:
            if isinstance(output, HangUp) and output.call == self.call:
                self.call, self.up = "", False
            if isinstance(output, Dial | Answer) and not self.up:
                self.call, self.placed = output.call, isinstance(output, Dial)


class Fault:
    """One way to misbehave, or, where it breaks nothing, one legal way to differ.

    Attributes:
        name: what it is asked for by.
        description: what the device does wrong, in one line.
        breaks: the requirements that a bench must find broken.
        shown_by: where no scenario asks for those, the requirements whose scenarios show it.
    """

    name: str
    description: str
    breaks: frozenset[str] = frozenset()
    shown_by: frozenset[str] = frozenset()

    def __init__(self) -> None:
        self.situation = Situation()

    def step(self, given: Input, inner: Step) -> list[Output]:
        """Take one input and return what the faulty device does."""
        outputs = self.react(given, inner)
        self.situation.update(given, outputs)
        return outputs

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Do it wrong; the situation is the one before this input."""
        return [changed for output in inner(given) if (changed := self.change(output)) is not None]

    def change(self, output: Output) -> Output | None:
        """Return what becomes of one output; None swallows it."""
        return output

    def clock(self, inner: Callable[[], float]) -> Callable[[], float]:
        """Return the clock (seconds since the epoch) that the faulty device dates its log by."""
        return inner

    def form(self, inner: Form) -> Form:
        """Return the configuration form that the faulty device has."""
        return inner

    def pages(self, inner: PageRules) -> PageRules:
        """Return what the pages of the faulty device's Admin Portal do."""
        return inner


class SettingIgnored(Fault):
    """A fault that works as if one setting always had the same value."""

    def __init__(self, name: str, description: str, breaks: str, field: str, value: object) -> None:
        super().__init__()
        self.name, self.description, self.breaks = name, description, frozenset(breaks.split())
        self._changes = {field: value}

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Change the setting on its way in."""
        if isinstance(given, Configured):
            given = Configured(given.settings.with_changes(self._changes), given.addresses)
        return inner(given)


class ChangeAloneIgnored(Fault):
    """A fault that takes new settings that differ from the last ones in a single field for the same ones."""

    def __init__(self, name: str, description: str, breaks: str, field: str, to: object = None) -> None:
        """Make it.

        Args:
            name: what the fault is asked for by.
            description: what the device does wrong.
            breaks: the requirements; the scenarios of the first show it.
            field: the one that has to change along with another.
            to: the one new value that goes unnoticed; None for any.
        """
        super().__init__()
        self.name, self.description, self.breaks = name, description, frozenset(breaks.split())
        self.shown_by = frozenset(breaks.split()[:1])
        self._field, self._to = field, to
        self._in_force: object = None

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Leave the field as it is unless something else changes too."""
        if not isinstance(given, Configured):
            return inner(given)
        before, submitted = self.situation.settings, getattr(given.settings, self._field)
        unnoticed = before is not None and self._to in (None, submitted)
        if not (unnoticed and before and before.with_changes({self._field: submitted}) == given.settings):
            self._in_force = submitted
        kept = given.settings.with_changes({self._field: self._in_force})
        return inner(Configured(kept, given.addresses))


class KeptWhenTakenOut(Fault):
    """A fault that goes on with the last value of a setting when there is to be none any more."""

    def __init__(self, name: str, description: str, breaks: str, field: str) -> None:
        super().__init__()
        self.name, self.description, self.breaks = name, description, frozenset(breaks.split())
        self._field = field
        self._kept: object = None

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Put the old value in the place of none."""
        if not isinstance(given, Configured):
            return inner(given)
        self._kept = getattr(given.settings, self._field) or self._kept
        settings = given.settings.with_changes({self._field: self._kept})
        return inner(Configured(settings, given.addresses))
