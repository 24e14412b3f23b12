"""What a station sends: its tone, plain or encrypted, judged by somebody else than SIPp."""

import asyncio
from itertools import pairwise

import numpy as np
import pytest
from raw_party import CRYPTO, Inbox, RawParty, answer_of, header_value, payloads

from intercom_hil.errors import BenchError
from intercom_hil.media.g711 import decode_alaw, decode_ulaw
from intercom_hil.media.rtp import parse_rtp
from intercom_hil.media.sound import RATE
from intercom_hil.media.tone import dominant_tone, level_dbov
from intercom_hil.stations import answers, calls
from intercom_hil.stations.behaviours import obeys
from intercom_hil.stations.tone import LEVEL_DBOV, SECONDS, alaw_tone
from intercom_hil.wire.sdp import Session

RAW = "127.0.44.40"


@pytest.mark.parametrize("hz", [200, 440, 1000, 1234.5, 3400])
def test_a_tone_has_its_frequency_and_level_and_loops_without_a_jump(hz):
    once = alaw_tone(hz)
    assert len(once) == SECONDS * RATE
    assert len(once) % 160 == 0  # whole packets of 20 ms
    samples = decode_alaw(once + once[: RATE // 2])
    assert dominant_tone(samples[:RATE], RATE) == pytest.approx(hz, abs=1)
    assert level_dbov(samples) == pytest.approx(LEVEL_DBOV, abs=0.2)
    seam = decode_alaw((once + once)[len(once) - 800 : len(once) + 800])
    assert np.max(np.abs(np.diff(seam.astype(int)))) <= np.max(np.abs(np.diff(samples.astype(int))))


async def test_a_plain_call_carries_the_tone(stations):
    station = await stations.start("3401", answers(tone_hz=700, ring=0))
    async with RawParty(RAW) as raw:
        ok = await raw.invite(station)
        _, audio = answer_of(ok)
        packets = [parse_rtp(packet) for packet in await raw.packets(25)]
        await raw.hang_up()
    assert (audio.profile, audio.payload_types, audio.crypto) == ("RTP/AVP", (8, 101), ())
    assert {packet.payload_type for packet in packets} == {8}
    assert len({packet.ssrc for packet in packets}) == 1
    assert dominant_tone(decode_alaw(b"".join(p.payload for p in packets)), RATE) == pytest.approx(700, abs=2)


@pytest.mark.parametrize("profile", ["RTP/SAVP", "RTP/AVP"])
@pytest.mark.parametrize("suite", ["AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32"])
async def test_an_encrypted_call_authenticates_and_carries_the_tone(stations, suite, profile):
    station = await stations.start("3401", answers(tone_hz=900, ring=0, security="either"))
    async with RawParty(RAW) as raw:
        lines = CRYPTO.format(tag=1, suite="AES_256_CM_HMAC_SHA1_80") + CRYPTO.format(tag=7, suite=suite)
        ok = await raw.invite(station, raw.offer(profile=profile, extra=lines))
        _, audio = answer_of(ok)
        sound = payloads(await raw.packets(25), audio.crypto[0])
        await raw.hang_up()
    assert (audio.profile, audio.crypto[0].tag, audio.crypto[0].suite) == (profile, 7, suite)
    assert None not in sound
    assert dominant_tone(decode_alaw(b"".join(sound)), RATE) == pytest.approx(900, abs=2)


async def test_a_station_that_moves_its_sound_sends_it_from_the_other_port_alone(stations):
    station = await stations.start("3401", obeys(answers(tone_hz=700, ring=0), "sip:nobody@127.0.44.99"))
    async with RawParty(RAW) as raw:
        ok = await raw.invite(station)
        await raw.packets(5)
        place = await station.move()
        again = await raw.receive("INVITE")
        _, audio = answer_of(again)
        assert (f"{station.address}:{audio.port}", audio.port == answer_of(ok)[1].port) == (place, False)
        raw.respond(again, 200, raw.offer())
        await raw.receive("ACK")
        came = []
        while not came or came[-1][1] == (station.address, answer_of(ok)[1].port):
            came.append(await raw.sound.queue.get())
        came = [await raw.sound.queue.get() for _ in range(40)]
        assert {source for _, source in came} == {(station.address, audio.port)}
        packets = [parse_rtp(packet) for packet, _ in came]
        await raw.hang_up()
    tone = decode_alaw(b"".join(packet.payload for packet in packets))
    assert dominant_tone(tone, RATE) == pytest.approx(700, abs=2)
    assert {packet.payload_type for packet in packets} == {8}
    steps = {(after.sequence - before.sequence) & 0xFFFF for before, after in pairwise(packets)}
    assert steps == {1}
    await stations.stop_all()
    async with RawParty(station.address, audio.port):  # nobody has the port any more
        pass


async def test_a_station_that_cannot_move_its_sound_says_so(stations):
    station = await stations.start("3401", answers())
    with pytest.raises(BenchError, match="3401 cannot move its sound"):
        await station.move()


async def test_what_an_attribute_says_is_taken_for_no_media_line(stations):
    station = await stations.start("3401", answers(ring=0, security="either"))
    async with RawParty(RAW) as raw:
        line = CRYPTO.format(tag=1, suite="AES_CM_128_HMAC_SHA1_80")
        said = "t=0 0\r\na=tool:m=audio 9 RTP/AVP 0 a=inactive\r\n"
        body = raw.offer(profile="RTP/SAVP", extra=line).replace("t=0 0\r\n", said)
        ok = await raw.invite(station, body)
        _, audio = answer_of(ok)
        await raw.hang_up()
    assert (audio.profile, audio.direction) == ("RTP/SAVP", "sendrecv")


async def test_calls_one_after_the_other_are_each_protected_as_negotiated(stations):
    station = await stations.start("3401", answers(tone_hz=900, ring=0, security="either"))
    keys = set()
    for number, secure in enumerate((True, False, True, False)):
        async with RawParty(RAW, 5090 + 10 * number) as raw:
            extra = CRYPTO.format(tag=1, suite="AES_CM_128_HMAC_SHA1_80") if secure else ""
            ok = await raw.invite(
                station, raw.offer(profile="RTP/SAVP" if secure else "RTP/AVP", extra=extra)
            )
            crypto = answer_of(ok)[1].crypto
            sound = payloads(await raw.packets(15), crypto[0] if crypto else None)
            await raw.hang_up()
        assert bool(crypto) == secure
        keys |= {c.key for c in crypto}
        assert None not in sound
        assert {len(payload) for payload in sound} == {160}
        assert dominant_tone(decode_alaw(b"".join(sound)), RATE) == pytest.approx(900, abs=3)
    assert len(keys) == 2


CAPABILITIES = (
    "a=pcfg:1 t=2 a=7\r\na=tcap:2 RTP/SAVP\r\na=acap:6 crypto:1 AES_CM_128_HMAC_SHA1_32 inline:{key}\r\n"
    "a=acap:7 crypto:90 AES_CM_128_HMAC_SHA1_80 inline:{key}\r\n"
)


@pytest.mark.parametrize(
    ("security", "lines", "taken_up"),
    [
        ("either", CAPABILITIES, ("1 t=2 a=7", 90)),
        ("srtp", CAPABILITIES, ("1 t=2 a=7", 90)),
        ("either", CAPABILITIES.replace("t=2 a=7", "t=2 a=6"), ("1 t=2 a=6", 1)),
        ("either", CAPABILITIES.replace("t=2 a=7", "t=2 a=5"), None),
        ("plain", CAPABILITIES, None),
    ],
)
async def test_a_potential_configuration_is_taken_up_by_name(stations, security, lines, taken_up):
    station = await stations.start("3401", answers(tone_hz=900, ring=0, security=security))
    async with RawParty(RAW) as raw:
        ok = await raw.invite(station, raw.offer(profile="RTP/AVP", extra=lines.format(key="A" * 40)))
        _, audio = answer_of(ok)
        sound = payloads(await raw.packets(15), audio.crypto[0] if audio.crypto else None)
        await raw.hang_up()
    chosen = [value for name, value in audio.attributes if name == "acfg"]
    assert (audio.profile, chosen) == (("RTP/SAVP", [taken_up[0]]) if taken_up else ("RTP/AVP", []))
    assert [crypto.tag for crypto in audio.crypto] == ([taken_up[1]] if taken_up else [])
    assert None not in sound
    assert dominant_tone(decode_alaw(b"".join(sound)), RATE) == pytest.approx(900, abs=3)


async def test_two_calls_at_once_are_each_protected_as_negotiated(stations):
    station = await stations.start("3401", answers(tone_hz=900, ring=0, security="either"))
    async with RawParty(RAW, 5090) as plain, RawParty(RAW, 5190) as secret:
        await plain.invite(station)
        line = CRYPTO.format(tag=1, suite="AES_CM_128_HMAC_SHA1_80")
        ok = await secret.invite(station, secret.offer(profile="RTP/SAVP", extra=line))
        crypto = answer_of(ok)[1].crypto[0]
        both = await asyncio.gather(plain.packets(25), secret.packets(25))
        for party in (plain, secret):
            await party.hang_up()
    clear, decrypted = payloads(both[0]), payloads(both[1], crypto)
    for sound in (clear, decrypted):
        assert None not in sound
        assert dominant_tone(decode_alaw(b"".join(sound)), RATE) == pytest.approx(900, abs=2)


@pytest.mark.parametrize(
    ("security", "taken_up"), [("plain", False), ("srtp", True), ("both", True), ("both", False)]
)
async def test_a_caller_protects_what_was_answered(stations, security, taken_up):
    async with RawParty(RAW) as raw:
        caller = await stations.start(
            "3401", calls(raw.uri, raw.here, "sip:3401@x", security=security, tone_hz=600, hang_up_after=0.6)
        )
        invite = await raw.receive("INVITE")
        offered = Session.parse(invite.body).media[0]
        line = CRYPTO.format(tag=1, suite="AES_CM_128_HMAC_SHA1_80") if taken_up else ""
        raw.respond(invite, 200, raw.offer(profile=offered.profile, extra=line), to_tag="raw")
        await raw.receive("ACK")
        packets = await raw.packets(25)
        raw.respond(await raw.receive("BYE"), 200)
        await caller.finished(within=2)
    assert offered.profile == ("RTP/SAVP" if security == "srtp" else "RTP/AVP")
    assert len(offered.crypto) == (security != "plain")
    sound = payloads(packets, offered.crypto[0] if taken_up else None)
    assert None not in sound
    assert {len(payload) for payload in sound} == {160}
    assert dominant_tone(decode_alaw(b"".join(sound)), RATE) == pytest.approx(600, abs=2)


VIDEO = "m=video 5096 RTP/AVP 99\r\na=rtpmap:99 H264/90000\r\n"


@pytest.fixture
async def pictures():
    transport, inbox = await asyncio.get_running_loop().create_datagram_endpoint(
        Inbox, local_addr=(RAW, 5096)
    )
    yield inbox.queue
    transport.close()
    await inbox.closed


@pytest.mark.parametrize("wanted", [False, True])
async def test_offered_video_is_turned_down_unless_wanted(stations, pictures, wanted):
    station = await stations.start("3401", answers(ring=0, video=wanted))
    async with RawParty(RAW) as raw:
        ok = await raw.invite(station, raw.offer(extra=VIDEO))
        session, audio = answer_of(ok)
        await raw.packets(10)
        if wanted:
            async with asyncio.timeout(2):
                assert parse_rtp((await pictures.get())[0]).payload_type == 99
        await raw.hang_up()
    ends = await stations.stop_all()
    assert [media.media for media in session.media] == ["audio", "video"]
    assert audio.port > 0
    assert (session.media[1].port > 0) == wanted
    assert pictures.empty() or wanted
    assert (ends[0].calls_ok, ends[0].problem) == (1, "")


@pytest.mark.parametrize("answered", [False, True])
async def test_a_caller_sends_the_video_that_was_taken(stations, pictures, answered):
    async with RawParty(RAW) as raw:
        caller = await stations.start("3401", calls(raw.uri, raw.here, "sip:3401@x", video=True))
        invite = await raw.receive("INVITE")
        extra = VIDEO if answered else VIDEO.replace("5096", "0")
        raw.respond(invite, 200, raw.offer(extra=extra), to_tag="raw")
        await raw.receive("ACK")
        await raw.packets(10)
        if answered:
            async with asyncio.timeout(2):
                assert parse_rtp((await pictures.get())[0]).payload_type == 99
        stopping = asyncio.create_task(caller.stop())
        raw.respond(await raw.receive("BYE"), 200)
        end = await stopping
    media = Session.parse(invite.body).media
    assert [(m.media, m.profile) for m in media] == [("audio", "RTP/AVP"), ("video", "RTP/AVP")]
    assert media[1].encodings[99] == "H264/90000"
    assert pictures.empty() or answered
    assert (end.calls_ok, end.problem) == (1, "")


STRANGE = "m=application 5098 UDP/BFCP *\r\na=floorctrl:c-only\r\n"
TURNED_DOWN = VIDEO.replace("5096", "0")


@pytest.mark.parametrize(
    ("extra", "answered"),
    [
        (STRANGE, {"application": 0}),
        (VIDEO + STRANGE, {"video": 1, "application": 0}),
        (STRANGE + VIDEO, {"application": 0, "video": 1}),
        (STRANGE + TURNED_DOWN, {"application": 0, "video": 0}),
        ("m=audio 5098 RTP/AVP 8\r\n" + STRANGE + VIDEO, {"audio": 0, "application": 0, "video": 1}),
    ],
    ids=["strange", "after video", "before video", "before no video", "after a second one of sound"],
)
async def test_an_answer_has_the_sections_of_its_offer_and_refuses_what_is_strange(stations, extra, answered):
    station = await stations.start("3401", answers(ring=0, video=True))
    async with RawParty(RAW) as raw:
        ok = await raw.invite(station, raw.offer(extra=extra))
        await raw.hang_up()
    first, *others = Session.parse(ok.body).media
    assert (first.media, first.port > 0) == ("audio", True)
    assert [(one.media, min(one.port, 1)) for one in others] == list(answered.items())


async def test_what_is_answered_within_a_call_has_the_sections_of_its_offer_too(stations):
    station = await stations.start("3401", answers(ring=0, video=True))
    async with RawParty(RAW) as raw:
        await raw.invite(station, raw.offer(extra=VIDEO))
        again = await raw.invite(station, raw.offer(extra=TURNED_DOWN + STRANGE))
        await raw.hang_up()
    described = [(one.media, min(one.port, 1)) for one in Session.parse(again.body).media]
    assert described == [("audio", 1), ("video", 0), ("application", 0)]


async def test_a_caller_may_offer_what_is_strange_and_goes_on_doing_so(stations):
    async with RawParty(RAW) as raw:
        behaviour = calls(raw.uri, raw.here, "sip:3401@x", video=True, strange_section=True)
        caller = await stations.start("3401", obeys(behaviour, "sip:nobody@127.0.44.99"))
        invite = await raw.receive("INVITE")
        raw.respond(invite, 200, raw.offer(extra=TURNED_DOWN), to_tag="raw")
        await raw.receive("ACK")
        caller.tell("hold")
        again = await raw.receive("INVITE")
        raw.respond(again, 200, raw.offer(extra=TURNED_DOWN))
        await raw.receive("ACK")
        stopping = asyncio.create_task(caller.stop())
        raw.respond(await raw.receive("BYE"), 200)
        await stopping
    offers = [Session.parse(message.body).media for message in (invite, again)]
    assert [[media.media for media in one] for one in offers] == [["audio", "video", "application"]] * 2


@pytest.mark.parametrize("video", [False, True])
async def test_a_caller_that_leaves_the_offer_to_the_other_side_answers_all_of_it(stations, pictures, video):
    async with RawParty(RAW) as raw:
        behaviour = calls(raw.uri, raw.here, "sip:3401@x", video=video, late_offer=True)
        caller = await stations.start("3401", behaviour)
        invite = await raw.receive("INVITE")
        raw.respond(invite, 200, raw.offer(extra=VIDEO + STRANGE), to_tag="raw")
        ack = await raw.receive("ACK")
        await raw.packets(10)
        if video:
            async with asyncio.timeout(2):
                assert parse_rtp((await pictures.get())[0]).payload_type == 99
        stopping = asyncio.create_task(caller.stop())
        raw.respond(await raw.receive("BYE"), 200)
        end = await stopping
    described = [(one.media, min(one.port, 1)) for one in Session.parse(ack.body).media]
    assert not invite.body
    assert described == [("audio", 1), ("video", int(video)), ("application", 0)]
    assert (end.calls_ok, end.problem) == (1, "")


@pytest.mark.parametrize(("status", "law"), [(200, 0), (488, 8)])
async def test_a_station_goes_by_the_law_that_was_agreed_on_last(stations, status, law):
    station = await stations.start("3401", obeys(answers(tone_hz=700, ring=0), "sip:nobody@127.0.44.99"))
    async with RawParty(RAW) as raw:
        await raw.invite(station)
        await raw.packets(5)
        station.tell("recode")
        asked = await raw.receive("INVITE")
        assert answer_of(asked)[1].payload_types == (0, 101)
        raw.respond(asked, status, raw.offer(formats="0") if status == 200 else "")
        await raw.receive("ACK")
        await raw.packets(10)  # some were on their way
        packets = [parse_rtp(packet) for packet in await raw.packets(30)]
        station.tell("hold")
        held = await raw.receive("INVITE")
        assert answer_of(held)[1].payload_types == (law, 101)
        raw.respond(held, 200, raw.offer(formats=str(law)))
        await raw.receive("ACK")
        await raw.hang_up()
    assert {packet.payload_type for packet in packets} == {law}
    sound = b"".join(packet.payload for packet in packets)
    decode = decode_ulaw if law == 0 else decode_alaw
    assert dominant_tone(decode(sound), RATE) == pytest.approx(700, abs=2)


async def test_an_offer_without_a_law_is_not_acceptable(stations):
    station = await stations.start("3401", answers(ring=0))
    async with RawParty(RAW) as raw:
        raw.request("INVITE", station, raw.offer(formats="0 18 80"))
        refusal = await raw.receive("488 INVITE")
        raw.to = refusal.header("To")
        raw.request("ACK", station, cseq=1, branch=raw.branch)
    assert header_value(refusal, "User-Agent", "(.*)") == "station-3401"
