"""SIPp's message and error logs, read back."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from intercom_hil.sipp.traces import read_messages, read_problem

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


def test_errors_are_read_and_quoted_messages_are_not(tmp_path):
    path = tmp_path / "errors.log"
    path.write_text(
        "The following events occurred:\n"
        f"{STAMP}: Call-Id: c, receive timeout on message answers:3, jumping to label 4\n"
        "2026-11-22\t21:13:18.199285\t1795381966.861533: Unable to bind\n"
        f"{STAMP}: Continuing call on unexpected message: received 'BYE sip:1@x SIP/2.0\n"
        "Via: SIP/2.0/UDP 127.0.0.1\n'\n"
    )
    expected = "Unable to bind; Continuing call on unexpected message: received 'BYE sip:1@x SIP/2.0"
    assert read_problem(path, ["receive timeout"]) == expected


def test_files_that_are_not_there_hold_nothing(tmp_path):
    nothing = tmp_path / "nothing"
    assert (list(read_messages(nothing)), read_problem(nothing)) == ([], "")
