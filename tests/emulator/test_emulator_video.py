"""What is to be seen of the device: by its setting, in both directions, in clear and under SRTP."""

import asyncio
import base64
import re
import socket

import pylibsrtp
import pytest
from emulator_peer import KEY, Peer
from emulator_process import SERVER
from hypothesis import given
from hypothesis import strategies as st
from test_emulator_logic import device, incoming, one

from intercom_hil.emulator.camera import pictures
from intercom_hil.emulator.settings import VideoCalls
from intercom_hil.emulator.video_sdp import answering, audio_protection, offering, read_video
from intercom_hil.emulator.vocabulary import Answer, ButtonPressed, Dial, Picture
from intercom_hil.media.h264 import Depacketiser
from intercom_hil.media.rtp import parse_rtp
from intercom_hil.video.h264_viewer import H264Viewer

CALLER = f"<sip:3400@{SERVER}>"


class VideoPhone(Peer):
    """A peer that offers and takes H.264 besides; ``video`` are the packets that came."""

    def __init__(self, address):
        super().__init__(address)
        self.video = []
        self.port_of_video = 0
        self.with_video = True

    async def open(self):
        self.video_socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.video_socket.bind((self.address, 0))
        self.video_socket.setblocking(False)
        self.port_of_video = self.video_socket.getsockname()[1]
        asyncio.get_running_loop().add_reader(self.video_socket, self._seen)
        return await super().open()

    def close(self):
        asyncio.get_running_loop().remove_reader(self.video_socket)
        self.video_socket.close()
        super().close()

    def _seen(self):
        self.video.append(self.video_socket.recv(2048))
        self._seeing = asyncio.create_task(self._tell())

    async def receives_video(self, count, within=5.0):
        async with asyncio.timeout(within), self._news:
            await self._news.wait_for(lambda: len(self.video) >= count)

    def sdp(self, profile="RTP/AVP", crypto=False):
        if not self.with_video:
            return super().sdp(profile, crypto)
        lines = [f"m=video {self.port_of_video} {profile} 99", "a=rtpmap:99 H264/90000"]
        lines += [f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}"] if crypto else []
        return super().sdp(profile, crypto) + "".join(line + "\r\n" for line in lines)


@pytest.fixture
async def peer():
    async with VideoPhone(SERVER) as running:
        yield running


def video_line(message):
    return next((line for line in message.body.splitlines() if line.startswith("m=video")), "")


def film(packets, key=None):
    """Return what is to be seen in RTP packets, as the harness sees it."""
    session = None
    if key:
        policy = pylibsrtp.Policy(key=key, ssrc_type=pylibsrtp.Policy.SSRC_ANY_INBOUND)
        session = pylibsrtp.Session(policy)
    depacketiser, units = Depacketiser(), []
    for data in packets:
        packet = parse_rtp(session.unprotect(data) if session else data)
        units += depacketiser.take(
            packet.payload, sequence=packet.sequence, timestamp=packet.timestamp, marker=packet.marker
        )
    return H264Viewer().look(units, still=False)


def key_of(message):
    section = message.body.partition("m=video")[2]
    return base64.b64decode(re.search(r"inline:(\S+)", section)[1])


@pytest.mark.parametrize(
    ("mode", "placed", "accepted"),
    [
        (VideoCalls.OFF, Picture.NONE, Picture.NONE),
        (VideoCalls.OUTGOING, Picture.LIVE, Picture.NONE),
        (VideoCalls.INCOMING, Picture.NONE, Picture.LIVE),
        (VideoCalls.BOTH, Picture.LIVE, Picture.LIVE),
    ],
)
def test_the_setting_says_in_which_calls_the_device_is_seen(mode, placed, accepted):
    assert one(device(video_calls=mode).step(ButtonPressed()), Dial).picture is placed
    assert one(device(video_calls=mode).step(incoming()), Answer).picture is accepted


def test_every_picture_of_the_camera_fits_into_packets_of_any_mode():
    assert len(pictures()) == 40
    assert max(len(unit) for units in pictures() for unit in units) <= 1100
    assert [unit[0] & 0x1F for unit in pictures()[0]] == [7, 8, 5]


async def test_a_placed_call_is_seen_in_clear_and_stops_with_the_call(start, peer):
    intercom = await start()
    peer.answers["3400"] = [200]
    await intercom.configure(video_calls="Outgoing")
    await intercom.press()
    invite = await peer.sees_request("INVITE")
    assert re.fullmatch(r"m=video \d+ RTP/AVP 99", video_line(invite))
    await peer.receives_video(12)
    look = film(peer.video)
    assert (look.width, look.height, look.moving) == (320, 240, True)
    await intercom.press()
    await peer.sees_request("BYE")
    await intercom.press()
    await peer.sees_request("INVITE", count=2)


async def test_an_accepted_call_is_seen_under_srtp(start, peer):
    intercom = await start()
    await intercom.configure(video_calls="Both", encryption="SRTP-only")
    answer = await peer.call(intercom.uri, CALLER, "RTP/SAVP", crypto=True)
    assert answer.status == 200
    assert re.fullmatch(r"m=video \d+ RTP/SAVP 99", video_line(answer))
    await peer.receives_video(12)
    assert film(peer.video, key_of(answer)).frames >= 9
    await peer.end_call(answer, intercom.uri)


@pytest.mark.parametrize(("mode", "seen"), [("Incoming", True), ("Outgoing", False)])
async def test_a_call_that_leaves_the_offer_to_the_device_is_seen_by_its_setting(start, peer, mode, seen):
    intercom = await start()
    await intercom.configure(video_calls=mode)
    peer.with_video = seen
    offer = await peer.call(intercom.uri, CALLER, late=True)
    assert (offer.status, bool(offer.media_line)) == (200, True)
    assert bool(re.fullmatch(r"m=video \d+ RTP/AVP 99", video_line(offer))) == seen
    await peer.receives_rtp(5)
    if seen:
        await peer.receives_video(12)
        assert film(peer.video).frames >= 9
    await peer.end_call(offer, intercom.uri)


async def test_a_placed_call_is_seen_under_srtp(start, peer):
    intercom = await start()
    peer.plain = False
    peer.answers["3400"] = [200]
    await intercom.configure(video_calls="Both", encryption="SRTP-only")
    await intercom.press()
    invite = await peer.sees_request("INVITE")
    await peer.receives_video(12)
    assert film(peer.video, key_of(invite)).frames >= 9


async def test_video_is_declined_where_the_setting_or_the_protection_does_not_allow_it(start, peer):
    intercom = await start()
    await intercom.configure(video_calls="Outgoing")
    answer = await peer.call(intercom.uri, CALLER)
    assert (answer.status, video_line(answer)) == (200, "m=video 0 RTP/AVP 99")
    await peer.end_call(answer, intercom.uri)
    await intercom.configure(video_calls="Incoming")
    taken = await peer.call(intercom.uri, CALLER)
    assert re.fullmatch(r"m=video [1-9]\d* RTP/AVP 99", video_line(taken))
    await peer.end_call(taken, intercom.uri)
    peer.with_video = False
    spoken = await peer.call(intercom.uri, CALLER)
    assert (spoken.status, video_line(spoken)) == (200, "")
    await peer.end_call(spoken, intercom.uri)


async def test_a_call_up_with_video_stays_one_through_a_re_invite(start, peer):
    intercom = await start()
    await intercom.configure(video_calls="Incoming")
    answer = await peer.call(intercom.uri, CALLER)
    await peer.receives_video(5)
    peer._request("INVITE", intercom.uri, answer["Call-ID"], answer["From"], answer["To"], 2, "", peer.sdp())
    again = await peer.sees(lambda m: m.status == 200 and m["CSeq"] == "2 INVITE")
    peer._request("ACK", intercom.uri, answer["Call-ID"], answer["From"], answer["To"], 2)
    assert video_line(again) == video_line(answer)
    await peer.receives_video(len(peer.video) + 5)


OURS = "v=0\r\nm=audio 1 RTP/AVP 8\r\na=sendrecv\r\nm=audio 3 RTP/AVP 8\r\n"
OFFER = (
    "v=0\r\nc=IN IP4 127.0.0.1\r\na=sendonly\r\nm=audio 5 RTP/AVP 8\r\nm=video 0 RTP/AVP 96\r\n"
    "a=rtpmap:96 H264/90000\r\nm=video 7 RTP/SAVP 97 98\r\n"
    "a=rtpmap:97 VP8/90000\r\na=rtpmap:98 h264/90000\r\n"
    "a=fmtp:98 packetization-mode=1\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAAA\r\n"
    f"a=crypto:4 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|2^20\r\n"
)


def test_the_first_usable_video_section_is_read():
    video = read_video(OFFER)
    assert (video.place, video.port, video.payload_type, video.direction) == (2, 7, 98, "sendonly")
    assert (video.tag, video.key, video.format) == ("4", base64.b64decode(KEY), "packetization-mode=1")
    assert video.demands_srtp
    answer = answering(OFFER, video, "127.0.0.2", 9, bytes(30))
    assert "m=video 9 RTP/SAVP 98\r\nc=IN IP4 127.0.0.2\r\n" in answer
    assert "a=recvonly\r\na=crypto:4 " in answer
    assert answer.count("m=") == OFFER.count("m=")


def test_our_offer_has_video_in_the_place_of_the_second_audio():
    offer = offering(OURS, "127.0.0.2", 9, bytes(30))
    assert offer.startswith("v=0\r\nm=audio 1 RTP/AVP 8\r\na=sendrecv\r\nm=video 9 RTP/AVP 99\r\n")
    assert "crypto" not in offer
    assert read_video(offer + "c=IN IP4 127.0.0.2\r\n").port == 9


@given(st.text(alphabet="m=videoauc 0123456789\r\n:RTP/AVSH2.64crypto", max_size=200) | st.text(max_size=200))
def test_no_description_makes_the_reader_fail(text):
    read_video(text)
    read_video(OFFER.replace("7", text[:20]))
    audio_protection(text)
    offering(text, "127.0.0.2", 9, bytes(30))
