"""Sound that comes late or ends early is found, on the row of its call; what explains it is no fault."""

from dataclasses import replace

import pytest

from intercom_hil.hearing.in_time import sound_in_time
from intercom_hil.monitors.monitors import monitor
from intercom_hil.spec.verdict import Verdict
from intercom_hil.timeline import Witness
from intercom_hil.timeline.observation import BenchLate, Configured, Declared, OutputChanged, SpeakerHeard
from tests.capture.wire_story import Wire
from tests.monitors.test_both_heard import DESK, MICROPHONE, PACKET, Talk, converse, lawful

LONG = 8.0
SILENCE = b"\xd5" * 160


def begun():
    wire = Wire()
    declared = Declared(has=(), lacks=(), microphone_tone=MICROPHONE)
    wire.timeline.append(Witness.BENCH, declared, wire.now)
    return wire


def found(wire):
    wire.decoder.end()
    findings = list(sound_in_time(wire.timeline, wire.now))
    assert all(finding.verdict is Verdict.FAIL for finding in findings)
    return [finding.requirement for finding in findings]


def between(first, last):
    """The device sends from one time of the call to another (s)."""
    return lambda sent: lawful(sent) if first <= sent.number * PACKET < last else []


def silent_until(first):
    """The device sends silence at first."""
    return lambda sent: [
        replace(one, payload=one.payload if sent.number * PACKET >= first else SILENCE)
        for one in lawful(sent)
    ]


def test_sound_from_the_answer_to_the_end():
    assert found(converse(begun(), Talk(seconds=LONG))) == []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (between(0.0, LONG), []),
        (between(2.5, LONG), []),
        (between(3.4, LONG), ["OUT-05"]),
        (silent_until(2.5), []),
        (silent_until(3.4), ["OUT-05"]),
        (between(0.0, LONG - 1.5), []),
        (between(0.0, LONG - 2.5), ["OUT-05"]),
    ],
)
def test_when_it_comes_and_goes(change, expected):
    assert found(converse(begun(), Talk(change=change, seconds=LONG))) == expected


def test_it_is_one_of_the_monitors():
    wire = converse(begun(), Talk(change=between(3.4, LONG), seconds=LONG))
    wire.decoder.end()
    judged = monitor(wire.timeline, wire.now, wire.now, {"sound in time"})
    assert [judgement.requirement for judgement in judged] == ["OUT-05"]


def test_a_late_bench_explains_it():
    for change in (between(3.4, LONG), between(0.0, LONG - 2.5)):
        wire = converse(begun(), Talk(change=change, seconds=LONG))
        wire.timeline.append(
            Witness.LATENESS, BenchLate(begun=wire.now - LONG, late=LONG, length=LONG), wire.now
        )
        assert found(wire) == []


def test_who_presses_or_configures_ends_the_conversation():
    pressed = OutputChanged(name="button", active=True, confirmed=True)
    for witness, content in (
        (Witness.BUTTON, pressed),
        (Witness.PORTAL, Configured(settings={}, accepted=True)),
    ):
        wire = converse(begun(), Talk(change=between(0.0, LONG - 2.5), seconds=LONG))
        wire.timeline.append(witness, content, wire.now - 2.4)
        assert found(wire) == []


def test_a_microphone_that_is_turned_down_is_not_listened_to():
    wire = begun()
    wire.timeline.append(
        Witness.PORTAL, Configured(settings={"microphone_volume": 5}, accepted=True), wire.now
    )
    wire.now += 0.1
    assert found(converse(wire, Talk(change=silent_until(3.4), seconds=LONG))) == []


@pytest.mark.parametrize("change", [between(3.4, LONG), between(0.0, LONG - 2.5)])
def test_who_sends_nothing_where_nothing_is_said_may_suppress_silence(change):
    """RFC 3551 §4.1: with or without comfort noise. What is known to be at the microphone is no silence."""
    assert found(converse(Wire(), Talk(change=change, seconds=LONG))) == []
    quiet = begun()
    settings = {"microphone_volume": 5}
    quiet.timeline.append(Witness.PORTAL, Configured(settings=settings, accepted=True), quiet.now)
    quiet.now += 0.1
    assert found(converse(quiet, Talk(change=change, seconds=LONG))) == []
    assert found(converse(begun(), Talk(change=change, seconds=LONG))) == ["OUT-05"]


@pytest.mark.parametrize(
    ("until", "volume", "expected"),
    [(LONG, 50, []), (LONG - 2.5, 50, []), (LONG - 4, 50, ["OUT-05"]), (LONG - 4, 5, []), (0.0, 50, [])],
)
def test_a_speaker_that_falls_silent(until, volume, expected):
    wire = begun()
    settings = {"speaker_volume": volume}
    wire.timeline.append(Witness.PORTAL, Configured(settings=settings, accepted=True), wire.now)
    wire.now += 0.1
    since = wire.now
    converse(wire, Talk(seconds=LONG))
    for window in range(int(LONG / 0.2)):
        loud = window * 0.2 < until
        heard = SpeakerHeard(
            level_dbov=-20.0 if loud else -90.0, tone_hz=DESK if loud else None, duration=0.2
        )
        wire.timeline.append(Witness.SPEAKER, heard, since + 0.2 + window * 0.2)
    assert found(wire) == expected
