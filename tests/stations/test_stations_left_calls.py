"""A device is not left in a call that nobody is in: what a station cannot end is ended in its place."""

import asyncio

from raw_party import RawParty

from intercom_hil.stations import answers, calls
from intercom_hil.stations.left_calls import LeftCall, end_call
from intercom_hil.timeline.observation import SipMessageSeen
from intercom_hil.timeline.vocabulary import answer, request

RAW = "127.0.44.42"


def left(timeline, *stations):
    return LeftCall.of([o.content for o in timeline if isinstance(o.content, SipMessageSeen)], stations)


async def test_a_call_whose_caller_is_gone_is_acknowledged_and_ended(stations, timeline):
    async with RawParty(RAW) as raw:
        caller = await stations.start("3401", calls(f"sip:raw@{RAW}", (RAW, 5090), "sip:3401@x"))
        invite = await raw.receive("INVITE")
        raw.respond(invite, 180, to_tag="raw")
        raw.respond(invite, 200, raw.offer(), to_tag="raw")
        await raw.receive("ACK")
        await timeline.wait(request("ACK"), within=3)
        await caller.vanish()
        call = left(timeline, caller.address)
        assert (call.local, call.target) == ((caller.address, caller.port), f"sip:raw@{RAW}:5090")
        ending = asyncio.create_task(end_call(call))
        assert (await raw.receive("ACK")).cseq == (invite.cseq[0], "ACK")
        bye = await raw.receive("BYE")
        assert bye.cseq[0] > invite.cseq[0]
        assert bye.header("To").endswith(";tag=raw")
        assert bye.header("From") == invite.header("From")
        raw.respond(bye, 200)
        assert await ending


async def test_a_call_that_a_station_took_is_ended_from_there_and_asked_for_again(stations, timeline):
    station = await stations.start("3401", answers(ring=0))
    async with RawParty(RAW) as raw:
        ok = await raw.invite(station)
        await timeline.wait(answer(), within=3)
        await station.vanish()
        ending = asyncio.create_task(end_call(left(timeline, station.address)))
        first = await raw.receive("BYE")
        again = await raw.receive("BYE")
        assert (first.branch, first.header("From")) == (again.branch, ok.header("To"))
        assert first.header("To") == ok.header("From")
        raw.respond(again, 481)
        assert await ending


async def test_nothing_is_sent_for_a_call_beside_the_stations_or_one_that_nobody_took(stations, timeline):
    station = await stations.start("3401", answers(ring=0))
    async with RawParty(RAW) as raw:
        await raw.invite(station)
        await timeline.wait(answer(), within=3)
        await station.vanish()
    assert left(timeline) is None
    timeline_of_one = [o for o in timeline if isinstance(o.content, SipMessageSeen)][:1]
    assert left(timeline_of_one, station.address) is None
