"""A device's logic on a stage in virtual time: stations, server and a clock of its own, nothing waits."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from itertools import count

from intercom_hil.emulator.addresses import user_of
from intercom_hil.emulator.logic import Logic
from intercom_hil.emulator.settings import Encryption, SipSettings
from intercom_hil.emulator.vocabulary import (
    Announce,
    Answer,
    ButtonPressed,
    Configured,
    CrashAgent,
    Dial,
    Ended,
    Established,
    HangUp,
    Held,
    Hush,
    Incoming,
    Media,
    Offer,
    PoweredOn,
    Referred,
    Reject,
    Show,
    StartTimer,
    StopTimer,
    TimerFired,
    WriteEvent,
)
from intercom_hil.explore.model import Page
from intercom_hil.explore.playing import play
from intercom_hil.explore.story import REFUSING, Desk, Security
from intercom_hil.explore.wants import OF_THE_LOG, Action, Order, Party, Sign
from intercom_hil.spec.timing import USUAL_TIMING

SERVER = "127.0.0.10"
SECURITY = {
    Security.UNSET: Encryption.UNSET,
    Security.FALLBACK: Encryption.FALLBACK,
    Security.SRTP_ONLY: Encryption.SRTP_ONLY,
}
STATUS = {Desk.BUSY: 486, Desk.DECLINES: 603, Desk.NOT_FOUND: 404, Desk.UNAVAILABLE: 480}
HOP = 0.02
"""Seconds that a message takes."""


class Broken(Exception):  # noqa: N818  (it says what happened)
    """The device broke the page."""

    def __init__(self, requirement, text):
        self.requirement = requirement
        super().__init__(f"{requirement}: {text}")


class OutOfStep(Exception):  # noqa: N818  (it says what happened)
    """Something that is the stations' doing did not happen: nothing is found out."""


@dataclass(frozen=True)
class Fact:
    time: float
    sign: Sign
    party: Party | None = None
    protection: str | None = None


@dataclass
class VirtualCall:
    party: Party
    media: Media = Media.PLAIN
    microphone: bool = True
    up: bool = False
    held: bool = False
    on_loan: list = field(default_factory=list)


class VirtualStage:
    """Where a story meets a device's logic, or a fault round it."""

    def __init__(self, story, step=None):
        self.step = step or Logic().step
        self.desks = list(story.given.desks)
        self.straight = story.given.straight
        self.given = story.given
        self.time = 0.0
        self.facts: list[Fact] = []
        self.calls: dict[str, VirtualCall] = {}
        self.cut = False
        self._lost: list = []
        self._due: list = []
        self._order = count()
        self._timers: dict[str, int] = {}
        self._callers = count(1)
        self.feed(PoweredOn())

    # -- the stage ---------------------------------------------------------------------------------

    def now(self):
        return self.time

    async def do(self, what):
        self.advance(0.05)
        begun = self.time
        match what.action:
            case Action.PRESS:
                self.feed(ButtonPressed())
                self.advance(0.1)
            case Action.CONFIGURE:
                self.given = what.given
                self.feed(self._form(what.given))
                self.advance(0.2)
            case Action.CALL:
                self._call(what.party, what.secure)
            case Action.TURN:
                self.desks[what.party.place] = what.does
            case Action.ORDER:
                self._obey(what.party, what.order)
            case Action.CUT:
                self.cut = True
            case Action.RESTORE:
                self.cut = False
                lost, self._lost = self._lost, []
                for given in lost:
                    self.later(HOP, given)
            case Action.DISMISS:
                for name, call in list(self.calls.items()):
                    if call.party == what.party and not call.up:
                        del self.calls[name]
            case Action.QUIET:
                return self._quiet()
        return begun

    async def must(self, want):
        found = self._await(want, want.count, want.within)
        if found is None:
            raise Broken(want.requirement, f"{want.sign} ({want.party}) not within {want.within:.2f} s")
        return found

    async def must_not(self, want):
        if (at := self._await(want, 1, want.during)) is not None:
            raise Broken(want.requirement, f"{want.sign} at {at:.2f}")

    async def needs(self, want):
        found = self._await(want, 1, want.within)
        if found is None:
            raise OutOfStep(f"{want.sign} ({want.party})")
        return found

    async def asks(self, want):
        return self._await(want, 1, want.within)

    def takes(self, want):
        if not want.low <= want.seconds <= want.high:
            raise Broken(want.requirement, f"{want.name}: {want.seconds:.2f} s")

    def _await(self, want, wanted, within):
        until = self.time + within
        while True:
            found = [fact for fact in self.facts if self._is(fact, want)]
            if len(found) >= wanted:
                return found[wanted - 1].time
            if not self._due or self._due[0][0] > until:
                self.time = max(self.time, until)
                return None
            self._next()

    def _is(self, fact, want):
        party, protection = getattr(want, "party", None), getattr(want, "protection", None)
        signs = {want.sign} | ({Sign.TAKEN, Sign.REFUSED} if want.sign is Sign.DECIDED else set())
        log = want.sign in OF_THE_LOG  # it is dated by whoever reads it
        return (
            fact.sign in signs
            and fact.time >= want.after - (0.0 if log else 1e-9)
            and (party is None or fact.party in (party, None))
            and (protection is None or fact.protection in (protection, None))
        )

    # -- time --------------------------------------------------------------------------------------

    def later(self, seconds, given):
        heapq.heappush(self._due, (self.time + seconds, next(self._order), given))

    def advance(self, seconds):
        until = self.time + seconds
        while self._due and self._due[0][0] <= until:
            self._next()
        self.time = until

    def _next(self):
        self.time, mark, given = heapq.heappop(self._due)
        if isinstance(given, TimerFired) and self._timers.get(given.name) != mark:
            return
        if callable(given):
            given()
            return
        self.feed(given)

    def note(self, sign, party=None, protection=None):
        self.facts.append(Fact(self.time, sign, party, protection))

    # -- the device --------------------------------------------------------------------------------

    def feed(self, given):
        if isinstance(given, Ended):
            self.calls.pop(given.call, None)
        if isinstance(given, Established):
            if given.call not in self.calls:
                return
            self.calls[given.call].up = True
        for output in self.step(given):
            self._perform(output)

    def _perform(self, output):
        match output:
            case Dial():
                self._dialled(output)
            case Answer():
                call = self.calls.get(output.call)
                if call is not None:
                    self.note(Sign.TAKEN, call.party)
                    call.microphone = output.microphone
                    self.later(HOP, lambda: self._taken(output.call))
            case Reject():
                call = self.calls.pop(output.call, None)
                self.note(Sign.REFUSED, call.party if call else None)
                if output.status == 488:
                    self.note(Sign.REFUSED_MEDIA)
                if output.status in (404, 480, 488):
                    self.note(Sign.REFUSED_OTHERWISE)
            case HangUp():
                self._hung_up(output.call)
            case StartTimer():
                mark = next(self._order)
                self._timers[output.name] = mark
                heapq.heappush(self._due, (self.time + output.seconds, mark, TimerFired(output.name)))
            case StopTimer():
                self._timers.pop(output.name, None)
            case WriteEvent():
                if output.name in OF_THE_LOG:
                    self.note(Sign(output.name))
            case Show():
                self.note(Sign.SHOWN)
            case Announce():
                for window in range(6):
                    self.later(0.2 * (window + 1), lambda: self.note(Sign.ANNOUNCED))
            case Hush():
                pass
            case CrashAgent():
                raise Broken("the device", "it crashed")

    def _dialled(self, dial):
        number = user_of(dial.uri)
        place = int(number) - 3410 if number.isdigit() else -1
        desk = Party(place)
        self.note(Sign.DIALLED, desk)
        self.calls[dial.call] = call = VirtualCall(desk, dial.media, dial.microphone)
        if not 0 <= place < len(self.desks):
            self.later(HOP, lambda: self._refused(dial.call, 404))
            return
        does = self.desks[place]
        call.on_loan = [dial.call]
        if self._out_of_reach(lambda: self._arrive(dial.call, does)):
            return
        self.later(HOP, lambda: self._arrive(dial.call, does))

    def _out_of_reach(self, given):
        if self.cut and not self.straight:
            self._lost.append(given)
            return True
        return False

    def _arrive(self, name, does):
        call = self.calls.get(name)
        if call is None:
            return
        if does in REFUSING:
            self.later(HOP, lambda: self._refused(name, STATUS[does]))
        elif does is Desk.ANSWERS and call.media is Media.SECURE:
            self.later(HOP, lambda: self._refused(name, 488))
        elif does is Desk.RINGS:
            self.note(Sign.RANG, call.party)
        else:
            self.later(0.1, lambda: self._answered(name))

    def _refused(self, name, status):
        call = self.calls.get(name)
        if call is None or self._out_of_reach(lambda: self._refused(name, status)):
            return
        self.note(Sign.REFUSED_THERE, call.party)
        self.note(Sign.ACKED)
        self.feed(Ended(name, status, ""))

    def _answered(self, name):
        call = self.calls.get(name)
        if call is None or self._out_of_reach(lambda: self._answered(name)):
            return
        self.note(Sign.ANSWERED, call.party)
        self.feed(Established(name))
        self._sound(name)

    def _taken(self, name):
        if name in self.calls:
            self.feed(Established(name))
            self._sound(name)

    def _sound(self, name):
        """Both sides are heard, window by window, while the call is up and nobody holds it."""
        call = self.calls.get(name)
        if call is None or not call.up:
            return
        if not call.held and not self._out_of_reach(lambda: None):
            if call.microphone:
                self.note(Sign.SENT, call.party, "srtp" if call.media is Media.SECURE else "plain")
            self.note(Sign.HEARD, call.party)
        self.later(0.2, lambda: self._sound(name))

    def _hung_up(self, name):
        call = self.calls.get(name)
        if call is None:
            return
        if call.up:
            self.note(Sign.ENDED, call.party)
            self.later(HOP, lambda: self._end_confirmed(name))
            return
        self.note(Sign.CANCELLED, call.party)
        if not self._out_of_reach(lambda: self._refused(name, 487)):
            self.later(HOP, lambda: self._refused(name, 487))

    def _end_confirmed(self, name):
        self.note(Sign.END_CONFIRMED)
        self.feed(Ended(name, 200, "OK"))

    # -- the stations ------------------------------------------------------------------------------

    def _form(self, given):
        numbers = [
            f"sip:{3410 + p}@127.0.0.{21 + p}:5070" if self.straight else str(3410 + p)
            for p in given.contacts
        ]
        permitted = [
            f"sip:{3420 + p}@127.0.0.{24 + p}" if self.straight else str(3420 + p) for p in given.permitted
        ]
        settings = SipSettings(
            enabled=given.sip,
            server_address=SERVER,
            auth_username="a",
            auth_password="b",
            extension="1001",
            call_number=numbers[0],
            further_numbers=tuple(numbers[1:]),
            call_timeout=given.call_timeout,
            allow_incoming=given.incoming,
            permitted_callers=tuple(permitted),
            encryption=SECURITY[given.security],
        )
        return Configured(settings, {SERVER: frozenset({SERVER})})

    def _call(self, caller, secure):
        name = f"in-{next(self._callers)}"
        host = f"127.0.0.{24 + caller.place}" if self.straight else SERVER
        self.calls[name] = VirtualCall(caller, Media.SECURE if secure else Media.PLAIN)
        self.advance(0.2)
        self.note(Sign.REACHED, caller)
        offer = Offer.SECURE if secure else Offer.PLAIN
        uri = f"sip:{3420 + caller.place}@{host}"
        self.feed(Incoming(name, uri, "", "sip:1001@127.0.0.30", host, offer))

    def _of(self, party):
        return next((name for name, call in self.calls.items() if call.party == party), None)

    def _obey(self, party, order):
        name = self._of(party)
        if name is None:
            return
        call = self.calls[name]
        match order:
            case Order.ANSWER:
                self.later(HOP, lambda: self._answered(name))
            case Order.HANG_UP if call.up:
                self.note(Sign.HUNG_UP, party)
                self.note(Sign.HANG_UP_CONFIRMED)
                self.feed(Ended(name, 200, "OK", by_remote=True))
            case Order.HANG_UP:
                self.later(HOP, lambda: self._refused(name, 480))
            case Order.HOLD | Order.RESUME:
                call.held = order is Order.HOLD
                self.feed(Held(name, call.held))
                self.note(Sign.CHANGED, party)
            case Order.REFER:
                self.note(Sign.REFERRED, party)
                self.feed(Referred(name, "sip:3499@127.0.0.99"))

    def _quiet(self):
        for _ in range(200):
            self.advance(0.2)
            if not self.calls:
                self.advance(1.0)
                if not self.calls:
                    return self.time
            for name, call in list(self.calls.items()):
                self._obey(call.party, Order.HANG_UP)
                if call.party.calls and not call.up:
                    self.calls.pop(name, None)
        raise OutOfStep("the device does not come to rest")


def tell(story, step=None, has=lambda capability: True):
    """Play a story in virtual time, and return what broke and the steps that were done.

    Returns:
        The exception that ended the story, if any, and the steps.
    """
    stage, done = VirtualStage(story, step), []
    playing = play(story, Page(story.given, USUAL_TIMING, has), stage, done)
    try:
        playing.send(None)
    except StopIteration:
        return None, done, stage
    except (Broken, OutOfStep) as problem:
        return problem, done, stage
    raise AssertionError("virtual time has stood still")
