"""Which scenario it is of, what the witnesses of a bench see: the one being played, an earlier one, or none.

A device goes on with what an earlier scenario began: it sends a BYE again, tries the next contact, refuses a
call that came at the last moment, logs that a call is over which was left up. That is kept off the timeline
of the scenario being played, and counted.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

from intercom_hil.spec.events import (
    INCOMING_FAILURE,
    INCOMING_LOCAL_HANGUP,
    INCOMING_RECEIVED,
    INCOMING_REJECTED,
    INCOMING_REMOTE_HANGUP,
    OUTGOING_CONTACTS_EXHAUSTED,
    OUTGOING_ESTABLISHED,
    OUTGOING_FAILURE,
    OUTGOING_INITIATED,
    OUTGOING_REMOTE_HANGUP,
)
from intercom_hil.timeline import Content, Witness
from intercom_hil.timeline.observation import (
    Configured,
    DeviceEvent,
    EventCopy,
    InstrumentLost,
    Note,
    OutputChanged,
    SipMessageSeen,
)

RESTARTED = "the device restarted between two scenarios"
"""How a note begins that says that it did so when no scenario had it do anything."""
_TRYING = {kind.name for kind in (OUTGOING_FAILURE, OUTGOING_ESTABLISHED, OUTGOING_CONTACTS_EXHAUSTED)}
_ENDS = {
    OUTGOING_REMOTE_HANGUP.name: OUTGOING_INITIATED.name,
    **dict.fromkeys(
        (kind.name for kind in (INCOMING_FAILURE, INCOMING_LOCAL_HANGUP, INCOMING_REMOTE_HANGUP)),
        INCOMING_RECEIVED.name,
    ),
}
"""Events that report the end of a call, and what shows the beginning of one of that direction."""
_DECIDES = (INCOMING_REJECTED.name, INCOMING_RECEIVED.name)
"""Events that report what the device has decided about a call that came in."""
_Call = tuple[str, str]
_OF_EARLIER_CALLS = "SIP messages of earlier scenarios' calls"


class Attribution:
    """Attributes what is seen to scenarios. Between ``begin`` and ``end`` one is being played.

    Attributes:
        between: whether the last scenario has ended, and the next has not begun.
        restarts: of the device since the last scenario ended, in words.
    """

    def __init__(self) -> None:
        self.between = False
        self.restarts: list[str] = []
        self._scenario = 0
        self._touched = False
        self._calls: dict[_Call, int] = {}
        self._last: dict[str, _Call] = {}  # of the calls with one Call-ID
        self._dialling: int | None = None  # the scenario whose press the device is trying contacts for
        self._left_up: Counter[str] = Counter()  # calls of earlier scenarios, by what showed their beginning
        self._kept_off: Counter[str] = Counter()
        self._reached: set[_Call] = set()  # calls that the device has answered, be it with 100
        self._undecided: dict[
            _Call, int
        ] = {}  # calls to the device without a final response: of which scenario
        self._decided_late = False  # a call of the scenario before has got it since this one began
        self._called = False  # this scenario has had a call come in
        self._unheard: dict[
            _Call, list[tuple[Witness, SipMessageSeen, float]]
        ] = {}  # what has not reached it

    def begin(self) -> None:
        """Begin another scenario: it has not touched the device yet."""
        self._scenario += 1
        self.between = self._touched = self._called = self._decided_late = False

    def end(self) -> Counter[str]:
        """End the scenario, and return how much was kept off since the last one ended, by what it was."""
        self.between = True
        self._unheard.clear()
        kept_off, self._kept_off = +self._kept_off, Counter()
        return kept_off

    def touch(self) -> None:
        """The scenario is about to have something to do with the device: what that reports is of it."""
        self._touched = True

    def leave_up(self, *, placed: int, taken: int) -> None:
        """Remember how many calls the device is still in, and alone there, when a scenario ends.

        That they end when it is configured again is no event of the next scenario.
        """
        self._left_up = Counter({OUTGOING_INITIATED.name: placed, INCOMING_RECEIVED.name: taken})

    def come_late(
        self, witness: Witness, content: Content, at: float
    ) -> list[tuple[Witness, SipMessageSeen, float]]:
        """Return what had been kept off of a call that reaches the device only now, one scenario late.

        A caller sends an INVITE again for half a minute (RFC 3261 §17.1.1.2). To a device that was not there
        before (it started anew) the call comes now, and what it logs of it has its cause here.

        Args:
            witness: who saw it.
            content: what was seen: the first answer of the device makes the call one of this scenario.
            at: when.
        """
        if not isinstance(content, SipMessageSeen):
            return []
        call = self._call_of(content)
        earlier = self._calls.get(call, self._scenario) != self._scenario
        if (
            earlier
            and content.is_initial_invite
            and content.receiver == "device"
            and call not in self._reached
        ):
            self._unheard.setdefault(call, []).append((witness, content, at))
        if content.sender != "device" or content.status is None or call in self._reached:
            return []
        self._reached.add(call)
        known = self._unheard.pop(call, [])
        if known:
            self._calls[call] = self._scenario
            self._kept_off[_OF_EARLIER_CALLS] -= len(known)
        return known

    def admitted(self, witness: Witness, content: Content, at: float) -> Content | None:
        """Return what the timeline of the scenario being played is to hold of an observation.

        Args:
            witness: who saw it.
            content: what was seen.
            at: when.

        Returns:
            The content, or a note in its place; None of what is kept off.
        """
        if self.between:
            self._kept_off["observations between two scenarios"] += 1
        self._touched |= isinstance(content, Configured | OutputChanged)
        if isinstance(content, InstrumentLost) and content.blame == "device" and witness is not Witness.BENCH:
            text = f"{RESTARTED}, at {datetime.fromtimestamp(at, UTC):%H:%M:%S} UTC: {content.problem}"
            if self.between:
                self.restarts.append(text)
                return None
            if not self._touched:
                content = Note(text=text)
        if reason := self._reason_against(content):
            self._kept_off[reason] += 1
            return None
        return content

    def _reason_against(self, content: Content) -> str:
        """Return, in words, as what something is kept off the timeline; nothing if it belongs there."""
        if self._of_an_earlier_press(content):
            return "what still came of an earlier scenario's press"
        if self._of_a_call_left_up(content):
            return "how a call ended that an earlier scenario had left up"
        if isinstance(content, DeviceEvent) and self._is_of_a_call_before(content):
            return "what the device decided about a call of the scenario before"
        if isinstance(content, DeviceEvent | EventCopy) and not self._touched:
            return "events of the device before the scenario touched it"
        if isinstance(content, SipMessageSeen):
            call = self._call_of(content)
            if content.is_initial_invite:
                self._calls.setdefault(call, self._scenario_of(content))
                self._last[content.call_id] = call
            self._follow_calls_in(content)
            if self._calls.get(call, self._scenario) != self._scenario:
                return _OF_EARLIER_CALLS
        return ""

    def _of_an_earlier_press(self, content: Content) -> bool:
        """Follow the log of contacts being tried; return whether an entry is of an earlier press."""
        if isinstance(content, Configured | OutputChanged) and self._dialling != self._scenario:
            self._dialling = None
        elif isinstance(content, DeviceEvent) and content.name == OUTGOING_INITIATED.name:
            self._dialling = self._scenario
        elif isinstance(content, DeviceEvent) and content.name in _TRYING:
            scenario = self._dialling
            if content.name != OUTGOING_FAILURE.name:
                self._dialling = None
            return scenario not in (None, self._scenario)
        return False

    def _of_a_call_left_up(self, content: Content) -> bool:
        """Return whether an event reports the end of a call of an earlier scenario: none has begun since."""
        if not isinstance(content, DeviceEvent):
            return False
        self._left_up.pop(content.name, None)
        began = _ENDS.get(content.name, "")
        of_earlier = self._left_up[began] > 0
        self._left_up[began] -= of_earlier
        return of_earlier

    def _call_of(self, message: SipMessageSeen) -> _Call:
        """Return what a call is known by: its Call-ID, and its caller's tag where a device uses that again.

        Whatever else has the Call-ID, and neither tag of a call that is known, is of the last with it.
        """
        call = message.call_id
        own = [(call, tag) for tag in (message.from_tag, message.to_tag) if (call, tag) in self._calls]
        if own or message.is_initial_invite:
            return own[0] if own else (call, message.from_tag)
        return self._last.get(call, (call, message.from_tag))

    def _follow_calls_in(self, message: SipMessageSeen) -> None:
        call = self._call_of(message)
        scenario = self._calls.get(call, self._scenario)
        if message.is_initial_invite and message.receiver == "device":
            self._called |= scenario == self._scenario
            if call not in self._reached:
                self._undecided.setdefault(call, scenario)
        elif message.sender == "device" and message.method == "INVITE" and (message.status or 0) >= 200:
            decided = self._undecided.pop(call, None)
            self._decided_late |= decided == self._scenario - 1

    def _is_of_a_call_before(self, event: DeviceEvent) -> bool:
        """Return whether an event is of a call that the device had not decided about when its scenario ended.

        Which is seen first, the response or the event, is left to chance. None is once a call has come since.
        """
        pending = self._decided_late or self._scenario - 1 in self._undecided.values()
        return event.name in _DECIDES and pending and not self._called

    def _scenario_of(self, invite: SipMessageSeen) -> int:
        """Return which scenario a call that begins now is of: the next contact may be of an earlier press."""
        placed = invite.sender == "device"
        return self._dialling if placed and self._dialling is not None else self._scenario
