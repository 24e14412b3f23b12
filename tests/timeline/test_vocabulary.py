"""The words of scenarios: what they match, and what they count."""

import pytest

from intercom_hil.timeline import Timeline, Witness
from intercom_hil.timeline.observation import OperatorHeard, PbxEvent, SpeakerHeard
from intercom_hil.timeline.vocabulary import (
    connectivity_confirmed,
    decision,
    granted,
    known_to_pbx,
    level,
    registration,
    rejection,
    shortest_session,
    speaker_sound,
    speaker_sound_other_than,
)
from tests.judge.story import START, Story


def answered(*lines, branch="z9hG4bK1"):
    raw = "\r\n".join(["SIP/2.0 200 OK", "CSeq: 1 REGISTER", *lines, "", ""])
    return Story().sip("REGISTER", "pbx", "device", status=200, raw=raw, branch=branch).timeline[0]


@pytest.mark.parametrize(
    ("lines", "seconds"),
    [
        (("Contact: <sip:3401@192.0.2.30>;expires=9", "Expires: 10"), 9),
        (("Contact: <sip:3401@192.0.2.30>", "Expires: 10"), 10),
        (("m: <sip:1@192.0.2.30>;Expires=60, <sip:2@192.0.2.30>;expires=7",), 7),
        (("Contact: <sip:3401@192.0.2.30>",), None),
        (("Expires: 10",), 10),
    ],
)
def test_what_was_granted_is_what_the_answer_says(lines, seconds):
    assert granted(answered(*lines)) == seconds


@pytest.mark.parametrize(
    ("status", "lines", "seconds"),
    [
        ("422 Session Interval Too Small", ("Min-SE: 120",), 120),
        ("422 Session Interval Too Small", ("min-se :  300;x=y",), 300),
        ("422 Session Interval Too Small", (), None),
        ("422 Session Interval Too Small", ("Min-SE: soon",), None),
        ("486 Busy Here", ("Min-SE: 120",), None),
    ],
)
def test_the_shortest_session_is_what_a_refusal_says(status, lines, seconds):
    raw = "\r\n".join([f"SIP/2.0 {status}", "CSeq: 1 INVITE", *lines, "", ""])
    story = Story().sip("INVITE", "device", "3410", status=int(status[:3]), raw=raw)
    (seen,) = story.timeline
    assert shortest_session(seen) == seconds


def test_a_registration_that_is_sent_again_is_one_attempt():
    story = Story()
    for branch in ("z9hG4bKa", "z9hG4bKa", "z9hG4bKb"):
        raw = "REGISTER sip:192.0.2.10 SIP/2.0\r\nContact: <sip:x@y>\r\nExpires: 60\r\n\r\n"
        story.sip("REGISTER", "device", "pbx", raw=raw, branch=branch)
        story.sip("REGISTER", "pbx", "device", status=200, branch=branch)
    assert len(story.timeline.find(registration(), START)) == 2
    assert len(story.timeline.find(connectivity_confirmed(), START)) == 2


@pytest.mark.parametrize("status", [404, 410, 480, 484, 486, 488, 500, 600, 603, 604])
def test_a_refusal_is_one_whatever_its_status(status):
    refused = Story().taken(status=status).timeline[1]
    assert rejection().matches(refused)
    assert decision().matches(refused)


@pytest.mark.parametrize("status", [100, 180, 302, 401, 407, 487])
def test_progress_challenges_redirections_and_calls_given_up_are_no_refusals(status):
    assert not rejection().matches(Story().taken(status=status).timeline[1])


def heard(content):
    witness = Witness.OPERATOR if isinstance(content, OperatorHeard) else Witness.SPEAKER
    return Timeline().append(witness, content, START)


@pytest.mark.parametrize(
    ("content", "other"),
    [
        (SpeakerHeard(level_dbov=-20, tone_hz=1000, duration=0.2), False),
        (SpeakerHeard(level_dbov=-20, tone_hz=1015, duration=0.2), False),
        (SpeakerHeard(level_dbov=-20, tone_hz=440, duration=0.2), True),
        (SpeakerHeard(level_dbov=-20, duration=0.2), True),
        (SpeakerHeard(level_dbov=-80, duration=0.2), False),
        (OperatorHeard(what="sound"), True),
        (OperatorHeard(what="tone", tone_hz=1000), False),
        (OperatorHeard(what="noise"), False),
    ],
)
def test_the_end_of_the_calls_own_tone_is_no_announcement(content, other):
    assert speaker_sound_other_than(1000).matches(heard(content)) is other
    audible = other or getattr(content, "tone_hz", None) is not None
    assert speaker_sound().matches(heard(content)) is audible


def test_a_level_is_measured_or_there_is_none():
    assert level(heard(SpeakerHeard(level_dbov=-20, duration=0.2))) == -20
    assert level(heard(OperatorHeard(what="tone", tone_hz=1000, meter_db=71.5))) == 71.5
    with pytest.raises(TypeError):
        level(heard(OperatorHeard(what="tone", tone_hz=1000)))


@pytest.mark.parametrize(
    ("name", "fields", "known"),
    [
        ("ContactStatusChange", {"endpoint": "3401", "contact_status": "NonQualified"}, True),
        # All that comes where the contact is the one that the PBX had before: it is as it was.
        ("PeerStatusChange", {"endpoint": "3401", "peer_status": "Reachable"}, True),
        ("PeerStatusChange", {"endpoint": "3410", "peer_status": "Reachable"}, False),
        ("PeerStatusChange", {"endpoint": "3401", "peer_status": "Unreachable"}, False),
        ("ContactStatusChange", {"endpoint": "3401", "contact_status": "Removed"}, False),
        ("ContactStatusChange", {"endpoint": "3401", "contact_status": "Unreachable"}, False),
    ],
)
def test_the_pbx_knows_a_device_when_it_says_so_of_this_one(name, fields, known):
    timeline = Timeline()
    seen = timeline.append(Witness.PBX, PbxEvent(interface="ari", name=name, fields=fields))
    assert known_to_pbx("3401").matches(seen) is known
