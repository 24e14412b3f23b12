"""What a reader is shown of a broken rule: row, expectation, what was seen instead, and the monitor."""

import pytest

from intercom_hil.monitors.monitors import monitor
from intercom_hil.monitors.within_calls import srtp_only
from intercom_hil.redaction.fingerprint import Fingerprint
from intercom_hil.spec.verdict import Verdict
from intercom_hil.timeline import Witness
from intercom_hil.timeline.media import MediaEnded
from intercom_hil.timeline.observation import Configured, MediaLine
from tests.judge.story import START, Story, media_started

LATER = START + 60
DIGEST = 'INVITE sip:1@pbx SIP/2.0\r\nAuthorization: Digest username="1", response="0"\r\n\r\n'
FLOW = {"flow": "f", "source": "1", "destination": "2", "ssrc": 1, "payload_type": 8, "protection": "plain"}
LINES = tuple(
    MediaLine(media=kind, address="1", port=4000, profile="RTP/AVP", direction="sendrecv")
    for kind in ("audio", "video")
)


def configured(*, secrets=(), **settings):
    story = Story()
    content = Configured(settings=settings, accepted=True, secrets=secrets)
    story.timeline.append(Witness.PORTAL, content, story._time())
    return story


def pressed(*calls, **settings):
    """A press, and calls after it: whom they are for, and the answer."""
    contacts = {"call_number": "1", "further_numbers": ["2"], "call_timeout": 1}
    story = configured(**(contacts | settings)).press()
    for second, (number, status) in enumerate(calls, 1):
        story.at(2 * second)
        call = f"c{second}"
        story.sip("INVITE", "device", "pbx", call=call, to_tag="", profile="RTP/AVP", uri=f"sip:{number}@pbx")
        if status is None:
            story.sip("INVITE", "pbx", "device", status=180, call=call)
            continue
        answer = "RTP/AVP" if status == 200 else None
        story.sip("INVITE", "pbx", "device", status=status, call=call, profile=answer)
        story.sip("ACK", "device", "pbx", call=call)
    return story


def media(story, kind, *, sender="device", call="c2"):
    receiver = "pbx" if sender == "device" else "device"
    content = media_started(call, sender=sender, receiver=receiver, media=kind)
    story.timeline.append(Witness.WIRE, content, story._time())
    return story


def taken(story, **media_of_both):
    story.sip("INVITE", "pbx", "device", call="c2", to_tag="", **media_of_both)
    story.sip("INVITE", "device", "pbx", status=200, call="c2", **media_of_both)
    return story.sip("ACK", "pbx", "device", call="c2")


def registering(secrets=(), raw=DIGEST, receiver="pbx"):
    return configured(secrets=secrets, server_address="pbx").sip("INVITE", "device", receiver, raw=raw)


def still_sending():
    story = configured(enabled=False)
    content = MediaEnded(
        **FLOW,
        sender="device",
        receiver="pbx",
        media="audio",
        first=START + 20,
        last=START + 30,
        packets=9,
        lost=0,
        jitter_ms=0.0,
    )
    story.timeline.append(Witness.WIRE, content, START + 30)
    return story


SAVP = {"profile": "RTP/SAVP", "keys": True}
IN_TURN = "the contacts one after the other, once each, and none after an answer"


@pytest.mark.parametrize(
    ("story", "row", "name", "expected", "seen"),
    [
        (pressed(("9", 200)), "OUT-01", "placed calls", "no call to anybody but the contacts", "sip:9@pbx"),
        (pressed(("2", 200)), "OUT-02", "placed calls", "the first call to the first contact", "sip:2@pbx"),
        (pressed(("1", 200), ("2", 200)), "OUT-02", "placed calls", IN_TURN, ": after an answer"),
        (
            pressed(("1", None), ("2", 200)),
            "OUT-02",
            "placed calls",
            IN_TURN,
            ": while the call before goes on",
        ),
        (pressed(("1", 486), ("1", 200)), "OUT-02", "placed calls", IN_TURN, ": tried before"),
        (
            pressed(("1", None)),
            "OUT-03",
            "given up in time",
            "a call that nobody answers is cancelled after 1 s",
            " was not, within 3.1 s",
        ),
        (
            media(taken(configured(encryption="SRTP-only"), **SAVP), "audio"),
            "ENC-09",
            "srtp only",
            "under SRTP-only nothing in clear in any state of a call",
            "",
        ),
        (
            media(taken(configured(video_calls="Off"), profile="RTP/AVP"), "video"),
            "VID-04",
            "video allowed",
            "no video in accepted calls with the video calls set to Off",
            "",
        ),
        (
            pressed(("1", 486), video_calls="Off").sip("INVITE", "device", "pbx", call="c1", media=LINES),
            "VID-04",
            "video allowed",
            "no video in placed calls with the video calls set to Off",
            "",
        ),
        (still_sending(), "CFG-01", "switched off", "with SIP off no media goes on", ""),
        (
            registering(
                raw="MESSAGE sip:1@pbx SIP/2.0\r\nX: correct-horse\r\n\r\n",
                secrets=(Fingerprint.of("correct-horse"),),
            ),
            "REG-05",
            "credentials",
            "",
            "a password in clear: ",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_broken_is_said_in_these_words(story, row, name, expected, seen):
    broken = [j for j in monitor(story.timeline, LATER, LATER) if j.verdict is Verdict.FAIL]
    found = [j for j in broken if (j.requirement, j.rule.monitor) == (row, name)]
    assert found, [(j.requirement, j.rule.monitor, j.expected, j.seen) for j in broken]
    assert expected in ("", found[0].expected)
    assert seen in found[0].seen


def test_credentials_that_are_as_they_should_be_pass_on_their_row():
    found = [j for j in monitor(registering().timeline, LATER, LATER) if j.rule.monitor == "credentials"]
    assert [(j.requirement, j.verdict) for j in found] == [("REG-05", Verdict.PASS)]


def test_what_the_other_side_sends_in_clear_is_not_the_devices_doing():
    story = taken(configured(encryption="SRTP-only"), **SAVP)
    assert list(srtp_only(media(story, "audio", sender="pbx").timeline)) == []
