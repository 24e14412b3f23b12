"""Monitors at the bounds of what they judge: times that are just in it, or out, and kinds just not meant."""

import pytest

from intercom_hil.monitors.agreements import (
    agreed_picture,
    offered_in_clear,
    turned_down,
    video_to_every_contact,
)
from intercom_hil.monitors.event_truth import event_truth
from intercom_hil.monitors.monitors import monitor
from intercom_hil.monitors.passed_over import passed_over
from intercom_hil.monitors.placed_calls import (
    contacts_in,
    given_up_in_time,
    given_up_when_due,
    not_given_up_early,
    nothing_after_hanging_up,
    one_press_one_story,
    unseen_attempts,
)
from intercom_hil.monitors.settings_in_force import left_up, switched_off, with_video, without_video
from intercom_hil.monitors.taken_calls import (
    admitted,
    answered_on_screen,
    free_and_busy,
    last_unshown,
    let_in,
    unshown,
)
from intercom_hil.monitors.within_calls import srtp_only, unasked_calls
from intercom_hil.redaction.fingerprint import Fingerprint
from intercom_hil.registrations.credentials import credentials
from intercom_hil.registrations.registering import hammering, kept_registered, polled, polled_too_often
from intercom_hil.spec.timing import Timing
from intercom_hil.spec.verdict import Verdict
from intercom_hil.timeline import Witness
from intercom_hil.timeline.device_content import ScreenText, UnreadableLine
from intercom_hil.timeline.observation import DeviceEvent, MalformedSip
from tests.judge.story import START
from tests.monitors.telling import (
    AUDIO,
    SECURE,
    VIDEO,
    answers,
    called,
    calls,
    declares,
    has,
    hears,
    is_late,
    logs,
    lost,
    press,
    registered,
    registers,
    seen,
    sends,
    streamed,
    streams,
    submits,
    told,
)

CLOSED = START + 60
SRTP_ONLY, FALLBACK = "SRTP-only", "RTP with Optional SRTP (Fallback Mode)"


def rows(found):
    return [one.requirement for one in found if one.verdict is Verdict.FAIL]


def taken(at, call="c2", status=200, by="3410", **more):
    """A call that comes in, and its answer a second later."""
    return [
        (at, called(by, call, **more)),
        (at + 1, answers(status, call, by, **more)),
        (at + 1, sends("ACK", call, by="pbx")),
    ]


def placed(at, number="1001", call="c1", status=200, **more):
    return [(at, calls(number, call, **more)), (at + 1, hears(status, call)), (at + 1, sends("ACK", call))]


def bye(at, call="c2", *, by="pbx"):
    return (at, sends("BYE", call, by=by, cseq=2))


# Turned down


@pytest.mark.parametrize(
    ("others", "found"),
    [
        ([], ["ENC-02"]),
        ([*taken(3, "c9"), bye(8, "c9")], ["ENC-02"]),  # two seconds to wind down
        ([*taken(3, "c9"), bye(8.25, "c9")], []),
        ([*taken(11, "c9")], []),
        ([*taken(11.25, "c9")], ["ENC-02"]),
        ([*placed(3, call="c9", status=486)], ["ENC-02"]),
    ],
)
def test_a_device_in_another_call_may_turn_one_down(others, found):
    story = sorted([*taken(10, status=488), *others], key=lambda entry: entry[0])
    assert rows(turned_down(told((0, has()), *story))) == found


@pytest.mark.parametrize(
    ("settings", "media", "found"),
    [
        ({}, (AUDIO,), ["ENC-02"]),
        ({"encryption": None}, (AUDIO,), ["ENC-02"]),
        ({}, (AUDIO, VIDEO), ["ENC-02"]),
        ({}, (AUDIO, AUDIO), []),
        ({}, (VIDEO,), []),
        ({}, (), []),
        ({}, (AUDIO, VIDEO.model_copy(update={"media": "application"})), []),
        ({}, (AUDIO.model_copy(update={"port": 0}),), []),
        ({}, (AUDIO.model_copy(update={"direction": "recvonly"}),), []),
        ({}, (AUDIO.model_copy(update={"payload_types": (0,)}),), ["ENC-02"]),
        ({}, (AUDIO.model_copy(update={"payload_types": (9, 18)}),), []),
        ({}, (AUDIO.model_copy(update={"secured": True}),), []),
        ({}, (AUDIO.model_copy(update={"crypto_suites": ("X",)}),), []),
        ({}, (AUDIO.model_copy(update={"profile": "RTP/AVPF"}),), []),
        ({"encryption": FALLBACK}, (SECURE,), ["ENC-05"]),
        ({"encryption": FALLBACK}, (SECURE.model_copy(update={"profile": "RTP/SAVPF"}),), []),
        ({"encryption": SRTP_ONLY}, (SECURE,), ["ENC-10"]),
        ({"encryption": SRTP_ONLY}, (AUDIO,), []),
        ({"permitted_callers": ["9"]}, (AUDIO,), []),
        ({"allow_incoming": False}, (AUDIO,), []),
        ({"enabled": False}, (AUDIO,), []),
    ],
)
def test_which_offer_has_to_be_taken(settings, media, found):
    assert rows(turned_down(told((0, has(**settings)), *taken(10, status=488, media=media)))) == found


@pytest.mark.parametrize(
    ("parameters", "found"),
    [("", ["ENC-10"]), ("|2^20|1:4", []), (" KDR=1", [])],
)
def test_an_offer_with_a_key_of_a_kind_that_not_all_have(parameters, found):
    body = (
        "v=0\r\no=- 1 1 IN IP4 1.2.3.4\r\ns=-\r\nt=0 0\r\nm=audio 4000 RTP/SAVP 8\r\n"
        f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj{parameters}\r\n"
    )
    raw = f"INVITE sip:1 SIP/2.0\r\nContent-Type: application/sdp\r\n\r\n{body}"
    story = [(10, called(media=(SECURE,), raw=raw)), (11, answers(488))]
    assert rows(turned_down(told((0, has(encryption=SRTP_ONLY)), *story))) == found
    unusable = raw.replace("m=audio 4000", "m=audio x")
    story = [(10, called(media=(SECURE,), raw=unusable)), (11, answers(488))]
    assert rows(turned_down(told((0, has(encryption=SRTP_ONLY)), *story))) == []


def test_while_settings_change_no_offer_has_to_be_taken():
    changed = (10.5, submits(encryption=FALLBACK))
    assert rows(turned_down(told((0, has()), (10, called()), changed, (11, answers(488))))) == []
    other = (10.5, submits(encryption="", call_timeout=9))
    assert rows(turned_down(told((0, has()), (10, called()), other, (11, answers(488))))) == ["ENC-02"]
    off = (10.5, submits(allow_incoming=False))
    assert rows(turned_down(told((0, has()), (10, called()), off, (11, answers(488))))) == []


# Offers in clear


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({}, ["ENC-07"]),
        ({"media": "video"}, ["ENC-07"]),
        ({"media": "application"}, []),
        ({"port": 0}, []),
        ({"direction": "inactive"}, []),
        ({"direction": "recvonly"}, ["ENC-07"]),
        ({"secured": True}, []),
        ({"crypto_suites": ("X",)}, []),
        ({"negotiable": True}, []),
    ],
)
@pytest.mark.parametrize("method", ["INVITE", "UPDATE", "INFO"])
def test_an_offer_in_clear(change, found, method):
    line = AUDIO.model_copy(update=change)
    story = told(
        (0, has(encryption=SRTP_ONLY)),
        (10, calls(media=(SECURE,))),
        (11, hears(200, media=(SECURE,))),
        (11, sends("ACK")),
        (12, sends(method, cseq=2, media=(SECURE, line))),
    )
    assert rows(offered_in_clear(story)) == (found if method != "INFO" else [])


def test_each_call_is_looked_at_and_under_these_settings_alone():
    clear = [*placed(10, media=(AUDIO,)), bye(12, "c1"), *placed(20, call="c3", media=(AUDIO,))]
    assert rows(offered_in_clear(told((0, has(encryption=SRTP_ONLY)), *clear))) == ["ENC-07", "ENC-07"]
    assert rows(offered_in_clear(told((0, has(encryption=FALLBACK)), *clear))) == []
    assert rows(offered_in_clear(told(*clear))) == []
    both = [(0, has(encryption=SRTP_ONLY)), (10, calls(media=(SECURE,))), (11, submits(encryption=FALLBACK))]
    assert rows(offered_in_clear(told(*both, (12, sends("UPDATE", cseq=2, media=(AUDIO,)))))) == []


# Pictures


@pytest.mark.parametrize(
    ("entries", "found"),
    [
        ([bye(14)], ["VID-03"]),
        ([bye(13.75)], []),
        ([(14, sends("UPDATE", "c2", by="pbx", cseq=2))], ["VID-03"]),
        *(([(13.75, sends(method, "c2", by="pbx", cseq=2))], []) for method in ("INVITE", "UPDATE", "REFER")),
        ([(13.75, sends("INFO", "c2", by="pbx", cseq=2))], ["VID-03"]),
        ([(60.5, sends("INFO", "c2", by="pbx", cseq=2))], ["VID-03"]),
        ([(13, is_late(1, begun=12)), bye(15)], ["VID-03"]),
        ([(13, is_late(1, begun=12)), bye(14.75)], []),
        ([(13.5, is_late(1.5, begun=12)), bye(30)], []),
        ([(13.25, is_late(1.25, begun=12)), bye(30)], ["VID-03"]),
        ([(10, is_late(2, begun=8)), bye(14)], ["VID-03"]),
        ([(12, streams("c2", media="video")), bye(14)], []),
        ([(12, streams("c9", media="video")), bye(14)], ["VID-03"]),
        ([(12, streams("", media="video")), bye(14)], []),  # of a call not known
        ([(12, streams("c2", media="video", sender="pbx")), bye(14)], ["VID-03"]),
    ],
)
def test_a_picture_has_three_seconds(entries, found):
    story = [*taken(10, media=(AUDIO, VIDEO)), (11, streams("c2")), *entries]
    assert rows(agreed_picture(told((0, has(video_calls="Both")), *story), CLOSED)) == found


def test_a_picture_is_missed_in_a_scenario_that_lasts_and_where_there_is_sound():
    story = [*taken(10, media=(AUDIO, VIDEO)), (11, streams("c2"))]
    both = (0, has(video_calls="Both"))
    assert rows(agreed_picture(told(both, *story), START + 14)) == ["VID-03"]
    assert rows(agreed_picture(told(both, *story), START + 13.75)) == []
    assert rows(agreed_picture(told(both, *story[:-1]), CLOSED)) == []
    unacked = [*story[:2], story[3]]
    assert rows(agreed_picture(told(both, *unacked), CLOSED)) == []


@pytest.mark.parametrize(
    ("offer", "answer", "picture"),
    [
        ({}, {}, True),
        ({"direction": "recvonly"}, {"direction": "sendonly"}, True),
        ({"direction": "sendonly"}, {"direction": "recvonly"}, False),
        ({"direction": "sendrecv"}, {"direction": "sendonly"}, True),
        ({}, {"port": 0}, False),
        ({"port": 0}, {}, False),
        ({"held": True}, {}, False),
        ({"media": "audio"}, {}, False),
        ({"direction": "inactive"}, {"direction": "inactive"}, False),
    ],
)
@pytest.mark.parametrize("late", [False, True])
def test_what_both_sides_have_agreed_on(offer, answer, picture, late):
    theirs, ours = (AUDIO, VIDEO.model_copy(update=offer)), (AUDIO, VIDEO.model_copy(update=answer))
    story = [
        (10, called(media=() if late else theirs)),
        (11, answers(200, media=ours)),
        (11.5, sends("ACK", "c2", by="pbx", media=theirs if late else ())),
        (12, streams("c2")),
    ]
    found = rows(agreed_picture(told((0, has(video_calls="Both")), *story), CLOSED))
    assert found == (["VID-03"] if picture else [])


@pytest.mark.parametrize(
    ("mode", "out", "in_"),
    [
        ("Outgoing", ["VID-01"], []),
        ("Incoming", [], ["VID-02"]),
        ("Both", ["VID-03"], ["VID-03"]),
        ("Off", [], []),
    ],
)
def test_which_row_wants_a_picture(mode, out, in_):
    both = (AUDIO, VIDEO)
    came = [*taken(10, media=both), (11, streams("c2"))]
    went = [(10, calls(media=both)), (11, hears(200, media=both)), (11, sends("ACK")), (11, streams("c1"))]
    assert rows(agreed_picture(told((0, has(video_calls=mode)), *came), CLOSED)) == in_
    assert rows(agreed_picture(told((0, has(video_calls=mode)), *went), CLOSED)) == out
    asked = [(10, called(media=())), (11, answers(200))]
    assert rows(with_video(told((0, has(video_calls=mode)), *asked))) == in_
    pressed = [(9, press), *placed(10)]
    assert rows(video_to_every_contact(told((0, has(video_calls=mode)), *pressed))) == out
    without = {
        "Outgoing": ([], ["VID-01"]),
        "Incoming": (["VID-02"], []),
        "Both": ([], []),
        "Off": (["VID-04"],) * 2,
    }
    assert rows(without_video(told((0, has(video_calls=mode)), *went))) == without[mode][0]
    assert rows(without_video(told((0, has(video_calls=mode)), *came))) == without[mode][1]


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({}, ["VID-04"]),
        ({"port": 0}, []),
        ({"direction": "sendonly"}, ["VID-04"]),
        ({"direction": "recvonly"}, []),
        ({"media": "audio"}, []),
    ],
)
@pytest.mark.parametrize(("status", "shows"), [(200, True), (299, True), (300, False), (183, True)])
def test_what_shows_video(change, found, status, shows):
    line = VIDEO.model_copy(update=change)
    story = [(10, called()), (11, answers(status, media=(AUDIO, line)))]
    assert rows(without_video(told((0, has(video_calls="Off")), *story))) == (found if shows else [])


def test_an_offer_that_somebody_else_made_is_his():
    video_off = (0, has(video_calls="Off"))
    assert rows(without_video(told(video_off, (10, called(media=(AUDIO, VIDEO))), (11, answers(200))))) == []
    other = [(10, calls(call="c8")), (11, calls(call="c9", media=(AUDIO, VIDEO)))]
    assert len(rows(without_video(told(video_off, *other)))) == 1


@pytest.mark.parametrize(
    ("asked", "offer", "found"),
    [
        ({"media": ()}, (AUDIO,), ["VID-02"]),
        ({"media": ()}, (AUDIO, VIDEO), []),
        ({"media": ()}, (AUDIO, VIDEO.model_copy(update={"port": 0})), ["VID-02"]),
        ({"media": ()}, (), []),
        ({"media": (AUDIO,)}, (AUDIO,), []),
        ({"media": (), "raw": "INVITE sip:1 SIP/2.0\r\nContent-Type: application/sdp\r\n\r\n"}, (AUDIO,), []),
    ],
)
def test_who_is_called_without_an_offer_offers_video(asked, offer, found):
    story = [(10, called(**asked)), (11, answers(200, media=offer))]
    assert rows(with_video(told((0, has(video_calls="Incoming")), *story))) == found


# SIP switched off


@pytest.mark.parametrize(("at", "found"), [(2.0, []), (2.25, ["CFG-01"])])
def test_a_device_has_two_seconds_to_stop(at, found):
    off = (0, has(enabled=False))
    on = (-9, has())
    assert rows(switched_off(told(on, off, (at, calls())))) == found
    assert rows(switched_off(told(on, off, (at, registers())))) == found
    assert rows(switched_off(told(on, off, (at, registers(lasting=0))))) == []
    assert rows(switched_off(told(on, off, (at, registers(by="pbx", to="device"))))) == []
    assert rows(switched_off(told(on, off, (9, streamed(-5, at))))) == found
    assert rows(switched_off(told(on, off, (9, streamed(-5, at, sender="pbx"))))) == []
    assert rows(switched_off(told(on, off, (1, registers()), (at, registers())))) == []  # sent again


@pytest.mark.parametrize(("settled", "found"), [(24.0, []), (24.25, ["CFG-01"])])
def test_a_call_is_ended_within_twice_the_time_to_hang_up(settled, found):
    story = told((0, has()), *taken(10), (20, submits(enabled=False)))
    assert rows(left_up(story, START + settled)) == found


@pytest.mark.parametrize(
    ("entries", "found"),
    [
        ([bye(24)], []),
        ([bye(24.25)], ["CFG-01"]),
        ([bye(25), (22, is_late(1, begun=21))], []),
        ([bye(25.25), (22, is_late(1, begun=21))], ["CFG-01"]),
        ([(21, submits(enabled=True))], []),
        ([(21, submits(enabled=True, accepted=False))], []),
    ],
)
def test_when_a_call_is_left_up(entries, found):
    story = told((0, has()), *taken(10), (20, submits(enabled=False)), *entries)
    assert rows(left_up(story, CLOSED)) == found


@pytest.mark.parametrize(
    ("entries", "found"),
    [
        ([(10, calls()), (11, hears(180))], ["CFG-01"]),
        ([(10, calls()), (11, hears(199))], ["CFG-01"]),
        ([(10, calls()), (11, hears(101))], ["CFG-01"]),
        ([(10, calls()), (11, hears(100))], []),
        ([(10, calls()), (20, hears(180))], []),
        ([(10, calls()), (11, hears(180)), (24, sends("CANCEL"))], []),
        ([(10, calls()), (11, hears(180)), (24.25, sends("CANCEL"))], ["CFG-01"]),
        ([(10, calls()), (11, hears(180)), (24, hears(486))], []),
        ([(10, called()), (11, answers(180))], []),
        ([(10, calls()), (11, lambda s: s.sip("UPDATE", "pbx", "device", status=180, call="c1"))], []),
    ],
)
def test_a_call_that_rings_is_cancelled(entries, found):
    story = told(
        (0, has()),
        *[e for e in entries if e[0] < 20],
        (20, submits(enabled=False)),
        *[e for e in entries if e[0] >= 20],
    )
    assert rows(left_up(story, CLOSED)) == found


# Placed calls


def ringing(until, *, begun=11, **more):
    return [(begun, calls(**more)), (begun + 1, hears(180)), (until, sends("CANCEL")), (until, hears(487))]


PRESSED = [(0, has()), (10, press)]
SECOND_TOO_EARLY = [(13, calls("1002", "c3")), (13.5, hears(180, "c3")), (14, sends("CANCEL", "c3"))]


@pytest.mark.parametrize(
    ("entries", "found"),
    [
        (ringing(16.5), []),
        (ringing(16.875), []),
        (ringing(16.90625), ["OUT-03"]),
        (ringing(17.5), ["OUT-03"]),
        ([*ringing(17.5), (17, is_late(1, begun=16))], []),
        ([(11, calls()), (12, hears(180, media=(AUDIO,))), (20, sends("CANCEL"))], []),
        ([(11, calls()), (12, hears(180)), (20, sends("CANCEL", by="pbx"))], []),
        ([(11, calls()), (12, hears(100)), (20, sends("CANCEL"))], []),
        ([(11, calls()), (12, hears(101)), (20, sends("CANCEL"))], ["OUT-03"]),
        ([(11, calls()), (12, hears(199)), (20, sends("CANCEL"))], ["OUT-03"]),
        ([(11, calls()), (12, hears(200)), (20, sends("CANCEL"))], []),
        ([(11, calls()), (12, hears(180)), (15, called()), (20, sends("CANCEL"))], []),
        ([(11, calls()), (12, hears(180)), (15, press), (20, sends("CANCEL"))], []),
        ([(11, calls()), (12, hears(180)), (20, press), (20, sends("CANCEL"))], []),
        ([(11, calls()), (12, hears(180)), (20, sends("CANCEL")), (20.25, press)], ["OUT-03"]),
        ([(11, calls()), (12, hears(180)), (15, submits(call_timeout=9)), (20, sends("CANCEL"))], []),
        ([(11, calls()), (12, hears(180)), (15, submits(call_timeout=2)), (20, sends("CANCEL"))], []),
        ([(11, calls()), (12, hears(180)), (16, hears(183)), (20, sends("CANCEL"))], []),
        ([(11, calls()), (12, hears(180)), (16, hears(180)), (20, sends("CANCEL"))], ["OUT-03"]),
        ([(11, calls()), (12, hears(180)), (20, sends("CANCEL")), (20, hears(183))], ["OUT-03"]),
    ],
)
def test_a_contact_rings_for_its_time_a_tenth_and_half_a_second(entries, found):
    assert rows(given_up_when_due(told(*PRESSED, *entries))) == found


@pytest.mark.parametrize(
    ("entries", "found"),
    [
        (ringing(13.0), ["OUT-03"]),  # of 4 s, less a tenth and half a second, since the press
        (ringing(13.125), []),
        (ringing(13.0, begun=10.5), ["OUT-03"]),
        ([(11, calls()), (12, hears(180, media=(AUDIO,))), (12.5, sends("CANCEL"))], []),
        ([(11, calls()), (12, hears(180)), (12.5, sends("CANCEL", by="pbx"))], []),
        ([(11, calls()), (12, hears(180)), (12.25, press), (12.5, sends("CANCEL"))], []),
        ([(11, calls()), (12, hears(180)), (12.25, called()), (12.5, sends("CANCEL"))], []),
        ([(11, calls()), (12, hears(180)), (12.25, submits(call_timeout=1)), (12.5, sends("CANCEL"))], []),
        ([(11, calls()), (12, hears(180)), (12.25, submits(call_timeout=9)), (12.5, sends("CANCEL"))], []),
        (
            [(11, calls()), (12, hears(180)), (12.5, sends("CANCEL")), *placed(13, "1002", "c3", status=200)],
            ["OUT-03"],  # who answers later is no reason
        ),
        ([(11, calls()), (12, hears(200)), (12.5, sends("CANCEL"))], ["OUT-03"]),
        (
            [
                (11, calls()),
                (12, hears(486)),
                *placed(12.5, "1002", "c3", status=200),
                *ringing(14, begun=13),
            ],
            [],
        ),
        ([(11, calls()), (12, hears(486)), *SECOND_TOO_EARLY], ["OUT-03"]),
        (
            [(11, calls()), (12, hears(180, media=(AUDIO,))), (12.5, sends("CANCEL")), *SECOND_TOO_EARLY],
            ["OUT-03"],
        ),
    ],
)
def test_a_contact_is_not_given_up_before_its_time(entries, found):
    assert rows(not_given_up_early(told(*PRESSED, *entries))) == found


@pytest.mark.parametrize(
    ("entries", "closed", "found"),
    [
        ([(11, calls()), (12, hears(180))], 17.5, ["OUT-03"]),
        ([(11, calls()), (12, hears(180))], 17.25, []),
        ([(11, calls()), (12, hears(101))], 60, ["OUT-03"]),
        ([(11, calls()), (12, hears(199))], 60, ["OUT-03"]),
        ([(11, calls()), (12, hears(100))], 60, []),
        ([(11, calls())], 60, []),
        ([(11, calls()), (12, hears(180)), (17.25, sends("CANCEL"))], 60, []),
        ([(11, calls()), (12, hears(180)), (17.5, sends("CANCEL"))], 60, ["OUT-03"]),
        ([(11, calls()), (12, hears(180)), (17.5, hears(486))], 60, ["OUT-03"]),
        ([(11, calls()), (12, hears(180)), (17, hears(486))], 60, []),
        ([(11, calls()), (12, hears(180)), (17, press)], 60, []),
        ([(11, press), (11, calls()), (12, hears(180))], 60, ["OUT-03"]),
        ([(11, calls()), (12, hears(180)), (17.5, press)], 60, ["OUT-03"]),
        ([(11, calls()), (12, hears(180)), (17, submits(call_timeout=9))], 60, []),
        ([(11, calls()), (12, hears(180)), (17.5, submits(call_timeout=9))], 60, ["OUT-03"]),
        ([(11, called()), (12, answers(180))], 60, []),
        (
            [(11, calls()), (12, lambda s: s.sip("UPDATE", "pbx", "device", status=180, call="c1"))],
            60,
            [],
        ),
    ],
)
def test_a_call_that_rings_is_given_up_before_the_scenario_ends(entries, closed, found):
    assert rows(given_up_in_time(told(*PRESSED, *entries), START + closed)) == found


@pytest.mark.parametrize(
    ("entries", "found"),
    [
        ([*placed(11, status=486), *placed(13, "1002", "c3", status=486)], []),
        ([*placed(11, status=486), *placed(13, "1001", "c3", status=486)], ["OUT-02"]),
        ([*placed(11, status=503), *placed(13, "1001", "c3", status=486)], []),
        ([*placed(11, status=300), *placed(13, "1001", "c3", status=486)], []),
        ([*placed(11, status=399), *placed(13, "1001", "c3", status=486)], []),
        ([*placed(11, status=403), *placed(13, "1001", "c3", status=486)], ["OUT-02"]),
        ([*placed(11), *placed(13, "1002", "c3")], ["OUT-02"]),
        ([*placed(11), bye(12.5, "c1"), *placed(13, "1002", "c3")], ["OUT-02"]),
        ([(11, calls()), (12, hears(180)), *placed(13, "1002", "c3")], ["OUT-02"]),
        ([(11, calls()), (12, hears(100)), *placed(13, "1002", "c3")], ["OUT-02"]),
        ([(11, calls()), *placed(13, "1002", "c3")], []),
        ([(11, calls()), (12, hears(180)), (12.5, sends("CANCEL")), *placed(13, "1002", "c3")], []),
        ([(11, calls()), (12, hears(180)), (12.5, hears(486)), *placed(13, "1002", "c3")], []),
        ([*placed(11, "1002")], ["OUT-02"]),
        ([(10.5, logs("outgoing_call_failure")), *placed(11, "1002")], []),
        ([(11.75, logs("outgoing_call_failure")), *placed(11, "1002")], []),
        ([(12, logs("outgoing_call_failure")), *placed(11, "1002")], ["OUT-02"]),
        ([(10.5, logs("other", failure="unreachable")), *placed(11, "1002")], []),
        ([(10.5, logs("other")), *placed(11, "1002")], ["OUT-02"]),
        ([*placed(11, "7")], ["OUT-01"]),
        ([*placed(11, "1001", contacts=()), *placed(13, "7", "c3")], ["OUT-01"]),
        ([*placed(11, status=486), (12, submits(call_number="7")), *placed(13, "9", "c3")], []),
        ([(11, hears(180)), (12, press), *placed(13, "7", "c3")], ["OUT-01"]),
    ],
)
def test_the_calls_of_one_press(entries, found):
    entries = sorted(entries, key=lambda entry: entry[0])
    assert rows(one_press_one_story(told(*PRESSED, *entries))) == found


@pytest.mark.parametrize(
    ("entries", "anew"),
    [
        (placed(11, status=488), True),
        (placed(11, status=403), True),
        (placed(11, status=486), False),
        (placed(11, status=600), False),
        (placed(11, status=603), False),
        (ringing(12.5), False),
        (
            [(11, calls()), (12, hears(183, media=(AUDIO,))), (12.5, sends("CANCEL")), (12.5, hears(487))],
            True,
        ),
        (
            [(11, calls()), (12, hears(199, media=(AUDIO,))), (12.5, sends("CANCEL")), (12.5, hears(487))],
            True,
        ),
        (
            [(11, calls()), (12, hears(101, media=(AUDIO,))), (12.5, sends("CANCEL")), (12.5, hears(487))],
            True,
        ),
        (
            [(11, calls()), (12, hears(100, media=(AUDIO,))), (12.5, sends("CANCEL")), (12.5, hears(487))],
            False,
        ),
        ([(11, calls()), (12, hears(180)), (12.5, sends("CANCEL", by="pbx")), (12.5, hears(487))], True),
    ],
)
def test_a_contact_is_called_again_in_clear_for_what_was_offered_alone(entries, anew):
    story = [*entries, *placed(14, call="c9", status=486)]
    settings = (0, has(encryption=FALLBACK))
    assert rows(one_press_one_story(told(settings, (10, press), *story))) == ([] if anew else ["OUT-02"])


@pytest.mark.parametrize(("at", "found"), [(10, ["OUT-01"]), (10.25, []), (19.75, []), (20, ["OUT-01"])])
def test_settings_that_change_between_two_presses_leave_the_first_alone(at, found):
    story = [(0, has()), (10, press), *placed(11, "7"), (20, press), (at, submits(call_timeout=9))]
    assert rows(one_press_one_story(told(*sorted(story, key=lambda entry: entry[0])))) == found


@pytest.mark.parametrize(("status", "most"), [(299, 1), (300, 3), (399, 3), (400, 1), (486, 1)])
def test_only_a_redirection_names_further_places(status, most):
    answer = (12, hears(status, contacts=("sip:7@x", "sip:8@x")))
    assert unseen_attempts(told(*PRESSED, (11, calls()), answer), CLOSED) == most


@pytest.mark.parametrize(
    ("entries", "row"),
    [
        ([(15, press), bye(15.5, by="device"), *placed(16)], ["INC-05"]),
        ([(15, press), bye(15, by="device"), *placed(16)], []),
        ([(15, press), bye(15.5), *placed(16)], []),
        ([bye(14, by="device"), (15, press), *placed(16)], []),
        ([(15, press), bye(15.5, by="device")], []),
    ],
)
def test_a_press_that_hangs_up_begins_no_call(entries, row):
    assert rows(nothing_after_hanging_up(told((0, has()), *taken(10), *entries))) == row


@pytest.mark.parametrize(
    ("entries", "until", "most"),
    [
        ([], 60, 2),
        (placed(11, status=486), 60, 1),
        (placed(11), 60, 0),
        (placed(11, "1002"), 60, 1),
        (placed(11), 10.5, 2),
        ([(11, submits(further_numbers=["1002", "1003"]))], 60, 3),
        ([(11, submits(further_numbers=[]))], 60, 2),
        ([(12, press)], 60, 4),
        ([(-1, press)], 60, None),
        ([(11, calls()), (12, hears(302, contacts=("sip:7@x", "sip:8@x")))], 60, 3),
    ],
)
def test_how_many_attempts_may_have_failed_unseen(entries, until, most):
    entries = sorted([*PRESSED, *entries], key=lambda entry: entry[0])
    assert unseen_attempts(told(*entries), START + until) == most


def test_what_contacts_there_were():
    story = told(
        (0, has(call_number="sip:A@Door:5070", further_numbers=["TEL:+49;x=1", "12"], encryption=FALLBACK))
    )
    (found,) = contacts_in(story)
    assert found.numbers == (("a", "door"), ("+49", ""), ("12", ""))
    assert (found.since, found.timeout, found.fallback) == (START, 4.0, True)
    assert contacts_in(told((0, has(call_number=None)))) == []
    assert contacts_in(told((0, has(call_timeout=None)))) == []
    refused = told(
        (0, has()), (1, submits(accepted=False, call_number="7", call_timeout="x")), (2, submits())
    )
    assert [one.numbers[0] for one in contacts_in(refused)] == [("1001", ""), ("1001", "")]
    assert [(one.numbers, one.timeout) for one in contacts_in(refused, refused=True)] == [
        ((("7", ""), ("1002", "")), 0.0)
    ]
    assert [
        found.place(uri) for uri in ("sip:a@door", "sip:a@192.0.2.1", "sip:a@gate", "sip:+49@x", "sip:9@x")
    ] == [
        0,
        0,
        None,
        1,
        None,
    ]
    assert found.place("sip:a@door", 1) is None


# Taken calls


@pytest.mark.parametrize(
    ("others", "found"),
    [
        ([*taken(3, "c9"), bye(8, "c9")], ["INC-02"]),
        ([*taken(3, "c9"), bye(8.25, "c9")], []),
        ([*taken(10.5, "c9")], ["INC-02"]),
        ([*taken(10, "c9")], []),
    ],
)
def test_a_device_is_busy_in_a_call_and_two_seconds_longer(others, found):
    story = sorted([*others, *taken(10, status=486)], key=lambda entry: entry[0])
    assert rows(free_and_busy(told((0, has()), *story))) == found


@pytest.mark.parametrize(
    ("story", "settled", "found"),
    [
        ([(10, called()), (11, answers(180))], 12.5, []),
        ([(10, called()), (11, answers(180))], 12.75, ["INC-02"]),
        ([(10, called()), (11, answers(101))], 20, ["INC-02"]),
        ([(10, called()), (11, answers(199))], 20, ["INC-02"]),
        ([(10, called()), (11, answers(100))], 20, []),
        ([(10, called())], 20, []),
        ([(10, called()), (11, answers(180)), (14, answers(486))], 20, []),
        (
            [(10, called()), (11, answers(180)), (12, sends("CANCEL", "c2", by="pbx")), (14, answers(487))],
            20,
            [],
        ),
        (
            [(10, called()), (11, answers(180)), (14, sends("CANCEL", "c2", by="pbx")), (14, answers(487))],
            20,
            ["INC-02"],
        ),
        ([(10, called()), (11, answers(180)), (12, is_late(1, begun=11))], 13.5, []),
        ([(10, called()), (11, answers(180)), (12, is_late(1, begun=11))], 13.75, ["INC-02"]),
        ([(10, called()), (11, answers(180)), (12, press)], 20, []),
        ([(10, press), (10, called()), (11, answers(180))], 20, ["INC-02"]),
        ([(10, called()), (11, answers(180)), (20, press)], 20, []),
        ([(10, called()), (11, answers(180)), (12, submits(call_timeout=9))], 20, []),
        ([*taken(3, "c9"), bye(8, "c9"), (10, called()), (11, answers(180))], 20, ["INC-02"]),
        ([*taken(3, "c9"), bye(8.25, "c9"), (10, called()), (11, answers(180))], 20, []),
        ([(10, called(uri="sip:7@door")), (11, answers(180))], 20, []),
        ([(10, called(caller="sip:3410@elsewhere")), (11, answers(180))], 20, []),
        ([(10, called(caller="sip:3410@127.0.0.1")), (11, answers(180))], 20, ["INC-02"]),
        ([(10, called(media=(SECURE,))), (11, answers(180))], 20, []),
        ([(10, called(media=())), (11, answers(180))], 20, ["INC-02"]),
        ([*taken(3, "c9", status=404), *taken(10, status=403)], 20, ["INC-03"]),
        ([*taken(3, "c9"), bye(9.75, "c9"), *taken(10, status=403)], 20, ["INC-03"]),
        ([*taken(3, "c9"), *taken(10, status=403)], 20, []),
    ],
)
def test_a_permitted_caller_is_let_in_within_his_time(story, settled, found):
    assert rows(let_in(told((0, has()), *story), START + settled)) == found


ANSWERED = seen(ScreenText(text="Incoming call answered"), Witness.CONSOLE)


@pytest.mark.parametrize(
    ("entries", "found"),
    [
        ([(10.25, ANSWERED)], ["INC-02"]),
        ([(10.5, ANSWERED)], []),
        ([(20, ANSWERED)], []),
        ([bye(20), (22, ANSWERED)], []),
        ([bye(20), (22.25, ANSWERED)], ["INC-02"]),
        ([(12, ANSWERED), bye(20), (22, ANSWERED)], ["INC-02"]),
        ([bye(20), (23, is_late(1, begun=22)), (23, ANSWERED)], []),
        ([(12, seen(ScreenText(text="Ready"), Witness.CONSOLE))], []),
    ],
)
def test_the_screen_may_be_half_a_second_early_and_two_late(entries, found):
    story = sorted([*taken(10), *entries], key=lambda entry: entry[0])
    assert rows(answered_on_screen(told((0, has()), *story))) == found


@pytest.mark.parametrize(
    ("declared", "at", "found"),
    [
        (None, 0.75, []),
        (None, 1.0, ["INC-02"]),
        (START - 1, 0.75, []),
        (START - 1, 1.0, ["INC-02"]),
        (0.0, 0.5, ["INC-02"]),
    ],
)
def test_the_screen_may_be_late_with_a_call_of_before(declared, at, found):
    story = told((0, declares(last_taken=declared)), (0, has()), (at, ANSWERED))
    assert rows(answered_on_screen(story)) == found
    again = told((0, declares(last_taken=declared)), (0, has()), (at, ANSWERED), (at, ANSWERED))
    once = [] if declared is None else ["INC-02"]
    assert rows(answered_on_screen(again)) == ([*found, "INC-02"] if found else once)


@pytest.mark.parametrize(
    ("begun", "over", "settled", "found"),
    [
        (20, 30, 60, ["INC-02"]),
        (20, 21.5, 60, []),
        (20, 21.75, 60, ["INC-02"]),
        (20, 60, 23, []),
        (20, 60, 23.25, ["INC-02"]),
    ],
)
def test_the_screen_shows_each_call_that_lasts(begun, over, settled, found):
    first = [*taken(3), (5, ANSWERED), bye(8)]
    story = told((0, has()), *first, *taken(begun, "c3"), bye(over, "c3"))
    assert rows(unshown(story, START + settled)) == found
    unread = (6, seen(UnreadableLine(text="?", reason="x"), Witness.CONSOLE))
    assert rows(unshown(told((0, has()), *first, unread, *taken(begun, "c3"), bye(over, "c3")), CLOSED)) == []
    together = [*taken(begun, "c3"), (begun + 1, called("9", "c4")), bye(over + 9, "c3")]
    assert rows(unshown(told((0, has()), *first, *together), CLOSED)) == []
    by_hand = [*taken(3), (5, seen(ScreenText(text="Incoming call answered"), Witness.OPERATOR)), bye(8)]
    assert rows(unshown(told((0, has()), *by_hand, *taken(begun, "c3")), CLOSED)) == []


def test_when_a_call_was_last_taken_that_the_screen_has_not_shown():
    story = [(0, has()), *taken(3), bye(8), *taken(20, "c3"), *taken(30, "c4", status=486)]
    assert last_unshown(told(*story)) == START + 21
    assert last_unshown(told(*story, (22, ANSWERED), (22.5, ANSWERED))) == START + 4
    assert last_unshown(told((0, has()), *taken(30, "c4", status=486))) == 0.0


@pytest.mark.parametrize(
    ("caller", "more", "row"),
    [
        ("sip:9@pbx", {}, ["INC-03"]),
        ("sip:3410@pbx", {}, []),
        ("sip:9@pbx", {"from_display": "3410"}, ["INC-07"]),
        ("sip:9@pbx", {"contacts": ("sip:3410@x",)}, ["INC-07"]),
        ("sip:9@pbx", {"raw": "INVITE sip:1 SIP/2.0\r\nRemote-Party-ID: <sip:3410@x>\r\n\r\n"}, []),
        ("sip:9@pbx", {"raw": "INVITE sip:1 SIP/2.0\r\nP-Preferred-Identity: <sip:3410@x>\r\n\r\n"}, []),
        ("sip:9@pbx", {"raw": "INVITE sip:1 SIP/2.0\r\nP-Asserted-Identity: <sip:3410@x>\r\n\r\n"}, []),
    ],
)
def test_how_a_stranger_got_in(caller, more, row):
    display = more.get("from_display", "")
    more = {name: value for name, value in more.items() if name != "from_display"}
    story = told((0, has()), (10, called(**({"caller": caller} | more))), (11, answers(200)))
    if display:
        story = _named(story, display)
    assert rows(admitted(story)) == row


def _named(timeline, display):
    other = told()
    for observation in timeline:
        content = observation.content
        if getattr(content, "method", "") == "INVITE" and content.status is None:
            content = content.model_copy(update={"from_display": display})
        other.append(observation.witness, content, observation.time)
    return other


# Registrations


@pytest.mark.parametrize(("settled", "found"), [(13.5, []), (13.75, ["REG-01"])])
def test_a_device_has_three_and_a_half_seconds_to_register_again(settled, found):
    story = [(0, has()), (5, registers()), (5, registered()), (10, registers(2, lasting=0))]
    assert rows(kept_registered(told(*story, (10, registered(2, lasting=None))), START + settled)) == found


@pytest.mark.parametrize(
    ("entries", "found"),
    [
        ([(13.5, registers(3))], []),
        ([(13.75, registers(3))], ["REG-01"]),
        ([(13, registers(3, lasting=0))], ["REG-01"]),
        ([(13, registers(3, by="pbx", to="device"))], ["REG-01"]),
        ([(12, is_late(1, begun=11)), (14.5, registers(3))], []),
        ([(12, is_late(1, begun=11)), (14.75, registers(3))], ["REG-01"]),
        ([(12, submits(enabled=True))], []),
        ([(13.5, submits(enabled=True))], []),
        ([(13.75, submits(enabled=True))], ["REG-01"]),
        ([(30, lost)], []),
    ],
)
def test_what_follows_a_registration_that_was_taken_back(entries, found):
    story = [(0, has()), (5, registers()), (5, registered()), (10, registers(2, lasting=0))]
    story += [(10, registered(2, lasting=None)), *entries]
    assert rows(kept_registered(told(*story), CLOSED)) == found


def test_a_device_had_registered_with_the_settings_that_are_in_force():
    back = [(10, registers(2, lasting=0)), (10, registered(2, lasting=None))]
    for entries, found in (
        ([(0, has()), (5, registered())], ["REG-01"]),
        ([(0, has()), (0, registered())], []),
        ([(0, has()), (5, registered(status=401))], []),
        ([(0, has()), (5, registered()), (6, submits(enabled=True))], []),
        ([(5, registered())], []),
        ([(0, has(enabled=None)), (5, registered())], []),
    ):
        assert rows(kept_registered(told(*entries, *back), CLOSED)) == found
    asked_more = [(9, registers(2))]
    assert rows(kept_registered(told((0, has()), (5, registered()), *asked_more, *back), CLOSED)) == []


POLLS = [(0, has(polling_interval=10)), (5, registers()), (5, registered())]
"""Followed by another one within 10 s, a tenth, half a second, and three."""


@pytest.mark.parametrize(
    ("entries", "settled", "found"),
    [
        ([], 19.5, []),
        ([], 19.75, ["REG-03"]),
        ([(19.5, registers(2))], 19.75, []),
        ([(19.75, registers(2))], 60, ["REG-03"]),
        ([(19, registers(2, method="OPTIONS"))], 30, []),
        ([(19, registers(2, lasting=0))], 30, ["REG-03"]),
        ([(19, registers())], 60, ["REG-03"]),
        ([(19, registers(7, method="OPTIONS", by="pbx", to="device"))], 60, ["REG-03"]),
        ([(19.5, submits(polling_interval=9))], 60, []),
        ([(19.75, submits(polling_interval=9))], 60, ["REG-03"]),
        ([(19.5, lost)], 60, []),
        ([(19.75, lost)], 60, ["REG-03"]),
        ([(12, is_late(1, begun=11))], 20.5, []),
        ([(12, is_late(1, begun=11))], 20.75, ["REG-03"]),
        ([(4, lost)], 60, []),
    ],
)
def test_a_check_is_followed_by_another_one(entries, settled, found):
    story = sorted([*POLLS, *entries], key=lambda entry: entry[0])
    assert rows(polled(told(*story), START + settled)) == found


def test_a_registration_within_a_form_is_checked_again_by_what_the_form_set():
    """The form is dated by its beginning: what was registered before its answer was so with its settings."""
    within = [(0, has(polling_interval=3600)), (5, registers()), (5, registered())]
    submitted = (4.5, submits(polling_interval=10))
    assert rows(polled(told(*within, submitted), START + 20.5)) == []
    assert rows(polled(told(*within, submitted), START + 20.75)) == ["REG-03"]


@pytest.mark.parametrize(
    ("settings", "asked", "answer", "found"),
    [
        ({}, {}, {}, ["REG-03"]),
        ({"polling_interval": None}, {}, {}, []),
        ({"enabled": False}, {}, {}, []),
        ({}, {"transport": "TCP"}, {}, []),
        ({}, {}, {"status": 401}, []),
        ({}, {}, {"by": "device", "to": "pbx"}, []),
        ({}, {}, {"lasting": None}, []),
        ({}, {}, {"call": "x"}, []),
    ],
)
def test_which_check_is_confirmed(settings, asked, answer, found):
    story = told(
        (0, has(**({"polling_interval": 10} | settings))), (5, registers(**asked)), (5, registered(**answer))
    )
    assert rows(polled(story, CLOSED)) == found


@pytest.mark.parametrize(
    ("again", "interval", "lasting", "found"),
    [
        (10, 60, 120, ["CFG-05"]),  # five seconds later
        (9.75, 60, 120, []),
        (19.75, 60, 120, ["CFG-05"]),
        (20, 60, 120, []),
        (19.75, 120, 60, ["CFG-05"]),
        (20, 120, 60, []),
        (19.75, 60, 0, ["CFG-05"]),
        (20, 60, 0, []),
    ],
)
def test_a_quarter_of_the_interval_and_of_what_was_granted(again, interval, lasting, found):
    story = [(0, has(polling_interval=interval)), (5, registers()), (5, registered(lasting=lasting))]
    assert rows(polled_too_often(told(*story, (again, registers(2))))) == found


@pytest.mark.parametrize(
    ("entries", "found"),
    [
        ([], ["CFG-05"]),
        ([(8, lost)], []),
        ([(5, lost)], ["CFG-05"]),
        ([(15, lost)], ["CFG-05"]),
        ([(8, registered(7, status=300))], []),
        ([(8, registered(7, status=299))], ["CFG-05"]),
        ([(8, registered(7, status=401))], ["CFG-05"]),
        ([(8, registered(7, status=500, by="device", to="pbx"))], ["CFG-05"]),
        ([(8, submits(call_timeout=9))], []),
        ([(5.5, submits(call_timeout=9))], []),
        ([(8, lost), (15.25, registered(2)), (25, registers(3))], ["CFG-05"]),
        ([(10, registers(lasting=60))], ["CFG-05"]),
    ],
)
def test_what_a_device_may_have_had_reason_to_renew_for(entries, found):
    story = [(0, has(polling_interval=3600)), (5, registers()), (5, registered())]
    story = sorted([*story, *entries, (15, registers(2))], key=lambda entry: entry[0])
    assert rows(polled_too_often(told(*story))) == found


@pytest.mark.parametrize(
    ("statuses", "each", "found"),
    [
        ([503] * 6, 0.5, ["REG-02"]),
        ([503] * 5, 0.5, []),
        ([400] * 6, 0.5, ["REG-02"]),
        ([399] * 6, 0.5, []),
        ([401] * 6, 0.5, []),
        ([503] * 6, 0.625, []),
        ([503] * 6, 0.59375, ["REG-02"]),
        ([503, 503, 503, 200, 503, 503, 503], 0.25, []),
        ([503, 503, 503, 299, 503, 503, 503], 0.25, []),
        ([503, 503, 503, 199, 503, 503, 503], 0.25, ["REG-02"]),
        ([503, 503, 503, 300, 503, 503, 503], 0.25, ["REG-02"]),
    ],
)
def test_six_refusals_in_three_seconds(statuses, each, found):
    entries = [(5 + number * each, registered(number, status=one)) for number, one in enumerate(statuses, 1)]
    assert rows(hammering(told((0, has()), *entries))) == found
    same = [(at, registered(1, status=503)) for at, _ in entries]
    assert rows(hammering(told((0, has()), *same))) == []


# Within calls


@pytest.mark.parametrize(
    ("change", "status", "method", "found"),
    [
        ({}, 200, "INVITE", ["ENC-09"]),
        ({}, 299, "UPDATE", ["ENC-09"]),
        ({}, 199, "INVITE", []),
        ({}, 300, "INVITE", []),
        ({}, 200, "INFO", []),
        ({"media": "video"}, 200, "INVITE", ["ENC-09"]),
        ({"media": "application"}, 200, "INVITE", []),
        ({"port": 0}, 200, "INVITE", []),
        ({"direction": "inactive"}, 200, "INVITE", []),
        ({"secured": True}, 200, "INVITE", []),
        ({"crypto_suites": ("X",)}, 200, "INVITE", []),
    ],
)
def test_what_is_agreed_on_in_clear(change, status, method, found):
    line = AUDIO.model_copy(update=change)
    answer = lambda story: story.sip(method, "device", "pbx", status=status, call="c2", media=(line,))  # noqa: E731
    story = told((0, has(encryption=SRTP_ONLY)), (10, called(media=(SECURE,))), (11, answer))
    assert rows(srtp_only(story)) == found


@pytest.mark.parametrize(
    ("entries", "found"),
    [
        ([(12, streams("c2"))], ["ENC-09"]),
        ([(12, streams("c2", sender="pbx"))], []),
        ([(12, streams("c2", protection="srtp"))], []),
        ([(12, streams("c8"))], []),
        ([(12, streams("c2")), (12, streams("c2"))], ["ENC-09"]),
        ([(12, submits(encryption=SRTP_ONLY)), (13, streams("c2"))], []),
        ([(13, submits(encryption=SRTP_ONLY)), (12, streams("c2"))], ["ENC-09"]),
        ([(13, submits(encryption="")), (13, streams("c2"))], []),
    ],
)
def test_media_in_clear_while_srtp_only_is_in_force(entries, found):
    secured = [(10, called(media=(SECURE,))), (11, answers(200, media=(SECURE,)))]
    assert rows(srtp_only(told((0, has(encryption=SRTP_ONLY)), *secured, *entries))) == found


@pytest.mark.parametrize(
    ("entries", "found"),
    [
        ([(12, sends("REFER", "c2", by="pbx")), (13, calls())], ["OUT-01"]),
        ([(13, sends("REFER", "c2", by="pbx")), (13, calls())], []),
        ([(12, sends("REFER", "c2")), (13, calls())], []),
        ([(12, sends("INFO", "c2", by="pbx")), (13, calls())], []),
        ([(12, sends("REFER", "c2", by="pbx")), (13, press), (13, calls())], []),
        ([(12, sends("REFER", "c2", by="pbx")), (13, calls()), (14, press)], ["OUT-01"]),
        ([(12, sends("REFER", "c2", by="pbx")), (13, called(call="c8"))], []),
    ],
)
def test_a_call_that_nobody_pressed_for(entries, found):
    assert rows(unasked_calls(told((0, has()), *taken(10), *entries))) == found


# The event log


def logged(timeline):
    return [o for o in timeline if isinstance(o.content, DeviceEvent)]


def truth(*entries, settled=60):
    timeline = told((0, has()), *entries)
    return rows(event_truth(timeline, logged(timeline), START + settled))


RECEIVED, HUNG_UP = logs("incoming_call_received"), logs("incoming_call_remote_hangup")
FAILED = logs("incoming_call_failure")
HEARD = streamed(11, 19.25, "c2", sender="pbx", receiver="device")


@pytest.mark.parametrize(
    ("over", "at", "late", "found"),
    [
        (14, 15, 0, []),
        (14.25, 15, 0, ["EVT-07"]),
        (14.25, 14.25, 0, []),
        (15, 16, 1, []),
        (15.25, 16, 1, ["EVT-07"]),
    ],
)
def test_a_call_is_logged_before_it_is_over_if_it_lasts(over, at, late, found):
    held_up = [(13, is_late(late, begun=12))] if late else []
    assert truth(*taken(10), *held_up, bye(over), (at, RECEIVED)) == found


@pytest.mark.parametrize(
    ("heard", "hangup_at", "failed_at", "found"),
    [
        (HEARD, 20.5, 20.5, ["EVT-11"]),
        (HEARD, 20, 20, ["EVT-11"]),
        (HEARD, 21, 21, ["EVT-11"]),
        (HEARD, 21.25, 20.5, []),
        (HEARD, 20.5, 21.25, []),
        (HEARD, 19.75, 20.5, []),
        (HEARD, 20.5, 19.75, []),
        (streamed(11, 19, "c2", sender="pbx", receiver="device"), 20.5, 20.5, []),
        (streamed(11, 20, "c9", sender="pbx", receiver="device"), 20.5, 20.5, []),
        (streamed(11, 20, "c2"), 20.5, 20.5, []),
        (streamed(11, 20, "c2", sender="pbx", receiver="device", packets=4), 20.5, 20.5, []),
        (streamed(11, 20, "c2", sender="pbx", receiver="device", packets=5), 20.5, 20.5, ["EVT-11"]),
    ],
)
def test_a_call_that_was_heard_to_its_end_has_not_failed(heard, hangup_at, failed_at, found):
    events = sorted([(hangup_at, HUNG_UP), (failed_at, FAILED), (20, heard)], key=lambda entry: entry[0])
    assert truth(*taken(10), bye(20), *events) == found


@pytest.mark.parametrize(
    ("others", "found"),
    [
        ([*taken(3, "c9"), bye(8, "c9")], ["EVT-11"]),
        ([*taken(21, "c9")], []),
        ([*taken(21.25, "c9")], ["EVT-11"]),
    ],
)
def test_with_another_call_it_is_not_known_which_has_failed(others, found):
    entries = [*taken(10), bye(20), (20, HEARD), (20.5, HUNG_UP), (20.75, FAILED), *others]
    assert truth(*sorted(entries, key=lambda entry: entry[0])) == found
    own = [*taken(10), bye(20, by="device"), (20, HEARD), (20.5, HUNG_UP), (20.75, FAILED)]
    assert truth(*own) == []


def test_what_comes_when_the_scenario_has_ended_needs_no_event():
    late = [*taken(10), bye(15), (16, RECEIVED), *taken(62, "c9")]
    assert truth(*late) == ["EVT-07"]
    assert truth(*late, settled=70) == []


@pytest.mark.parametrize(("over", "found"), [(18.75, ["EVT-11"]), (19, [])])
def test_another_call_that_is_just_over_may_be_the_one_that_failed(over, found):
    others = [*taken(3, "c9"), *taken(10), bye(over, "c9")]
    entries = [*others, bye(20), (20, HEARD), (20.5, HUNG_UP), (20.75, FAILED)]
    assert truth(*sorted(entries, key=lambda entry: entry[0])) == found


@pytest.mark.parametrize(
    ("said", "verdict"), [(b"\xff correct-horse", Verdict.FAIL), (b"\xff\xfe", Verdict.INCONCLUSIVE)]
)
def test_a_password_stands_in_bytes_that_are_no_text(said, verdict):
    unread = MalformedSip(
        source="1:1", destination="2:2", sender="device", receiver="pbx", problem="x", raw_hex=said.hex()
    )
    secret = submits(secrets=(Fingerprint.of("correct-horse"),))
    (found,) = credentials(told((0, secret), (1, seen(unread))))
    assert found.verdict is verdict


def left_out(*entries, settled=60, contacts=("1002", "1003")):
    timeline = told((0, has(further_numbers=list(contacts))), (10, press), *entries)
    return rows(passed_over(timeline, logged(timeline), START + settled))


FAILURE, EXHAUSTED = logs("outgoing_call_failure"), logs("outgoing_call_contact_failure")
FIRST = [*placed(11, status=486), (12, FAILURE)]


@pytest.mark.parametrize(
    ("entries", "settled", "found"),
    [
        ([*FIRST, *placed(13, "1003", "c3")], 60, ["OUT-02"]),
        ([*FIRST, *placed(13, "1002", "c3")], 60, []),
        ([*FIRST, (13, EXHAUSTED)], 60, ["OUT-02"]),
        ([*FIRST, (13, EXHAUSTED)], 13, []),
        ([*FIRST, (13, EXHAUSTED)], 13.25, ["OUT-02"]),
        ([*FIRST, (13, EXHAUSTED), (13, press)], 60, []),
        ([*FIRST, (13, EXHAUSTED), (13.25, press)], 60, ["OUT-02"]),
        ([*FIRST, (12.5, submits(call_timeout=9)), (13, EXHAUSTED)], 60, []),
        ([*FIRST, *placed(13, "1003", "c3", status=486), (14, FAILURE)], 60, ["OUT-02"]),
        ([*FIRST, *placed(13, "1003", "c3", status=486)], 60, []),
        ([*placed(11), *placed(13, "1003", "c3")], 60, []),
    ],
)
def test_a_contact_that_is_left_out(entries, settled, found):
    assert left_out(*entries, settled=settled) == found


def test_what_comes_when_the_scenario_has_ended_passes_nobody_over():
    later = [*FIRST, *placed(20, "1003", "c3")]
    assert left_out(*later) == ["OUT-02"]
    assert left_out(*later, settled=15) == []


def test_a_list_that_names_somebody_twice_has_no_turns():
    assert left_out(*FIRST, (13, EXHAUSTED), contacts=("1001", "1003")) == []
    assert left_out(*FIRST, (13, EXHAUSTED), contacts=("sip:5@elsewhere",)) == []


# What is said of the device itself


@pytest.mark.parametrize(
    ("timing", "settled", "found"),
    [(Timing(), 13.75, ["REG-01"]), (Timing(registration=9), 13.75, []), (Timing(apply=9), 13.75, [])],
)
def test_a_slow_device_has_more_time(timing, settled, found):
    story = [(0, declares(timing=timing)), (0, has()), (5, registers()), (5, registered())]
    story += [(10, registers(2, lasting=0)), (10, registered(2, lasting=None))]
    assert rows(kept_registered(told(*story), START + settled)) == found


def test_the_monitors_that_are_asked_for_are_run_alone():
    timeline = told((0, has()), (10, press), *placed(11, "7"))
    names = {j.rule.monitor for j in monitor(timeline, CLOSED, CLOSED)}
    assert {"agreement", "placed calls", "good practice"} <= names
    assert {j.rule.monitor for j in monitor(timeline, CLOSED, CLOSED, {"placed calls"})} == {"placed calls"}
    assert {j.rule.monitor for j in monitor(timeline, CLOSED, CLOSED, {"agreement"})} == {"agreement"}
