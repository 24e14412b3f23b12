"""What the device describes of its media against the settings: what it offers, and what it turns down."""

import pytest

from intercom_hil.monitors.agreements import (
    agreed_picture,
    offered_in_clear,
    turned_down,
    video_to_every_contact,
    weakened,
)
from intercom_hil.spec.settings import Encryption
from intercom_hil.timeline import Witness
from intercom_hil.timeline.observation import Configured, MediaLine
from tests.judge.story import START, Story, media_started

LATER = START + 60
SUITE = ("AES_CM_128_HMAC_SHA1_80",)
PLAIN = MediaLine(media="audio", address="1", port=4000, profile="RTP/AVP", payload_types=(8,))
SECURE = PLAIN.model_copy(update={"profile": "RTP/SAVP", "crypto_suites": SUITE, "secured": True})
BEST_EFFORT = PLAIN.model_copy(update={"crypto_suites": SUITE, "secured": True})
CAPABLE = PLAIN.model_copy(update={"negotiable": True})
CLOSED = PLAIN.model_copy(update={"port": 0})
VIDEO = PLAIN.model_copy(update={"media": "video", "port": 4002, "payload_types": (99,)})


def configured(**settings):
    story = Story()
    base = {"enabled": True, "allow_incoming": True, "permitted_callers": ["1"], **settings}
    story.timeline.append(Witness.PORTAL, Configured(settings=base, accepted=True), story._time())
    return story


def rows(found):
    return {finding.requirement for finding in found}


@pytest.mark.parametrize(
    ("line", "found"),
    [(PLAIN, {"ENC-07"}), (SECURE, set()), (BEST_EFFORT, set()), (CAPABLE, set()), (CLOSED, set())],
)
def test_under_srtp_only_nothing_is_offered_in_clear(line, found):
    def offers(encryption, *ends):
        return configured(encryption=encryption).sip("INVITE", *ends, to_tag="", media=(line,))

    srtp_only = str(Encryption.SRTP_ONLY)
    assert rows(offered_in_clear(offers(srtp_only, "device", "pbx").timeline)) == found
    assert rows(offered_in_clear(offers(str(Encryption.FALLBACK), "device", "pbx").timeline)) == set()
    assert rows(offered_in_clear(offers(srtp_only, "pbx", "device").timeline)) == set()


def test_nor_within_a_call_that_was_taken():
    story = configured(encryption=str(Encryption.SRTP_ONLY)).sip(
        "INVITE", "pbx", "device", to_tag="", media=(SECURE,)
    )
    story.sip("INVITE", "device", "pbx", status=200, media=(SECURE,))
    story.sip("INVITE", "device", "pbx", cseq=7, media=(PLAIN,))
    assert rows(offered_in_clear(story.timeline)) == {"ENC-09"}


CRYPTO = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj"


@pytest.mark.parametrize(
    ("parameters", "sender", "found"),
    [
        ("", "device", set()),
        (" UNENCRYPTED_SRTP", "device", {"ENC-11"}),
        (" unauthenticated_srtp", "device", {"ENC-11"}),
        (" UNENCRYPTED_SRTCP", "device", set()),
        (" KDR=1", "device", set()),
        (" UNENCRYPTED_SRTP", "pbx", set()),
    ],
)
def test_srtp_is_encrypted_and_authenticated(parameters, sender, found):
    assert rows(weakened(described(parameters, sender).timeline)) == found


def test_what_a_device_is_able_to_is_no_srtp_that_it_agrees_on():
    """RFC 3261 §11.2, §21.4.26: the answer to OPTIONS and a refusal describe what there could be."""
    for method, status in (("OPTIONS", 200), ("INVITE", 488)):
        able = described(" UNENCRYPTED_SRTP", "device", method=method, status=status)
        assert rows(weakened(able.timeline)) == set()


def test_a_description_that_cannot_be_read_hides_none_that_can():
    story = described("", "device", port="x")
    assert rows(weakened(story.timeline)) == set()
    assert rows(weakened(described(" UNENCRYPTED_SRTP", "device", story=story).timeline)) == {"ENC-11"}


def described(parameters, sender, *, method="INVITE", status=None, port="4000", story=None):
    body = "v=0\r\no=- 1 1 IN IP4 1.2.3.4\r\ns=-\r\nt=0 0\r\n"
    body += f"m=audio {port} RTP/SAVP 8\r\n"
    body += f"{CRYPTO}{parameters}\r\n"
    head = (
        f"{f'SIP/2.0 {status} So' if status else f'{method} sip:a@b SIP/2.0'}\r\n"
        "Via: SIP/2.0/UDP 1.2.3.4;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\n"
        f"To: <sip:c@d>\r\nCall-ID: c1\r\nCSeq: 1 {method}\r\nContent-Type: application/sdp\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    receiver = "pbx" if sender == "device" else "device"
    told = {"to_tag": "", "media": (SECURE,), "raw": head + body, "status": status}
    return (story or Story()).sip(method, sender, receiver, **told)


def refused(line, encryption, *, status=488, caller="sip:1@pbx", during_a_call=False):
    story = configured(encryption=encryption)
    if during_a_call:
        story.taken("c0")
    story.sip("INVITE", "pbx", "device", call="c1", to_tag="", caller=caller, media=(line,))
    story.sip("INVITE", "device", "pbx", call="c1", status=status, caller=caller)
    return rows(turned_down(story.timeline))


UNSET, FALLBACK, SRTP_ONLY = "", str(Encryption.FALLBACK), str(Encryption.SRTP_ONLY)


@pytest.mark.parametrize(
    ("line", "encryption", "found"),
    [
        (PLAIN, UNSET, {"ENC-02"}),
        (PLAIN, FALLBACK, {"ENC-06"}),
        (SECURE, FALLBACK, {"ENC-05"}),
        (SECURE, SRTP_ONLY, {"ENC-10"}),
        (PLAIN, SRTP_ONLY, set()),
        (SECURE, UNSET, set()),
        (BEST_EFFORT, FALLBACK, set()),
        (SECURE.model_copy(update={"crypto_suites": ("AES_CM_128_HMAC_SHA1_32",)}), FALLBACK, set()),
        (PLAIN.model_copy(update={"payload_types": (18,)}), UNSET, set()),
        (PLAIN.model_copy(update={"direction": "sendonly"}), UNSET, set()),
    ],
)
def test_what_can_be_protected_as_is_set_is_taken(line, encryption, found):
    assert refused(line, encryption) == found
    assert refused(line, encryption, status=486) == set()
    assert refused(line, encryption, caller="sip:7@pbx") == set()
    assert refused(line, encryption, during_a_call=True) == set()


def dialled(*calls, mode):
    story = configured(video_calls=mode).press()
    for number, (contact, media) in enumerate(calls):
        name, uri = f"c{number}", f"sip:{contact}@pbx"
        story.sip("INVITE", "device", "pbx", call=name, to_tag="", media=media, uri=uri)
        story.sip("INVITE", "pbx", "device", call=name, status=486)
    return rows(video_to_every_contact(story.timeline))


@pytest.mark.parametrize(("mode", "row"), [("Outgoing", "VID-01"), ("Both", "VID-03")])
def test_each_contact_is_offered_video(mode, row):
    both, sound = (PLAIN, VIDEO), (PLAIN,)
    assert dialled(("1", both), ("2", both), mode=mode) == set()
    assert dialled(("1", both), ("2", sound), mode=mode) == {row}
    assert dialled(("1", both), ("1", sound), ("2", both), mode=mode) == set()  # turned down, perhaps
    assert dialled(("1", ()), mode=mode) == set()  # it may come later
    assert dialled(("1", sound), mode="Incoming") == dialled(("1", sound), mode="Off") == set()


def talking(
    *, mode="Both", placed=True, ours=(PLAIN, VIDEO), theirs=(PLAIN, VIDEO), flows=("audio",), lasts=5
):
    story = configured(video_calls=mode)
    ends = ("device", "pbx") if placed else ("pbx", "device")
    story.sip("INVITE", *ends, to_tag="", media=ours if placed else theirs)
    story.sip("INVITE", *ends[::-1], status=200, media=theirs if placed else ours)
    story.sip("ACK", *ends)
    for media in flows:
        story.timeline.append(Witness.WIRE, media_started(media=media), story._time())
    story.at(lasts).bye("pbx")
    return rows(agreed_picture(story.timeline, LATER))


def test_a_picture_that_was_agreed_on_comes():
    assert talking() == talking(placed=False) == {"VID-03"}
    assert talking(mode="Outgoing") == {"VID-01"}
    assert talking(mode="Incoming", placed=False) == {"VID-02"}
    assert talking(mode="Incoming") == talking(mode="Off") == set()
    assert talking(flows=("audio", "video")) == talking(flows=()) == set()
    assert talking(lasts=2) == set()
    turned_off = VIDEO.model_copy(update={"port": 0})
    only_takes = VIDEO.model_copy(update={"direction": "recvonly"})
    only_sends = VIDEO.model_copy(update={"direction": "sendonly"})
    assert talking(theirs=(PLAIN, turned_off)) == talking(theirs=(PLAIN,)) == set()
    assert talking(ours=(PLAIN, only_takes)) == talking(theirs=(PLAIN, only_sends)) == set()
