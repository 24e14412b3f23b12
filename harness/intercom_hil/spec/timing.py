"""How fast a device is: how long each thing that it does may take, in seconds (``[device.timing]``).

It is the IXIT of ISO/IEC 9646-7: values of the device that the tests need, and that no standard states. The
defaults suit a device that reacts at once.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

T1 = 0.5
"""Seconds: the round-trip time that SIP reckons with (RFC 3261 §17.1.1.1)."""
T2 = 4.0
"""Seconds: the longest time between two transmissions of a request over UDP (RFC 3261 §17.1.2.2)."""
SHORTEST_SESSION = 90
"""Seconds: the shortest session that may be asked for (RFC 4028 §4)."""

_Most = Annotated[float, Field(ge=0, le=3600)]
_Some = Annotated[float, Field(gt=0, le=3600)]


class Timing(BaseModel):
    """How long the device may take at most. Waits in scenarios are bounded by one of these, or by several."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    apply: _Most = Field(
        default=0.0,
        description="s, from its answer to new settings until they are in force, a restart included",
    )
    registration: _Some = Field(default=3.0, description="s, to register with settings in force")
    dial: _Some = Field(
        default=2.0, description="s, to call after a press, and the next contact when one has failed"
    )
    answer: _Some = Field(
        default=2.0, description="s, to take or refuse a call, and to be heard and seen once one is up"
    )
    hang_up: _Some = Field(
        default=2.0, description="s, to end a call after a press, or when it may not go on"
    )
    log: _Some = Field(default=1.0, description="s, until what has happened is in its event log")
    rest: _Most = Field(default=0.0, description="s that it needs between two calls")
    boot: _Some = Field(default=15.0, description="s, to start when it is switched on")
    tolerance: _Some = Field(
        default=0.5, description="s by which it may miss a time that is set: call timeout, polling interval"
    )
    media_loss: _Some = Field(default=15.0, description="s without audio after which it gives a call up")
    remote: _Some = Field(
        default=2.0,
        description="s, for the bench's own PBX and stations to do their part, on the way and back",
    )

    @property
    def registered(self) -> float:
        """Until a device that was given new settings has registered with them."""
        return self.apply + self.registration

    @property
    def called(self) -> float:
        """From a press until the other side has answered, or refused, the call."""
        return self.dial + self.remote

    @property
    def taken(self) -> float:
        """From a station's start of a call until the device has taken or refused it."""
        return self.remote + self.answer

    @property
    def next_contact(self) -> float:
        """From a call that failed until the next contact is called."""
        return self.dial + self.hang_up

    @property
    def announced(self) -> float:
        """From the last contact's failure until the announcement of that has been heard."""
        return self.dial + self.answer

    @property
    def recovered(self) -> float:
        """Beyond a polling interval, until a device is registered again at a server that is back.

        A request that was under way when the server came back is sent again after T2 at the latest.
        """
        return self.registration + T2

    @property
    def watch(self) -> float:
        """For how long a device is watched that must not react: half of the longest that it may take."""
        return max(self.dial, self.answer, self.hang_up) / 2

    @property
    def short_call(self) -> float:
        """How long a call lasts that the other side ends: long enough for the device to be in it."""
        return 0.3 * self.watch

    @property
    def conversation(self) -> float:
        """How long a call lasts in which both sides are listened to: until who sends must have reported it.

        The first report comes after 3.1 s at most, the second one 6.2 s later (RFC 3550 §6.2: 5 s, half of it
        for the first, times 1.5 / 1.218); what is a second more leaves time for the media to begin.
        """
        return self.answer + 8.9

    @property
    def media_tail(self) -> float:
        """After the end of a call: until the device's speaker is through with it, one round trip (T1)."""
        return T1

    @property
    def transaction(self) -> float:
        """For how long an answer to a response is waited for that must not come: one round trip (T1)."""
        return T1

    @property
    def repeats(self) -> float:
        """After a request: until it has come twice more from a device that does not read the response.

        That is after T1, and twice that once more (RFC 3261 §17.1.2.2).
        """
        return 3 * T1 + 0.3

    @property
    def unanswered(self) -> float:
        """For how long nothing comes back to a request, until it must have come again."""
        return 3.3

    @property
    def unheard(self) -> float:
        """For how long a device may wait for whoever sends nothing back at all, and cannot be cancelled.

        That is for as long as a transaction may take (RFC 3261 §17.1.1.2: 64 times T1).
        """
        return 64 * T1

    @property
    def slowness(self) -> float:
        """How many times longer than with the default values a scenario may take, at the most."""
        usual = Timing()
        return max(1.0, self.registered / usual.registered, self.watch / usual.watch, self.log / usual.log)


USUAL_TIMING = Timing()
"""That of a device that reacts at once."""
