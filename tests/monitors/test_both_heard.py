"""Whether both sides hear each other: what is found in packets that were sent, and what is no fault."""

from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from intercom_hil.hearing.both_heard import both_heard
from intercom_hil.media.g711 import encode_alaw, encode_ulaw
from intercom_hil.media.rtp import build_rtp
from intercom_hil.monitors.monitors import monitor
from intercom_hil.practice.practice import practice
from intercom_hil.spec.verdict import Verdict
from intercom_hil.timeline import Witness
from intercom_hil.timeline.observation import BenchLate, Configured, Declared, SpeakerHeard
from tests.capture.wire_story import DEVICE, PBX, Wire, sdp, sip, tone

MICROPHONE, DESK = 440.0, 1000.0
ROWS = {"OUT-05", "INC-06", "RTP-02", "RTP-03", "RTP-04", "RTP-05", "RTP-06", "RTP-07", "RTP-08"}
PACKET = 0.02


@dataclass
class Sent:
    """One packet of the device as it is about to be sent; ``None`` for a payload means that it is not."""

    number: int
    payload: bytes
    sequence: int
    timestamp: int
    ssrc: int = 7
    payload_type: int = 8
    marker: bool = False
    after: float = PACKET
    reports: tuple[bytes, ...] = ()
    lost: bool = False
    padded: bool = False
    to: tuple[str, int] = PBX
    reports_to: tuple[str, int] = (PBX[0], PBX[1] + 1)


def report(ssrc, kind=200):
    return bytes((0x80, kind, 0, 6)) + ssrc.to_bytes(4, "big") + bytes(20)


def lawful(sent):
    """The device as it should be: it reports every five seconds."""
    return [replace(sent, reports=(report(7),) if sent.number % 250 == 125 else ())]


@dataclass
class Talk:
    """A conversation: what becomes of each packet of the device, for how long, and what else there is."""

    change: object = lawful
    seconds: float = 4.5
    amplitude: int = 8000
    call_id: str = "call-1"
    reported: bool = True
    from_there: tuple[str, int] = PBX
    answer: bytes = field(default_factory=lambda: sdp(PBX, payload_types=(8, 0, 13, 101)))


def converse(wire, talk):
    """Have the device call and talk."""
    call = {"call_id": talk.call_id}
    wire.invite(sdp(DEVICE), **call)
    wire.answer(talk.answer, **call)
    wire.udp(
        ("127.0.43.30", 5060),
        ("127.0.43.10", 5060),
        sip("ACK sip:101@127.0.43.10 SIP/2.0", tags=("f1", "t1"), cseq=(1, "ACK"), **call),
    )
    sequence = timestamp = 0
    if talk.reported:
        wire.udp((PBX[0], PBX[1] + 1), (DEVICE[0], DEVICE[1] + 1), report(9), after=0)
    for number in range(int(talk.seconds / PACKET)):
        sound = tone(MICROPHONE, start=number * 160, amplitude=talk.amplitude)
        ours = Sent(number, encode_alaw(sound), sequence := sequence + 1, timestamp := timestamp + 160)
        for sent in talk.change(ours):
            for data in sent.reports:
                wire.udp((DEVICE[0], DEVICE[1] + 1), sent.reports_to, data, after=0)
            data = build_rtp(
                sent.payload,
                payload_type=sent.payload_type,
                sequence=sent.sequence,
                timestamp=sent.timestamp,
                ssrc=sent.ssrc,
                marker=sent.marker,
            )
            data = bytes((data[0] | 0x20,)) + data[1:] if sent.padded else data
            wire.now += sent.after - PACKET
            if not sent.lost:
                wire.udp(DEVICE, sent.to, data, after=0)
        theirs = encode_alaw(tone(DESK, start=number * 160))
        wire.udp(
            talk.from_there,
            DEVICE,
            build_rtp(theirs, payload_type=8, sequence=number, timestamp=number * 160, ssrc=9),
            after=PACKET,
        )
    return wire


def begun(microphone=MICROPHONE):
    wire = Wire()
    declared = Declared(has=(), lacks=(), microphone_tone=microphone)
    wire.timeline.append(Witness.BENCH, declared, wire.now)
    return wire


def broken(wire):
    wire.decoder.end()
    judged = (*both_heard(wire.timeline, wire.now), *practice(wire.timeline, wire.now))
    return {finding.requirement for finding in judged if finding.verdict is Verdict.FAIL} & ROWS


def test_it_is_one_of_the_monitors():
    wire = converse(begun(), Talk(change=silent_now_and_then))
    wire.decoder.end()
    judged = monitor(wire.timeline, wire.now, wire.now, {"both heard"})
    assert {judgement.requirement for judgement in judged} == {"OUT-05"}


def in_hole(sent, length=0.3):
    return 0.6 <= sent.number * PACKET % 1.0 < 0.6 + length


def before_hole(sent):
    """How many packets of holes were left out before this one."""
    return sum(in_hole(replace(sent, number=number)) for number in range(sent.number))


SILENCE = b"\xd5" * 160


def silent_now_and_then(sent):
    return [replace(one, payload=SILENCE if in_hole(sent) else sent.payload) for one in lawful(sent)]


def skips(sent):
    return (
        []
        if in_hole(sent)
        else [replace(one, sequence=sent.sequence - before_hole(sent)) for one in lawful(sent)]
    )


def stalls(sent):
    late = before_hole(sent)
    return [
        replace(one, sequence=sent.sequence - late, timestamp=sent.timestamp - late * 160)
        for one in (() if in_hole(sent) else lawful(sent))
    ]


def echoes(sent, amplitude=4000):
    own = tone(MICROPHONE, start=sent.number * 160).astype(np.int32)
    back = tone(DESK, start=sent.number * 160, amplitude=amplitude)
    return [replace(one, payload=encode_alaw((own + back).astype(np.int16))) for one in lawful(sent)]


def overdriven(sent):
    wave = tone(MICROPHONE, start=sent.number * 160, amplitude=8000).astype(np.int32) * 16
    payload = encode_alaw(np.clip(wave, -32768, 32767).astype(np.int16))
    return [replace(one, payload=payload) for one in lawful(sent)]


def each(**change):
    return lambda sent: [replace(one, **change) for one in lawful(sent)]


def fades(sent, amplitude=200):
    sound = tone(MICROPHONE, start=sent.number * 160, amplitude=amplitude if sent.number > 120 else 8000)
    return [replace(one, payload=encode_alaw(sound)) for one in lawful(sent)]


ELSEWHERE = (PBX[0], PBX[1] + 2)


BROKEN = {
    "silence in pieces": (silent_now_and_then, {"OUT-05"}),
    "timestamps leap over sound": (skips, {"OUT-05"}),
    "the sender stands still": (stalls, {"OUT-05"}),
    "silence all the time": (each(payload=SILENCE), {"OUT-05"}),
    "nothing at all": (lambda sent: [], {"OUT-05"}),
    "echo": (echoes, {"RTP-05"}),
    "overdriven": (overdriven, {"RTP-06"}),
    "a payload type in the middle": (
        lambda sent: [replace(one, payload_type=97 if sent.number == 99 else 8) for one in lawful(sent)],
        {"RTP-02"},
    ),
    "timestamps that stand": (each(timestamp=5), {"RTP-03"}),
    "timestamps too fast": (
        lambda sent: [replace(one, timestamp=sent.timestamp * 2) for one in lawful(sent)],
        {"RTP-03"},
    ),
    "sequence numbers that leap": (
        lambda sent: [replace(one, sequence=sent.sequence * 7) for one in lawful(sent)],
        {"RTP-03"},
    ),
    "a source for each packet": (
        lambda sent: [replace(one, ssrc=sent.number + 100) for one in lawful(sent)],
        {"RTP-03"},
    ),
    "a source for each half second": (
        lambda sent: [replace(one, ssrc=sent.number // 25 + 100) for one in lawful(sent)],
        {"RTP-03"},
    ),
    "sequence numbers that go back": (
        lambda sent: [replace(one, sequence=sent.sequence - sent.number // 50 * 20) for one in lawful(sent)],
        {"OUT-05", "RTP-03"},
    ),
    "a marker on every packet": (each(marker=True), {"RTP-03"}),
    "holes under a marker on every packet": (
        lambda sent: [replace(one, marker=True) for one in silent_now_and_then(sent)],
        {"OUT-05", "RTP-03"},
    ),
    "a clock that is too slow": (each(after=0.025), {"RTP-03"}),
    "a clock that is too fast": (each(after=0.016), {"RTP-03"}),
    "a padding that cannot be": (each(padded=True, payload=b"\xd5" * 160), {"RTP-03"}),
    "fading away": (fades, {"OUT-05"}),
    "to another port": (each(to=ELSEWHERE), {"OUT-05", "RTP-08"}),
    "reports to the port of the media": (each(reports_to=PBX), {"RTP-04"}),
    "one sequence number": (each(sequence=5), {"RTP-03"}),
    "receiver reports alone": (each(reports=(report(7, 201),)), {"RTP-04"}),
    "reports of another source": (each(reports=(report(8),)), {"RTP-04"}),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_wrong_with_the_sound_is_found_on_its_row(name):
    change, rows = BROKEN[name]
    seconds = 10.6 if rows == {"RTP-04"} else 4.5
    assert broken(converse(begun(), Talk(change, seconds))) == rows


def now_and_then(sent):
    """One packet in ten, numbered and dated as though it came right after the one before."""
    due, place = sent.number % 10 == 0, sent.number // 10
    return [replace(one, sequence=place, timestamp=place * 160) for one in lawful(sent) if due]


def test_a_few_packets_do_not_show_how_fast_a_clock_runs():
    assert "RTP-03" not in broken(converse(begun(), Talk(now_and_then, seconds=2.5)))
    assert "RTP-03" in broken(converse(begun(), Talk(now_and_then, seconds=6.5)))


def with_pauses(sent):
    """Silence suppression: nothing is sent, and what comes next begins a talkspurt (RFC 3551 §4.1)."""
    begins = in_hole(replace(sent, number=sent.number - 1))
    return [replace(one, marker=begins) for one in skips(sent)]


def comfort_noise(sent):
    """Silence suppression with comfort noise (RFC 3389) in each pause."""
    quiet = in_hole(sent)
    return [replace(one, payload=b"@", payload_type=13) if quiet else one for one in lawful(sent)]


def of_60_ms(sent):
    sound = encode_alaw(tone(MICROPHONE, seconds=0.06, start=sent.number * 160))
    due = sent.number % 3 == 0
    return [replace(one, payload=sound, sequence=sent.sequence // 3) for one in lawful(sent) if due]


def bursts(sent):
    """A device that is late, and makes up for it."""
    place = sent.number % 50
    return [
        replace(one, after=0.3 if place == 30 else 0.0 if 30 < place < 44 else PACKET) for one in lawful(sent)
    ]


def lossy(sent):
    return [replace(one, lost=in_hole(sent, 0.2)) for one in lawful(sent)]


LAWFUL = {
    "as it should be": lawful,
    "talkspurts": with_pauses,
    "late and made up for": bursts,
    "loss on the way": lossy,
    "a faint echo": lambda sent: echoes(sent, 400),
    "three holes too few": lambda sent: [
        replace(one, payload=SILENCE if in_hole(sent) and sent.number < 100 else sent.payload)
        for one in lawful(sent)
    ],
    "a report at the last moment": lambda sent: each(reports=(report(7),) if sent.number == 440 else ())(
        sent
    ),
    "packets of 60 ms": of_60_ms,
    "a marker now and then": lambda sent: each(marker=sent.number % 50 == 0)(sent),
    "taken down by a canceller of noise": lambda sent: fades(sent, 1200),
    "a clock a little off": each(after=0.0204),
    "padding": lambda sent: [
        replace(one, padded=True, payload=sent.payload + b"\0\0\0\4") for one in lawful(sent)
    ],
    "comfort noise": comfort_noise,
    "two sources": lambda sent: [replace(one, ssrc=sent.number // 120 + 7) for one in lawful(sent)],
    "sent in pairs that overtake each other": lambda sent: [
        replace(
            one,
            sequence=sent.sequence ^ 1,
            timestamp=(sent.sequence ^ 1) * 160,
            payload=encode_alaw(tone(MICROPHONE, start=((sent.sequence ^ 1) - 1) * 160)),
        )
        for one in lawful(sent)
    ],
}


@pytest.mark.parametrize("name", LAWFUL)
def test_what_a_lawful_device_may_do_is_no_finding(name):
    assert broken(converse(begun(), Talk(LAWFUL[name]))) == set()


@pytest.mark.parametrize(("packet", "rows"), [(440, set()), (None, {"RTP-04"})])
def test_one_report_will_do(packet, rows):
    def change(sent):
        return each(reports=(report(7),) if sent.number == packet else ())(sent)

    assert broken(converse(begun(), Talk(change, 10.6))) == rows


def test_media_may_go_to_where_the_other_side_sends_from():
    """Symmetric RTP (RFC 4961): what is said of an address behind a NAT helps nobody."""
    latched = each(to=ELSEWHERE, reports_to=(ELSEWHERE[0], ELSEWHERE[1] + 1))
    assert broken(converse(begun(), Talk(latched, from_there=ELSEWHERE))) == set()


@pytest.mark.parametrize("line", ["a=rtcp-mux", "a=rtcp:20000"])
def test_reports_may_go_where_the_other_side_agrees_to(line):
    answer = sdp(PBX, payload_types=(8, 0, 13, 101)) + f"{line}\r\n".encode()
    assert broken(converse(begun(), Talk(each(reports_to=PBX), 10.6, answer=answer))) == set()


def test_where_nobody_reports_reports_may_not_have_been_captured():
    assert broken(converse(begun(), Talk(each(reports=()), 10.6, reported=False))) == set()


def test_a_call_that_is_too_short_says_nothing():
    assert broken(converse(begun(), Talk(each(payload=SILENCE, reports=()), seconds=1.5))) == set()


def test_where_no_tone_is_played_silence_says_nothing():
    assert broken(converse(begun(None), Talk(each(payload=SILENCE)))) == set()


@pytest.mark.parametrize("change", [silent_now_and_then, skips, stalls])
def test_where_no_tone_is_played_pauses_are_no_holes(change):
    """A device may gate noise, and suppress silence without a marker (RFC 3551 §4.1 is a SHOULD)."""
    assert broken(converse(begun(None), Talk(change))) == set()


def test_a_call_that_is_held_may_be_silent():
    held = sdp(PBX) + b"a=sendonly\r\n"
    assert broken(converse(begun(), Talk(each(payload=SILENCE), answer=held))) == set()


def reoffered(wire, cseq, direction):
    """The other side offers a direction, and the device agrees."""
    offer, agreed = (sdp(at) + f"a={direction}\r\n".encode() for at in (PBX, DEVICE))
    if direction == "sendonly":
        agreed = agreed.replace(b"sendonly", b"recvonly")
    tags = {"tags": ("t1", "f1")}
    wire.to_device("INVITE sip:100@127.0.43.30 SIP/2.0", body=offer, cseq=(cseq, "INVITE"), **tags)
    wire.to_pbx("SIP/2.0 200 OK", body=agreed, cseq=(cseq, "INVITE"), **tags)
    wire.to_device("ACK sip:100@127.0.43.30 SIP/2.0", cseq=(cseq, "ACK"), **tags)


def talks_on(wire, payload, seconds=4.5):
    for number in range(1000, 1000 + int(seconds / PACKET)):
        times = {"sequence": number, "timestamp": number * 160}
        if payload is not None:
            sound = payload or encode_alaw(tone(MICROPHONE, start=number * 160))
            wire.udp(DEVICE, PBX, build_rtp(sound, payload_type=8, ssrc=7, **times), after=0)
        theirs = encode_alaw(tone(DESK, start=number * 160))
        wire.udp(PBX, DEVICE, build_rtp(theirs, payload_type=8, ssrc=9, **times), after=PACKET)
    return wire


@pytest.mark.parametrize(
    ("direction", "payload", "rows"),
    [
        ("sendrecv", b"", set()),
        ("sendrecv", SILENCE, {"OUT-05"}),
        ("sendrecv", None, {"OUT-05"}),
        ("sendonly", SILENCE, set()),
        ("sendonly", None, set()),
    ],
)
def test_a_call_that_was_held_is_heard_when_it_is_taken_up_again(direction, payload, rows):
    wire = converse(begun(), Talk(seconds=1))
    reoffered(wire, 1, "sendonly")
    talks_on(wire, None, seconds=1)
    reoffered(wire, 2, direction)
    assert broken(talks_on(wire, payload)) & {"OUT-05"} == rows


@pytest.mark.parametrize(
    ("by_device", "line", "rows"),
    [
        (True, "a=inactive", {"RTP-07"}),
        (True, "m=audio 0 RTP/AVP 8", {"RTP-07"}),
        (False, "a=inactive", {"RTP-07"}),
        (False, "m=audio 0 RTP/AVP 8", {"RTP-07"}),
        (False, "a=sendonly", set()),
    ],
)
def test_no_media_is_sent_of_what_was_turned_down(by_device, line, rows):
    wire = converse(begun(), Talk(seconds=1))
    agreed = sdp(DEVICE if by_device else PBX)
    section = agreed.index(b"m=audio")
    changed = line.encode() if line.startswith("m=") else agreed[section:].strip() + b"\r\n" + line.encode()
    asks, answers, tags = (wire.to_device, wire.to_pbx, ("t1", "f1"))
    if not by_device:
        asks, answers, tags = (wire.to_pbx, wire.to_device, ("f1", "t1"))
    offer = sdp(PBX if by_device else DEVICE)
    asks("INVITE sip:100@127.0.43.30 SIP/2.0", body=offer, cseq=(5, "INVITE"), tags=tags)
    answer = agreed[:section] + changed + b"\r\n"
    answers("SIP/2.0 200 OK", body=answer, cseq=(5, "INVITE"), tags=tags)
    asks("ACK sip:100@127.0.43.30 SIP/2.0", cseq=(5, "ACK"), tags=tags)
    assert broken(talks_on(wire, b"", seconds=2)) == rows


MOVED = (PBX[0], PBX[1] + 40)


@pytest.mark.parametrize(
    ("follows", "stays", "rows"),
    [
        (True, 0, set()),
        (False, 0, {"RTP-08", "OUT-05"}),
        (False, 15, {"RTP-08", "OUT-05"}),  # the other side falls silent there when it has the answer
        (False, 100, {"RTP-08", "OUT-05"}),
        (False, 225, set()),  # who sends from there may be answered there
    ],
    ids=["follows", "does not", "not at once", "not after a while", "to where the sound comes from"],
)
def test_media_follows_to_where_the_other_side_moves_it(follows, stays, rows):
    wire = converse(begun(), Talk(seconds=1))
    tags = {"tags": ("t1", "f1")}
    offer = {"body": sdp(MOVED), "cseq": (1, "INVITE")}
    wire.to_device("INVITE sip:100@127.0.43.30 SIP/2.0", **offer, **tags)
    wire.to_pbx("SIP/2.0 200 OK", body=sdp(DEVICE), cseq=(1, "INVITE"), **tags)
    wire.to_device("ACK sip:100@127.0.43.30 SIP/2.0", cseq=(1, "ACK"), **tags)
    for number in range(1000, 1225):
        times = {"sequence": number, "timestamp": number * 160}
        ours = encode_alaw(tone(MICROPHONE, start=number * 160))
        wire.udp(DEVICE, MOVED if follows else PBX, build_rtp(ours, payload_type=8, ssrc=7, **times), after=0)
        theirs = encode_alaw(tone(DESK, start=number * 160))
        comes_from = PBX if number < 1000 + stays else MOVED
        wire.udp(comes_from, DEVICE, build_rtp(theirs, payload_type=8, ssrc=9, **times), after=PACKET)
    assert broken(wire) == rows


@pytest.mark.parametrize(
    ("status", "law", "rows"),
    [
        (200, 0, set()),
        (200, 8, {"RTP-02"}),
        (488, 8, set()),
        (488, 0, set()),  # it was listed before: another rule's affair
    ],
)
def test_media_goes_by_the_law_that_was_agreed_on_last(status, law, rows):
    wire = begun()
    converse(wire, Talk(seconds=1, answer=sdp(PBX, payload_types=(8, 0))))
    tags = {"tags": ("t1", "f1")}
    offer = {"body": sdp(PBX, payload_types=(0,)), "cseq": (1, "INVITE")}
    wire.to_device("INVITE sip:100@127.0.43.30 SIP/2.0", **offer, **tags)
    body = {"body": sdp(DEVICE, payload_types=(0,))} if status < 300 else {}
    wire.to_pbx(f"SIP/2.0 {status} So", cseq=(1, "INVITE"), **body, **tags)
    wire.to_device("ACK sip:100@127.0.43.30 SIP/2.0", cseq=(1, "ACK"), **tags)
    for number in range(1000, 1150):
        times = {"sequence": number, "timestamp": number * 160}
        sound = tone(MICROPHONE, start=number * 160)
        ours = encode_alaw(sound) if law == 8 else encode_ulaw(sound)
        wire.udp(DEVICE, PBX, build_rtp(ours, payload_type=law, ssrc=7, **times), after=0)
        theirs = encode_alaw(tone(DESK, start=number * 160))
        wire.udp(PBX, DEVICE, build_rtp(theirs, payload_type=8, ssrc=9, **times), after=PACKET)
    assert broken(wire) == rows


def test_holes_while_the_bench_was_late_are_nobodys():
    wire = begun()
    wire.timeline.append(Witness.LATENESS, BenchLate(begun=wire.now, length=20.0, late=9.0), wire.now + 20)
    assert broken(converse(wire, Talk(stalls))) == set()


def test_a_call_is_as_loud_as_the_others():
    wire = converse(begun(), Talk(seconds=1))
    assert broken(converse(wire, Talk(seconds=1, amplitude=4000, call_id="call-2"))) == set()
    wire = converse(begun(), Talk(seconds=1))
    assert broken(converse(wire, Talk(seconds=1, amplitude=800, call_id="call-2"))) == {"OUT-05"}


@pytest.mark.parametrize(("hz", "rows"), [(DESK, set()), (None, {"OUT-05"})])
def test_what_the_device_is_sent_is_heard_at_its_speaker(hz, rows):
    wire = converse(begun(), Talk())
    for second in range(1, 6):
        heard = SpeakerHeard(level_dbov=-20.0, tone_hz=hz, duration=0.2)
        wire.timeline.append(Witness.SPEAKER, heard, wire.now - second)
    assert broken(wire) == rows


@pytest.mark.parametrize(("volume", "rows"), [(0, set()), (50, {"OUT-05"})])
def test_a_volume_that_is_turned_down_may_silence_both_ends(volume, rows):
    wire = begun()
    settings = {"microphone_volume": volume, "speaker_volume": volume}
    wire.timeline.append(Witness.PORTAL, Configured(settings=settings, accepted=True), wire.now - 1)
    converse(wire, Talk(each(payload=SILENCE)))
    assert broken(wire) == rows
