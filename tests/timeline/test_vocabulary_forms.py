"""Each word of the scenarios, in the form in which it is stored with the judgements that rest on it.

A stored run is judged again by these forms: what changes here, changes what older runs and newer ones mean.
"""

import pytest

from intercom_hil.spec import events
from intercom_hil.timeline import vocabulary as said

ON_WIRE, AT_PBX = ("sip", "wire"), ("sip", "pbx")
TRANSACTION = ("call_id", "branch", "method", "status")
FORMS = [
    # the word, its name in reports, kind and witness, conditions, what counts once or who may have heard it
    (lambda: said.request("BYE"), "BYE", ON_WIRE, {"method": "BYE", "status": None}, ()),
    (
        lambda: said.request("BYE", sender="device", receiver="pbx"),
        "BYE from device to pbx",
        ON_WIRE,
        {"sender": "device", "receiver": "pbx", "method": "BYE", "status": None},
        (),
    ),
    (
        lambda: said.request_of_device(),
        "request from device",
        ON_WIRE,
        {"sender": "device", "status": None},
        (),
    ),
    (lambda: said.invite(), "INVITE", ON_WIRE, {"method": "INVITE", "status": None, "to_tag": ""}, ()),
    (
        lambda: said.invite(sender="device", receiver="3410", to="3410"),
        "INVITE for 3410 from device to 3410",
        ON_WIRE,
        {
            "sender": "device",
            "receiver": "3410",
            "method": "INVITE",
            "status": None,
            "to_tag": "",
            "request_uri": {"user": "3410"},
        },
        (),
    ),
    (
        lambda: said.response(200, "BYE", sender="pbx", receiver="device"),
        "200 to BYE from pbx to device",
        ON_WIRE,
        {
            "sender": "pbx",
            "receiver": "device",
            "method": "BYE",
            "status": {"at_least": 200.0, "at_most": 200.0},
        },
        (),
    ),
    (
        lambda: said.response((180, 183), "INVITE"),
        "180..183 to INVITE",
        ON_WIRE,
        {"method": "INVITE", "status": {"at_least": 180.0, "at_most": 183.0}},
        (),
    ),
    (
        lambda: said.refusal(),
        "refusal of INVITE",
        ON_WIRE,
        {"method": "INVITE", "status": {"none_of": [401, 407], "at_least": 300.0, "at_most": 699.0}},
        (),
    ),
    (
        lambda: said.refusal(sender="pbx", receiver="device"),
        "refusal of INVITE from pbx to device",
        ON_WIRE,
        {
            "sender": "pbx",
            "receiver": "device",
            "method": "INVITE",
            "status": {"none_of": [401, 407], "at_least": 300.0, "at_most": 699.0},
        },
        (),
    ),
    (
        lambda: said.rejection(),
        "rejection of INVITE",
        ON_WIRE,
        {"method": "INVITE", "status": {"none_of": [401, 407, 487], "at_least": 400.0, "at_most": 699.0}},
        (),
    ),
    (
        lambda: said.rejection(sender="pbx", receiver="device"),
        "rejection of INVITE from pbx to device",
        ON_WIRE,
        {
            "sender": "pbx",
            "receiver": "device",
            "method": "INVITE",
            "status": {"none_of": [401, 407, 487], "at_least": 400.0, "at_most": 699.0},
        },
        (),
    ),
    (
        lambda: said.decision(),
        "decision on INVITE",
        ON_WIRE,
        {"method": "INVITE", "status": {"none_of": [401, 407, 487], "at_least": 200.0, "at_most": 699.0}},
        (),
    ),
    (
        lambda: said.decision(sender="pbx", receiver="device"),
        "decision on INVITE from pbx to device",
        ON_WIRE,
        {
            "sender": "pbx",
            "receiver": "device",
            "method": "INVITE",
            "status": {"none_of": [401, 407, 487], "at_least": 200.0, "at_most": 699.0},
        },
        (),
    ),
    (
        lambda: said.answer(),
        "200 to INVITE",
        ON_WIRE,
        {"method": "INVITE", "status": {"at_least": 200.0, "at_most": 200.0}},
        (),
    ),
    (
        lambda: said.answer(sender="pbx", receiver="device"),
        "200 to INVITE from pbx to device",
        ON_WIRE,
        {
            "sender": "pbx",
            "receiver": "device",
            "method": "INVITE",
            "status": {"at_least": 200.0, "at_most": 200.0},
        },
        (),
    ),
    (
        lambda: said.final_answer(),
        "final answer to INVITE",
        ON_WIRE,
        {"method": "INVITE", "status": {"none_of": [401, 407], "at_least": 200.0, "at_most": 699.0}},
        (),
    ),
    (
        lambda: said.final_answer(sender="pbx", receiver="device"),
        "final answer to INVITE from pbx to device",
        ON_WIRE,
        {
            "sender": "pbx",
            "receiver": "device",
            "method": "INVITE",
            "status": {"none_of": [401, 407], "at_least": 200.0, "at_most": 699.0},
        },
        (),
    ),
    (
        lambda: said.registered(),
        "200 to REGISTER from pbx to device",
        ON_WIRE,
        {
            "sender": "pbx",
            "receiver": "device",
            "method": "REGISTER",
            "status": {"at_least": 200.0, "at_most": 200.0},
            "contacts": {"some": {}},
        },
        (),
    ),
    (
        lambda: said.registered(by="proxy"),
        "200 to REGISTER from proxy to device",
        ON_WIRE,
        {
            "sender": "proxy",
            "receiver": "device",
            "method": "REGISTER",
            "status": {"at_least": 200.0, "at_most": 200.0},
            "contacts": {"some": {}},
        },
        (),
    ),
    (
        lambda: said.registration(),
        "REGISTER from device to pbx",
        ON_WIRE,
        {"sender": "device", "receiver": "pbx", "method": "REGISTER", "status": None, "takes_back": False},
        TRANSACTION,
    ),
    (
        lambda: said.registration(receiver="proxy"),
        "REGISTER from device to proxy",
        ON_WIRE,
        {"sender": "device", "receiver": "proxy", "method": "REGISTER", "status": None, "takes_back": False},
        TRANSACTION,
    ),
    (
        lambda: said.registration_taken_back(),
        "REGISTER that takes back from device to pbx",
        ON_WIRE,
        {"sender": "device", "receiver": "pbx", "method": "REGISTER", "status": None, "takes_back": True},
        TRANSACTION,
    ),
    (
        lambda: said.registration_taken_back(receiver="proxy"),
        "REGISTER that takes back from device to proxy",
        ON_WIRE,
        {"sender": "device", "receiver": "proxy", "method": "REGISTER", "status": None, "takes_back": True},
        TRANSACTION,
    ),
    (
        lambda: said.connectivity_check(),
        "connectivity check from device to pbx",
        ON_WIRE,
        {
            "sender": "device",
            "receiver": "pbx",
            "method": {"one_of": ["REGISTER", "OPTIONS"]},
            "status": None,
            "takes_back": False,
        },
        TRANSACTION,
    ),
    (
        lambda: said.connectivity_check(receiver="proxy"),
        "connectivity check from device to proxy",
        ON_WIRE,
        {
            "sender": "device",
            "receiver": "proxy",
            "method": {"one_of": ["REGISTER", "OPTIONS"]},
            "status": None,
            "takes_back": False,
        },
        TRANSACTION,
    ),
    (
        lambda: said.connectivity_confirmed(),
        "200 to connectivity check from pbx to device",
        ON_WIRE,
        {
            "sender": "pbx",
            "receiver": "device",
            "method": {"one_of": ["REGISTER", "OPTIONS"]},
            "status": 200,
            "lists_nobody": False,
        },
        TRANSACTION,
    ),
    (
        lambda: said.connectivity_confirmed(sender="proxy"),
        "200 to connectivity check from proxy to device",
        ON_WIRE,
        {
            "sender": "proxy",
            "receiver": "device",
            "method": {"one_of": ["REGISTER", "OPTIONS"]},
            "status": 200,
            "lists_nobody": False,
        },
        TRANSACTION,
    ),
    (
        lambda: said.too_large_for_udp(said.request("INVITE")),
        "INVITE of more than 1200 bytes over TCP",
        ON_WIRE,
        {"method": "INVITE", "status": None, "size": {"at_least": 1201.0}, "transport": "TCP"},
        (),
    ),
    (
        lambda: said.once_per_transaction(said.request("BYE")),
        "BYE",
        ON_WIRE,
        {"method": "BYE", "status": None},
        TRANSACTION,
    ),
    (
        lambda: said.with_credentials(said.request("BYE"), "Authorization"),
        "BYE with digest Authorization",
        ON_WIRE,
        {
            "method": "BYE",
            "status": None,
            "credentials": {"some": {"header": "Authorization", "scheme": "digest"}},
        },
        (),
    ),
    (
        lambda: said.with_credentials(
            said.request("BYE"), "Proxy-Authorization", username="3401", realm="door"
        ),
        "BYE with digest Proxy-Authorization (username 3401, realm door)",
        ON_WIRE,
        {
            "method": "BYE",
            "status": None,
            "credentials": {
                "some": {
                    "header": "Proxy-Authorization",
                    "scheme": "digest",
                    "username": "3401",
                    "realm": "door",
                }
            },
        },
        (),
    ),
    (
        lambda: said.with_header(said.request("BYE"), "Reason"),
        "BYE with Reason",
        ON_WIRE,
        {"method": "BYE", "status": None, "headers": {"some": {"name": "Reason"}}},
        (),
    ),
    (
        lambda: said.addressed(said.request("BYE"), "sip:a@b", "sip:c@d"),
        "BYE at sip:a@b",
        ON_WIRE,
        {"method": "BYE", "status": None, "request_uri": {"addresses": ["sip:a@b", "sip:c@d"]}},
        (),
    ),
    (
        lambda: said.from_user(said.request("BYE"), "3410"),
        "BYE of 3410",
        ON_WIRE,
        {"method": "BYE", "status": None, "from_uri": {"user": "3410"}},
        (),
    ),
    (
        lambda: said.to_user(said.request("BYE"), "3410"),
        "BYE of 3410",
        ON_WIRE,
        {"method": "BYE", "status": None, "to_uri": {"user": "3410"}},
        (),
    ),
    (
        lambda: said.limited(said.request("INVITE")),
        "INVITE with Session-Expires",
        ON_WIRE,
        {"method": "INVITE", "status": None, "headers": {"some": {"name": "Session-Expires"}}},
        (),
    ),
    (
        lambda: said.any_credentials(said.request("BYE")),
        "BYE with credentials",
        ON_WIRE,
        {"method": "BYE", "status": None, "credentials": {"some": {}}},
        (),
    ),
    (
        lambda: said.offering_srtp(said.invite()),
        "INVITE with keys or SAVP",
        ON_WIRE,
        {"method": "INVITE", "status": None, "to_tag": "", "media": {"some": {"secured": True}}},
        (),
    ),
    (
        lambda: said.with_usable_keys(said.invite()),
        "INVITE with usable keys",
        ON_WIRE,
        {
            "method": "INVITE",
            "status": None,
            "to_tag": "",
            "media": {"some": {"crypto_suites": {"contains": "AES_CM_128_HMAC_SHA1_80"}}},
        },
        (),
    ),
    (
        lambda: said.negotiating_srtp(said.invite()),
        "INVITE with SRTP as a potential configuration",
        ON_WIRE,
        {"method": "INVITE", "status": None, "to_tag": "", "media": {"some": {"negotiable": True}}},
        (),
    ),
    (lambda: said.configured(), "settings submitted", ("configured", None), {"accepted": True}, ()),
    (
        lambda: said.configuration(accepted=True),
        "form accepted",
        ("configured", None),
        {"accepted": True},
        (),
    ),
    (
        lambda: said.configuration(accepted=False, field="extension"),
        "form refused naming extension",
        ("configured", None),
        {"accepted": False, "fields": {"contains": "extension"}},
        (),
    ),
    (lambda: said.from_device(), "SIP from device", ON_WIRE, {"sender": "device"}, ()),
    (
        lambda: said.reported_by_pbx(said.request("BYE")),
        "BYE, as the PBX read it",
        AT_PBX,
        {"method": "BYE", "status": None},
        (),
    ),
    (
        lambda: said.tls_hello(),
        "TLS hello from device",
        ("tls", None),
        {"sender": "device", "stage": "offered"},
        (),
    ),
    (
        lambda: said.tls_hello(sender="3410"),
        "TLS hello from 3410",
        ("tls", None),
        {"sender": "3410", "stage": "offered"},
        (),
    ),
    (
        lambda: said.tls_said(),
        "first words under TLS from device",
        ("tls", None),
        {"sender": "device", "stage": "spoken"},
        (),
    ),
    (
        lambda: said.tls_said(sender="3410"),
        "first words under TLS from 3410",
        ("tls", None),
        {"sender": "3410", "stage": "spoken"},
        (),
    ),
    (
        lambda: said.tls_request("REGISTER"),
        "REGISTER under TLS from device",
        ("tls", None),
        {"sender": "device", "stage": "spoken", "text": {"regex": "REGISTER (?i:sips?):.*"}},
        (),
    ),
    (
        lambda: said.tls_request("M.X", sender="3410"),
        "M.X under TLS from 3410",
        ("tls", None),
        {"sender": "3410", "stage": "spoken", "text": {"regex": "M\\.X (?i:sips?):.*"}},
        (),
    ),
    (
        lambda: said.tls_over(),
        "TLS connection that ended before any SIP from device",
        ("tls", None),
        {"sender": "device", "stage": "ended", "received": 0},
        (),
    ),
    (
        lambda: said.tls_over(sender="3410"),
        "TLS connection that ended before any SIP from 3410",
        ("tls", None),
        {"sender": "3410", "stage": "ended", "received": 0},
        (),
    ),
    (
        lambda: said.tls_decision(),
        "decision about the TLS server from device",
        ("tls", None),
        {"sender": "device", "stage": {"one_of": ["spoken", "ended"]}},
        (),
    ),
    (
        lambda: said.tls_decision(sender="3410"),
        "decision about the TLS server from 3410",
        ("tls", None),
        {"sender": "3410", "stage": {"one_of": ["spoken", "ended"]}},
        (),
    ),
    (
        lambda: said.known_to_pbx("3401"),
        "PBX: contact of device reachable or created",
        ("pbx_event", None),
        {
            "name": {"one_of": ["ContactStatusChange", "PeerStatusChange"]},
            "fields": {
                "some": {
                    "endpoint": "3401",
                    "contact_status": {"none_of": ["Removed", "Unreachable"]},
                    "peer_status": {"one_of": ["Reachable", None]},
                }
            },
        },
        (),
    ),
    (
        lambda: said.event(events.OUTGOING_INITIATED),
        "event outgoing_call_initiated",
        ("event", None),
        {"name": "outgoing_call_initiated"},
        (),
    ),
    (
        lambda: said.event(events.OUTGOING_FAILURE, failure="busy"),
        "event outgoing_call_failure telling 'busy'",
        ("event", None),
        {"name": "outgoing_call_failure", "failure": "busy"},
        (),
    ),
    (lambda: said.screen("Dialing"), "screen text 'Dialing'", ("screen", None), {"text": "Dialing"}, ()),
    (
        lambda: said.tone(440),
        "tone of 440 Hz",
        ("media_heard", None),
        {"tone_hz": {"at_least": 426.8, "at_most": 453.2}},
        (),
    ),
    (
        lambda: said.tone(1000, sender="device", receiver="pbx", protection="srtp"),
        "srtp tone of 1000 Hz from device to pbx",
        ("media_heard", None),
        {
            "sender": "device",
            "receiver": "pbx",
            "tone_hz": {"at_least": 970.0, "at_most": 1030.0},
            "protection": "srtp",
        },
        (),
    ),
    (lambda: said.sound(), "audio", ("media_heard", None), {}, ()),
    (
        lambda: said.sound(sender="device", receiver="pbx", protection="srtp"),
        "srtp audio from device to pbx",
        ("media_heard", None),
        {"sender": "device", "receiver": "pbx", "protection": "srtp"},
        (),
    ),
    (lambda: said.media(), "media", ("media_started", None), {}, ()),
    (
        lambda: said.media(sender="device", receiver="pbx", protection="srtp"),
        "srtp media from device to pbx",
        ("media_started", None),
        {"sender": "device", "receiver": "pbx", "protection": "srtp"},
        (),
    ),
    (
        lambda: said.with_video(said.invite()),
        "INVITE with video",
        ON_WIRE,
        {
            "method": "INVITE",
            "status": None,
            "to_tag": "",
            "media": {"some": {"media": "video", "port": {"at_least": 1.0}}},
        },
        (),
    ),
    (
        lambda: said.without_video(said.invite()),
        "INVITE with audio only",
        ON_WIRE,
        {
            "method": "INVITE",
            "status": None,
            "to_tag": "",
            "media": {
                "some": {"media": "audio", "port": {"at_least": 1.0}},
                "none": {"media": "video", "port": {"at_least": 1.0}},
            },
        },
        (),
    ),
    (lambda: said.video(), "video", ("media_started", None), {"media": "video"}, ()),
    (
        lambda: said.video(sender="device", receiver="pbx"),
        "video from device to pbx",
        ("media_started", None),
        {"sender": "device", "receiver": "pbx", "media": "video"},
        (),
    ),
    (lambda: said.picture(), "picture", ("video", None), {"frames": {"at_least": 1.0}}, ()),
    (
        lambda: said.picture(sender="device", receiver="pbx", protection="srtp"),
        "srtp picture from device to pbx",
        ("video", None),
        {"sender": "device", "receiver": "pbx", "frames": {"at_least": 1.0}, "protection": "srtp"},
        (),
    ),
    (
        lambda: said.live_picture(),
        "live picture",
        ("video", None),
        {"frames": {"at_least": 1.0}, "moving": True},
        (),
    ),
    (
        lambda: said.live_picture(sender="device", receiver="pbx"),
        "live picture from device to pbx",
        ("video", None),
        {"sender": "device", "receiver": "pbx", "frames": {"at_least": 1.0}, "moving": True},
        (),
    ),
    (
        lambda: said.speaker_tone(1000),
        "tone of 1000 Hz at the speaker",
        ("speaker", None),
        {"tone_hz": {"at_least": 970.0, "at_most": 1030.0}},
        ("tone",),
    ),
    (
        lambda: said.speaker_sound(),
        "sound of at least -45 dBov at the speaker",
        ("speaker", None),
        {"level_dbov": {"at_least": -45.0}},
        ("tone", "sound"),
    ),
    (
        lambda: said.speaker_sound(-30),
        "sound of at least -30 dBov at the speaker",
        ("speaker", None),
        {"level_dbov": {"at_least": -30.0}},
        ("tone", "sound"),
    ),
    (
        lambda: said.speaker_sound_other_than(1000),
        "sound of at least -45 dBov at the speaker other than a tone of 1000 Hz",
        ("speaker", None),
        {"level_dbov": {"at_least": -45.0}, "tone_hz": {"outside": [970.0, 1030.0]}},
        ("tone", "sound"),
    ),
]


def brief(value):
    """A condition on equality is written as the value."""
    if not isinstance(value, dict):
        return value
    if list(value) == ["one_of"] and len(value["one_of"]) == 1:
        return value["one_of"][0]
    return {name: brief(part) for name, part in value.items()}


@pytest.mark.parametrize(
    ("word", "name", "kind", "fields", "counted"), FORMS, ids=[form[1] for form in FORMS]
)
def test_a_word_is_stored_in_this_form(word, name, kind, fields, counted):
    pattern = word()
    stored = pattern.model_dump(exclude_defaults=True, mode="json")
    assert str(pattern) == name
    assert (stored["kind"], stored.get("witness")) == kind
    assert brief(stored.get("fields", {})) == fields
    assert pattern.once_per + pattern.heard == counted


def test_every_word_has_its_form_here():
    elsewhere = {
        "another_call",
        "another_registration",
        "granted",
        "level",
        "of_another_call",
        "shortest_session",
        "takes_video",
    }
    public = {name for name, value in vars(said).items() if getattr(value, "__module__", "") == said.__name__}
    used = {name for form in FORMS for name in form[0].__code__.co_names}
    assert {name for name in public if not name.startswith("_")} - used == elsewhere
