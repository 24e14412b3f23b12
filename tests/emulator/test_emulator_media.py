"""What is heard and how it is protected, on the wire and at the speaker."""

import asyncio
import base64
import math
import re
import struct
import time
from itertools import pairwise
from pathlib import Path

import pylibsrtp
from emulator_peer import KEY

RTP_HEADER = 12


def alaw(sample):
    """Encode one 16-bit sample (ITU-T G.711)."""
    sign, magnitude = (0x80, sample) if sample >= 0 else (0, ~sample)
    magnitude >>= 4
    exponent = max(magnitude.bit_length() - 4, 0)
    mantissa = (magnitude >> max(exponent - 1, 0) if exponent > 1 else magnitude) & 0x0F
    if exponent == 1:
        mantissa = magnitude & 0x0F
    return (sign | min(exponent, 7) << 4 | mantissa) ^ 0x55


def linear(code):
    """Decode one A-law byte to a 16-bit sample (ITU-T G.711)."""
    code ^= 0x55
    exponent, mantissa = code >> 4 & 7, code & 0x0F
    magnitude = (mantissa << 4) + 8 if exponent == 0 else ((mantissa << 4) + 0x108) << (exponent - 1)
    return magnitude if code & 0x80 else -magnitude


def level(samples):
    """Return the level of a tone in dB relative to full scale, from its power."""
    power = sum(s * s for s in samples) / max(len(samples), 1)
    return 10 * math.log10(max(power, 1e-9) / 32768**2)


def tone_hz(samples, rate):
    """Return the frequency of a tone from its upward zero crossings."""
    crossings = [n for n in range(1, len(samples)) if samples[n - 1] < 0 <= samples[n]]
    return (len(crossings) - 1) * rate / (crossings[-1] - crossings[0])


def speaker(intercom, skip_bytes=0):
    data = Path(intercom.ready["speaker"]).read_bytes()[44 + skip_bytes :]
    return struct.unpack(f"<{len(data) // 2}h", data[: len(data) // 2 * 2])


def heard(peer, last=40):
    return [linear(byte) for packet in peer.rtp[-last:] for byte in packet[RTP_HEADER:]]


async def packets(peer, count, within=5.0):
    await peer.receives_rtp(len(peer.rtp) + count, within)


async def talk(peer, answer, seconds, hz=1000, amplitude=8000):
    """Send a tone to where an answer says."""
    port = int(re.search(r"m=audio (\d+)", answer.body)[1])
    host = re.search(r"c=IN IP4 (\S+)", answer.body)[1]
    begun = time.monotonic()
    for number in range(round(seconds * 50)):
        wave = (amplitude * math.sin(2 * math.pi * hz * (number * 160 + n) / 8000) for n in range(160))
        packet = (
            b"\x80\x08" + struct.pack("!HII", number, number * 160, 77) + bytes(alaw(int(s)) for s in wave)
        )
        peer.media_socket.sendto(packet, (host, port))
        await asyncio.sleep(max(0, begun + number * 0.02 - time.monotonic()))


async def test_both_ways_the_sound_has_the_level_that_the_volumes_say(start, peer):
    intercom = await start()
    levels = {}
    for volume in (50, 25):
        await intercom.configure(microphone_volume=volume, speaker_volume=volume)
        mark = len(speaker(intercom)) * 2
        answer = await peer.call(intercom.uri, f"<sip:3400@{peer.address}>")
        await talk(peer, answer, 1.2)
        recorded = speaker(intercom, mark)
        assert len(recorded) > 16_000 * 0.7
        middle = recorded[4_000:12_000]
        samples = heard(peer)
        assert abs(tone_hz(samples, 8000) - 440) < 8
        assert abs(tone_hz(middle, 16_000) - 1000) < 15
        levels[volume] = (level(samples), level(middle))
        await peer.end_call(answer, intercom.uri)
    assert abs(levels[50][0] - -13.0) < 1
    assert abs(levels[50][1] - 20 * math.log10(8000 / 32768 / math.sqrt(2))) < 1
    assert all(abs(full - half - 6.0) < 1 for full, half in zip(levels[50], levels[25], strict=True))


async def test_the_recording_follows_what_is_heard_closely(start, peer):
    intercom = await start()
    await intercom.configure()
    answer = await peer.call(intercom.uri, f"<sip:3400@{peer.address}>")
    sizes = []
    talking = asyncio.create_task(talk(peer, answer, 1.5))
    while not talking.done():
        sizes.append((time.monotonic(), len(speaker(intercom))))
        await asyncio.sleep(0.01)
    growth = [at for (_, before), (at, size) in pairwise(sizes) if size > before]
    assert max(later - earlier for earlier, later in pairwise(growth)) < 0.2


async def test_a_placed_call_has_sound_unless_the_fault_takes_it(start, peer):
    peer.answers = {"3400": [200]}
    intercom = await start("--fault", "one-way-audio")
    await intercom.configure()
    await intercom.press()
    await intercom.event("outgoing_call_established")
    await packets(peer, 20)
    assert level(heard(peer, 10)) < -60


async def test_when_nobody_is_reached_a_voice_says_so(start, peer):
    peer.answers = {"3400": [486]}
    intercom = await start()
    await intercom.configure()
    await intercom.press()
    assert await intercom.event("outgoing_call_contact_failure") == "none of 1 reached"
    await asyncio.sleep(2)  # the voice speaks for less than that
    recorded = speaker(intercom)
    assert len(recorded) > 16_000 * 1.5
    assert -25 < level(recorded) < -12


async def test_a_call_whose_sound_stops_is_ended_as_broken(start, peer):
    intercom = await start("--media-timeout", "1")
    await intercom.configure()
    answer = await peer.call(intercom.uri, f"<sip:3400@{peer.address}>")
    await talk(peer, answer, 0.5)
    details = await intercom.event("incoming_call_failure")
    assert details == f"unreachable: sip:3400@{peer.address} no audio for 1 s"
    await peer.sees_request("BYE")


def authenticated(packets, key):
    policy = pylibsrtp.Policy(key=base64.b64decode(key), ssrc_type=pylibsrtp.Policy.SSRC_ANY_INBOUND)
    session, good = pylibsrtp.Session(policy), 0
    for packet in packets:
        try:
            session.unprotect(packet)
            good += 1
        except pylibsrtp.Error:
            continue
    return good


def key_of(message):
    return re.search(r"inline:(\S+)", message.body)[1]


async def test_a_secure_call_is_secure_on_the_wire_both_placed_and_taken(start, peer):
    peer.answers, peer.plain = {"3400": [200]}, False
    intercom = await start()
    await intercom.configure(encryption="SRTP-only")
    await intercom.press()
    await intercom.event("outgoing_call_established")
    await packets(peer, 25)
    invite = await peer.sees_request("INVITE")
    assert "RTP/SAVP " in invite.media_line
    assert authenticated(peer.rtp, key_of(invite)) == len(peer.rtp)
    await intercom.press()
    await peer.sees_request("BYE")

    peer.rtp.clear()
    answer = await peer.call(intercom.uri, f"<sip:3400@{peer.address}>", "RTP/SAVP", crypto=True)
    assert answer.status == 200
    await packets(peer, 25)
    assert authenticated(peer.rtp, key_of(answer)) == len(peer.rtp)


async def test_the_fault_that_leaks_clear_packets_does_so_from_the_same_port(start, peer):
    intercom = await start("--fault", "plain-under-srtp")
    await intercom.configure(encryption="SRTP-only")
    answer = await peer.call(intercom.uri, f"<sip:3400@{peer.address}>", "RTP/SAVP", crypto=True)
    await packets(peer, 50)
    good = authenticated(peer.rtp, key_of(answer))
    assert 4 <= len(peer.rtp) - good <= 20
    assert all(len(packet) in (172, 182) for packet in peer.rtp)


async def test_each_setting_offers_and_takes_the_media_it_should(start, peer):
    peer.answers = {"3400": [200]}
    intercom = await start()
    caller = f"<sip:3400@{peer.address}>"
    taken = {}
    offered = {}
    for encryption in ("", "RTP with Optional SRTP (Fallback Mode)", "SRTP-only"):
        await intercom.configure(encryption=encryption)
        for profile, crypto in (
            ("RTP/AVP", False),
            ("RTP/AVP", True),
            ("RTP/SAVP", True),
            ("RTP/SAVP", False),
        ):
            mark = len(intercom.console.data)
            answer = await peer.call(intercom.uri, caller, profile, crypto)
            taken[encryption[:4], profile[4:], crypto] = (answer.status, answer.crypto)
            if answer.status == 200:
                await peer.end_call(answer, intercom.uri)
            await intercom.console.expect("incoming_call_(remote_hangup|rejected)", after=mark)
        before = len(peer.find(lambda m: m.method == "INVITE"))
        mark = len(intercom.console.data)
        await intercom.press()
        await intercom.console.expect("outgoing_call_(established|contact_failure)", after=mark)
        invites = peer.find(lambda m: m.method == "INVITE")[before:]
        offered[encryption[:4]] = [(invite.media_line.split()[2], invite.crypto) for invite in invites]
        if encryption != "SRTP-only":
            await intercom.press()
            await peer.sees_request("BYE", count=len(offered))
    secure, plain = ("RTP/SAVP", True), ("RTP/AVP", False)
    assert offered == {"": [plain], "RTP ": [secure, plain], "SRTP": [secure]}
    assert taken == {
        ("", "AVP", False): (200, False),
        ("", "AVP", True): (200, False),
        ("", "SAVP", True): (488, False),
        ("", "SAVP", False): (406, False),
        ("RTP ", "AVP", False): (200, False),
        ("RTP ", "AVP", True): (200, True),
        ("RTP ", "SAVP", True): (200, True),
        ("RTP ", "SAVP", False): (406, False),
        ("SRTP", "AVP", False): (488, False),
        ("SRTP", "AVP", True): (488, False),
        ("SRTP", "SAVP", True): (200, True),
        ("SRTP", "SAVP", False): (406, False),
    }


async def test_an_answer_without_srtp_to_a_secure_offer_is_torn_down(start, peer):
    peer.answers, peer.plain = {"3400": [200]}, False
    peer.answer_profile = {"3400": "RTP/AVP"}
    intercom = await start()
    await intercom.configure(encryption="SRTP-only")
    await intercom.press()
    assert (await intercom.event("outgoing_call_failure")).startswith("media security: ")
    await peer.sees_request("BYE")
    assert "outgoing_call_established" not in intercom.console.data.decode()
    assert not peer.rtp


def test_the_key_of_the_peer_is_a_key():
    assert len(base64.b64decode(KEY)) == 30
