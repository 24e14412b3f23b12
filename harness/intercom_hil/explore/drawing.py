"""Stories drawn at random, of what a bench and its device can do.

A story is drawn along the reference model, with a device in mind that does all that it must, so that most
steps make sense when their turn comes. What chooses can be a seeded ``random.Random``, as on the bench, or
Hypothesis, as in virtual time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeVar

from intercom_hil.explore.model import Idle, Page, Phase, Ringing, Unknown, Up
from intercom_hil.explore.story import CALLERS, DESKS, Change, Desk, Given, Security, Step, Story, Verb
from intercom_hil.explore.wants import Asks, Sign
from intercom_hil.spec.capabilities import Capability
from intercom_hil.spec.limits import Limits
from intercom_hil.spec.timing import USUAL_TIMING

STEPS = 12
TIMEOUTS = (3, 4)
"""Call timeouts (s) that stories are drawn with: long enough to do something while it rings."""
_Choice = TypeVar("_Choice")

_DESKS = (
    (Desk.RINGS, 7),
    (Desk.ANSWERS, 5),
    (Desk.ANSWERS_EITHER, 2),
    (Desk.BUSY, 3),
    (Desk.DECLINES, 3),
    (Desk.NOT_FOUND, 1),
    (Desk.UNAVAILABLE, 1),
)
_VERBS: dict[type[Phase], tuple[tuple[Verb, int], ...]] = {
    Idle: (
        (Verb.PRESS, 9),
        (Verb.CALL, 5),
        (Verb.CHANGE, 3),
        (Verb.TURN, 3),
        (Verb.CUT, 1),
        (Verb.WAIT, 1),
    ),
    Ringing: (
        (Verb.PRESS, 3),
        (Verb.ANSWER, 5),
        (Verb.HANG_UP, 4),
        (Verb.RING_OUT, 3),
        (Verb.CALL, 3),
        (Verb.CHANGE, 4),
        (Verb.CUT, 2),
    ),
    Up: (
        (Verb.PRESS, 6),
        (Verb.HANG_UP, 6),
        (Verb.CALL, 2),
        (Verb.HOLD, 4),
        (Verb.RESUME, 4),
        (Verb.REFER, 3),
        (Verb.CHANGE, 3),
        (Verb.CUT, 1),
        (Verb.WAIT, 1),
    ),
    Unknown: ((Verb.RESTORE, 3), (Verb.PRESS, 1), (Verb.WAIT, 4)),
}


_NOT_IMAGINED = (Sign.DIALLED, Sign.TAKEN, Sign.REFUSED_MEDIA, Sign.REFUSED_OTHERWISE)
"""What the device that is imagined does not do, where the page leaves it open."""
_SIP_OFF = ((Verb.CHANGE, 6), (Verb.PRESS, 2), (Verb.CALL, 1), (Verb.HANG_UP, 1))


@dataclass(frozen=True, slots=True)
class Possible:
    """What can be drawn.

    Attributes:
        desks: how many stations can be called.
        callers: how many can call.
        contacts: how many contacts the device takes.
        permitted: how many entries its list of permitted callers takes.
        timeouts: call timeouts (s).
        securities: encryption settings.
        outages: whether the server can be taken away.
        straight: whether calls can go past the server.
    """

    desks: int = DESKS
    callers: int = CALLERS
    contacts: int = DESKS
    permitted: int = CALLERS
    timeouts: tuple[int, ...] = TIMEOUTS
    securities: tuple[Security, ...] = tuple(Security)
    outages: bool = True
    straight: bool = True

    @classmethod
    def at(cls, stations: int, limits: Limits, has: Callable[[Capability], bool]) -> Possible | None:
        """Return what is possible on a bench; None if it has too few stations for any story.

        Args:
            stations: how many remote stations it has.
            limits: what the device takes.
            has: whether the device has something.
        """
        callers = min(CALLERS, stations - 1)
        if callers < 1 or limits.permitted_callers < 1:
            return None
        desks = min(DESKS, stations - callers)
        return cls(
            desks=desks,
            callers=callers,
            contacts=min(desks, limits.contacts),
            permitted=min(callers, limits.permitted_callers),
            timeouts=tuple(dict.fromkeys(limits.nearest("call_timeout", seconds) for seconds in TIMEOUTS)),
            securities=tuple(Security) if has(Capability.SRTP) else (Security.UNSET,),
        )


def draw(random: Random, possible: Possible, *, seed: str = "", steps: int = STEPS) -> Story:
    """Draw a story.

    Args:
        random: what chooses.
        possible: of what.
        seed: what the story is known by.
        steps: how many steps it has at most.
    """
    given = _given(random, possible)
    page = Page(given, USUAL_TIMING, lambda _: False)
    _imagine(page)
    drawn: list[Step] = []
    while len(drawn) < steps:
        step = _step(random, possible, page)
        if step is None:
            break
        drawn.append(step)
        _imagine(page, step)
    if isinstance(page.phase, Unknown):
        drawn.append(Step(verb=Verb.RESTORE))
    return Story(seed=seed, given=given, steps=tuple(drawn))


def _imagine(page: Page, step: Step | None = None) -> None:
    """Take the model along with a device that does what it must, and gives a call up when pressed again."""
    moves, answer = page.begin() if step is None else page.play(step), None
    try:
        while True:
            want = moves.send(answer)
            left_open = isinstance(want, Asks) and want.sign in _NOT_IMAGINED
            answer = None if left_open else 0.0
    except StopIteration:
        return


def _given(random: Random, possible: Possible) -> Given:
    security = _weighted(random, [(s, 2 if s is Security.UNSET else 1) for s in possible.securities])
    straight = possible.straight and (security is not Security.UNSET or random.random() < 0.4)
    if not straight:
        security = Security.UNSET  # what the server makes of keys is no matter of the device
    return Given(
        desks=tuple(_weighted(random, _DESKS) for _ in range(possible.desks)),
        straight=straight,
        contacts=_contacts(random, possible),
        call_timeout=random.choice(possible.timeouts),
        permitted=_permitted(random, possible),
        security=security,
    )


def _step(random: Random, possible: Possible, page: Page) -> Step | None:
    """Draw a step that makes sense now; None if in a good many tries there was none."""
    for _ in range(20):
        step = _any_step(random, possible, page)
        if page.applies(step):
            return step
    return None


def _any_step(random: Random, possible: Possible, page: Page) -> Step:
    verb = _weighted(random, _VERBS[type(page.phase)] if page.given.sip else _SIP_OFF)
    match verb:
        case Verb.CALL:
            secure = page.given.security is not Security.UNSET and random.random() < 0.6
            return Step(verb=verb, caller=random.randrange(possible.callers), secure=secure)
        case Verb.TURN:
            return Step(verb=verb, desk=random.randrange(possible.desks), does=_weighted(random, _DESKS))
        case Verb.CHANGE:
            return Step(verb=verb, change=_change(random, possible, page.given))
        case Verb.CUT if not possible.outages:
            return Step(verb=Verb.PRESS)
        case _:
            return Step(verb=verb)


def _change(random: Random, possible: Possible, given: Given) -> Change:
    if not given.sip:
        return Change(sip=True)
    match random.randrange(7):
        case 0 | 1:
            return Change(contacts=_contacts(random, possible))
        case 2:
            return Change(call_timeout=random.choice(possible.timeouts))
        case 3:
            return Change(incoming=not given.incoming)
        case 4:
            return Change(permitted=_permitted(random, possible))
        case 5 if given.straight:
            return Change(security=random.choice(possible.securities))
        case 6:
            return Change(sip=False)
        case _:
            return Change(contacts=_contacts(random, possible), permitted=_permitted(random, possible))


def _contacts(random: Random, possible: Possible) -> tuple[int, ...]:
    places = list(range(possible.desks))
    random.shuffle(places)
    return tuple(places[: max(random.randint(1, possible.contacts), random.randint(1, possible.contacts))])


def _permitted(random: Random, possible: Possible) -> tuple[int, ...]:
    places = list(range(possible.callers))
    random.shuffle(places)
    most = possible.permitted if random.random() < 0.25 else 1  # so that there is somebody to keep out
    return tuple(sorted(places[:most]))


def _weighted(random: Random, choices: Sequence[tuple[_Choice, int]]) -> _Choice:
    left = random.randrange(sum(weight for _, weight in choices))
    for choice, weight in choices:
        left -= weight
        if left < 0:
            return choice
    raise AssertionError("the weights do not add up")
