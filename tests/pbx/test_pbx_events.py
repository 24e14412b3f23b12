"""What the PBX says, put into the timeline's words; and nothing it could say does harm."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intercom_hil.pbx.events import ARI_EVENTS, from_ami, from_ari, from_log

DESTROYED = {
    "type": "ChannelDestroyed",
    "timestamp": "2026-11-22T21:05:06.123+0000",
    "cause": 21,
    "cause_txt": "Call Rejected",
    "tech_cause": 603,
    "channel": {
        "name": "PJSIP/3400-00000001",
        "protocol_id": "abc@pbx",
        "state": "Down",
        "creationtime": "x",
    },
    "asterisk_id": "ff",
    "application": "bench",
}


def test_the_end_of_a_channel_is_told_with_call_id_cause_and_sip_status():
    said, at = from_ari(DESTROYED)
    assert (said.name, said.channel, said.call_id) == ("ChannelDestroyed", "PJSIP/3400-00000001", "abc@pbx")
    assert said.fields == {"cause": 21, "cause_txt": "Call Rejected", "tech_cause": 603, "state": "Down"}
    assert at == pytest.approx(1795381506.123)


def test_a_dial_event_is_about_the_called_leg():
    event = {
        "type": "Dial",
        "dialstatus": "RINGING",
        "caller": {"name": "PJSIP/1001-0"},
        "peer": {"name": "PJSIP/3400-1", "protocol_id": "b", "state": "Ringing"},
    }
    said, at = from_ari(event)
    assert (said.channel, said.call_id, at) == ("PJSIP/3400-1", "b", None)
    assert said.fields == {"dialstatus": "RINGING", "state": "Ringing", "caller": "PJSIP/1001-0"}


def test_a_contacts_status_is_told():
    event = {
        "type": "ContactStatusChange",
        "endpoint": {"resource": "1001"},
        "contact_info": {"uri": "sip:1001@d", "contact_status": "NonQualified", "aor": "1001"},
    }
    said, _ = from_ari(event)
    assert said.fields == {
        "endpoint": "1001",
        "contact": "sip:1001@d",
        "contact_status": "NonQualified",
        "aor": "1001",
    }


def test_what_nobody_asks_about_is_left_out():
    assert from_ari({"type": "ChannelVarset"}) is None
    assert from_ari({}) is None
    assert from_ami({"Event": "SuccessfulAuth", "Service": "AMI"}) is None
    assert from_ami({"Event": "FullyBooted"}) is None
    assert from_log("PBX UUID: 81c43163") is None


def test_a_security_event_names_account_and_call_id():
    block = {
        "Event": "InvalidPassword",
        "Service": "PJSIP",
        "AccountID": "1001",
        "SessionID": "c1",
        "RemoteAddress": "IPV4/UDP/127.0.42.21/5071",
        "Timestamp": "1795381506.25",
    }
    said, at = from_ami(block)
    assert (said.name, said.call_id, at) == ("InvalidPassword", "c1", 1795381506.25)
    assert said.fields["account"] == "1001"


@pytest.mark.parametrize(
    ("line", "level", "source", "text"),
    [
        ("[2026-11-22 21:13:10.989] NOTICE[6] loader.c: 93 modules", "NOTICE", "loader.c", "93 modules"),
        ("[x] ERROR[12][C-00000001] res_x.c: a: b", "ERROR", "res_x.c", "a: b"),
        ("[x] WARNING[8] res_pjsip/location.c: no", "WARNING", "res_pjsip/location.c", "no"),
    ],
)
def test_a_log_line_is_told_with_level_and_source(line, level, source, text):
    said = from_log(line)
    assert (said.interface, said.name, said.fields) == ("log", level, {"source": source, "text": text})


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(
    st.sampled_from(sorted(ARI_EVENTS)),
    st.dictionaries(
        st.sampled_from([*DESTROYED, "peer", "caller", "endpoint", "contact_info"]),
        ANYTHING | st.dictionaries(st.sampled_from(["name", "protocol_id", "state", "uri", "aor"]), ANYTHING),
    ),
)
def test_no_ari_event_whatever_its_fields_raises(name, fields):
    said, _ = from_ari({**fields, "type": name})
    assert said.name == name
    json.loads(said.model_dump_json())


@given(st.dictionaries(st.sampled_from(["Timestamp", "AccountID", "SessionID"]), st.text()))
def test_no_ami_event_whatever_its_fields_raises(fields):
    said, _ = from_ami({**fields, "Event": "ChallengeSent", "Service": "PJSIP"})
    assert said.name == "ChallengeSent"


@given(st.text())
def test_no_log_line_raises(line):
    from_log(line)
    from_log(f"[] ERROR[1] {line}")
