"""Stations for real, calling each other: every behaviour, as both sides tell it."""

import asyncio
import time

import pytest

from intercom_hil.stations import (
    answers,
    busy,
    calls,
    declines,
    not_found,
    refuses_srtp,
    rejects,
    rings_forever,
    silent,
    unavailable,
)
from intercom_hil.stations.behaviours import SRTP_REFUSALS
from intercom_hil.timeline import Pattern, Witness
from intercom_hil.timeline.pattern import Condition


def words(station):
    return [event.word for event in station.log]


def how(station):
    return [event.fields["how"] for event in station.log if event.ends_call]


def said(station, word):
    condition = Condition(regex=rf"EV {word}( .*)?")
    return Pattern(
        kind="station_said",
        text=f"{station.number} {word}",
        fields={"text": condition},
        witness=Witness.STATION,
    ).where(station=station.number)


async def call(stations, callee, number="3400", **options):
    options = {"hang_up_after": 0.2, "from_uri": f"sip:{number}@127.0.44.99", **options}
    return await stations.start(number, calls(callee.uri, (callee.address, callee.port), **options))


async def test_a_station_rings_answers_and_is_hung_up_on(stations, timeline):
    callee = await stations.start("3401", answers(ring=0.2))
    caller = await call(stations, callee)
    end = await caller.finished(within=5)
    await stations.stop_all()
    assert words(callee) == ["INVITE", "RINGING", "ESTABLISHED", "ENDED"]
    assert words(caller) == ["CALLING", "PROGRESS", "ESTABLISHED", "HANGING-UP", "ENDED"]
    assert (how(callee), how(caller)) == (["peer"], ["us"])
    assert (end.calls_ok, end.calls_failed, end.problem) == (1, 0, "")
    assert callee.log[0].call_id == caller.log[0].call_id
    rang, answered = (timeline.find(said(callee, w))[0].time for w in ("RINGING", "ESTABLISHED"))
    assert 0.15 < answered - rang < 0.4


async def test_a_station_hangs_up_after_the_time_it_was_told(stations, timeline):
    callee = await stations.start("3401", answers(ring=0, hang_up_after=0.4))
    caller = await call(stations, callee, hang_up_after=None)
    await caller.finished(within=5)
    await stations.stop_all()
    assert (how(callee), how(caller)) == (["us"], ["peer"])
    began, ended = (timeline.find(said(callee, w))[0].time for w in ("ESTABLISHED", "HANGING-UP"))
    assert 0.35 < ended - began < 0.7


@pytest.mark.parametrize(
    ("behaviour", "status"),
    [
        (busy(), "486"),
        (declines(), "603"),
        (not_found(), "404"),
        (unavailable(), "480"),
        (rejects(302, "Moved Temporarily"), "302"),
        (rejects(599, 'Odd "& <reason> [sic] \\ ]]>'), "599"),
        (rejects(486, "Busy Here", ring=0.15), "486"),
    ],
    ids=str,
)
async def test_a_station_refuses(stations, behaviour, status):
    callee = await stations.start("3401", behaviour)
    caller = await call(stations, callee)
    await caller.finished(within=5)
    await stations.stop_all()
    refusal = next(event for event in caller.log if event.word == "REFUSED")
    assert refusal.fields["status"] == status
    assert refusal.fields["reason"] == behaviour.parameters["reason"]
    assert (how(callee), how(caller)) == (["refused"], ["refused"])
    assert ("RINGING" in words(callee)) == (behaviour.parameters["ring"] > 0)


async def test_a_caller_gives_up_on_a_station_that_rings_for_ever(stations):
    callee = await stations.start("3401", rings_forever())
    caller = await call(stations, callee, give_up_after=0.5)
    await caller.finished(within=5)
    await stations.stop_all()
    assert words(callee) == ["INVITE", "RINGING", "CANCELLED", "ENDED"]
    assert words(caller) == ["CALLING", "PROGRESS", "CANCELLING", "ENDED"]
    assert (how(callee), how(caller)) == (["cancelled"], ["gave-up"])


async def test_a_caller_hears_nothing_from_a_silent_station(stations):
    callee = await stations.start("3401", silent())
    caller = await call(stations, callee, give_up_after=0.7)
    await caller.finished(within=5)
    await stations.stop_all()
    assert words(callee) == ["INVITE", "ENDED"]
    assert words(caller) == ["CALLING", "ENDED"]
    assert (how(callee), how(caller)) == (["ignored"], ["gave-up"])


@pytest.mark.parametrize(
    ("security", "offer", "profile"),
    [
        ("plain", "plain", "RTP/AVP"),
        ("plain", "srtp", None),
        ("plain", "both", "RTP/AVP"),
        ("srtp", "plain", None),
        ("srtp", "srtp", "RTP/SAVP"),
        ("srtp", "both", "RTP/AVP"),
        ("either", "plain", "RTP/AVP"),
        ("either", "srtp", "RTP/SAVP"),
        ("either", "both", "RTP/AVP"),
    ],
)
async def test_what_is_offered_meets_what_is_answered(stations, security, offer, profile):
    callee = await stations.start("3401", answers(ring=0, security=security))
    caller = await call(stations, callee, security=offer, hang_up_after=0.1)
    await caller.finished(within=5)
    await stations.stop_all()
    found = [event.fields["profile"] for event in caller.log if event.word == "ESTABLISHED"]
    refused = [event.fields["status"] for event in caller.log if event.word == "REFUSED"]
    assert (found, refused) == (([profile], []) if profile else ([], ["488"]))


@pytest.mark.parametrize("status", SRTP_REFUSALS)
async def test_a_station_that_refuses_srtp_takes_the_plain_retry(stations, status):
    callee = await stations.start("3401", refuses_srtp(ring=0, status=status))
    refused = []
    for number, offer in (("3402", "srtp"), ("3403", "plain"), ("3404", "both")):
        caller = await call(stations, callee, number, security=offer, hang_up_after=0.1)
        await caller.finished(within=5)
        refused += [event.fields["status"] for event in caller.log if event.word == "REFUSED"]
    end = (await stations.stop_all())[0]
    assert how(callee) == ["refused", "peer", "peer"]
    assert (end.calls_ok, end.calls_failed) == (3, 0)
    assert refused == [str(status)]


async def test_several_calls_at_once_do_not_disturb_each_other(stations):
    callees = [
        await stations.start(f"340{i}", answers(ring=0.05 * i, tone_hz=400 + 200 * i)) for i in range(3)
    ]
    callers = [await call(stations, callee, f"350{i}", hang_up_after=0.5) for i, callee in enumerate(callees)]
    await asyncio.gather(*(caller.finished(within=5) for caller in callers))
    ends = await stations.stop_all()
    assert [how(station) for station in callees] == [["peer"]] * 3
    assert all(end.calls_ok == 1 and not end.calls_failed and not end.problem for end in ends)


async def test_one_station_takes_several_calls_at_once(stations):
    callee = await stations.start("3400", answers(ring=0))
    callers = [await call(stations, callee, f"350{i}", hang_up_after=0.5) for i in range(3)]
    await asyncio.gather(*(caller.finished(within=5) for caller in callers))
    await stations.stop_all()
    assert how(callee) == ["peer"] * 3


async def test_a_caller_says_who_it_is_as_it_was_told_to(stations, timeline):
    callee = await stations.start("3401", answers(ring=0))
    await (
        await call(
            stations,
            callee,
            from_uri="sip:%31@[::1];x=y",
            display_name='Tür "Süd" \\ [1] <&>',
            extra_headers=("P-Asserted-Identity: <sip:boss@x>", "X-Odd: [call_id] ]]> \\x41"),
            hang_up_after=0,
        )
    ).finished(within=5)
    await stations.stop_all()
    invite = timeline.find(Pattern(kind="sip", text="INVITE").where(method="INVITE", status=None))[0].content
    assert invite.from_display == 'Tür "Süd" \\ [1] <&>'
    assert invite.from_uri == "sip:%31@[::1];x=y"
    assert "\r\nP-Asserted-Identity: <sip:boss@x>\r\n" in invite.raw
    assert "\r\nX-Odd: [call_id] ]]> \\x41\r\n" in invite.raw


async def test_both_sides_messages_come_to_the_timeline_when_they_end(stations, timeline):
    began = time.time()
    callee = await stations.start("3401", answers(ring=0))
    await (await call(stations, callee, hang_up_after=0)).finished(within=5)
    await stations.stop_all()
    seen = timeline.find(Pattern(kind="sip", text="SIP", witness=Witness.STATION))
    assert len(seen) == 12
    assert all(began < o.time < time.time() for o in seen)
    ends = {o.content.source for o in seen} | {o.content.destination for o in seen}
    assert ends == {f"{callee.address}:5070", "127.0.44.21:5070"}


async def test_starting_a_station_takes_few_milliseconds(stations):
    await stations.start("3400", answers())  # renders and computes what is used again
    costs = []
    for number in ("3401", "3402", "3403", "3404", "3405"):
        began = time.perf_counter()
        await stations.start(number, answers())
        costs.append(time.perf_counter() - began)
    assert sorted(costs)[2] < 0.05, costs
