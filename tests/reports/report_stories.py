"""Scenarios of a realistic run: passes, a fail, an inconclusive, an error, and what they look like."""

from __future__ import annotations

from report_sample import EPOCH, ScenarioBuilder, offer

from intercom_hil.timeline import Witness
from intercom_hil.timeline.observation import (
    Configured,
    InstrumentLost,
    Note,
    PbxEvent,
    SpeakerHeard,
    StationEnded,
    StationSaid,
)

SUITE = "AES_CM_128_HMAC_SHA1_80"


def _register(story: ScenarioBuilder, at: float) -> None:
    story.sip(at, "device", "pbx", "REGISTER sip:127.0.0.10", call="reg", cseq=1)
    story.sip(at + 0.002, "pbx", "device", "401 Unauthorized REGISTER", call="reg", cseq=1)
    story.sip(at + 0.005, "device", "pbx", "REGISTER sip:127.0.0.10", call="reg", cseq=2)
    story.sip(at + 0.008, "pbx", "device", "200 OK REGISTER", call="reg", cseq=2)
    story.see(at + 0.01, Witness.CONSOLE, Note(text="registered at 127.0.0.10"))


def _ring(story: ScenarioBuilder, at: float, number: str, call: str) -> int:
    invite = f"INVITE sip:{number}@127.0.0.10"
    departs = ("line ends other than CRLF (RFC 3261 §7)",)
    seq = story.sip(at, "device", "pbx", invite, call=call, media=(offer(),), deviations=departs)
    story.sip(at + 0.002, "pbx", "device", "100 Trying INVITE", call=call)
    story.sip(at + 0.01, "pbx", number, f"INVITE sip:{number}@127.0.0.30", call=call + "b", media=(offer(),))
    story.sip(at + 0.04, number, "pbx", "180 Ringing INVITE", call=call + "b")
    story.sip(at + 0.042, "pbx", "device", "180 Ringing INVITE", call=call)
    return seq


def _refuse(story: ScenarioBuilder, at: float, number: str, call: str, what: str) -> None:
    story.sip(at, number, "pbx", f"{what} INVITE", call=call + "b")
    story.sip(at + 0.001, "pbx", number, f"ACK sip:{number}@127.0.0.30", call=call + "b")
    story.sip(at + 0.003, "pbx", "device", f"{what} INVITE", call=call)
    story.sip(at + 0.004, "device", "pbx", f"ACK sip:{number}@127.0.0.10", call=call)


def _answer(story: ScenarioBuilder, at: float, number: str, call: str, *lines: object) -> int:
    media = lines or (offer(),)
    story.sip(at, number, "pbx", "200 OK INVITE", call=call + "b", media=media, to_tag="t")
    story.sip(at + 0.001, "pbx", number, f"ACK sip:{number}@127.0.0.30", call=call + "b", to_tag="t")
    seq = story.sip(at + 0.003, "pbx", "device", "200 OK INVITE", call=call, media=media, to_tag="t")
    story.sip(at + 0.005, "device", "pbx", f"ACK sip:{number}@127.0.0.10", call=call, to_tag="t")
    return seq


def _hang_up(story: ScenarioBuilder, at: float, sender: str, receiver: str, call: str) -> int:
    seq = story.sip(at, sender, receiver, "BYE sip:x@127.0.0.10", call=call, cseq=2, to_tag="t")
    story.sip(at + 0.002, receiver, sender, "200 OK BYE", call=call, cseq=2, to_tag="t")
    return seq


def answered_at_once() -> ScenarioBuilder:
    story = ScenarioBuilder(
        "test_outgoing.test_the_button_places_a_call",
        "The button places a call to the call number, and audio is open both ways",
        "The intercom button dials the configured call number (RFC 3261 §13).\n\nA visitor would otherwise "
        "press the button and reach nobody.",
    )
    story.see(
        0.01,
        Witness.PORTAL,
        Configured(settings={"call_number": "3400"}, accepted=True, changed=("call_number",)),
    )
    _register(story, 0.05)
    story.press(0.30)
    initiated = story.event(0.33, "outgoing_call_initiated", "Dialing")
    invite = _ring(story, 0.34, "3400", "c1")
    story.see(0.345, Witness.PBX, PbxEvent(interface="ari", name="StasisStart", channel="PJSIP/7001-01"))
    story.see(0.4, Witness.STATION, StationSaid(station="3400", text="ringing"))
    answered = _answer(story, 1.1, "3400", "c1")
    established = story.event(1.12, "outgoing_call_established", "Call Established")
    story.screen(1.121, "Call established")
    story.flow(1.13, 4.1, "device", "pbx", "plain", 440)
    story.flow(1.14, 4.12, "pbx", "device", "plain", 1000)
    story.flow(1.15, 4.1, "pbx", "3400", "plain", 440)
    story.flow(1.15, 4.1, "3400", "pbx", "plain", 1000)
    for tenth in range(14, 40, 2):
        heard = SpeakerHeard(level_dbov=-20.1, tone_hz=1000, duration=0.2)
        story.see(tenth / 10, Witness.SPEAKER, heard)
    _hang_up(story, 4.1, "3400", "pbx", "c1b")
    bye = _hang_up(story, 4.103, "pbx", "device", "c1")
    story.event(4.12, "outgoing_remote_hangup", "Hanging Up")
    story.see(4.3, Witness.STATION, StationEnded(station="3400", exit_status=0, calls_ok=1, calls_failed=0))
    story.judge(
        "OUT-01", "pass", "INVITE from device to pbx within 2 s", "INVITE at +0.340 s", 0.34, [invite]
    )
    story.judge("EVT-01", "pass", "outgoing_call_initiated once", "at +0.330 s", 0.33, [initiated])
    story.judge(
        "EVT-02", "pass", "outgoing_call_established after 200", "at +1.120 s", 1.12, [established, answered]
    )
    story.judge("OUT-05", "pass", "440 Hz at the station, 1000 Hz at the speaker", "both heard", 2.0, [])
    story.judge("EVT-04", "pass", "outgoing_remote_hangup after BYE", "at +4.120 s", 4.12, [bye])
    story.judge("EVT-11", "pass", "no event without its cause", "3 events, each with its cause")
    story.measure("OUT-01", "call setup time", 0.04, None, 2.0)
    story.measure("OUT-05", "one-way delay", 0.112, 0.0, 0.4)
    return story


def five_contacts() -> ScenarioBuilder:
    story = ScenarioBuilder(
        "test_outgoing.test_each_contact_is_tried_in_sequence",
        "Each of five contacts is tried in sequence until one answers",
        started=EPOCH + 10,
    )
    story.press(0.2)
    story.event(0.22, "outgoing_call_initiated", "Dialing")
    outcomes = ("486 Busy Here", "603 Decline", "404 Not Found", "480 Temporarily Unavailable")
    kinds = ("busy", "declined", "not found", "unreachable")
    at, seqs = 0.23, []
    for place, (what, kind) in enumerate(zip(outcomes, kinds, strict=True)):
        number, call = f"340{place}", f"c{place}"
        seqs.append(_ring(story, at, number, call))
        _refuse(story, at + 0.8, number, call, what)
        details = f"{kind}: sip:{number}@127.0.0.10 answered {what}"
        failed = story.event(at + 0.82, "outgoing_call_failure", "Call Failed", details, kind)
        story.judge("EVT-03", "pass", f"failure tells {kind}", f"details {kind}", at + 0.82, [failed])
        at += 0.85
    seqs.append(_ring(story, at, "3404", "c4"))
    _answer(story, at + 6.3, "3404", "c4")
    story.event(at + 6.32, "outgoing_call_established", "Call Established")
    story.flow(at + 6.33, at + 8.3, "device", "pbx", "plain", 440)
    story.flow(at + 6.34, at + 8.3, "pbx", "3404", "plain", 440)
    story.press(at + 8.2)
    _hang_up(story, at + 8.31, "device", "pbx", "c4")
    _hang_up(story, at + 8.32, "pbx", "3404", "c4b")
    story.judge("OUT-02", "pass", "five INVITEs in the configured order", "3400 to 3404", at, seqs)
    story.judge("EVT-13", "pass", "four different kinds in the details", "four kinds", at + 0.01, [])
    story.judge("OUT-10", "observed", "which event a local hang-up writes", "none", at + 8.35, [])
    return story


def timeout_ignored() -> ScenarioBuilder:
    story = ScenarioBuilder(
        "test_outgoing.test_an_unanswered_contact_is_given_up",
        "An unanswered contact is given up after the call timeout, and the next is tried",
        "An unanswered call ends after the call timeout and the next contact rings (RFC 3261 §9.1: CANCEL).",
        started=EPOCH + 40,
    )
    settings = {"call_timeout": 3, "further_numbers": ["3401"]}
    story.see(0.01, Witness.PORTAL, Configured(settings=settings, accepted=True, changed=tuple(settings)))
    story.press(0.2)
    initiated = story.event(0.23, "outgoing_call_initiated", "Dialing")
    invite = _ring(story, 0.25, "3400", "c1")
    story.sip(2.1, "pbx", "3400", "OPTIONS sip:3400@127.0.0.30", call="q", cseq=7)
    story.sip(2.1 + 0.5, "pbx", "3400", "OPTIONS sip:3400@127.0.0.30", call="q", cseq=7)
    story.sip(2.61, "3400", "pbx", "200 OK OPTIONS", call="q", cseq=7)
    story.sip(30.4, "pbx", "device", "408 Request Timeout INVITE", call="c1")
    story.sip(30.402, "device", "pbx", "ACK sip:3400@127.0.0.10", call="c1")
    failed = story.event(
        30.42, "outgoing_call_failure", "Call Failed", "no answer: sip:3400@127.0.0.10", "no answer"
    )
    story.judge("EVT-01", "pass", "outgoing_call_initiated once", "at +0.230 s", 0.23, [initiated])
    story.judge(
        "OUT-03",
        "fail",
        "CANCEL to sip:3400@127.0.0.10 3.0 s (±0.3) after 180 Ringing",
        "no CANCEL within 5.0 s, neither on the wire nor at the PBX; the device logged nothing after "
        "outgoing_call_initiated at 20:41:43.230",
        5.29,
        [invite, initiated],
        ("wire", "pbx", "console"),
    )
    story.judge("OUT-02", "fail", "INVITE to sip:3401@127.0.0.10", "none", 30.6, [failed])
    story.measure("OUT-03", "ring time", 30.11, 2.7, 3.3)
    return story


def clear_packets_in_a_secured_call() -> ScenarioBuilder:
    story = ScenarioBuilder(
        "test_encryption.test_fallback_uses_srtp_where_the_remote_can",
        "With fallback the media is SRTP where the remote can, and stays so",
        started=EPOCH + 80,
    )
    story.press(0.1)
    story.event(0.12, "outgoing_call_initiated", "Dialing")
    secure = offer("RTP/SAVP", SUITE)
    story.sip(0.13, "device", "pbx", "INVITE sip:3400@127.0.0.10", media=(secure,))
    story.sip(0.14, "pbx", "device", "488 Not Acceptable Here INVITE")
    story.sip(0.142, "device", "pbx", "ACK sip:3400@127.0.0.10")
    again = offer("RTP/AVP", SUITE)
    video = offer("RTP/AVP", media="video")
    story.sip(0.15, "device", "pbx", "INVITE sip:3400@127.0.0.10", call="c2", cseq=2, media=(again, video))
    story.sip(0.65, "device", "pbx", "INVITE sip:3400@127.0.0.10", call="c2", cseq=2, media=(again, video))
    story.sip(0.66, "pbx", "device", "200 OK INVITE", call="c2", cseq=2, media=(secure,), to_tag="t")
    story.sip(0.664, "device", "pbx", "ACK sip:3400@127.0.0.10", call="c2", cseq=2, to_tag="t")
    story.event(0.67, "outgoing_call_established", "Call Established")
    story.flow(0.68, 3.2, "device", "pbx", "srtp", 440, plain=12)
    story.flow(0.69, 3.2, "pbx", "device", "srtp", 1000)
    story.flow(0.9, 2.0, "device", "pbx", "unknown", media="video", ended=False)
    story.press(3.1)
    _hang_up(story, 3.22, "device", "pbx", "c2")
    story.judge("ENC-03", "pass", "SRTP negotiated", "RTP/SAVP accepted in 200 OK", 0.66, [])
    story.judge(
        "ENC-11", "fail", "every packet authenticates", "12 of 126 packets are clear RTP", 3.2, [], ("wire",)
    )
    return story


def incoming_over_tls() -> ScenarioBuilder:
    story = ScenarioBuilder(
        "test_incoming.test_an_allowed_call_is_accepted",
        "An allowed incoming call is accepted automatically and the screen says so",
        started=EPOCH + 120,
    )
    tls = {"transport": "TLS", "witness": Witness.PBX}
    story.sip(0.1, "3400", "pbx", "INVITE sip:7001@127.0.0.10", call="i", media=(offer(),))
    story.sip(0.11, "pbx", "device", "INVITE sip:7001@127.0.0.20", call="ib", media=(offer(),), **tls)
    story.sip(0.13, "device", "pbx", "200 OK INVITE", call="ib", media=(offer(),), to_tag="t", **tls)
    story.sip(0.131, "pbx", "device", "ACK sip:7001@127.0.0.20", call="ib", to_tag="t", **tls)
    story.sip(0.134, "pbx", "3400", "200 OK INVITE", call="i", media=(offer(),), to_tag="t")
    story.sip(0.14, "3400", "pbx", "ACK sip:7001@127.0.0.10", call="i", to_tag="t")
    story.event(0.15, "incoming_call_received", "Incoming Call")
    shown = story.screen(0.151, "Incoming call answered")
    story.flow(0.16, 2.5, "3400", "pbx", "plain", 1000)
    story.flow(0.17, 2.5, "pbx", "device", "plain", 1000)
    story.flow(0.18, 2.5, "device", "pbx", "plain", 440)
    story.press(2.4)
    story.sip(2.52, "device", "pbx", "BYE sip:3400@127.0.0.10", call="ib", cseq=2, to_tag="t", **tls)
    story.sip(2.523, "pbx", "device", "200 OK BYE", call="ib", cseq=2, to_tag="t", **tls)
    story.event(2.53, "incoming_call_local_hangup", "Hanging Up")
    story.judge(
        "INC-02", "pass", "screen shows Incoming call answered", "shown", 0.151, [shown], ("console",)
    )
    story.judge("INC-05", "pass", "BYE within 1 s of the button", "BYE at +2.520 s", 2.52, [])
    return story


def station_never_registered() -> ScenarioBuilder:
    story = ScenarioBuilder(
        "test_incoming.test_a_foreign_caller_is_rejected",
        "A caller that is not permitted never reaches the device",
        started=EPOCH + 150,
    )
    for attempt in range(3):
        story.sip(attempt * 4.0 + 0.1, "3499", "pbx", "REGISTER sip:127.0.0.10", call="r", cseq=attempt)
        story.sip(attempt * 4.0 + 0.11, "pbx", "3499", "403 Forbidden REGISTER", call="r", cseq=attempt)
    story.judge(
        "INC-03", "inconclusive", "station 3499 registered", "403 Forbidden three times", 8.3, [], ("wire",)
    )
    story.attempts, story.dropped = 2, 4
    story.extra = {
        "earlier": [
            {
                "verdict": "error",
                "problems": ["Traceback (most recent call last):\n  in scenario\nOSError: the port is taken"],
                "evidence": {"folder": f"scenarios/{story.id}", "capture": None},
            }
        ]
    }
    return story


def pbx_died() -> ScenarioBuilder:
    story = ScenarioBuilder(
        "test_registration.test_connectivity_is_confirmed",
        "Connectivity is confirmed again every polling interval",
        started=EPOCH + 200,
    )
    _register(story, 0.1)
    lost = InstrumentLost(instrument="pbx", problem="the container ended with status 139", blame="bench")
    story.see(14.2, Witness.BENCH, lost)
    story.judge(
        "REG-03", "error", "OPTIONS or REGISTER within 30 s", "the PBX was lost", 14.2, [5], ("bench",)
    )
    story.problems.append("BenchError: pbx: the container ended with status 139. Remedy: read asterisk.log.")
    return story


def not_declared() -> ScenarioBuilder:
    story = ScenarioBuilder(
        "test_video.test_placed_calls_offer_video", "Placed calls offer video", started=EPOCH + 240
    )
    story.judge(
        "VID-01", "not applicable", "a device with a camera", "the bench file declares none", None, [], ()
    )
    return story


def everything() -> list[ScenarioBuilder]:
    """All of them, freshly built."""
    return [
        answered_at_once(),
        five_contacts(),
        timeout_ignored(),
        clear_packets_in_a_secured_call(),
        incoming_over_tls(),
        station_never_registered(),
        pbx_died(),
        not_declared(),
    ]
