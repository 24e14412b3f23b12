"""The device's logic in virtual time: whatever happens to it, it stays a sane telephone."""

from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from intercom_hil.emulator.form_reading import read_settings
from intercom_hil.emulator.logic import BANNER, RETRY_AFTER, Logic
from intercom_hil.emulator.settings import Encryption
from intercom_hil.emulator.vocabulary import (
    AgentDied,
    Announce,
    Answer,
    Apply,
    ButtonPressed,
    Configured,
    Dial,
    Ended,
    Established,
    HangUp,
    Incoming,
    Media,
    MediaLost,
    Offer,
    PoweredOn,
    Refresh,
    RegistrationAnswered,
    Reject,
    StartTimer,
    StopTimer,
    TimerFired,
    Withdraw,
    WriteEvent,
)
from intercom_hil.spec.events import EVENTS, FAILURE_KINDS

SERVER = "127.0.0.10"


def form(**changes):
    base = {"server_address": SERVER, "auth_username": "a", "auth_password": "b", "extension": "1001"}
    return Configured(
        read_settings({**base, "call_number": "3400", **changes}), {SERVER: frozenset({SERVER})}
    )


def device(**changes):
    logic = Logic()
    logic.step(PoweredOn())
    logic.step(form(**changes))
    return logic


def events(outputs):
    return [output.name for output in outputs if isinstance(output, WriteEvent)]


def one(outputs, kind):
    (found,) = [output for output in outputs if isinstance(output, kind)]
    return found


def incoming(call="in-1", caller=f"sip:3400@{SERVER}", offer=Offer.PLAIN):
    return Incoming(call, caller, "", "sip:1001@127.0.0.30", SERVER, offer)


def test_each_contact_gets_the_call_timeout_and_then_the_failure_is_announced():
    logic = device(call_timeout=7, further_numbers=("sip:bob@host.example:5070",), server_port=5080)
    pressed = logic.step(ButtonPressed())
    assert one(pressed, Dial) == Dial("out-1", f"sip:3400@{SERVER}:5080", Media.PLAIN)
    assert one(pressed, StartTimer) == StartTimer("ring", 7.0)
    assert HangUp("out-1") in logic.step(TimerFired("ring"))
    assert one(logic.step(Ended("out-1", 487, "")), Dial).uri == "sip:bob@host.example:5070"
    outputs = logic.step(Ended("out-2", 404, "Not Found"))
    assert events(outputs) == ["outgoing_call_failure", "outgoing_call_contact_failure"]
    assert outputs[-1] == Announce()
    assert logic.idle


def test_a_cancelled_call_that_does_not_end_holds_nobody_up_and_is_hung_up_if_it_comes_up():
    logic = device(further_numbers=("3401",))
    logic.step(ButtonPressed())
    logic.step(TimerFired("ring"))
    assert one(logic.step(TimerFired("cancel")), Dial).call == "out-2"
    assert logic.step(Established("out-1")) == [HangUp("out-1")]
    assert events(logic.step(Established("out-2"))) == ["outgoing_call_established"]


def test_fallback_tries_each_contact_secure_and_then_plain_as_one_attempt():
    logic = device(encryption=Encryption.FALLBACK)
    assert one(logic.step(ButtonPressed()), Dial).media is Media.SECURE
    again = logic.step(Ended("out-1", 488, "Not Acceptable Here"))
    assert (one(again, Dial).media, events(again)) == (Media.PLAIN, [])
    assert events(logic.step(Ended("out-2", 488, "")))[0] == "outgoing_call_failure"


def test_srtp_only_never_gives_way():
    logic = device(encryption=Encryption.SRTP_ONLY)
    assert one(logic.step(ButtonPressed()), Dial).media is Media.SECURE
    outputs = logic.step(Ended("out-1", 488, "Not Acceptable Here"))
    assert one(outputs[:1], WriteEvent).details.startswith("media security: ")
    refused = logic.step(incoming())
    assert one(refused, Reject).status == 488
    assert one(refused, WriteEvent).details.startswith("media security: ")
    assert Answer("in-1") in logic.step(incoming(offer=Offer.SECURE))


def test_permission_is_looked_at_before_media_and_a_second_call_is_told_busy():
    logic = device(permitted_callers=("3400",))
    stranger = incoming("in-9", "sip:6@evil.example", Offer.SECURE)
    assert one(logic.step(stranger), Reject).status == 403
    assert Answer("in-1") in logic.step(incoming())
    assert logic.step(incoming("in-2")) == [Reject("in-2", 486, "Busy Here")]
    assert one(logic.step(stranger), Reject).status == 403


def test_the_three_ends_of_a_call_taken():
    for ending, name in (
        (Ended("in-1", 200, "OK", by_remote=True), "incoming_call_remote_hangup"),
        (ButtonPressed(), "incoming_call_local_hangup"),
        (MediaLost("in-1", 10), "incoming_call_failure"),
        (Ended("in-1", 408, "Request Timeout"), "incoming_call_failure"),
    ):
        logic = device()
        logic.step(incoming())
        assert events(logic.step(Established("in-1"))) == ["incoming_call_received"]
        assert events(logic.step(ending)) == [name]
        assert logic.idle


def test_registration_is_confirmed_each_interval_and_not_hammered():
    logic = device(polling_interval=45)
    assert one(logic.step(RegistrationAnswered(200, "OK")), StartTimer) == StartTimer("poll", 45.0)
    assert logic.step(TimerFired("poll")) == [Refresh()]
    assert one(logic.step(RegistrationAnswered(408, "Timeout")), StartTimer) == StartTimer("register", 30.0)
    assert one(logic.step(RegistrationAnswered(401, "")), StartTimer) == StartTimer("register", 45.0)
    logic = device(polling_interval=1)
    assert one(logic.step(RegistrationAnswered(403, "")), StartTimer).seconds == RETRY_AFTER
    assert one(logic.step(RegistrationAnswered(503, "")), StartTimer).seconds == 1


def test_switched_off_there_are_no_calls():
    logic = device()
    assert Withdraw() in logic.step(form(enabled=False))
    assert not any(isinstance(output, Dial) for output in logic.step(ButtonPressed()))
    assert logic.step(incoming())[0].status == 480


def test_a_dead_agent_is_a_reboot_that_keeps_the_settings():
    logic = device()
    logic.step(ButtonPressed())
    died = logic.step(AgentDied("signal 6"))
    assert 'level", "error' in str(died[0].fields).replace("'", '"')
    assert not any(isinstance(output, Dial) for output in logic.step(ButtonPressed()))
    booted = logic.step(TimerFired("boot"))
    assert booted[0] == BANNER
    assert one(booted, Apply).settings == form().settings
    assert one(logic.step(ButtonPressed()), Dial)


numbers = st.integers(0, 5).map(lambda n: f"34{n:02}")


class AnythingHappens(RuleBasedStateMachine):
    """Random chains of contacts and inputs; an onlooker keeps count of calls, timers and events."""

    @initialize(
        further=st.lists(numbers, max_size=3),
        encryption=st.sampled_from(Encryption),
        allow=st.booleans(),
        permitted=st.lists(numbers, max_size=2),
    )
    def switch_on(self, further, encryption, allow, permitted):
        self.contacts = 1 + len(further)
        self.settings = form(
            further_numbers=tuple(further),
            encryption=encryption,
            allow_incoming=allow,
            permitted_callers=tuple(permitted),
        )
        self.logic = Logic()
        self.live, self.leaving, self.timers, self.taken = {}, set(), {}, 0
        self.placing = ""  # the grammar's state: nothing, trying, or up
        self.failures = 0
        self.taking = False
        self.feed(PoweredOn())
        self.feed(self.settings)

    def feed(self, given):
        if isinstance(given, Established):
            self.live[given.call] = "up"
        if isinstance(given, Ended):
            self.live.pop(given.call, None)
            self.leaving.discard(given.call)
        for output in self.logic.step(given):
            self.look_at(output, given)

    def look_at(self, output, given):
        match output:
            case Dial():
                assert set(self.live) <= self.leaving, "a second call"
                self.live[output.call] = "trying"
            case Answer():
                assert set(self.live) - {output.call} <= self.leaving, "a second call"
                self.live[output.call] = "answering"
            case HangUp():
                self.leaving.add(output.call)
            case Reject():
                self.live.pop(output.call, None)
            case StartTimer():
                assert output.seconds > 0
                self.timers[output.name] = output.seconds
            case StopTimer():
                self.timers.pop(output.name, None)
            case WriteEvent():
                self.check_grammar(output, given)

    def check_grammar(self, event, given):
        assert event.screen_name == EVENTS[event.name].screen_name
        if event.name in ("outgoing_call_failure", "incoming_call_rejected", "incoming_call_failure"):
            assert event.details.split(": ")[0] in FAILURE_KINDS
        match event.name:
            case "outgoing_call_initiated":
                assert isinstance(given, ButtonPressed)
                self.placing, self.failures = "trying", 0
            case "outgoing_call_failure":
                self.failures += 1
                assert self.placing == "trying"
                assert self.failures <= self.contacts
            case "outgoing_call_established":
                assert self.placing == "trying"
                assert self.failures < self.contacts
                self.placing = "up"
            case "outgoing_call_contact_failure":
                assert self.placing == "trying"
                assert self.failures == self.contacts
                self.placing = ""
            case "outgoing_remote_hangup":
                assert self.placing == "up"
                self.placing = ""
            case "incoming_call_received":
                assert not self.taking
                self.taking = True
            case "incoming_call_rejected":
                assert isinstance(given, Incoming)
            case _:
                assert self.taking
                self.taking = False

    def calls(self, *states):
        return sorted(call for call, state in self.live.items() if state in states)

    @rule()
    def press(self):
        self.feed(ButtonPressed())

    @precondition(lambda self: self.calls("trying", "answering"))
    @rule(data=st.data())
    def come_up(self, data):
        self.feed(Established(data.draw(st.sampled_from(self.calls("trying", "answering")))))

    @precondition(lambda self: self.live)
    @rule(data=st.data(), status=st.sampled_from((200, 404, 408, 486, 487, 488, 503, 603)), bye=st.booleans())
    def end(self, data, status, bye):
        call = data.draw(st.sampled_from(sorted(self.live)))
        self.feed(Ended(call, status, "", by_remote=bye and self.live[call] == "up"))

    @rule(number=numbers, offer=st.sampled_from(Offer))
    def be_called(self, number, offer):
        self.taken += 1
        call = f"in-{self.taken}"
        self.feed(incoming(call, f"sip:{number}@{SERVER}", offer))

    @precondition(lambda self: self.timers)
    @rule(data=st.data())
    def let_time_pass(self, data):
        name = data.draw(st.sampled_from(sorted(self.timers)))
        del self.timers[name]
        self.feed(TimerFired(name))

    @precondition(lambda self: self.calls("up"))
    @rule(data=st.data())
    def lose_media(self, data):
        self.feed(MediaLost(data.draw(st.sampled_from(self.calls("up"))), 10))

    @rule(status=st.sampled_from((200, 401, 408, 503)))
    def hear_from_the_registrar(self, status):
        self.feed(RegistrationAnswered(status, ""))

    @rule()
    def submit_again(self):
        self.placing = ""
        self.feed(self.settings)
        assert self.logic.idle

    @rule()
    def crash(self):
        self.live.clear()
        self.leaving.clear()
        self.placing, self.taking = "", False
        self.feed(AgentDied("signal 6"))
        assert self.logic.idle

    @invariant()
    def an_idle_device_has_no_call_and_no_call_timer(self):
        if hasattr(self, "logic") and self.logic.idle:
            assert set(self.live) <= self.leaving
            assert not {"ring", "cancel"} & set(self.timers)
            self.placing = ""

    def teardown(self):
        """Left alone, with every call ended and every timer run out, it comes to rest."""
        if not hasattr(self, "logic"):
            return
        for _ in range(50):
            if self.logic.idle:
                return
            for call in sorted(self.live):
                self.feed(Ended(call, 503, "left alone"))
            for name in sorted({"ring", "cancel"} & set(self.timers)):
                del self.timers[name]
                self.feed(TimerFired(name))
        raise AssertionError("the device never comes to rest")


AnythingHappens.TestCase.settings = hypothesis_settings(
    max_examples=150, stateful_step_count=40, deadline=None
)
TestAnythingHappens = AnythingHappens.TestCase
