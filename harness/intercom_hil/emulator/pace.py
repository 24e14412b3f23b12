"""A device that is slow: what its logic decides takes its time, and new settings cost a restart.

It is wrapped round the step of the logic, as a fault is, and breaks no rule: it does all that the logic says,
later.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from intercom_hil.emulator.logic import BANNER
from intercom_hil.emulator.vocabulary import (
    Apply,
    ButtonPressed,
    ButtonReleased,
    Configured,
    Dial,
    Ended,
    HangUp,
    Input,
    OpenPortal,
    Output,
    StartTimer,
    Step,
    StopTimer,
    TimerFired,
    Withdraw,
)

_RESTART, _REGISTRATION, _DIAL = "pace: restart", "pace: registration", "pace: dial"
_GIVEN_UP = (487, "Request Terminated")


@dataclass(frozen=True, slots=True)
class Pace:
    """How long things take, in seconds.

    Attributes:
        restart: what new settings cost, during which there is neither SIP nor a portal.
        registration: from then until the device registers.
        dial: from a press, or a contact that failed, until the next contact is called.
    """

    restart: float = 0.0
    registration: float = 0.0
    dial: float = 0.0

    @classmethod
    def read(cls, text: str) -> Pace:
        """Return what a word (``slow``) or a list such as ``dial=1.5,restart=20`` says. Raises ValueError."""
        if text == "slow":
            return SLOW
        known = {field.name for field in fields(cls)}
        values: dict[str, float] = {}
        for part in text.split(","):
            name, _, seconds = part.partition("=")
            if name not in known:
                raise ValueError(f"{name!r} is none of {', '.join(sorted(known))}")
            values[name] = float(seconds)
            if not 0 <= values[name] <= 3600:
                raise ValueError(f"{name} is outside 0 to 3600 s")
        return cls(**values)


SLOW = Pace(restart=20.0, registration=8.0, dial=1.5)
"""As slow as intercoms are that are sold."""


class Slowed:
    """The step of a slow device."""

    def __init__(self, pace: Pace, inner: Step) -> None:
        self._pace = pace
        self._inner = inner
        self._submitted: Configured | None = None
        self._unregistered: Apply | None = None
        self._held: list[Output] = []

    def step(self, given: Input) -> list[Output]:
        """Take one input and return what to do about it now."""
        match given:
            case Configured() if self._pace.restart:
                return self._restart(given)
            case TimerFired(name) if name == _RESTART:
                return self._restarted()
            case TimerFired(name) if name == _REGISTRATION:
                return self._register()
            case TimerFired(name) if name == _DIAL:
                held, self._held = self._held, []
                return held
            case ButtonPressed() | ButtonReleased() if self._submitted is not None:
                return []
            case _:
                return self._slowed(self._inner(given))

    def _restart(self, given: Configured) -> list[Output]:
        self._submitted, self._unregistered = given, None
        off = Configured(given.settings.with_changes({"enabled": False}), given.addresses)
        ended = self._slowed(self._inner(off))
        return [*ended, OpenPortal(opened=False), StartTimer(_RESTART, self._pace.restart)]

    def _restarted(self) -> list[Output]:
        submitted, self._submitted = self._submitted, None
        if submitted is None:
            return []
        return [BANNER, OpenPortal(), *self._slowed(self._inner(submitted))]

    def _register(self) -> list[Output]:
        order, self._unregistered = self._unregistered, None
        return [] if order is None else [order]

    def _slowed(self, outputs: list[Output]) -> list[Output]:
        now: list[Output] = []
        for place, output in enumerate(outputs):
            match output:
                case Apply() if self._pace.registration and output.register:
                    self._unregistered = output
                    now.append(replace(output, register=False))
                    now.append(StartTimer(_REGISTRATION, self._pace.registration))
                case Withdraw():
                    self._unregistered = None
                    now += [StopTimer(_REGISTRATION), output]
                case Dial() if self._pace.dial:
                    self._held = outputs[place:]
                    return [*now, StartTimer(_DIAL, self._pace.dial)]
                case HangUp() if self._takes_back(output.call):
                    now.append(StopTimer(_DIAL))
                    now += self._slowed(self._inner(Ended(output.call, *_GIVEN_UP, by_remote=False)))
                case _:
                    now.append(output)
        return now

    def _takes_back(self, call: str) -> bool:
        """Drop a call that is held back, if it is this one; return whether it was."""
        if not any(isinstance(output, Dial) and output.call == call for output in self._held):
            return False
        self._held = []
        return True
