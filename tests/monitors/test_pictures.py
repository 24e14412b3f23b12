"""A picture goes on, and goes on moving: the rule, and what it says nothing of."""

import pytest

from intercom_hil.monitors.monitors import monitor
from intercom_hil.spec.verdict import Verdict
from intercom_hil.timeline import Witness
from intercom_hil.timeline.lateness import BenchLate
from intercom_hil.timeline.media import MediaEnded, VideoSeen
from intercom_hil.timeline.observation import Configured
from tests.judge.story import START, Story

LENGTH = 12


OURS, THEIRS = {"sender": "device", "receiver": "pbx"}, {"sender": "pbx", "receiver": "device"}


def told(
    looks,
    *,
    mode="Both",
    sent=LENGTH,
    heard=LENGTH,
    taken=False,
    late=0.0,
    then=None,
    theirs="",
    verdict=Verdict.FAIL,
):
    """A call of twelve seconds, and what is seen in each half: M moving, s standing, . nothing.

    ``theirs`` is what the device is shown, to the end.
    """
    story = Story()
    settings = {"video_calls": mode, "enabled": True}
    story.timeline.append(Witness.PORTAL, Configured(settings=settings, accepted=True), START)
    story.at(1)
    story.taken("c1") if taken else story.press().placed("c1")
    begun = START + 1.1
    seen = [(OURS, half, look) for half, look in enumerate(looks, start=1)]
    seen += [(THEIRS, half, look) for half, look in enumerate(theirs, start=1)]
    for way, half, look in seen:
        content = VideoSeen(
            flow="v",
            protection="plain",
            frames=0 if look == "." else 8,
            moving=look == "M",
            duration=0.5,
            call_id="c1",
            **way,
        )
        story.timeline.append(Witness.WIRE, content, begun + half / 2)
    flows = [("audio", heard, OURS), ("video", sent, OURS), *([("video", LENGTH, THEIRS)] if theirs else [])]
    for media, last, way in flows:
        flow = MediaEnded(
            flow=media,
            source="192.0.2.30:4000",
            destination="192.0.2.10:4000",
            media=media,
            payload_type=8,
            ssrc=1,
            protection="plain",
            call_id="c1",
            first=begun,
            last=begun + last,
            packets=600,
            lost=0,
            jitter_ms=0.1,
            **way,
        )
        story.timeline.append(Witness.WIRE, flow, begun + LENGTH)
    if late:
        held_up = BenchLate(begun=begun + 4, length=late, late=late, causes={})
        story.timeline.append(Witness.LATENESS, held_up, begun + 4 + late)
    if then:
        then(story)
    story.at(1.1 + LENGTH).bye("pbx")
    found = monitor(story.timeline, START + 20, START + 21, {"picture kept up"})
    return {j.requirement for j in found if j.verdict is verdict}


MOVING, STANDING = "M" * 24, "M" * 8 + "s" * 16


@pytest.mark.parametrize(
    ("mode", "taken", "row"),
    [("Outgoing", False, "VID-01"), ("Incoming", True, "VID-02"), ("Both", True, "VID-03")],
)
def test_a_picture_that_stands_or_is_sent_no_more(mode, taken, row):
    assert told(MOVING, mode=mode, taken=taken) == set()
    assert told(STANDING, mode=mode, taken=taken) == {row}
    assert told(MOVING[:8], sent=4, mode=mode, taken=taken) == {row}


@pytest.mark.parametrize(("late", "rows"), [(7.0, {"VID-03"}), (0.0, set())])
def test_what_a_late_bench_may_have_made_of_it_is_inconclusive(late, rows):
    for looks, sent in ((STANDING, LENGTH), (MOVING[:8], 4)):
        assert told(looks, sent=sent, late=late, verdict=Verdict.INCONCLUSIVE) == rows
    assert told(MOVING, late=late, verdict=Verdict.INCONCLUSIVE) == set()


def test_what_the_other_side_shows_is_no_picture_of_the_device():
    assert told(STANDING, theirs=MOVING) == {"VID-03"}
    assert told(MOVING[:8], sent=4, theirs=MOVING) == {"VID-03"}
    assert told(MOVING, theirs=STANDING) == told(MOVING, theirs="." * 24) == set()


def pressed(story):
    story.at(6).press()


def changed(story):
    story.at(6).sip("INVITE", "pbx", "device", call="c1", cseq=5)


@pytest.mark.parametrize(
    ("lawful", "why"),
    [
        (lambda: told("M" * 8 + "s" * 9 + "M" * 7), "what moves may stand still for a while"),
        (lambda: told("M" * 15 + "s" * 9), "for a while at the end, too"),
        (lambda: told("s" * 24), "of a picture that never moved other rules have the say"),
        (lambda: told(MOVING[:16], sent=8), "a camera may send less of what hardly changes"),
        (lambda: told(MOVING[:8], sent=4, heard=4), "nothing comes of it any more, the sound neither"),
        (lambda: told(STANDING, mode="off"), "there is to be none"),
        (lambda: told(STANDING, late=7.0), "the bench was late"),
        (lambda: told(MOVING[:8], sent=4, late=7.0), "the bench was late"),
        (lambda: told(STANDING, then=pressed), "a press has ended the call"),
        (lambda: told(MOVING[:8], sent=4, then=changed), "something else was agreed on, perhaps"),
    ],
)
def test_nothing_is_held_against_a_picture_where(lawful, why):
    assert lawful() == set(), why
