"""What is said of video: pictures decoded from the wire, whether they move, and a still of them."""

import asyncio
import os
import resource
import time
from fractions import Fraction

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intercom_hil.emulator.camera import FRAME_RATE, FRAMES, HEIGHT, WIDTH, pictures
from intercom_hil.errors import BenchError
from intercom_hil.media.h264 import START_CODE, AccessUnit
from intercom_hil.media.rtp import build_rtp
from intercom_hil.timeline.observation import MediaStarted, VideoSeen
from intercom_hil.video.h264_viewer import LARGEST_STILL, H264Viewer, Look, bar_position
from intercom_hil.video.viewers import MAX_STILLS, MAX_WAITING, AtOnce, InThread, Viewer
from tests.capture.wire_story import DEVICE, PBX, Wire, inline, key, protector

TYPE = 99
PNG = b"\x89PNG\r\n\x1a\n"


def video_sdp(address, profile="RTP/AVP", crypto=None):
    lines = ["v=0", f"o=- 1 1 IN IP4 {address[0]}", "s=-", f"c=IN IP4 {address[0]}", "t=0 0"]
    lines += [f"m=audio {address[1] + 2} {profile} 8", f"m=video {address[1]} {profile} {TYPE}"]
    lines += [f"a=rtpmap:{TYPE} H264/90000"]
    lines += [f"a=crypto:1 {crypto.suite} inline:{inline(crypto)}"] if crypto else []
    return "".join(line + "\r\n" for line in lines).encode()


def film(wire, frames, *, protect=None, lose=()):
    """Let the device send pictures of the camera's loop, by their numbers."""
    sequence = 0
    for count, number in enumerate(frames):
        units = pictures()[number % FRAMES]
        for place, unit in enumerate(units):
            sequence += 1
            packet = build_rtp(
                unit,
                payload_type=TYPE,
                sequence=sequence,
                timestamp=count * 9000,
                ssrc=5,
                marker=place == len(units) - 1,
            )
            if sequence not in lose:
                pause = 1 / FRAME_RATE if place == 0 else 0.0
                wire.udp(DEVICE, PBX, protect(packet) if protect else packet, after=pause)


def call(wire, profile="RTP/AVP", device=None, pbx=None):
    wire.call(video_sdp(DEVICE, profile, device), video_sdp(PBX, profile, pbx))


def unit(number):
    stream = b"".join(START_CODE + part for part in pictures()[number])
    return AccessUnit(number * 9000, stream, number % FRAME_RATE == 0, True)


def test_a_live_picture_is_seen_with_its_marker_walking():
    wire = Wire()
    call(wire)
    film(wire, range(20))
    (started,) = wire.said(MediaStarted)
    assert (started.media, started.payload_type, started.protection) == ("video", TYPE, "plain")
    first, second, *_ = wire.said(VideoSeen)
    assert (first.sender, first.receiver, first.call_id) == ("device", "pbx", "call-1")
    assert (first.width, first.height, first.moving) == (WIDTH, HEIGHT, True)
    assert first.duration == pytest.approx(0.55, abs=0.06)
    assert first.frames == len(first.markers) >= 6
    assert list(first.markers + second.markers) == sorted(first.markers + second.markers)
    (ended,) = wire.ended()
    assert (ended.media, ended.lost, ended.packets) == (
        "video",
        0,
        sum(len(pictures()[n]) for n in range(20)),
    )
    assert sum(seen.frames for seen in wire.said(VideoSeen)) == 20


def test_a_picture_that_stands_still_is_told_from_one_that_moves():
    wire = Wire()
    call(wire)
    film(wire, [0] * 15)
    wire.ended()
    looks = wire.said(VideoSeen)
    assert sum(look.frames for look in looks) == 15
    assert not any(look.moving for look in looks)
    assert str(looks[0]).startswith("still 320x240 video, ")


def test_protected_video_is_seen_and_counted():
    wire = Wire()
    device, pbx = key(1), key(2)
    call(wire, "RTP/SAVP", device, pbx)
    film(wire, range(10), protect=protector(device))
    (ended,) = wire.ended()
    assert (ended.protection, ended.rejected, ended.authenticated) == ("srtp", 0, ended.packets)
    assert all(look.protection == "srtp" and look.frames for look in wire.said(VideoSeen))


def test_clear_video_where_srtp_was_agreed_is_rejected_and_not_seen():
    wire = Wire()
    call(wire, "RTP/SAVP", key(1), key(2))
    film(wire, range(10))
    (ended,) = wire.ended()
    assert (ended.authenticated, ended.rejected) == (0, ended.packets)
    assert wire.said(VideoSeen) == []


def test_after_a_loss_nothing_is_seen_until_a_picture_that_stands_by_itself():
    wire = Wire()
    call(wire)
    film(wire, range(20), lose={5})
    wire.ended()
    assert sum(look.frames for look in wire.said(VideoSeen)) == 2 + 10


def test_what_is_no_video_makes_a_window_without_a_picture():
    wire = Wire()
    call(wire)
    for sequence in range(20):
        packet = build_rtp(
            os.urandom(60),
            payload_type=TYPE,
            sequence=sequence,
            timestamp=sequence * 9000,
            ssrc=5,
            marker=True,
        )
        wire.udp(DEVICE, PBX, packet, after=0.1)
    wire.ended()
    looks = wire.said(VideoSeen)
    assert looks
    assert all(look.frames == 0 for look in looks)
    assert str(looks[0]) == "video without a picture from device to pbx (plain)"


@settings(max_examples=40, deadline=None)
@given(st.lists(st.binary(max_size=200), max_size=6), st.integers(0, 3))
def test_no_bytes_disturb_the_eye_for_long(rubbish, where):
    eye = H264Viewer()
    eye.look([unit(0), *(AccessUnit(0, START_CODE + r, bool(where), True) for r in rubbish)], still=True)
    look = eye.look([unit(n) for n in range(10, 20)], still=True)
    assert look.frames >= 9
    assert look.moving


@pytest.mark.parametrize("number", [0, 7, 39])
def test_the_bar_is_found_where_it_stands(number):
    eye = H264Viewer()
    begin = number - number % FRAME_RATE
    look = eye.look([unit(n) for n in range(begin, number + 1)], still=False)
    left = number * (WIDTH - 16) // (FRAMES - 1)
    assert look.markers[-1] == pytest.approx((left + 8) / WIDTH, abs=0.01)


def test_a_picture_without_a_bar_has_none():
    assert bar_position(np.full((60, 80), 90, np.uint8)) is None
    half = np.full((60, 80), 20, np.uint8)
    half[:, 50:] = 230
    assert bar_position(half) is None


def test_a_still_is_a_small_png_and_only_so_many_are_kept(tmp_path):
    look = H264Viewer().look([unit(0)], still=True)
    assert look.still.startswith(PNG)
    assert len(look.still) <= LARGEST_STILL
    viewer = Viewer(AtOnce())
    names = [viewer.keep(look.still, "device-to-../../../etc") for _ in range(MAX_STILLS + 1)]
    assert names[:2] == ["01-device-to-..-..-..-etc.png", "02-device-to-..-..-..-etc.png"]
    assert names[-1] == ""
    viewer.file_stills(tmp_path / "stills")
    assert sorted(file.name for file in (tmp_path / "stills").iterdir()) == names[:-1]
    viewer.file_stills(tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_a_folder_that_cannot_be_written_is_the_benchs_error(tmp_path):
    viewer = Viewer(AtOnce())
    viewer.keep(PNG, "x")
    with pytest.raises(BenchError, match="stills cannot be written"):
        viewer.file_stills(tmp_path / "missing" / "stills")


async def test_work_is_done_elsewhere_and_delivered_in_order():
    thread, delivered = InThread(), []
    for number in range(5):
        assert thread.do(lambda n=number: Look(frames=n), lambda look: delivered.append(look.frames))
    assert delivered == []
    await thread.idle()
    assert delivered == [0, 1, 2, 3, 4]
    thread.close()


async def test_more_work_than_can_be_done_is_turned_down():
    thread, gate = InThread(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def wait():
        asyncio.run_coroutine_threadsafe(gate.wait(), loop).result(5)
        return Look()

    taken = [thread.do(wait, lambda look: None) for _ in range(MAX_WAITING + 1)]
    assert taken == [True] * MAX_WAITING + [False]
    gate.set()
    await thread.idle()
    thread.close()


def forged(width, height):
    """Return one key picture of any size, made of next to nothing."""
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = (
        width,
        height,
        "yuv420p",
        Fraction(1, 30),
    )
    encoder.options = {"preset": "ultrafast", "tune": "zerolatency", "x264-params": "repeat-headers=1"}
    frame = av.VideoFrame.from_ndarray(np.zeros((height * 3 // 2, width), dtype=np.uint8), format="yuv420p")
    stream = b"".join(bytes(packet) for packet in (*encoder.encode(frame), *encoder.encode(None)))
    return AccessUnit(0, stream, True, True)


@pytest.mark.parametrize(("width", "height", "least", "most"), [(4096, 4096, 0, 0), (4096, 2304, 1, 16)])
def test_forged_pictures_cost_little_whatever_their_size(width, height, least, most):
    unit = forged(width, height)
    begun, before = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    viewer = H264Viewer()
    look = viewer.look([unit] * 60, still=True)
    assert least <= look.frames <= most
    assert time.process_time() - begun < 10
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000
    assert viewer.look([forged(320, 240)], still=False).frames == 1
