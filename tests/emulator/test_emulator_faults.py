"""Each fault does wrong what it says, and nothing else of what a script of inputs shows."""

import re
from dataclasses import replace

import pytest

from intercom_hil.emulator.faults import FAULTS, VARIANTS, wrap
from intercom_hil.emulator.form_reading import read_settings
from intercom_hil.emulator.logic import Logic
from intercom_hil.emulator.settings import Encryption
from intercom_hil.emulator.vocabulary import (
    Answer,
    ButtonPressed,
    Configured,
    CrashAgent,
    Dial,
    Ended,
    Established,
    HangUp,
    Incoming,
    Media,
    Offer,
    Refresh,
    RegistrationAnswered,
    Reject,
    Ring,
    Ringing,
    StopTimer,
    TimerFired,
    WriteEvent,
)
from intercom_hil.spec.events import EVENTS

SERVER, STRANGER = "127.0.0.10", "127.0.0.66"
UNSET, FALLBACK, SRTP_ONLY = Encryption.UNSET, Encryption.FALLBACK, Encryption.SRTP_ONLY


def form(**changes):
    base = {"server_address": SERVER, "auth_username": "a", "auth_password": "b", "extension": "1001"}
    base |= {"call_number": "3400", "further_numbers": ("3401",)}
    return Configured(read_settings({**base, **changes}), {SERVER: frozenset({SERVER})})


def call(caller="3400", host=SERVER, source=SERVER, offer=Offer.PLAIN, display=""):
    return Incoming("in-1", f"sip:{caller}@{host}", display, "sip:1001@127.0.0.30", source, offer)


def play(faults, settings, *inputs, variant=None):
    """Feed settings and inputs to a device; return what it does about the inputs."""
    step = wrap(Logic().step, variant, faults)
    step(form(**settings))
    return [output for given in inputs for output in step(given)]


def ended(n, status, by_remote=False):
    return Ended(f"out-{n}", status, "", by_remote)


GATE = {"username": "g", "address": "127.0.0.11", "password": "p", "port": 5080}
PRESS, ANSWERED, TAKEN = ButtonPressed(), Established("out-1"), Established("in-1")
BUSY, GONE = ended(1, 486), ended(1, 200, True)

SCRIPTS = {
    "never-registers": ({}, [TimerFired("poll")]),
    "hammers-server": ({}, [RegistrationAnswered(403, "")]),
    "never-polls": ({}, [RegistrationAnswered(200, "")]),
    "polling-interval-ignored": ({}, [RegistrationAnswered(200, "")]),
    "keeps-old-password": ({}, [form(auth_password="changed")]),
    "stays-away-after-outage": ({}, [TimerFired("poll"), TimerFired("patience"), TimerFired("poll")]),
    "credentials-for-strangers": ({}, [form(call_number=f"sip:3400@{STRANGER}")]),
    "basic-authentication": ({"call_number": f"sip:3400@{STRANGER}"}, [PRESS]),
    "password-in-clear": ({}, [PRESS]),
    "proxy-ignored": ({}, [form(proxy=GATE)]),
    "proxy-port-ignored": ({}, [form(proxy=GATE)]),
    "server-credentials-at-proxy": ({}, [form(proxy=GATE)]),
    "proxy-credentials-at-server": ({}, [form(proxy=GATE)]),
    "calls-past-proxy": ({"proxy": GATE}, [PRESS]),
    "goes-round-a-refusing-proxy": ({"proxy": GATE}, [RegistrationAnswered(407, "")]),
    "button-dead": ({}, [PRESS]),
    "next-contact-not-tried-after-busy": ({}, [PRESS, BUSY]),
    "next-tried-after-answer": ({}, [PRESS, ANSWERED]),
    "dials-late": ({}, [PRESS]),
    "no-cancel-at-timeout": ({}, [PRESS, TimerFired("ring")]),
    "keeps-late-answer": ({}, [PRESS, TimerFired("ring")]),
    "no-announcement": ({}, [PRESS, BUSY, ended(2, 404)]),
    "one-way-audio": ({}, [PRESS]),
    "button-does-not-hang-up": ({}, [PRESS, ANSWERED, PRESS]),
    "short-number-dialled-at-wrong-host": ({}, [PRESS]),
    "deaf-after-remote-hangup": ({}, [PRESS, ANSWERED, GONE, PRESS]),
    "crashes-on-call": ({}, [PRESS, ANSWERED]),
    "ignores-calls-to-extension": ({}, [call()]),
    "does-not-auto-answer": ({}, [call()]),
    "no-answered-screen": ({}, [call(), TAKEN]),
    "allow-list-ignored": ({"permitted_callers": ("3400",)}, [call("9999")]),
    "allow-list-compares-display-name": ({"permitted_callers": ("3400",)}, [call("9999", display="3400")]),
    "allow-list-ignores-host": ({"permitted_callers": ("3400",)}, [call("3400", host="evil.example")]),
    "allow-list-trusts-any-source": ({"permitted_callers": ("3400",)}, [call(source=STRANGER)]),
    "incoming-off-ignored": ({"allow_incoming": False}, [call()]),
    "incoming-off-ignored-for-direct-calls": ({"allow_incoming": False}, [call(source=STRANGER)]),
    "incoming-switch-alone-ignored": ({"allow_incoming": False}, [form(), call()]),
    "server-address-alone-ignored": ({}, [form(server_address=STRANGER), PRESS]),
    "udp-alone-ignored": ({"transport": "TCP"}, [form()]),
    "allow-list-compares-escapes": ({"permitted_callers": ("3400",)}, [call("%33400")]),
    "allow-list-searches-address": ({"permitted_callers": ("3400",)}, [call("9", f"{STRANGER};x=3400")]),
    "allow-list-admits-the-server": (
        {"permitted_callers": ("3400",)},
        [replace(call(), caller=f"sip:{SERVER}")],
    ),
    "allow-list-believes-other-headers": (
        {"permitted_callers": ("3400",)},
        [replace(call("9"), claims={"contact": "sip:9@x", "reply-to": f"sip:3400@{SERVER}"})],
    ),
    "allow-list-misreads-quoted-name": (
        {"permitted_callers": ("3400",)},
        [call("9", display=f"<sip:3400@{SERVER}>")],
    ),
    "allow-list-unescapes-before-reading": (
        {"permitted_callers": ("3400",)},
        [call(f"3400%40{SERVER}", STRANGER)],
    ),
    "allow-list-unescapes-twice": ({"permitted_callers": ("3400",)}, [call("%2533400")]),
    "allow-list-stops-at-zero": ({"permitted_callers": ("3400",)}, [call("3400%00", STRANGER)]),
    "allow-list-admits-tel": ({"permitted_callers": ("3400",)}, [replace(call(), caller="tel:3400")]),
    "short-password-padded": ({}, [form(auth_password="x")]),
    "bye-past-proxy": ({"proxy": GATE}, [call(), TAKEN, PRESS]),
    "calls-in-clear-despite-tls": ({"transport": "TLS", "server_port": 5061}, [PRESS]),
    "srtp-only-takes-unusable-keys": ({}, [form(encryption=SRTP_ONLY)]),
    "button-does-not-end-accepted": ({}, [call(), TAKEN, PRESS]),
    "accepted-call-muted": ({}, [call()]),
    "offers-crypto-when-unset": ({}, [PRESS]),
    "refuses-plain-when-unset": ({}, [call()]),
    "never-secure": ({"encryption": FALLBACK}, [PRESS]),
    "no-fallback": ({"encryption": FALLBACK}, [PRESS, ended(1, 488)]),
    "falls-back-under-srtp-only": ({"encryption": SRTP_ONLY}, [PRESS, ended(1, 488)]),
    "srtp-only-takes-plain": ({"encryption": SRTP_ONLY}, [call()]),
    "refuses-secure-in-fallback": ({"encryption": FALLBACK}, [call(offer=Offer.SECURE)]),
    "refuses-plain-in-fallback": ({"encryption": FALLBACK}, [call()]),
    "refuses-secure-under-srtp-only": ({"encryption": SRTP_ONLY}, [call(offer=Offer.SECURE)]),
    "srtp-only-offers-plain": ({"encryption": SRTP_ONLY}, [PRESS]),
    "hangs-up-secured-calls": ({"encryption": SRTP_ONLY}, [PRESS, ANSWERED]),
    "plays-clear-media": ({"encryption": SRTP_ONLY}, [call(offer=Offer.SECURE)]),
    "plain-under-srtp": ({"encryption": SRTP_ONLY}, [PRESS]),
    "missing-event-outgoing_call_initiated": ({}, [PRESS]),
    "missing-event-outgoing_call_established": ({}, [PRESS, ANSWERED]),
    "missing-event-outgoing_call_failure": ({}, [PRESS, BUSY]),
    "missing-event-outgoing_remote_hangup": ({}, [PRESS, ANSWERED, GONE]),
    "missing-event-outgoing_call_contact_failure": ({}, [PRESS, BUSY, ended(2, 486)]),
    "missing-event-incoming_call_rejected": ({"allow_incoming": False}, [call()]),
    "missing-event-incoming_call_received": ({}, [call(), TAKEN]),
    "missing-event-incoming_call_failure": ({}, [call(), TAKEN, Ended("in-1", 408, "")]),
    "missing-event-incoming_call_remote_hangup": ({}, [call(), TAKEN, Ended("in-1", 200, "", True)]),
    "missing-event-incoming_call_local_hangup": ({}, [call(), TAKEN, PRESS]),
    "wrong-event-name": ({}, [PRESS, ANSWERED]),
    "wrong-screen-name": ({}, [PRESS, ANSWERED, GONE]),
    "duplicate-event": ({}, [PRESS, ANSWERED]),
    "unknown-event": ({}, [PRESS]),
    "events-out-of-order": ({}, [PRESS, ANSWERED]),
    "details-all-alike": ({}, [PRESS, BUSY]),
    "call-timeout-ignored": ({"call_timeout": 1}, [PRESS]),
    "server-port-ignored": ({"server_port": 5062}, [PRESS]),
    "extension-ignored": ({}, [form(extension="1002")]),
    "username-ignored": ({}, [form(auth_username="door")]),
    "password-cut-short": ({}, [form(auth_password="x" * 40)]),
    "tcp-ignored": ({}, [form(transport="TCP")]),
    "server-name-not-resolved": ({}, [form(server_address="pbx.example")]),
    "further-numbers-sorted": ({"further_numbers": ("3409", "3401")}, [PRESS, BUSY]),
    "allow-list-compares-letter-case": (
        {"permitted_callers": ("sip:3400@EVIL.example",)},
        [call(host="evil.example", source="evil.example")],
    ),
    "announces-after-hangup": ({}, [PRESS, ANSWERED, GONE]),
    "sip-off-ignored": ({"enabled": False}, [PRESS]),
    "fourth-contact-never-called": (
        {"further_numbers": ("1", "2", "3")},
        [PRESS, BUSY, ended(2, 486), ended(3, 486)],
    ),
    "contact-that-rang-out-passed-over-next-time": (
        {},
        [PRESS, BUSY, TimerFired("ring"), ended(2, 487), PRESS, ended(3, 486)],
    ),
    "any-refusal-redialled-in-clear": ({"encryption": FALLBACK}, [PRESS, BUSY]),
    "unanswered-call-redialled-in-clear": ({"encryption": FALLBACK}, [PRESS, TimerFired("ring")]),
    "long-numbers-cut": ({"call_number": "1234567890123"}, [PRESS]),
    "zeros-in-front-not-dialled": ({"call_number": "0042"}, [PRESS]),
    "letters-dialled-small": ({"call_number": "Desk"}, [PRESS]),
    "chain-ended-by-a-rejected-caller": ({"permitted_callers": ("7",)}, [PRESS, call()]),
    "stranger-taken-while-a-contact-rings": ({"permitted_callers": ("7",)}, [PRESS, call()]),
    "ring-time-begins-anew": ({}, [PRESS, Ringing("out-1")]),
    "hang-up-ignored-for-two-seconds": ({}, [PRESS, ANSWERED, PRESS]),
    "contacts-may-call": ({"permitted_callers": ("7",)}, [call()]),
    "whoever-was-called-may-call-back": ({"permitted_callers": ("7",)}, [PRESS, BUSY, ended(2, 486), call()]),
    "list-ignored-over-tcp": ({"permitted_callers": ("7",), "transport": "TCP"}, [call()]),
    "list-ignored-for-srtp": ({"permitted_callers": ("7",)}, [call(offer=Offer.OPTIONAL)]),
    "list-ignored-for-video": ({"permitted_callers": ("7",)}, [replace(call(), video=True)]),
    "list-ignored-for-auto-answer": (
        {"permitted_callers": ("7",)},
        [replace(call(), claims={"priority": "emergency"})],
    ),
    "third-stranger-in-a-row-gets-in": ({"permitted_callers": ("7",)}, [call(), call(), call()]),
    "auto-answer-despite-incoming-off": (
        {"allow_incoming": False},
        [replace(call(), claims={"answer-mode": "Auto"})],
    ),
    "second-placed-call-in-clear": ({"encryption": SRTP_ONLY}, [PRESS, BUSY]),
    "second-taken-call-in-clear": (
        {"encryption": SRTP_ONLY},
        [call(offer=Offer.SECURE), TAKEN, Ended("in-1", 200, "", True), call()],
    ),
    "secure-call-refused-after-a-plain-one": (
        {"encryption": FALLBACK},
        [call(), TAKEN, Ended("in-1", 200, "", True), call(offer=Offer.SECURE)],
    ),
    "falls-back-to-udp-where-tls-fails": ({}, [form(transport="TLS"), RegistrationAnswered(503, "")]),
    "hammers-a-proxy-that-refuses": ({"proxy": GATE}, [RegistrationAnswered(407, "")]),
    "hang-up-logged-as-failure-too": ({}, [call(), TAKEN, Ended("in-1", 200, "", True)]),
    "established-logged-when-the-call-is-over": ({}, [PRESS, ANSWERED]),
    "reason-of-the-first-rejection-kept": (
        {"permitted_callers": ("7",)},
        [call(), form(allow_incoming=False), call()],
    ),
    "camera-for-the-first-call-only": ({"video_calls": "Both"}, [PRESS, BUSY]),
    "no-video-for-further-contacts": ({"video_calls": "Both"}, [PRESS, BUSY]),
    "muted-in-video-calls": ({"video_calls": "Both"}, [PRESS]),
    "muted-in-every-other-call": ({}, [PRESS, BUSY]),
    "next-contact-after-a-remote-hang-up": ({}, [PRESS, ANSWERED, GONE]),
    "sip-off-when-it-has-rung-out": ({}, [PRESS, form(enabled=False)]),
    "contact-left-ringing-when-given-up": ({}, [PRESS, PRESS]),
    "third-contact-rings-longer": ({"further_numbers": ("1", "2")}, [PRESS, BUSY, ended(2, 486)]),
    "hammers-an-overloaded-server": ({}, [RegistrationAnswered(503, "")]),
    "polls-no-more-after-a-placed-call": ({}, [PRESS, TimerFired("poll")]),
    "microphone-volume-of-placed-calls-only": ({}, [form(microphone_volume=100), call()]),
    "allow-list-keeps-numbers-alone": ({}, [form(permitted_callers=("sip:3400@192.0.2.7",)), call()]),
    "placed-calls-end-at-the-call-timeout": ({}, [PRESS, ANSWERED]),
    "taken-calls-end-at-the-call-timeout": ({}, [call(), TAKEN]),
    "call-dropped-by-a-rejected-caller": ({"permitted_callers": ("7",)}, [PRESS, ANSWERED, call()]),
    "locked-after-three-strangers": (
        {"permitted_callers": ("3400",)},
        [call("9"), call("9"), call("9"), call()],
    ),
    "long-polling-interval-cut": ({}, [RegistrationAnswered(200, "")]),
    "same-keys-in-every-call": ({}, [form()]),
    "password-in-log": ({}, [form()]),
    "no-max-forwards": ({}, [form()]),
    "display-name-ignored": ({"display_name": "Door"}, [form(display_name="Door")]),
    "microphone-volume-ignored": ({}, [form(microphone_volume=10)]),
    "speaker-volume-ignored": ({}, [form(speaker_volume=10)]),
}


def test_every_script_is_of_a_fault():
    assert set(SCRIPTS) <= set(FAULTS)


@pytest.mark.parametrize("name", sorted(SCRIPTS))
def test_a_fault_shows_where_its_script_leads(name):
    settings, inputs = SCRIPTS[name]
    assert play([name], settings, *inputs) != play([], settings, *inputs)


@pytest.mark.parametrize("name", sorted(FAULTS))
def test_a_fault_says_what_it_breaks(name):
    fault = FAULTS[name]()
    assert fault.name == name
    assert len(fault.description.splitlines()) == 1
    assert fault.breaks
    assert all(re.fullmatch(r"[A-Z]{3}-\d\d", requirement) for requirement in fault.breaks)


@pytest.mark.parametrize("name", sorted(VARIANTS))
def test_a_variant_breaks_nothing(name):
    assert VARIANTS[name]().breaks == frozenset()


def test_an_ordinary_day_is_the_same_with_a_fault_that_does_not_concern_it():
    day = [PRESS, BUSY, Established("out-2"), PRESS]
    for name in ("no-announcement", "incoming-off-ignored", "wrong-screen-name", "accepted-call-muted"):
        assert play([name], {}, *day) == play([], {}, *day)


def events(outputs):
    return [output.name for output in outputs if isinstance(output, WriteEvent)]


def dials(outputs):
    return [output for output in outputs if isinstance(output, Dial)]


def test_a_device_that_stays_away_comes_back_with_a_new_configuration():
    away = (TimerFired("poll"), TimerFired("patience"))
    asked = play(["stays-away-after-outage"], {}, *away, TimerFired("poll"))
    assert asked.count(Refresh()) == 1
    asked = play(["stays-away-after-outage"], {}, *away, form(), TimerFired("poll"))
    assert asked.count(Refresh()) == 2


def test_an_answer_in_time_is_no_outage():
    asked = play(["stays-away-after-outage"], {}, TimerFired("poll"), RegistrationAnswered(200, ""))
    assert StopTimer("patience") in asked


def test_giving_up_after_busy_still_ends_in_an_orderly_way():
    outputs = play(
        ["next-contact-not-tried-after-busy"], {"further_numbers": ("1", "2", "3")}, PRESS, BUSY, PRESS
    )
    assert [dial.uri for dial in dials(outputs)] == [f"sip:3400@{SERVER}"] * 2
    assert events(outputs)[1:3] == ["outgoing_call_failure", "outgoing_call_contact_failure"]


def test_the_call_besides_the_answered_one_is_let_go_with_it():
    outputs = play(["next-tried-after-answer"], {}, PRESS, ANSWERED, PRESS)
    assert dials(outputs)[1] == Dial("out-1-besides", f"sip:3401@{SERVER}", Media.PLAIN)
    assert HangUp("out-1-besides") in outputs


def test_deafness_ends_with_a_new_configuration():
    inputs = [PRESS, ANSWERED, GONE, PRESS, call(), form(), PRESS]
    outputs = play(["deaf-after-remote-hangup"], {}, *inputs)
    assert [dial.call for dial in dials(outputs)] == ["out-1", "out-2"]
    assert Reject("in-1", 480, "Temporarily Unavailable") in outputs


def test_falling_back_under_srtp_only_dials_the_same_contact_in_clear_once():
    inputs = [PRESS, ended(1, 488), Established("out-1")]
    outputs = play(["falls-back-under-srtp-only"], {"encryption": SRTP_ONLY}, *inputs)
    assert [dial.media for dial in dials(outputs)] == [Media.SECURE, Media.PLAIN]
    assert events(outputs) == ["outgoing_call_initiated", "outgoing_call_established"]


def test_refusing_plain_leaves_the_device_idle():
    outputs = play(["refuses-plain-when-unset"], {}, call(), PRESS)
    assert isinstance(outputs[0], Reject)
    assert len(dials(outputs)) == 1


def test_no_fallback_moves_on_to_the_next_contact():
    outputs = play(["no-fallback"], {"encryption": FALLBACK}, PRESS, ended(1, 488))
    assert [(dial.uri, dial.media) for dial in dials(outputs)] == [
        (f"sip:3400@{SERVER}", Media.SECURE),
        (f"sip:3401@{SERVER}", Media.SECURE),
    ]
    assert events(outputs) == ["outgoing_call_initiated", "outgoing_call_failure"]


def test_the_variant_best_effort_offers_optional_keys_and_only_in_fallback_mode():
    for encryption, media in ((UNSET, Media.PLAIN), (FALLBACK, Media.OPTIONAL), (SRTP_ONLY, Media.SECURE)):
        (dial,) = dials(play([], {"encryption": encryption}, PRESS, variant="best-effort"))
        assert dial.media is media


def test_events_keep_their_number_when_their_order_is_wrong():
    outputs = play(["events-out-of-order"], {}, PRESS, ANSWERED)
    assert events(outputs) == ["outgoing_call_established", "outgoing_call_initiated"]


def test_ringing_for_ever_and_crashing():
    assert Ring("in-1") in play(["does-not-auto-answer"], {}, call())
    assert play(["crashes-on-call"], {}, call(), TAKEN)[-1] == CrashAgent()


def test_clear_packets_are_asked_for_only_in_protected_calls():
    def clear(encryption, *inputs):
        outputs = play(["plain-under-srtp"], {"encryption": encryption}, *inputs)
        return [output.clear_packets for output in outputs if isinstance(output, Dial | Answer)]

    assert clear(UNSET, PRESS) == [False]
    assert clear(UNSET, call(offer=Offer.OPTIONAL)) == [False]
    assert clear(FALLBACK, PRESS, ended(1, 488)) == [True, False]
    assert clear(FALLBACK, call(offer=Offer.OPTIONAL)) == [True]
    assert clear(SRTP_ONLY, call(offer=Offer.SECURE)) == [True]


def test_a_late_answer_is_kept_until_the_next_configuration():
    given_up = (PRESS, TimerFired("ring"))
    outputs = play(["keeps-late-answer"], {}, *given_up, ANSWERED)
    assert [o for o in outputs if isinstance(o, HangUp)] == [HangUp("out-1", cancel_only=True)]
    assert HangUp("out-1") in play(["keeps-late-answer"], {}, *given_up, ANSWERED, form())
    assert HangUp("out-1") not in play(["keeps-late-answer"], {}, *given_up, ended(1, 487), form())


def test_secured_calls_are_hung_up_only_under_srtp_only_and_only_placed_ones():
    for settings, inputs, hung_up in (
        ({"encryption": SRTP_ONLY}, [PRESS, ANSWERED], True),
        ({"encryption": FALLBACK}, [PRESS, ANSWERED], False),
        ({"encryption": SRTP_ONLY}, [call(offer=Offer.SECURE), TAKEN], False),
    ):
        outputs = play(["hangs-up-secured-calls"], settings, *inputs)
        assert any(isinstance(output, HangUp) for output in outputs) is hung_up


def test_with_incoming_calls_off_the_server_is_still_turned_away():
    name, off = "incoming-off-ignored-for-direct-calls", {"allow_incoming": False}
    assert play([name], off, call()) == play([], off, call())
    assert play([name], off, call(source=STRANGER)) == [*play([], {}, call(source=STRANGER))]
    assert play([name], {}, call()) == play([], {}, call())


def test_the_switch_alone_changes_nothing_and_with_another_setting_it_does():
    name, off = "incoming-switch-alone-ignored", {"allow_incoming": False}
    assert Answer("in-1") not in play([name], off, form(), call())
    assert Answer("in-1") in play([name], off, form(display_name="Door"), call())
    assert Answer("in-1") in play([name], {}, form(allow_incoming=False), call())


def test_every_event_can_go_missing():
    assert {name for name in EVENTS if f"missing-event-{name}" in FAULTS} == set(EVENTS)
