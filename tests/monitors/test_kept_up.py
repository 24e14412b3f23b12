"""A call that the device ends by itself, while both sides talk, is found; what explains it is no fault."""

import pytest

from intercom_hil.hearing.kept_up import kept_up
from intercom_hil.media.rtp import build_rtp
from intercom_hil.monitors.monitors import monitor
from intercom_hil.timeline import Timeline, Witness
from intercom_hil.timeline.media import MediaEnded
from intercom_hil.timeline.observation import Configured, Declared, InstrumentLost, OutputChanged
from tests.capture.wire_story import DEVICE, PBX, Wire, sip
from tests.monitors.test_both_heard import MICROPHONE, Talk, converse

DEVICE_SIP, PBX_SIP = ("127.0.43.30", 5060), ("127.0.43.10", 5060)
PRESSED = OutputChanged(name="button", active=True, confirmed=True)
CONFIGURED = Configured(settings={}, accepted=True)
LOST = InstrumentLost(instrument="device", problem="it restarted", blame="device")


def talked(*, seconds=4.5, also=(), asked="", from_device=True, wait=0.0, digit=(), judge=kept_up):
    """A placed call that is ended by a BYE, with what else was on the timeline two seconds before that."""
    wire = Wire()
    declared = Declared(has=(), lacks=(), microphone_tone=MICROPHONE)
    wire.timeline.append(Witness.BENCH, declared, wire.now)
    wire.now += 0.1
    converse(wire, Talk(seconds=seconds))
    for witness, content in also:
        wire.timeline.append(witness, content, wire.now - 2)
    if asked:
        ask = sip(
            f"{asked} sip:100@127.0.43.30 SIP/2.0", tags=("t1", "f1"), cseq=(7, asked), call_id="call-1"
        )
        wire.udp(PBX_SIP, DEVICE_SIP, ask)
    for number in range(3) if digit else ():
        data = build_rtp(bytes((1, 10, 1, 64)), payload_type=101, sequence=9000 + number, timestamp=0, ssrc=9)
        wire.udp(*digit, data)
    wire.now += wait
    ends = (DEVICE_SIP, PBX_SIP) if from_device else (PBX_SIP, DEVICE_SIP)
    tags = ("f1", "t1") if from_device else ("t1", "f1")
    bye = sip("BYE sip:101@127.0.43.10 SIP/2.0", tags=tags, cseq=(2, "BYE"), call_id="call-1")
    wire.udp(*ends, bye)
    wire.now += 0.1
    wire.decoder.end()
    return [finding.requirement for finding in judge(wire.timeline, wire.now)]


def test_a_device_that_hangs_up_for_no_reason():
    assert talked() == ["OUT-05"]
    assert talked(from_device=False) == []


def test_it_is_one_of_the_monitors():
    assert talked(judge=lambda timeline, closed: monitor(timeline, closed, closed, {"kept up"})) == ["OUT-05"]


@pytest.mark.parametrize(
    "also", [(Witness.BUTTON, PRESSED), (Witness.PORTAL, CONFIGURED), (Witness.BENCH, LOST)]
)
def test_a_press_and_new_settings_are_reasons(also):
    assert talked(also=[also]) == []


def test_what_cannot_be_used_is_found_out_as_soon_as_the_call_is_up():
    assert talked(seconds=0.4) == []
    assert talked(seconds=1.0) == ["OUT-05"]


@pytest.mark.parametrize("method", ["INFO", "MESSAGE", "UPDATE"])
def test_what_the_other_side_asks_for_within_the_call_may_end_it(method):
    assert talked(asked=method) == []


def test_a_digit_of_the_other_side_may_end_it():
    """RFC 4733: by that a door is opened, and that was it."""
    assert talked(digit=(PBX, DEVICE)) == []
    assert talked(digit=(DEVICE, PBX)) == ["OUT-05"]


def test_the_other_side_has_gone():
    assert talked(wait=1.0) == []


@pytest.mark.parametrize(("seconds", "rows"), [(0.5, ["OUT-05"]), (1.5, [])])
def test_the_other_side_was_silent_for_too_long_when_the_call_was_up(seconds, rows):
    """A station that comes to its ACK seconds late sends nothing until then."""

    def begun_late(timeline, closed):
        later = Timeline()
        later.opened = timeline.opened
        for one in timeline:
            content = one.content
            if isinstance(content, MediaEnded) and content.receiver == "device":
                content = content.model_copy(update={"first": content.first + seconds})
            later.append(one.witness, content, one.time)
        return kept_up(later, closed)

    assert talked(judge=begun_late) == rows


def test_a_call_that_lasts_may_be_limited():
    assert talked(seconds=46.0) == []
