"""What the far end may do at any moment, and what a station makes of it."""

import asyncio
import hashlib
import re

import pytest
from raw_party import RawParty, answer_of, header_value

from intercom_hil.stations import answers, busy, calls, refuses_srtp, rings_forever
from intercom_hil.stations.behaviours import LONGEST, obeys

RAW = "127.0.44.41"


def how(station):
    return [event.fields["how"] for event in station.log if event.ends_call]


async def test_an_invite_sent_again_gets_the_same_answer_and_makes_no_second_call(stations):
    station = await stations.start("3401", rings_forever())
    async with RawParty(RAW) as raw:
        raw.request("INVITE", station, raw.offer())
        first = await raw.receive("180 INVITE")
        raw.again()
        second = await raw.receive("180 INVITE")
        assert first.header("To") == second.header("To")
        raw.request("CANCEL", station, cseq=1, branch=raw.branch)
        await raw.receive("487 INVITE")
        raw.request("ACK", station, cseq=1, branch=raw.branch)
    ends = await stations.stop_all()
    assert how(station) == ["cancelled"]
    assert ends[0].calls_ok == 1


async def test_a_refusal_is_sent_until_it_is_acknowledged(stations):
    station = await stations.start("3401", busy())
    async with RawParty(RAW) as raw:
        raw.request("INVITE", station, raw.offer())
        for _ in range(2):
            refusal = await raw.receive("486 INVITE")
        raw.to = refusal.header("To")
        raw.request("ACK", station, cseq=1, branch=raw.branch)
        assert await raw.hears_nothing_for(1.2)


async def test_an_offer_that_is_refused_may_be_made_otherwise_with_the_same_call_id(stations):
    """RFC 3261 §8.1.3.5: it is a new transaction, and SHOULD have the Call-ID of the one before."""
    station = await stations.start("3401", refuses_srtp(ring=0, status=606))
    async with RawParty(RAW) as raw:
        raw.request("INVITE", station, raw.offer(profile="RTP/SAVP"))
        refusal = await raw.receive("606 INVITE")
        raw.to = refusal.header("To")
        raw.request("ACK", station, cseq=1, branch=raw.branch)
        raw.to = ""
        raw.request("INVITE", station, raw.offer())
        if await raw.hears_nothing_for(0.5):  # it came before SIPp was done with the ACK
            raw.again()
        raw.to = (await raw.receive("200 INVITE")).header("To")
        raw.ack()
        await raw.hang_up()
    await stations.stop_all()
    assert how(station) == ["refused", "peer"]


async def test_options_are_answered_in_a_call_and_outside(stations):
    station = await stations.start("3401", answers(ring=0))
    async with RawParty(RAW) as raw:
        raw.request("OPTIONS", station)
        await raw.receive("200 OPTIONS")
    async with RawParty(RAW) as raw:
        await raw.invite(station)
        for method in ("OPTIONS", "INFO"):
            raw.request(method, station)
            await raw.receive(f"200 {method}")
        await raw.hang_up()
    await stations.stop_all()
    assert how(station) == ["peer"]


@pytest.mark.parametrize(
    ("offered", "answered", "heard"),
    [("sendonly", "recvonly", False), ("inactive", "inactive", False), ("recvonly", "sendonly", True)],
)
@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
async def test_hold_and_resume(stations, method, offered, answered, heard):
    station = await stations.start("3401", answers(ring=0))
    async with RawParty(RAW) as raw:
        await raw.invite(station)
        await raw.packets(3)
        for direction, expected, sound in ((offered, answered, heard), ("sendrecv", "sendrecv", True)):
            raw.request(method, station, raw.offer(extra=f"a={direction}\r\n"))
            ok = await raw.receive(f"200 {method}")
            assert answer_of(ok)[1].direction == expected
            if method == "INVITE":
                raw.ack()
            if sound:
                while not raw.sound.queue.empty():
                    raw.sound.queue.get_nowait()
                await raw.packets(5)
            else:
                with pytest.raises(TimeoutError):
                    await raw.packets(20, within=0.3)
        await raw.hang_up()
    ends = await stations.stop_all()
    assert [s.fields["direction"] for s in station.log if s.word == "RENEGOTIATED"] == [
        answered,
        "sendrecv",
    ]
    assert (how(station), ends[0].problem) == (["peer"], "")


async def test_an_update_without_an_offer_is_answered_without_one(stations):
    station = await stations.start("3401", answers(ring=0))
    async with RawParty(RAW) as raw:
        await raw.invite(station)
        raw.request("UPDATE", station, raw.offer())
        assert (await raw.receive("200 UPDATE")).body
        raw.request("UPDATE", station)
        assert not (await raw.receive("200 UPDATE")).body
        await raw.hang_up()


async def test_a_cancel_that_crosses_the_answer_changes_nothing(stations):
    station = await stations.start("3401", answers(ring=0))
    async with RawParty(RAW) as raw:
        raw.request("INVITE", station, raw.offer())
        ok = await raw.receive("200 INVITE")
        raw.request("CANCEL", station, cseq=1, branch=raw.branch)
        await raw.receive("200 CANCEL")
        raw.to = ok.header("To")
        raw.ack()
        await raw.packets(3)
        await raw.hang_up()
    await stations.stop_all()
    assert how(station) == ["peer"]


async def test_an_invite_without_an_offer_gets_one(stations):
    station = await stations.start("3401", answers(ring=0))
    async with RawParty(RAW) as raw:
        raw.request("INVITE", station)
        ok = await raw.receive("200 INVITE")
        assert answer_of(ok)[1].payload_types == (8, 101)
        raw.to = ok.header("To")
        raw.request("ACK", station, raw.offer(), cseq=1)
        await raw.packets(3)
        await raw.hang_up()


async def test_the_end_of_the_call_may_come_from_both_sides_at_once(stations):
    station = await stations.start("3401", answers(ring=0, hang_up_after=0.2))
    async with RawParty(RAW) as raw:
        await raw.invite(station)
        bye = await raw.receive("BYE")
        await raw.hang_up()
        raw.respond(bye, 200)
    end = (await stations.stop_all())[0]
    assert (how(station), end.calls_ok, end.problem) == (["us"], 1, "")


async def place(stations, **options):
    return await stations.start("3401", calls(f"sip:raw@{RAW}:5090", (RAW, 5090), "sip:3401@x", **options))


@pytest.mark.parametrize(("status", "challenge"), [(401, "WWW-Authenticate"), (407, "Proxy-Authenticate")])
async def test_a_caller_answers_a_challenge_once(stations, status, challenge):
    async with RawParty(RAW) as raw:
        caller = await place(stations, credentials=("user", "secret"))
        first = await raw.receive("INVITE")
        line = f'{challenge}: Digest realm="raw", nonce="n0nce", algorithm=MD5\r\n'
        raw.respond(first, status, to_tag="raw", headers=line)
        await raw.receive("ACK")
        second = await raw.receive("INVITE")
        name = "Authorization" if status == 401 else "Proxy-Authorization"
        given = dict(re.findall(r'(\w+)="?([^",]+)"?', second.header(name)))
        a1, a2 = (md5(text) for text in ("user:raw:secret", f"INVITE:{given['uri']}"))
        assert given["response"] == md5(f"{a1}:n0nce:{a2}")
        assert second.cseq[0] == first.cseq[0] + 1
        raw.respond(second, status, to_tag="raw", headers=line)
        await raw.receive("ACK")
        end = await caller.finished(within=2)
    assert (how(caller), end.calls_ok, end.problem) == (["refused"], 1, "")


def md5(text):
    return hashlib.md5(text.encode()).hexdigest()


async def test_without_credentials_a_challenge_is_a_refusal(stations):
    async with RawParty(RAW) as raw:
        caller = await place(stations)
        raw.respond(
            await raw.receive("INVITE"), 401, to_tag="raw", headers='WWW-Authenticate: Digest realm="r"\r\n'
        )
        await raw.receive("ACK")
        await caller.finished(within=2)
    assert [s.fields["status"] for s in caller.log if s.word == "REFUSED"] == ["401"]


async def test_an_answer_that_crosses_the_cancel_is_acknowledged_and_hung_up_on(stations):
    async with RawParty(RAW) as raw:
        caller = await place(stations, give_up_after=0.2)
        invite = await raw.receive("INVITE")
        raw.respond(invite, 180, to_tag="raw")
        cancel = await raw.receive("CANCEL")
        assert (cancel.branch, cancel.cseq[0]) == (invite.branch, invite.cseq[0])
        raw.respond(invite, 200, raw.offer(), to_tag="raw")
        raw.respond(cancel, 200, to_tag="raw")
        await raw.receive("ACK")
        bye = await raw.receive("BYE")
        raw.respond(bye, 200)
        end = await caller.finished(within=2)
    assert (how(caller), end.calls_ok) == (["us"], 1)


async def test_provisional_answers_follow_each_other_and_the_call_goes_on(stations):
    async with RawParty(RAW) as raw:
        caller = await place(stations, hang_up_after=0.1)
        invite = await raw.receive("INVITE")
        raw.respond(invite, 100)
        raw.respond(invite, 180, to_tag="raw")
        raw.respond(invite, 183, raw.offer(), to_tag="raw")
        raw.respond(invite, 200, raw.offer(), to_tag="raw")
        ack = await raw.receive("ACK")
        assert header_value(ack, "To", "tag=(.*)") == "raw"
        raw.respond(invite, 200, raw.offer(), to_tag="raw")  # as if the ACK had been lost
        await raw.receive("ACK")
        raw.respond(await raw.receive("BYE"), 200)
        end = await caller.finished(within=3)
    assert (how(caller), end.calls_ok, end.problem) == (["us"], 1, "")


async def test_a_caller_counts_what_it_offers_and_what_it_asks(stations):
    """What is offered has the next version (RFC 3264 §8), a request the next CSeq, SIPp's own BYE too."""
    async with RawParty(RAW) as raw:
        caller = await place(stations, clear_offer=("UPDATE", 0.1))
        invite = await raw.receive("INVITE")
        raw.respond(invite, 200, raw.offer(), to_tag="raw")
        await raw.receive("ACK")
        update = await raw.receive("UPDATE")
        first, second = (answer_of(message)[0].origin.split() for message in (invite, update))
        assert (first[1], int(first[2]) + 1) == (second[1], int(second[2]))
        stopping = asyncio.create_task(caller.stop())  # while it still waits for an answer
        bye = await raw.receive("BYE")
        raw.respond(bye, 200)
        await stopping
    assert [message.cseq[0] for message in (invite, update, bye)] == [1, 2, 3]
    assert {tag_of(message, "From") for message in (invite, update, bye)} == {tag_of(invite, "From")}


def tag_of(message, name):
    return message.header(name).partition("tag=")[2]


async def test_a_station_that_obeys_does_each_time_what_it_is_told_and_once(stations):
    stranger = "sip:stranger@127.0.44.99"
    station = await stations.start("3401", obeys(answers(ring=LONGEST), stranger))
    async with RawParty(RAW) as raw:
        raw.request("INVITE", station, raw.offer())
        await raw.receive("180 INVITE")
        assert await raw.hears_nothing_for(0.3)
        station.tell("answer")
        raw.to = (await raw.receive("200 INVITE")).header("To")
        raw.ack()
        await raw.packets(3)
        for told, direction in (("hold", "sendonly"), ("resume", "sendrecv"), ("hold", "sendonly")):
            station.tell(told)
            again = await raw.receive("INVITE")
            assert answer_of(again)[1].direction == direction
            raw.respond(again, 200, raw.offer())
            await raw.receive("ACK")
        station.tell("refer")
        refer = await raw.receive("REFER")
        assert refer.header("Refer-To") == f"<{stranger}>"
        raw.respond(refer, 603)
        assert await raw.hears_nothing_for(0.3)
        await raw.hang_up()
    await stations.stop_all()
    assert how(station) == ["peer"]
