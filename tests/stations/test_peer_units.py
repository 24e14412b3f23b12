"""What needs no SIPp: behaviours, log lines, the files SIPp leaves, and what may stand in a scenario."""

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intercom_hil.stations import LogEvent, answers, calls, refuses_srtp, rejects
from intercom_hil.stations.behaviours import BehaviourError
from intercom_hil.stations.sockets import is_bound, is_taken
from intercom_hil.stations.stations import sipp_text
from intercom_hil.stations.traces import read_counts, read_messages, read_problem

OK = {"target": "sip:1@127.0.0.1", "via": ("127.0.0.1", 5060), "from_uri": "sip:2@127.0.0.1"}


@pytest.mark.parametrize(
    ("make", "options", "named"),
    [
        (answers, {"tone_hz": 100}, "tone_hz: 100"),
        (answers, {"tone_hz": float("nan")}, "tone_hz"),
        (answers, {"ring": -1}, "ring: -1"),
        (answers, {"ring": float("inf")}, "ring"),
        (answers, {"security": "tls"}, "security: 'tls' is none of plain, srtp, either"),
        (answers, {"hang_up_after": -0.1}, "hang_up_after"),
        (refuses_srtp, {"tone_hz": 5000}, "tone_hz"),
        (rejects, {"status": 200, "reason": "OK"}, "status: 200"),
        (rejects, {"status": 486.0, "reason": "Busy"}, "status"),
        (rejects, {"status": 486, "reason": "Busy\r\nX: y"}, "reason"),
        (calls, {**OK, "target": ""}, "target"),
        (calls, {**OK, "target": "sip:1@x\r\nVia: y"}, "target"),
        (calls, {**OK, "from_uri": "sip:1 2@x"}, "from_uri"),
        (calls, {**OK, "display_name": "a\nb"}, "display_name"),
        (calls, {**OK, "display_name": "\ud800"}, "display_name"),
        (calls, {**OK, "extra_headers": ("no header",)}, "extra_headers"),
        (calls, {**OK, "extra_headers": ("A: b\r\nC: d",)}, "extra_headers"),
        (calls, {**OK, "credentials": ("u", "p\0")}, "credentials"),
        (calls, {**OK, "via": ("127.0.0.1", 0)}, "via"),
        (calls, {**OK, "security": "either"}, "security"),
        (calls, {**OK, "video": True, "security": "srtp"}, "video"),
        (calls, {**OK, "give_up_after": -1}, "give_up_after"),
    ],
)
def test_a_wrong_value_is_named(make, options, named):
    with pytest.raises(BehaviourError, match=re.escape(named)):
        make(**options)


def test_a_password_is_not_shown():
    assert "hunter2" not in repr(calls(**OK, credentials=("user", "hunter2")))


@given(st.text())
def test_what_is_written_for_sipp_means_only_itself(text):
    written = sipp_text(text.encode("utf-8", "replace").decode())
    assert re.fullmatch(r"[ -~]*", written)
    assert not re.search(r"[\[\]\"'&<>]|\\(?!x[0-9A-F]{2})", written)
    read = re.sub(rb"\\x([0-9A-F]{2})", lambda m: bytes.fromhex(m[1].decode()), written.encode())
    assert read == text.encode("utf-8", "replace")


def test_a_saying_is_taken_apart():
    saying = LogEvent.parse('EV INVITE callid=a@b profile=RTP/AVP from="A = B" <sip:1@x>;tag=y=z')
    assert saying == LogEvent(
        "INVITE", {"callid": "a@b", "profile": "RTP/AVP", "from": '"A = B" <sip:1@x>;tag=y=z'}
    )
    assert (saying.opens_call, saying.ends_call, saying.call_id) == (True, False, "a@b")
    assert LogEvent.parse("EV ENDED callid=a how=peer packets=").fields["packets"] == ""


@given(st.text() | st.text().map("EV ".__add__) | st.text().map("EV X callid=".__add__))
def test_any_line_is_a_saying_or_none(line):
    saying = LogEvent.parse(line)
    assert saying is None or saying.word


@pytest.mark.parametrize("line", ["", "EV", "EV ", "hello", "EV X blank", "ev X a=b"])
def test_what_is_no_saying(line):
    assert LogEvent.parse(line) is None


STAMP = "2026-11-22T21:13:18.199285Z"


def entry(text, direction="received", length=None, stamp=STAMP):
    data = text.encode()
    head = f"{'-' * 47} {stamp}\nUDP message {direction} [{length or len(data)}] bytes:\n\n"
    return head.encode() + data + b"\n"


def message(start, via="10.0.0.1:5080", call_id="c"):
    return f"{start}\r\nVia: SIP/2.0/UDP {via};branch=z9\r\nCall-ID: {call_id}\r\nContent-Length: 0\r\n\r\n"


def read(tmp_path, data):
    path = tmp_path / "messages.log"
    path.write_bytes(data)
    return list(read_messages(path))


def test_messages_are_read_with_time_direction_and_peer(tmp_path):
    invite, ok = message("INVITE sip:1@x SIP/2.0"), message("SIP/2.0 200 OK")
    bye = message("BYE sip:1@x SIP/2.0", via="127.0.0.9:5070")
    first, second, third = read(tmp_path, entry(invite) + entry(ok, "sent") + entry(bye, "sent"))
    assert first.time == datetime(2026, 11, 22, 21, 13, 18, 199285, UTC).timestamp()
    assert (first.payload, first.sent, first.transport) == (invite.encode(), False, "UDP")
    assert (second.payload, second.sent) == (ok.encode(), True)
    assert [t.peer for t in (first, second, third)] == [("10.0.0.1", 5080)] * 3


def test_a_message_that_quotes_the_log_is_one_message(tmp_path):
    quoting = message("INVITE sip:1@x SIP/2.0") + entry(message("BYE sip:1@x SIP/2.0")).decode()
    assert [t.payload for t in read(tmp_path, entry(quoting))] == [quoting.encode()]


def test_messages_with_odd_vias_and_times_are_read_as_far_as_can_be(tmp_path):
    odd = entry(message("OPTIONS sip:1@x SIP/2.0", via=":1"), stamp="yesterday") + entry(
        message("OPTIONS sip:1@x SIP/2.0", via="h:99999999", call_id="d")
    )
    assert [t.peer for t in read(tmp_path, odd)] == [("h", 5060)]
    assert [t.peer for t in read(tmp_path, entry("SIP/2.0 200 OK\r\n\r\n"))] == [None]


@given(
    data=st.binary()
    | st.lists(
        st.sampled_from([b"-" * 47, b" ", b"\n", b"UDP message sent [9] bytes:\n\n", STAMP.encode()])
    ).map(b"".join)
)
def test_any_bytes_are_messages_or_none(tmp_path_factory, data):
    read(tmp_path_factory.getbasetemp(), data)


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("SuccessfulCall(C);FailedCall(C)\n1;0\n3;2\n", (3, 2)),
        ("SuccessfulCall(C);FailedCall(C)\n", None),
        ("SuccessfulCall(C)\n3\n", None),
        ("SuccessfulCall(C);FailedCall(C)\n3\n", None),
        ("a\0b", None),
        ("", None),
    ],
)
def test_counts_are_those_of_the_last_row(tmp_path, text, counts):
    path = tmp_path / "statistics.csv"
    path.write_text(text)
    assert read_counts(path) == counts


def test_only_problems_are_told(tmp_path):
    path = tmp_path / "errors.log"
    path.write_text(
        "The following events occurred:\n"
        f"{STAMP}: Call-Id: c, receive timeout on message answers:3, jumping to label 4\n"
        "2026-11-22\t21:13:18.199285\t1795381966.861533: Unable to bind\n"
        f"{STAMP}: Continuing call on unexpected message: received 'BYE sip:1@x SIP/2.0\n"
        "Via: SIP/2.0/UDP 127.0.0.1\n'\n"
    )
    told = "Unable to bind; Continuing call on unexpected message: received 'BYE sip:1@x SIP/2.0"
    assert read_problem(path) == told


def test_files_that_are_not_there_tell_nothing(tmp_path):
    nothing = tmp_path / "nothing"
    assert (list(read_messages(nothing)), read_counts(nothing), read_problem(nothing)) == ([], None, "")


def test_bound_sockets_are_seen():
    import socket

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind(("127.0.44.70", 0))
        port = one.getsockname()[1]
        assert is_bound("127.0.44.70", port)
        assert is_taken("127.0.44.70", port)
        assert not is_taken("127.0.44.71", port)
    assert not is_bound("127.0.44.70", port)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as every:
        every.bind(("0.0.0.0", 0))
        port = every.getsockname()[1]
        assert is_taken("127.0.44.71", port)
        assert not is_bound("127.0.44.71", port)
