"""Who sends video reports it: what of, and how much (RFC 3550 §6.4.1)."""

import select
import socket
import time
from base64 import b64decode

import pylibsrtp
import pytest

from intercom_hil.emulator.agent_video import CallVideo
from intercom_hil.emulator.camera import pictures
from intercom_hil.emulator.vocabulary import Picture
from intercom_hil.media.rtp import SENDER_REPORT, SOURCE_DESCRIPTION, parse_rtcp, parse_rtp

HOST = "127.0.0.1"
FIRST_WITHIN = 4.0
CRYPTO = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd\r\n"


def pair():
    """Two sockets at ports one above the other."""
    while True:
        media, reports = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        media.bind((HOST, 0))
        try:
            reports.bind((HOST, media.getsockname()[1] + 1))
        except OSError:
            media.close()
            reports.close()
            continue
        return media, reports


@pytest.mark.parametrize("secured", [False, True], ids=["clear", "srtp"])
def test_a_sender_report_is_of_the_video_that_is_sent(secured):
    pictures()
    media, reports = pair()
    video = CallVideo(Picture.LIVE, HOST, (43000, 43999))
    profile, crypto = ("RTP/SAVP", CRYPTO) if secured else ("RTP/AVP", "")
    ours = f"v=0\r\nc=IN IP4 {HOST}\r\nm=audio 1 {profile} 8\r\n{crypto}m=audio 3 {profile} 8\r\n"
    offer = video.describe(ours, "")
    theirs = f"m=video {media.getsockname()[1]} {profile} 99\r\na=rtpmap:99 H264/90000\r\n{crypto}"
    video.answered(f"v=0\r\nc=IN IP4 {HOST}\r\nm=audio 1 {profile} 8\r\n{crypto}{theirs}")
    video.begin()
    limit = time.monotonic() + FIRST_WITHIN
    while not select.select([reports], [], [], 0.02)[0]:
        video.turn()
        assert time.monotonic() < limit, "no report came"
    data = reports.recv(2048)
    video.close()
    sent = []
    while select.select([media], [], [], 0)[0]:
        sent.append(parse_rtp(media.recv(2048), encrypted=secured))
    if secured:
        key = offer.partition("m=video")[2].partition("inline:")[2].split()[0]
        policy = pylibsrtp.Policy(key=b64decode(key), ssrc_type=pylibsrtp.Policy.SSRC_ANY_INBOUND)
        data = pylibsrtp.Session(policy).unprotect_rtcp(data)
    report, description = parse_rtcp(data)
    assert (report.packet_type, description.packet_type) == (SENDER_REPORT, SOURCE_DESCRIPTION)
    assert {report.ssrc, description.ssrc} == {packet.ssrc for packet in sent}
    packets = int.from_bytes(report.body[12:16], "big")
    assert packets == len(sent) > 0
    ntp = int.from_bytes(report.body[:4], "big") - 2_208_988_800
    assert abs(ntp - time.time()) < FIRST_WITHIN
    media.close()
    reports.close()
