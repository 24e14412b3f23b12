"""Stations come to an end properly, and when they cannot, the bench says so: no ghost calls, no traceback."""

import asyncio
import signal
import socket

import pytest
from raw_party import RawParty

from intercom_hil.errors import BenchError
from intercom_hil.stations import Stations, answers, calls, rings_forever, silent
from intercom_hil.timeline import Pattern, Witness
from intercom_hil.timeline.pattern import Condition

RAW = "127.0.44.42"


def how(station):
    return [event.fields["how"] for event in station.log if event.ends_call]


async def until(timeline, station, word, count=1):
    """Wait until a station has said something so many times."""
    fields = {"station": Condition(one_of=(station.number,)), "text": Condition(regex=rf"EV {word} .*")}
    pattern = Pattern(kind="station_said", text=word, fields=fields)
    assert len(await timeline.wait(pattern, within=3, count=count)) == count


async def test_stopping_hangs_up_established_calls(stations, timeline):
    station = await stations.start("3401", answers(ring=0))
    async with RawParty(RAW) as raw:
        await raw.invite(station)
        stopping = asyncio.create_task(stations.stop_all())
        raw.respond(await raw.receive("BYE"), 200)
        ends = await stopping
    assert (how(station), ends[0].calls_ok, ends[0].problem) == (["us"], 1, "")
    assert (
        timeline.find(Pattern(kind="station_ended", text="end", witness=Witness.STATION))[0].content
        == ends[0]
    )


async def test_stopping_refuses_calls_that_ring(stations):
    station = await stations.start("3401", rings_forever())
    async with RawParty(RAW) as raw:
        raw.request("INVITE", station, raw.offer())
        await raw.receive("180 INVITE")
        stopping = asyncio.create_task(stations.stop_all())
        refusal = await raw.receive("480 INVITE")
        raw.to = refusal.header("To")
        raw.request("ACK", station, cseq=1, branch=raw.branch)
        ends = await stopping
    assert (how(station), ends[0].problem) == (["us"], "")


@pytest.mark.parametrize(("status", "expected"), [(180, "CANCEL"), (200, "BYE")])
async def test_stopping_a_caller_ends_its_call(stations, timeline, status, expected):
    async with RawParty(RAW) as raw:
        caller = await stations.start("3401", calls(f"sip:raw@{RAW}", (RAW, 5090), "sip:3401@x"))
        invite = await raw.receive("INVITE")
        raw.respond(invite, status, raw.offer() if status == 200 else "", to_tag="raw")
        await until(timeline, caller, "PROGRESS" if status == 180 else "ESTABLISHED")
        stopping = asyncio.create_task(caller.stop())
        last = await raw.receive(expected)
        raw.respond(last, 200, to_tag="raw")
        if expected == "CANCEL":
            raw.respond(invite, 487, to_tag="raw")
        end = await stopping
    assert (how(caller), end.calls_ok, end.problem) == (["gave-up" if status == 180 else "us"], 1, "")


async def test_a_peer_that_does_not_answer_the_bye_cannot_keep_a_station(stations):
    station = await stations.start("3401", answers(ring=0))
    async with RawParty(RAW) as raw:
        await raw.invite(station)
        async with asyncio.timeout(2):
            end = (await stations.stop_all())[0]
        await raw.receive("BYE")
    assert end.problem.startswith("calls left open: 1")


async def test_a_station_that_hangs_is_killed(stations):
    station = await stations.start("3401", answers())
    station._sipp.signal(signal.SIGSTOP)
    async with asyncio.timeout(3):
        end = await station.stop()
    assert (end.exit_status, end.signal) == (None, signal.SIGKILL)
    assert await station.stop() == end


async def test_hanging_up_ends_the_call_and_keeps_the_station(stations, timeline):
    station = await stations.start("3401", answers(ring=0))
    for number in ("3402", "3403"):
        caller = await stations.start(
            number, calls(station.uri, (station.address, station.port), "sip:caller@x")
        )
        await until(timeline, caller, "ESTABLISHED")
        await station.hang_up()
        await caller.finished(within=3)
        assert how(caller) == ["peer"]
        assert not station.open_calls
    assert how(station) == ["us", "us"]
    await station.hang_up()  # nothing to do


async def test_a_call_that_cannot_be_hung_up_is_the_benchs_problem(stations):
    station = await stations.start("3401", answers(ring=0))
    async with RawParty(RAW) as raw:
        await raw.invite(station)
        with pytest.raises(BenchError, match="could not end its call within"):
            await station.hang_up(within=0.2)


async def test_addresses_are_given_back(stations):
    first = await stations.start("3401", silent())
    second = await stations.start("3402", silent())
    assert first.address != second.address
    await first.stop()
    assert (await stations.start("3403", silent())).address == first.address
    assert (await stations.start("3404", silent(), "127.0.44.60")).uri == "sip:3404@127.0.44.60:5070"


async def test_stations_may_be_started_all_at_once(stations):
    started = await asyncio.gather(*(stations.start(f"34{i:02}", answers()) for i in range(8)))
    assert len({station.address for station in started}) == 8
    with pytest.raises(BenchError, match="all 8 addresses"):
        await stations.start("3409", answers())
    with pytest.raises(BenchError, match="has a station already"):
        await stations.start("3409", answers(), started[0].address)
    assert len(await stations.stop_all()) == 8
    assert await stations.stop_all() == []


async def test_a_port_that_somebody_has_is_named(stations):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.44.20", 5070))
        with pytest.raises(BenchError, match=r"127\.0\.44\.20:5070.*another program"):
            await stations.start("3401", answers())


@pytest.mark.parametrize("address", ["::1", "nowhere", "256.1.1.1"])
async def test_an_address_that_is_none_is_named(stations, address):
    with pytest.raises(BenchError, match=f"{address}: cannot use it"):
        await stations.start("3401", answers(), address)


async def test_an_address_of_another_machine_is_refused_in_sipps_words(stations):
    with pytest.raises(BenchError, match=r"3401-\d+\.xml: SIPp would not start: .*(bind|assign)"):
        await stations.start("3401", answers(), "192.0.2.1")
    assert await stations.stop_all() == []


@pytest.mark.parametrize("number", ["", "../x", "34 01", "3401\n", "a" * 33, "ü"])
async def test_a_number_that_is_none_is_refused(stations, number):
    with pytest.raises(BenchError, match="is no station number"):
        await stations.start(number, answers())


@pytest.mark.parametrize(
    ("template", "complaint"),
    [("{% if %}", "template"), ("{{ nothing }}", "nothing"), ("<scenario", "would not start")],
)
async def test_a_wrong_template_is_named(peers, timeline, tmp_path, template, complaint):
    (tmp_path / "answers.xml.j2").write_text(template)
    place, folder = peers
    wrong = Stations(
        host=place, addresses=["127.0.44.61"], folder=folder, append=timeline.append, templates=tmp_path
    )
    with pytest.raises(BenchError, match=complaint):
        await wrong.start("3401", answers())
    assert await wrong.stop_all() == []


async def test_a_silent_station_breaks_its_silence_when_it_is_stopped(stations):
    """Its caller would go on sending INVITE to whoever has the address next, for 32 s."""
    station = await stations.start("3401", silent())
    async with RawParty(RAW) as raw:
        raw.request("INVITE", station, raw.offer())
        raw.again()
        raw.request("OPTIONS", station)
        assert await raw.hears_nothing_for(0.3)
        ends = await stations.stop_all()
        await raw.receive("480 INVITE")
    assert (how(station), ends[0].problem) == (["ignored"], "")
