"""Captures as devices make them: the media of each is judged as what it is (ENC-11)."""

from pathlib import Path

import pytest

from intercom_hil.capture_file.parties import parties
from intercom_hil.capture_file.reading import read_capture
from intercom_hil.monitors.monitors import monitor
from intercom_hil.spec.verdict import Verdict
from intercom_hil.timeline.observation import MediaEnded, MediaHeard

CASES = Path(__file__).parent / "cases"
DEVICE, PBX = ("192.0.2.30", "2001:db8::30"), ("192.0.2.10", "2001:db8::10")


def read(name):
    path = CASES / f"{name}.pcapng"
    timeline = read_capture(path).timeline
    return parties(path, timeline, DEVICE, PBX).named(timeline)


PROTECTED = [
    ("s0-control-good", (60, 0, 0), Verdict.PASS, ""),
    ("s0-control-wrong-key", (0, 60, 0), Verdict.FAIL, ""),
    ("s1-mki", (60, 0, 0), Verdict.PASS, ""),
    ("s2-old-suite-name", (0, 60, 0), Verdict.FAIL, ""),
    ("s3-latin1-session-name", (60, 0, 0), Verdict.PASS, ""),
    ("s4-dtls-srtp", (0, 0, 0), Verdict.INCONCLUSIVE, "DTLS-SRTP"),
    ("s5-answer-without-crypto", (0, 0, 0), Verdict.INCONCLUSIVE, "no suite was agreed"),
    ("r6-plain-pcma-under-mki", (0, 60, 60), Verdict.FAIL, ""),
]
IN_PIECES = [("b06-ipv6-fragments", "UDP", 3080), ("b33-tcp-body-fold-content-length", "TCP", 210)]


@pytest.mark.parametrize(("name", "counts", "verdict", "reason"), PROTECTED)
def test_protection_is_what_the_packets_prove(name, counts, verdict, reason):
    timeline = read(name)
    (flow,) = [o.content for o in timeline if isinstance(o.content, MediaEnded)]
    assert (flow.sender, flow.packets, flow.protection) == ("device", 60, "srtp")
    assert (flow.authenticated, flow.rejected, flow.plain) == counts
    assert reason in flow.unproved
    assert bool(flow.unproved) == bool(reason)
    (judgement,) = [j for j in monitor(timeline, flow.last, flow.last) if j.requirement == "ENC-11"]
    assert judgement.verdict is verdict
    assert reason in judgement.seen


@pytest.mark.parametrize(
    ("name", "protection"),
    [
        ("s0-control-good", "srtp"),
        ("s1-mki", "srtp"),
        ("s3-latin1-session-name", "srtp"),
        ("r6-plain-pcma-under-mki", "plain"),
        ("s0-control-wrong-key", None),
        ("s4-dtls-srtp", None),
    ],
)
def test_what_could_be_read_is_heard(name, protection):
    heard = {o.content.protection for o in read(name) if isinstance(o.content, MediaHeard)}
    assert heard == ({protection} if protection else set())


@pytest.mark.parametrize(("name", "transport", "size"), IN_PIECES)
def test_a_message_in_pieces_is_one(name, transport, size):
    (seen,) = [o.content for o in read(name)]
    assert (seen.kind, seen.method, seen.transport, seen.deviations) == ("sip", "INVITE", transport, ())
    assert (seen.sender, seen.receiver, len(seen.body)) == ("device", "pbx", size)
    assert [(section.port, section.payload_types) for section in seen.media] == [(42000, (8, 0, 101))]


def test_no_case_is_left_out():
    read_here = {name for name, *_ in (*PROTECTED, *IN_PIECES)}
    assert {path.stem for path in CASES.iterdir()} == read_here
