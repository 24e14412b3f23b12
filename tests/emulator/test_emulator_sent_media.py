"""Faults of media for which bench and emulated intercom have the same libraries: our own eyes see them."""

import base64

import numpy as np
import pylibsrtp

from intercom_hil.emulator.fault_sent_packets import MEDIA_DISTORTIONS
from intercom_hil.media.g711 import decode_alaw, encode_alaw
from intercom_hil.media.rtp import parse_rtp
from intercom_hil.media.srtp import OwnReceiver
from intercom_hil.media.tone import dominant_tone
from intercom_hil.wire.sdp import Crypto

KEY = bytes(range(30))
SUITE = "AES_CM_128_HMAC_SHA1_80"
INLINE = base64.b64encode(KEY).decode()
SDP = f"v=0\r\nm=audio 4000 RTP/SAVP 8\r\na=crypto:1 {SUITE} inline:{INLINE}\r\n"
SSRC = b"\0\0\0\7"


def talk(hz, packets, first=40_000):
    """Return packets of A-law with a tone."""
    times = np.arange(packets * 160) / 8_000
    sound = encode_alaw((8_000 * np.sin(2 * np.pi * hz * times)).astype(np.int16))
    for number in range(packets):
        head = b"\x80\x08" + (first + number & 0xFFFF).to_bytes(2, "big")
        head += (number * 160).to_bytes(4, "big") + SSRC
        yield head + sound[160 * number : 160 * number + 160]


def test_sound_at_half_speed_is_an_octave_lower():
    distort = MEDIA_DISTORTIONS["sound-at-half-speed"]()
    sent = [changed for packet in talk(440, 50) for changed in distort(packet)]
    sound = decode_alaw(b"".join(parse_rtp(packet).payload for packet in sent))
    assert len(sent) == 50
    assert abs(dominant_tone(sound, 8_000) - 220) < 5


def test_a_rollover_that_is_not_counted_is_seen_by_a_receiver_of_our_own():
    distort = MEDIA_DISTORTIONS["srtp-rollover-not-counted"]()
    distort.learn(SDP)
    stack = pylibsrtp.Session(pylibsrtp.Policy(key=KEY, ssrc_type=pylibsrtp.Policy.SSRC_ANY_OUTBOUND))
    witness = OwnReceiver(Crypto(1, SUITE, KEY[:16], KEY[16:]))
    sent = [changed for packet in talk(440, 60) for changed in distort(stack.protect(packet))]
    assert [parse_rtp(packet).sequence for packet in sent[24:26]] == [65_535, 0]
    believed = [witness.open(packet).plain is not None for packet in sent]
    assert believed == [True] * 25 + [False] * 35


def test_media_under_keys_that_were_not_described_is_left_alone():
    distort = MEDIA_DISTORTIONS["srtp-rollover-not-counted"]()
    distort.learn(SDP)
    packets = list(talk(440, 30))
    assert [changed for packet in packets for changed in distort(packet)] == packets
