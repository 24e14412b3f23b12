"""What needs no SIPp: behaviours and the log lines of the scenario templates."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import intercom_hil.stations
from intercom_hil.stations import LogEvent, answers, calls, refuses_srtp, rejects
from intercom_hil.stations.behaviours import BehaviourError

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
        (refuses_srtp, {"status": 486}, "status"),
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


def test_a_log_line_is_taken_apart():
    event = LogEvent.parse('EV INVITE callid=a@b profile=RTP/AVP from="A = B" <sip:1@x>;tag=y=z')
    assert event == LogEvent(
        "INVITE", {"callid": "a@b", "profile": "RTP/AVP", "from": '"A = B" <sip:1@x>;tag=y=z'}
    )
    assert (event.opens_call, event.ends_call, event.call_id) == (True, False, "a@b")
    assert LogEvent.parse("EV ENDED callid=a how=peer packets=").fields["packets"] == ""


@given(st.text() | st.text().map("EV ".__add__) | st.text().map("EV X callid=".__add__))
def test_any_line_is_an_event_or_none(line):
    event = LogEvent.parse(line)
    assert event is None or event.word


@pytest.mark.parametrize("line", ["", "EV", "EV ", "hello", "EV X blank", "ev X a=b"])
def test_what_is_no_event(line):
    assert LogEvent.parse(line) is None


def expressions():
    """Each expression of the templates that reads an ``m=`` line up to its profile, as Python has it."""
    for path in sorted((Path(intercom_hil.stations.__file__).parent / "templates").glob("*.j2")):
        for pattern in re.findall(r'regexp="(?:\{\{ before \}\})?([^"{]*m=[^"{]*)"', path.read_text()):
            if re.search(r"\[0-9/?\]\+ ", pattern):
                yield path.name, pattern.replace("[:cntrl:]", r"\x00-\x1f")


@pytest.mark.parametrize("ports", ["4000", "4000/1", "4000/2"])
def test_an_offer_is_read_whatever_number_of_ports_it_names(ports):
    """RFC 4566 §5.14: one port may be said to be one, and what the line says behind it is the profile."""
    body = f"v=0\r\nm=audio {ports} RTP/SAVP 0 8\r\nm=video {ports} RTP/AVP 97\r\n"
    found = list(expressions())
    assert len(found) >= 9
    for name, pattern in found:
        assert re.search(pattern, body), f"{name}: {pattern}"
