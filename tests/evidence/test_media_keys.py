"""Media keys that are redacted: gone from the evidence, and still told apart."""

from intercom_hil.evidence.media_keys import MediaKeys
from intercom_hil.practice.secrets import digest, keys_of
from intercom_hil.timeline import Timeline, Witness
from intercom_hil.timeline.observation import KeySeenBefore
from intercom_hil.timeline.sip_content import sip_content
from tests.practice.test_practice import KEY, SDP, name_of

OTHER = KEY[:24] + "OtherSaltOfOnly8"


def offer(*lines):
    body = SDP.replace(f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}\r\n", "".join(lines))
    text = (
        "INVITE sip:desk@x SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.30;branch=z9hG4bKa\nFrom: <sip:door@x>;tag=a\n"
        "To: <sip:desk@x>\nCall-ID: c\nCSeq: 1 INVITE\nContent-Type: application/sdp\n"
        f"Content-Length: {len(body)}\n\n"
    )
    payload = text.replace("\n", "\r\n").encode() + body.encode()
    return sip_content(payload, ("192.0.2.30", 5060), ("192.0.2.10", 5060), "UDP", name_of)


def crypto(tag, key, suite="AES_CM_128_HMAC_SHA1_80", more=""):
    return f"a=crypto:{tag} {suite} inline:{key}{more}\r\n"


def test_a_stand_in_has_the_form_of_a_key_and_equal_keys_stay_equal():
    message = offer(
        crypto(1, KEY, more="|2^20|1:4"),
        crypto(2, OTHER),
        crypto(3, KEY[::-1], "AES_CM_128_HMAC_SHA1_32"),
        crypto(4, "x" * 62 + "==", "AES_256_CM_HMAC_SHA1_80"),
    )
    before = list(keys_of(message))
    timeline = Timeline()
    timeline.append(Witness.WIRE, message)
    timeline.append(Witness.BENCH, KeySeenBefore(digest=digest(before[0]), scenario="s", call_id="c"))
    redactor = MediaKeys().redactor(timeline)
    kept, again = (redactor.model(observation) for observation in timeline)

    after = list(keys_of(kept.content))
    assert [len(key) for key in after] == [len(key) for key in before]
    assert not set(after) & set(before)
    assert after[0] == after[1] != after[2]
    assert again.content.digest == digest(after[0])
    assert len(kept.content.data) == len(message.data)
    for key in (KEY, OTHER, KEY[::-1], "x" * 62):
        assert key not in kept.model_dump_json()
        assert key not in kept.content.body.decode()
    assert not kept.content.deviations


def test_what_was_captured_and_logged_goes_with_them(tmp_path):
    timeline = Timeline()
    timeline.append(Witness.WIRE, offer(crypto(1, KEY)))
    trace = tmp_path / "stations" / "3410.messages.log"
    trace.parent.mkdir()
    trace.write_text(crypto(1, KEY))
    MediaKeys().redactor(timeline).sweep(tmp_path)
    assert KEY not in trace.read_text()
    assert len(trace.read_text()) == len(crypto(1, KEY).replace("\r\n", "\n"))
