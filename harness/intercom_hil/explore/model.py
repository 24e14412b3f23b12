"""A reference model of the page: what must follow each step of a story, what must not, and what is left open.

Written from the page's text and the RFCs that it rests on, and from nothing else. Each step is a generator:
it yields what is to be done and looked for (`wants`), is sent when that was seen, and ends when the device is
in a state that lasts: idle, ringing at a desk, or in a call. Where the page is silent (OUT-09, OUT-10,
INC-09, what new settings mean for a call that is up) the model asks what the device did, and follows it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, replace

from intercom_hil.explore.story import REFUSING, Change, Desk, Given, Security, Step, Verb
from intercom_hil.explore.wants import (
    OF_THE_LOG,
    Action,
    Asks,
    Do,
    Must,
    MustNot,
    Needs,
    Now,
    Order,
    Party,
    Sign,
    Takes,
    Want,
)
from intercom_hil.spec.capabilities import Capability
from intercom_hil.spec.timing import Timing

MARGIN = 1.5
"""Seconds of ringing that must be left for something to be done meanwhile."""
ALREADY = 0.1
"""Seconds that a witness may be late with what must have been seen already."""
ANNOUNCING = 3
"""Windows (of 0.2 s) with sound at the speaker that make an announcement."""

Seen = float | None
Moves = Generator[Want, Seen, None]


@dataclass(frozen=True, slots=True)
class Idle:
    """No call is up, on its way or being tried."""


@dataclass(frozen=True, slots=True)
class Ringing:
    """A contact rings: its place among those tried, when it was dialled, and when the button was pressed."""

    contacts: tuple[int, ...]
    place: int
    dialled: float
    pressed: float
    failed: int


@dataclass(frozen=True, slots=True)
class Up:
    """A call is up, placed or taken; whether it is on hold, and whether the other side has sent its REFER."""

    party: Party
    held: bool = False
    referred: bool = False

    @property
    def placed(self) -> bool:
        """Whether the device called."""
        return not self.party.calls


@dataclass(frozen=True, slots=True)
class Unknown:
    """The server is away, and what the device makes of that is its own affair."""


Phase = Idle | Ringing | Up | Unknown


class Page:
    """What the page promises of a device, step by step.

    Attributes:
        given: the settings in force.
        desks: what each desk does.
        phase: what the device is doing.
    """

    def __init__(self, given: Given, timing: Timing, has: Callable[[Capability], bool]) -> None:
        """Begin a story.

        Args:
            given: how it begins.
            timing: how long the device may take.
            has: whether the device has something.
        """
        self.given = given
        self.desks = list(given.desks)
        self.phase: Phase = Idle()
        self._timing, self._has = timing, has
        self._announced = False
        """Whether the announcement of a failure may still be heard."""
        self._taken: set[bool] = set()
        """Whether calls in clear, and secure ones, have been taken."""

    def applies(self, step: Step) -> bool:
        """Return whether a step makes sense now."""
        phase, straight = self.phase, self.given.straight
        idle, ringing, up = (isinstance(phase, kind) for kind in (Idle, Ringing, Up))
        match step.verb:
            case Verb.PRESS:
                return True
            case Verb.WAIT:
                return not ringing
            case Verb.RING_OUT | Verb.ANSWER:
                return ringing
            case Verb.HANG_UP:
                return ringing or up
            case Verb.CALL:
                plain_only = self.given.security is Security.UNSET
                reachable = self.given.sip or straight
                return not isinstance(phase, Unknown) and reachable and not (step.secure and plain_only)
            case Verb.HOLD:
                return isinstance(phase, Up) and straight and not phase.held
            case Verb.RESUME:
                return isinstance(phase, Up) and phase.held
            case Verb.REFER:
                return isinstance(phase, Up) and straight and not phase.referred
            case Verb.CHANGE:
                return not isinstance(phase, Unknown) and self._changes(step.change)
            case Verb.TURN:
                return idle and self.desks[step.desk or 0] is not step.does
            case Verb.CUT:
                return not straight and self.given.sip and not isinstance(phase, Unknown)
            case Verb.RESTORE:
                return isinstance(phase, Unknown)

    def begin(self) -> Moves:
        """Set the bench up."""
        yield Do(Action.CONFIGURE, self.given)

    def play(self, step: Step) -> Moves:
        """Yield what a step comes to."""
        if isinstance(self.phase, Ringing) and step.verb is not Verb.RING_OUT:
            at = yield Now()
            if (at or 0.0) > self.phase.dialled + self.given.call_timeout - MARGIN:
                yield from self._ring_out()
                if not self.applies(step):
                    return
        match step.verb:
            case Verb.PRESS:
                yield from self._press()
            case Verb.RING_OUT:
                yield from self._ring_out()
            case Verb.ANSWER:
                yield from self._desk_answers()
            case Verb.HANG_UP:
                yield from self._other_side_hangs_up()
            case Verb.CALL:
                yield from self._call(Party(step.caller or 0, calls=True), step.secure)
            case Verb.HOLD | Verb.RESUME:
                yield from self._hold(step.verb is Verb.HOLD)
            case Verb.REFER:
                yield from self._refer()
            case Verb.CHANGE:
                assert step.change is not None
                yield from self._change(step.change)
            case Verb.TURN:
                assert step.does is not None
                self.desks[step.desk or 0] = step.does
                yield Do(Action.TURN, party=Party(step.desk or 0), does=step.does)
            case Verb.CUT:
                yield Do(Action.CUT)
                self.phase = Unknown()
            case Verb.RESTORE:
                yield Do(Action.RESTORE)
                yield from self._quiet()
            case Verb.WAIT:
                yield from self._wait()

    # -- the button and placed calls -------------------------------------------------------------------

    def _press(self) -> Moves:
        at = _seen((yield Do(Action.PRESS)))
        timing = self._timing
        match self.phase:
            case Unknown():
                return
            case Up() as call:
                self.phase = Idle()
                ended = yield Must("OUT-06" if call.placed else "INC-05", Sign.ENDED, timing.hang_up, at)
                yield Needs(Sign.END_CONFIRMED, timing.remote, _seen(ended))
                if not call.placed:
                    yield from self._logged("EVT-10", Sign.LOG_LOCAL_HANGUP, at)
            case Ringing():
                given_up = yield Asks(Sign.CANCELLED, timing.watch, at)
                if given_up is not None:
                    yield from self._given_up(given_up)
            case Idle() if not self.given.sip:
                yield MustNot("CFG-01", Sign.DIALLED, timing.watch, at)
            case Idle():
                self._announced = False
                yield from self._walk(self.given.contacts, 0, at, at, 0)

    def _walk(
        self, contacts: tuple[int, ...], place: int, after: float, pressed: float, failed: int
    ) -> Moves:
        """OUT-01, OUT-02: one contact after the other, until one rings or answers, or none is left."""
        timing = self._timing
        while place < len(contacts):
            desk = Party(contacts[place])
            row, within = ("OUT-02", timing.next_contact) if place else ("OUT-01", timing.dial)
            dialled = _seen((yield Must(row, Sign.DIALLED, within, after, desk)))
            if place == 0:
                yield from self._logged("EVT-01", Sign.LOG_INITIATED, pressed)
            does = self.desks[desk.place]
            refuses = does is Desk.ANSWERS and self.given.security is Security.SRTP_ONLY
            if does in REFUSING or refuses:
                after = _seen((yield Needs(Sign.REFUSED_THERE, timing.called, dialled, desk)))
                yield Needs(Sign.ACKED, timing.hang_up, after)
                place, failed = place + 1, failed + 1
                continue
            if does is Desk.RINGS:
                yield Needs(Sign.RANG, timing.called, dialled, desk)
                self.phase = Ringing(contacts, place, dialled, pressed, failed)
                yield from self._failures(failed, pressed)
                return
            if does is Desk.ANSWERS and self.given.security is Security.FALLBACK:
                both = timing.called + timing.taken  # with SRTP, refused, and in clear
                answered = _seen((yield Must("ENC-04", Sign.ANSWERED, both, dialled, desk)))
            else:
                answered = _seen((yield Needs(Sign.ANSWERED, timing.called, dialled, desk)))
            yield from self._failures(failed, pressed)
            yield from self._placed(desk, answered, dialled)
            return
        self.phase = Idle()
        yield from self._failures(failed, pressed)
        # It may be written a moment before the last contact's CANCEL is on the wire.
        yield from self._logged("EVT-05", Sign.LOG_EXHAUSTED, pressed)
        if self._has(Capability.SPEAKER):
            yield Must("OUT-04", Sign.ANNOUNCED, timing.announced, after, count=ANNOUNCING)
        self._announced = True

    def _placed(self, desk: Party, answered: float, dialled: float) -> Moves:
        """OUT-05: on answer the audio channels are open, both ways; ENC-01, 03, 08: protected as is set."""
        self.phase = Up(desk)
        yield from self._logged("EVT-02", Sign.LOG_ESTABLISHED, dialled)
        yield from self._audible(answered)

    def _failures(self, failed: int, pressed: float) -> Moves:
        """EVT-03: each call that failed is logged."""
        if failed:
            yield from self._logged("EVT-03", Sign.LOG_FAILURE, pressed, count=failed)

    def _ring_out(self) -> Moves:
        """OUT-03: a call that nobody answers is ended when its time is over; the next contact is tried."""
        phase, timing = self.phase, self._timing
        assert isinstance(phase, Ringing)
        limit = self.given.call_timeout
        given_up = yield Must("OUT-03", Sign.CANCELLED, limit + timing.hang_up, phase.dialled)
        tolerance = timing.tolerance + limit / 10
        yield Takes(
            "OUT-03",
            "time from INVITE to CANCEL",
            _seen(given_up) - phase.dialled,
            limit - tolerance,
            limit + tolerance,
        )
        # Whoever has sent a CANCEL need not wait for the end of that call before the next (RFC 3261 §9.1).
        at, rung = _seen(given_up), Party(phase.contacts[phase.place])
        over = _seen((yield Needs(Sign.REFUSED_THERE, timing.remote, at, rung)))
        yield Needs(Sign.ACKED, timing.hang_up, over)
        yield from self._walk(phase.contacts, phase.place + 1, at, phase.pressed, phase.failed + 1)

    def _desk_answers(self) -> Moves:
        phase = self.phase
        assert isinstance(phase, Ringing)
        desk = Party(phase.contacts[phase.place])
        at = _seen((yield Do(Action.ORDER, party=desk, order=Order.ANSWER)))
        answered = _seen((yield Needs(Sign.ANSWERED, self._timing.remote, at, desk)))
        yield from self._placed(desk, answered, phase.dialled)

    def _given_up(self, at: float) -> Moves:
        """Follow a device that gave a call up of its own: most are idle then, some go on."""
        yield Needs(Sign.REFUSED_THERE, self._timing.remote, at)
        self.phase = Idle()
        if not self.given.sip:
            yield MustNot("CFG-01", Sign.DIALLED, self._timing.watch, at)
        elif (yield Asks(Sign.DIALLED, self._timing.watch, at)) is not None:
            yield from self._quiet()

    # -- both sides ------------------------------------------------------------------------------------

    def _other_side_hangs_up(self) -> Moves:
        phase, timing = self.phase, self._timing
        if isinstance(phase, Ringing):
            desk = Party(phase.contacts[phase.place])
            at = _seen((yield Do(Action.ORDER, party=desk, order=Order.HANG_UP)))
            over = _seen((yield Needs(Sign.REFUSED_THERE, timing.remote, at, desk)))
            yield Needs(Sign.ACKED, timing.hang_up, over)
            yield from self._walk(phase.contacts, phase.place + 1, over, phase.pressed, phase.failed + 1)
            return
        assert isinstance(phase, Up)
        self.phase = Idle()
        at = _seen((yield Do(Action.ORDER, party=phase.party, order=Order.HANG_UP)))
        ended = yield Needs(Sign.HUNG_UP, timing.remote, at)
        yield Needs(Sign.HANG_UP_CONFIRMED, timing.hang_up, _seen(ended))
        row, sign = ("EVT-04", Sign.LOG_REMOTE_HANGUP) if phase.placed else ("EVT-09", Sign.LOG_CALLER_HANGUP)
        yield from self._logged(row, sign, at)

    def _audible(self, since: float) -> Moves:
        phase = self.phase
        assert isinstance(phase, Up)
        row = "OUT-05" if phase.placed else "INC-06"
        yield Must(row, Sign.SENT, self._timing.answer, since, phase.party)
        protection = self._protection()
        if protection is not None:
            secured = _PLACED[self.given.security] if phase.placed else "ENC-10"
            if protection == "plain" and secured == "ENC-03":
                secured = "ENC-04"
            yield Must(secured, Sign.SENT, self._timing.answer, since, phase.party, protection=protection)
        if self._has(Capability.SPEAKER) and not self._announced:
            yield Must(row, Sign.HEARD, self._timing.answer, since)

    def _protection(self) -> str | None:
        """Return how the media of a call that has just come up must be protected; None: either way."""
        phase, security = self.phase, self.given.security
        if security is Security.SRTP_ONLY:
            return "srtp"
        if isinstance(phase, Up) and phase.placed:
            clear = security is Security.UNSET or self.desks[phase.party.place] is Desk.ANSWERS
            return "plain" if clear else "srtp"
        return None

    def _hold(self, held: bool) -> Moves:
        """A call on hold (RFC 3264 §8.4) is still a call; off hold, both sides hear each other again."""
        phase = self.phase
        assert isinstance(phase, Up)
        at = _seen((yield Do(Action.ORDER, party=phase.party, order=Order.HOLD if held else Order.RESUME)))
        agreed = yield Asks(Sign.CHANGED, self._timing.answer + self._timing.remote, at)
        if agreed is None:  # it may refuse (RFC 3261 §14.2)
            return
        self.phase = replace(phase, held=held)
        if not held:
            yield from self._audible(agreed)

    def _refer(self) -> Moves:
        """OUT-01: nobody on the line makes the device call somebody (RFC 3515 §2.4.2)."""
        phase = self.phase
        assert isinstance(phase, Up)
        at = _seen((yield Do(Action.ORDER, party=phase.party, order=Order.REFER)))
        self.phase = replace(phase, referred=True)
        yield Needs(Sign.REFERRED, self._timing.remote, at)
        yield MustNot("OUT-01", Sign.DIALLED, self._timing.watch, at)

    def _wait(self) -> Moves:
        """OUT-01, OUT-04: nothing comes of nothing."""
        at, watch = _seen((yield Now())), self._timing.watch
        match self.phase:
            case Unknown():
                longer = (
                    self.given.call_timeout + self._timing.hang_up
                )  # than it rings, and a CANCEL may take
                yield Asks(Sign.ANSWERED, longer, at)
            case Up() as call:
                yield MustNot("OUT-05" if call.placed else "INC-06", Sign.ENDED, watch, at)
                yield MustNot("OUT-01", Sign.DIALLED, 0.0, at)
            case _:
                yield MustNot("OUT-01", Sign.DIALLED, watch, at)
                if self._has(Capability.SPEAKER) and not self._announced:
                    late = at + self._timing.media_tail
                    yield MustNot("OUT-04", Sign.ANNOUNCED, 0.0, late)

    def _quiet(self) -> Moves:
        """Have the stations end whatever there is."""
        yield Do(Action.QUIET)
        self.phase = Idle()
        self._announced = True

    # -- calls taken, and settings ---------------------------------------------------------------------

    def _call(self, caller: Party, secure: bool) -> Moves:
        given, timing = self.given, self._timing
        at = _seen((yield Do(Action.CALL, given, caller, secure=secure)))
        if not given.sip:
            yield MustNot("CFG-01", Sign.TAKEN, timing.watch, at)
            yield Do(Action.DISMISS, party=caller)
            return
        rung = _seen((yield Needs(Sign.REACHED, timing.remote, at)))
        admitted = given.incoming and caller.place in given.permitted
        if admitted and not isinstance(self.phase, Idle):  # INC-09: the page does not say
            yield Needs(Sign.DECIDED, timing.answer, rung)
            if (yield Asks(Sign.TAKEN, 0.0, rung)) is not None:
                yield from self._quiet()
            yield Do(Action.DISMISS, party=caller)
            return
        unsafe = given.security is Security.SRTP_ONLY and not secure
        if not admitted or unsafe:
            row = "INC-04" if not given.incoming else "INC-03" if not admitted else "ENC-09"
            yield Needs(Sign.DECIDED, timing.answer, rung)  # to take no notice of a stranger is lawful too
            yield Must(row, Sign.REFUSED, ALREADY, rung)
            yield Do(Action.DISMISS, party=caller)
            return
        yield Must("INC-02", Sign.DECIDED, timing.answer, rung)
        row = "INC-02"
        if (yield Asks(Sign.REFUSED_MEDIA, 0.0, rung)) is not None:
            secured = {Security.SRTP_ONLY: "ENC-10", Security.FALLBACK: "ENC-05" if secure else "ENC-06"}
            row = secured.get(given.security, "ENC-02")
        elsewise = yield Asks(Sign.REFUSED_OTHERWISE, 0.0, rung)
        if elsewise is not None and secure not in self._taken:
            yield Needs(Sign.TAKEN, 0.0, rung)  # it may have its reasons: no call like this was ever taken
        answered = yield Must(row, Sign.TAKEN, ALREADY, rung)
        self.phase = Up(caller)
        self._taken.add(secure)
        yield from self._logged("EVT-07", Sign.LOG_RECEIVED, at)
        if self._has(Capability.SCREEN):
            yield Must("INC-02", Sign.SHOWN, timing.taken, rung)
        yield from self._audible(_seen(answered))

    def _changes(self, change: Change | None) -> bool:
        return change is not None and self.given.changed(change) != self.given

    def _change(self, change: Change) -> Moves:
        """New settings are in force at once; whether a call outlives them the page does not say."""
        self.given = self.given.changed(change)
        at = _seen((yield Do(Action.CONFIGURE, self.given)))
        match self.phase:
            case Ringing():
                given_up = yield Asks(Sign.CANCELLED, self._timing.watch, at)
                if given_up is not None:
                    yield from self._given_up(given_up)
                else:
                    yield from self._quiet()
            case Up():
                ended = yield Asks(Sign.ENDED, self._timing.watch, at)
                if ended is not None:
                    yield Needs(Sign.END_CONFIRMED, self._timing.remote, ended)
                    self.phase = Idle()
            case _:
                pass

    def _logged(self, row: str, sign: Sign, after: float, count: int = 1) -> Moves:
        assert sign in OF_THE_LOG
        if self._has(Capability.EVENT_LOG):
            yield Must(row, sign, self._timing.log, after, count=count)


_PLACED = {Security.UNSET: "ENC-01", Security.FALLBACK: "ENC-03", Security.SRTP_ONLY: "ENC-08"}


def _seen(at: Seen) -> float:
    """Return when something was seen that is always answered with a time."""
    assert at is not None
    return at
