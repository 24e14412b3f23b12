"""The stage of a real bench: the model's wants in the bench's verbs and patterns."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack

from intercom_hil.errors import BenchError, Inconclusive
from intercom_hil.explore.model import Page, Seen
from intercom_hil.explore.playing import play
from intercom_hil.explore.story import REFUSING, Desk, Given, Security, Step, Story
from intercom_hil.explore.wants import (
    Action,
    Asks,
    Do,
    Must,
    MustNot,
    Needs,
    Order,
    Party,
    Sign,
    Takes,
)
from intercom_hil.judge.calls import Call, calls
from intercom_hil.judge.messages import sip
from intercom_hil.scenario.bench import Bench
from intercom_hil.spec.events import EVENTS
from intercom_hil.spec.settings import Encryption, Settings
from intercom_hil.spec.status_codes import MEDIA_NOT_ACCEPTABLE, NOT_THERE
from intercom_hil.stations.behaviours import (
    LONGEST,
    Behaviour,
    answers,
    busy,
    declines,
    not_found,
    obeys,
    unavailable,
)
from intercom_hil.stations.station import Station
from intercom_hil.timeline import Observation, Pattern, now
from intercom_hil.timeline.pattern import Condition
from intercom_hil.timeline.vocabulary import (
    DEVICE,
    PBX,
    another_call,
    answer,
    decision,
    event,
    invite,
    refusal,
    request,
    response,
    screen,
    speaker_sound,
    speaker_sound_other_than,
    speaker_tone,
    tone,
)

VOICE = 1000.0
"""Hz: what every station says."""
_ENCRYPTIONS = {
    Security.UNSET: Encryption.UNSET,
    Security.FALLBACK: Encryption.FALLBACK,
    Security.SRTP_ONLY: Encryption.SRTP_ONLY,
}
_RESTLESS = 12
"""How often stations that still have calls are told to end them, before the device counts as restless."""


async def play_on_bench(story: Story, bench: Bench, done: list[Step]) -> None:
    """Play a story on a bench, within ``Bench.play``.

    Raises:
        ExpectationFailed: the device broke the page.
        Inconclusive: the story could not be played to its end.
    """
    async with AsyncExitStack() as away:
        stage = BenchStage(story, bench, away)
        await stage.set_up()
        page = Page(story.given, bench.timing, bench.has)
        await play(story, page, stage, done)


class BenchStage:
    """One story's stage."""

    def __init__(self, story: Story, bench: Bench, away: AsyncExitStack) -> None:
        self._story, self._bench, self._away = story, bench, away
        self._stations: dict[Party, Station] = {}
        self._seen: dict[Sign, Observation] = {}
        self._place_of_callers = len(story.given.desks)

    async def set_up(self) -> None:
        """Start the desks."""
        for place, does in enumerate(self._story.given.desks):
            await self._turn(Party(place), does)

    def now(self) -> float:
        """Return the time."""
        return now()

    # -- what is done ----------------------------------------------------------------------------------

    async def do(self, what: Do) -> Seen:
        """Do something with the bench, and return when."""
        at, party = now(), what.party
        match what.action:
            case Action.PRESS:
                self._forget_orders()
                return await self._bench.intercom.press_button()
            case Action.CONFIGURE:
                assert what.given is not None
                await self._bench.configure(**self._settings(what.given))
            case Action.CALL:
                assert party is not None
                await self._call(party, secure=what.secure)
            case Action.TURN:
                assert party is not None
                assert what.does is not None
                await self._turn(party, what.does)
            case Action.ORDER:
                assert party is not None
                assert what.order is not None
                await self._order(self._stations[party], what.order)
            case Action.DISMISS:
                station = self._stations.pop(party, None) if party else None
                if station is not None:
                    await station.stop()
            case Action.CUT:
                await self._away.enter_async_context(self._bench.server_away(silent=True))
            case Action.RESTORE:
                await self._away.aclose()
            case Action.QUIET:
                await self._quiet()
        return at

    def _settings(self, given: Given) -> Settings:
        bench = self._bench
        callers = [self._place(Party(place, calls=True)) for place in given.permitted]
        contacts = [
            bench.station_uri(place) if given.straight else bench.number(place) for place in given.contacts
        ]
        return Settings(
            enabled=given.sip,
            call_number=contacts[0],
            further_numbers=tuple(contacts[1:]),
            call_timeout=given.call_timeout,
            allow_incoming=given.incoming,
            permitted_callers=tuple(
                bench.direct_caller_uri(place) if given.straight else bench.number(place) for place in callers
            ),
            encryption=_ENCRYPTIONS[given.security],
        )

    def _place(self, party: Party) -> int:
        return party.place + (self._place_of_callers if party.calls else 0)

    def _number(self, party: Party) -> str:
        return self._bench.number(self._place(party))

    async def _call(self, caller: Party, *, secure: bool) -> None:
        earlier = self._stations.pop(caller, None)
        if earlier is not None:
            await earlier.stop()
        self._stations[caller] = await self._bench.call_device(
            caller=self._number(caller),
            direct=self._story.given.straight,
            tone_hz=VOICE,
            security="srtp" if secure else "plain",
            place=self._place(caller),
            refers_when_told=self._stranger,
        )

    @property
    def _stranger(self) -> str:
        """Where nobody configured the device to call."""
        return self._bench.at_server("9999")

    async def _turn(self, desk: Party, does: Desk) -> None:
        earlier = self._stations.pop(desk, None)
        if earlier is not None:
            await earlier.stop()
        behaviour = _BEHAVIOURS[does]()
        if does not in REFUSING:
            behaviour = obeys(behaviour, self._stranger)
        self._stations[desk] = await self._bench.station_at(self._place(desk), behaviour)

    async def _order(self, station: Station, order: Order) -> None:
        if order is Order.HANG_UP:
            await self._hang_up(station)
            return
        match order:
            case Order.ANSWER:
                station.tell("answer")
            case Order.HOLD:
                station.tell("hold")
            case Order.RESUME:
                station.tell("resume")
            case Order.REFER:
                station.tell("refer")

    async def _hang_up(self, station: Station) -> None:
        """Have a station end its call. Raises Inconclusive: it cannot, for the device does not answer."""
        try:
            await station.hang_up(self._bench.timing.remote)
        except BenchError as problem:
            if self._bench.timeline.alarm is not None:
                raise
            raise Inconclusive(str(problem)) from problem

    def _forget_orders(self) -> None:
        """Have no station do with its next call what it was told to do with its last one."""
        for station in self._stations.values():
            station.tell("none")

    async def _quiet(self) -> None:
        """Have the stations end every call, until the device has none for a while.

        Raises:
            Inconclusive: it goes on and on.
        """
        self._forget_orders()
        for _ in range(_RESTLESS):
            begun = now()
            another = another_call(self._bench.seen(invite(sender=DEVICE)), begun)
            called = await self._bench.happens(another, within=self._bench.timing.watch, after=begun)
            if called is None and not any(_goes_on(call) for call in calls(self._bench.timeline)):
                return
            for station in self._stations.values():
                if station.open_calls and not station.ended:
                    await self._hang_up(station)
        raise Inconclusive("the device did not come to rest, though the stations ended every call")

    # -- what is looked for ----------------------------------------------------------------------------

    async def must(self, want: Must) -> float:
        """Judge whether something follows."""
        pattern = self._pattern(want.sign, want.party, want.after, want.protection)
        seen = await self._bench.expect(
            want.requirement, pattern, within=want.within, after=want.after, count=want.count
        )
        self._seen[want.sign] = seen
        return seen.time

    async def must_not(self, want: MustNot) -> None:
        """Judge whether something stays away."""
        pattern = self._pattern(want.sign, None, want.after)
        if want.sign is Sign.ANNOUNCED:
            pattern = speaker_sound_other_than(VOICE)
        await self._bench.never(want.requirement, pattern, during=want.during, after=want.after)

    async def needs(self, want: Needs) -> float:
        """Wait for what the stations, or the server, owe the story."""
        pattern = self._pattern(want.sign, want.party, want.after)
        return (await self._bench.require(pattern, within=want.within, after=want.after)).time

    async def asks(self, want: Asks) -> Seen:
        """Find out what the page leaves open."""
        pattern = self._pattern(want.sign, None, want.after)
        seen = await self._bench.happens(pattern, within=want.within, after=want.after)
        return seen.time if seen else None

    def takes(self, want: Takes) -> None:
        """Judge a time."""
        of = tuple(self._seen[sign] for sign in (Sign.DIALLED, Sign.CANCELLED) if sign in self._seen)
        self._bench.measure(
            want.requirement, want.name, want.seconds, "s", low=want.low, high=want.high, of=of
        )

    def _pattern(
        self, sign: Sign, party: Party | None, after: float, protection: str | None = None
    ) -> Pattern:
        if sign is Sign.DIALLED:
            return self._dialled(party, after)
        if sign is Sign.SENT:
            return tone(self._bench.microphone_tone, sender=DEVICE, protection=protection)
        if sign is Sign.REFUSED_THERE and party is not None:
            return refusal(sender=self._met_at(party), receiver=DEVICE)
        if sign in _PATTERNS:
            return _PATTERNS[sign]()
        return event(EVENTS[sign.value])

    def _dialled(self, party: Party | None, after: float) -> Pattern:
        """Return what a call is that the device begins now, and not one of before that it sends again."""
        another = another_call(self._bench.seen(invite(sender=DEVICE)), after)
        if party is None:
            return another
        number = self._number(party)
        text = f"INVITE from device for {number}"
        return another.where(text, receiver=self._met_at(party), request_uri=Condition(user=number))

    def _met_at(self, party: Party) -> str:
        """Return whom the device speaks with when it calls a station."""
        return self._number(party) if self._story.given.straight else PBX


def _goes_on(call: Call) -> bool:
    """Whether a call is up or rings; one whose answers an outage has swallowed does neither."""
    rings = any(100 < (sip(o).status or 0) < 200 for o in call.messages) and call.cancel is None
    return call.over == float("inf") and (call.accepted or rings)


_BEHAVIOURS: dict[Desk, Callable[[], Behaviour]] = {
    Desk.ANSWERS: lambda: answers(VOICE),
    Desk.ANSWERS_EITHER: lambda: answers(VOICE, security="either"),
    Desk.RINGS: lambda: answers(VOICE, ring=LONGEST, security="either"),
    Desk.BUSY: busy,
    Desk.DECLINES: declines,
    Desk.NOT_FOUND: not_found,
    Desk.UNAVAILABLE: unavailable,
}
_PATTERNS: dict[Sign, Callable[[], Pattern]] = {
    Sign.RANG: lambda: response((180, 183), "INVITE", receiver=DEVICE),
    Sign.REFUSED_THERE: lambda: refusal(receiver=DEVICE),
    Sign.ANSWERED: lambda: answer(receiver=DEVICE),
    Sign.ACKED: lambda: request("ACK", sender=DEVICE),
    Sign.CANCELLED: lambda: request("CANCEL", sender=DEVICE),
    Sign.ENDED: lambda: request("BYE", sender=DEVICE),
    Sign.END_CONFIRMED: lambda: response((200, 699), "BYE", receiver=DEVICE),
    Sign.HUNG_UP: lambda: request("BYE", receiver=DEVICE),
    Sign.HANG_UP_CONFIRMED: lambda: response((200, 699), "BYE", sender=DEVICE),
    Sign.REACHED: lambda: invite(receiver=DEVICE),
    Sign.DECIDED: lambda: decision(sender=DEVICE),
    Sign.TAKEN: lambda: answer(sender=DEVICE),
    Sign.REFUSED: lambda: refusal(sender=DEVICE),
    Sign.REFUSED_MEDIA: lambda: refusal(sender=DEVICE).where(status=Condition(one_of=MEDIA_NOT_ACCEPTABLE)),
    Sign.REFUSED_OTHERWISE: lambda: refusal(sender=DEVICE).where(
        status=Condition(one_of=(*NOT_THERE, *MEDIA_NOT_ACCEPTABLE))
    ),
    Sign.CHANGED: lambda: answer(sender=DEVICE),
    Sign.REFERRED: lambda: request("REFER", receiver=DEVICE),
    Sign.HEARD: lambda: speaker_tone(VOICE),
    Sign.ANNOUNCED: speaker_sound,
    Sign.SHOWN: lambda: screen("Incoming call answered"),
}
