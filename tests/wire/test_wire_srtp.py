"""SRTP: published vectors, agreement with libsrtp, and that nothing false is accepted."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pylibsrtp import Policy, Session

from intercom_hil.media import srtp
from intercom_hil.media.rtp import build_rtp
from intercom_hil.media.srtp import (
    TAG_SIZES,
    Both,
    DisputedPacketError,
    OwnReceiver,
    derive_key,
    receiver,
    why_not,
)
from intercom_hil.wire.sdp import SUITES, Crypto
from tests.wire.srtp_sender import protect

LIBSRTP = {
    "AES_CM_128_HMAC_SHA1_80": Policy.SRTP_PROFILE_AES128_CM_SHA1_80,
    "AES_CM_128_HMAC_SHA1_32": Policy.SRTP_PROFILE_AES128_CM_SHA1_32,
    "AEAD_AES_128_GCM": Policy.SRTP_PROFILE_AEAD_AES_128_GCM,
    "AEAD_AES_256_GCM": Policy.SRTP_PROFILE_AEAD_AES_256_GCM,
}


def crypto(suite, fill=1):
    key, salt = SUITES[suite]
    return Crypto(1, suite, bytes([fill]) * key, bytes([fill + 1]) * salt)


def sender(key):
    return Session(
        Policy(
            key=key.key + key.salt,
            ssrc_type=Policy.SSRC_ANY_OUTBOUND,
            srtp_profile=LIBSRTP[key.suite],
        )
    )


def rtp(sequence, payload=b"\xd5" * 160, ssrc=7):
    return build_rtp(payload, payload_type=8, sequence=sequence, timestamp=sequence * 160, ssrc=ssrc)


@pytest.mark.parametrize(
    ("key", "salt", "cipher", "authentication", "session_salt"),
    [
        pytest.param(
            "E1F97A0D3E018BE0D64FA32C06DE4139",
            "0EC675AD498AFEEBB6960B3AABE6",
            "C61E7A93744F39EE10734AFE3FF7A087",
            "CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4",
            "30CBBC08863D8C85D49DB34A9AE1",
            id="RFC 3711 B.3",
        ),
        pytest.param(
            "f0f04914b513f2763a1b1fa130f10e2998f6f6e43e4309d1e622a0e332b9f1b6",
            "3b04803de51ee7c96423ab5b78d2",
            "5ba1064e30ec51613cad926c5a28ef731ec7fb397f70a960653caf06554cd8c4",
            "fd9c32d39ed5fbb5a9dc96b30818454d1313dc05",
            "fa31791685ca444a9e07c6c64e93",
            id="RFC 6188 7.2",
        ),
    ],
)
def test_session_keys_are_those_of_the_rfc(key, salt, cipher, authentication, session_salt):
    suite = "AES_CM_128_HMAC_SHA1_80" if len(key) == 32 else "AES_256_CM_HMAC_SHA1_80"
    master = Crypto(1, suite, bytes.fromhex(key), bytes.fromhex(salt))
    assert derive_key(master, label=0, size=len(key) // 2) == bytes.fromhex(cipher)
    assert derive_key(master, label=1, size=20) == bytes.fromhex(authentication)
    assert derive_key(master, label=2, size=14) == bytes.fromhex(session_salt)


@pytest.mark.parametrize("suite", LIBSRTP)
def test_what_libsrtp_protects_is_authenticated_and_read(suite):
    key = crypto(suite)
    protect, unprotect = sender(key).protect, receiver(key).unprotect
    for sequence in range(5):
        protected = protect(rtp(sequence))
        assert len(protected) == len(rtp(sequence)) + TAG_SIZES[suite]
        assert unprotect(protected) == rtp(sequence)
    assert unprotect(protected) is None, "a replayed packet was accepted"


@pytest.mark.parametrize("suite", ["AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32"])
@given(start=st.integers(0, 0xFFFF), steps=st.lists(st.integers(1, 2000), min_size=1, max_size=60))
@settings(max_examples=30, deadline=None)
def test_counter_mode_here_agrees_with_libsrtp_over_losses_and_roll_over(suite, start, steps):
    key = crypto(suite)
    protect, ours = sender(key).protect, OwnReceiver(key)
    sequence = start
    for step in steps:
        packet = rtp(sequence & 0xFFFF)
        protected = protect(packet)
        assert ours.unprotect(protected) == packet
        assert ours.unprotect(protected) is None
        sequence += step


def test_a_late_packet_from_before_the_roll_over_is_read():
    key = crypto("AES_CM_128_HMAC_SHA1_80")
    protect, ours = sender(key).protect, OwnReceiver(key)
    protected = [protect(rtp(s)) for s in (65533, 65534, 65535, 0, 1)]
    assert [ours.unprotect(protected[i]) is not None for i in (0, 1, 3, 2, 4)] == [True] * 5


@pytest.mark.parametrize("suite", TAG_SIZES)
def test_a_wrong_key_a_plain_packet_and_a_changed_byte_are_refused(suite):
    right, wrong = crypto(suite), crypto(suite, fill=9)
    if suite in LIBSRTP:
        protected = sender(right).protect(rtp(1))
        assert receiver(wrong).unprotect(protected) is None
        for at in (0, 3, 12, 100, len(protected) - 1):
            changed = bytearray(protected)
            changed[at] ^= 0x40
            assert receiver(right).unprotect(bytes(changed)) is None
        assert receiver(right).unprotect(protected) == rtp(1)
    assert receiver(right).unprotect(rtp(1)) is None


def with_terms(suite, *parameters, mki=""):
    plain = crypto(suite)
    return Crypto(1, suite, plain.key, plain.salt, mki=mki, parameters=parameters)


@pytest.mark.parametrize("suite", TAG_SIZES)
@pytest.mark.parametrize(("mki", "value"), [("", b""), ("1:1", b"\1"), ("7:4", bytes(3) + b"\7")])
def test_every_suite_is_read_with_and_without_a_master_key_identifier(suite, mki, value):
    key = with_terms(suite, mki=mki)
    unprotect = receiver(key).unprotect
    for sequence in range(3):
        assert unprotect(protect(key, rtp(sequence), mki=value)) == rtp(sequence)
    assert unprotect(protect(key, rtp(9))) == rtp(9), "one that was announced and left out"
    assert unprotect(protect(crypto(suite, fill=9), rtp(10), mki=value)) is None
    assert unprotect(rtp(11)) is None


@pytest.mark.parametrize("suite", TAG_SIZES)
@given(rollover=st.integers(0, 40), sequence=st.integers(0, 0xFFFF))
@settings(max_examples=15, deadline=None)
def test_a_stream_is_taken_up_in_its_midst_and_followed_over_its_roll_over(suite, rollover, sequence):
    key = crypto(suite)
    unprotect = receiver(key).unprotect
    for step in range(0, 5000, 1000):
        index = (rollover << 16) + sequence + step
        packet = rtp(index & 0xFFFF)
        assert unprotect(protect(key, packet, rollover=index >> 16)) == packet


@pytest.mark.parametrize("suite", TAG_SIZES)
def test_keys_are_derived_anew_at_the_agreed_rate(suite):
    key = with_terms(suite, "KDR=10", "WSH=64", "UNENCRYPTED_SRTCP", "FEC_ORDER=FEC_SRTP")
    unprotect = receiver(key).unprotect
    for sequence in range(500, 3000, 500):
        assert unprotect(protect(key, rtp(sequence), rate=1024)) == rtp(sequence)


@pytest.mark.parametrize("suite", TAG_SIZES)
def test_what_is_agreed_not_to_be_encrypted_is_authenticated_all_the_same(suite):
    key = with_terms(suite, "UNENCRYPTED_SRTP")
    protected = protect(key, rtp(1), encrypt=False)
    assert receiver(key).unprotect(protected) == rtp(1)
    changed = bytearray(protected)
    changed[40] ^= 1
    assert receiver(key).unprotect(bytes(changed)) is None
    assert srtp.is_unencrypted(key)


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        (with_terms("AES_CM_128_HMAC_SHA1_80", "UNAUTHENTICATED_SRTP"), "UNAUTHENTICATED_SRTP"),
        (with_terms("AES_CM_128_HMAC_SHA1_80", "KDR=99"), "KDR"),
        (with_terms("AES_CM_128_HMAC_SHA1_80", "KDR=²"), "KDR"),
        (crypto("F8_128_HMAC_SHA1_80"), "F8_128_HMAC_SHA1_80 is not known"),
    ],
)
def test_what_cannot_be_authenticated_has_no_receiver_and_a_reason(key, reason):
    assert receiver(key) is None
    assert reason in why_not(key)


@pytest.mark.parametrize("suite", LIBSRTP)
@given(
    order=st.lists(st.tuples(st.integers(-150, 3000), st.booleans()), max_size=40),
    start=st.integers(0, 70_000),
)
@settings(max_examples=40, deadline=None)
def test_both_receivers_agree_whatever_is_lost_late_repeated_or_changed(suite, order, start):
    key = crypto(suite)
    both, at = receiver(key), start
    for step, harmed in order:
        at = max(0, at + step)
        packet = rtp(at & 0xFFFF)
        protected = bytearray(protect(key, packet, rollover=at >> 16))
        protected[-1] ^= harmed
        assert both.unprotect(bytes(protected)) in ((None,) if harmed else (packet, None))


def test_a_packet_about_which_the_receivers_disagree_proves_nothing():
    key, other = crypto("AES_CM_128_HMAC_SHA1_80"), crypto("AES_CM_128_HMAC_SHA1_80", fill=9)
    both = Both(OwnReceiver(key), other, LIBSRTP[key.suite])
    assert both.unprotect(rtp(1)) is None
    for sequence in (2, 2, 3):
        with pytest.raises(DisputedPacketError):
            both.unprotect(protect(key, rtp(sequence)))


@given(
    suite=st.sampled_from(list(TAG_SIZES)),
    data=st.binary(max_size=100) | st.binary(min_size=1490, max_size=1600),
)
def test_any_bytes_are_refused_without_an_error(suite, data):
    assert receiver(crypto(suite)).unprotect(data) is None
    assert receiver(crypto(suite)).unprotect(b"\x80" + data) is None
