"""A bench that is really late: its event loop stands, its processes wait for a processor."""

import asyncio
import os
import sys
import time

import pytest

from intercom_hil.bench.lateness import LatenessWitness
from intercom_hil.errors import Inconclusive
from intercom_hil.judge.judge import ExpectationFailed, Judge
from intercom_hil.judge.judgement import judged
from intercom_hil.judge.lateness import late_between
from intercom_hil.lateness import MOST_STRETCH, gauge, stretched
from intercom_hil.lateness.gauge import Gauge
from intercom_hil.spec import events
from intercom_hil.spec.verdict import Verdict
from intercom_hil.timeline import Timeline, Witness
from intercom_hil.timeline.observation import DeviceEvent
from intercom_hil.timeline.vocabulary import event

DIALING = DeviceEvent(name="outgoing_call_initiated", screen_name="Dialing")
INITIATED = event(events.OUTGOING_INITIATED)
STANDSTILL = 0.8
"""Seconds for which the event loop is kept from everything."""


def stand(seconds):
    time.sleep(seconds)


def stand_still(seconds=STANDSTILL):
    """Keep the event loop from everything, a moment from now."""
    asyncio.get_running_loop().call_later(0.02, time.sleep, seconds)


@pytest.fixture
async def watched():
    """A timeline on which a bench tells of its lateness, and the judge of it."""
    timeline = Timeline()
    witness = LatenessWitness(timeline.append)
    witness.begin()
    yield Judge(timeline, report_lateness=witness.report)
    witness.close()


@pytest.fixture
async def always_late():
    """An event loop that stands nearly all the time."""

    async def hog():
        while True:
            stand(0.19)
            await asyncio.sleep(0.01)

    task = asyncio.create_task(hog())
    yield
    task.cancel()


async def test_an_event_loop_that_stands_still_makes_the_bench_late():
    loop = asyncio.get_running_loop()
    watch = Gauge(loop)  # one that knows nothing of the tests before
    with watch.running():
        begun = loop.time()
        stand_still()
        await asyncio.sleep(0.1)
        ended = loop.time()
        assert 0.7 * STANDSTILL < watch.late(begun, ended) <= ended - begun
        assert watch.late(begun - 10, begun) < watch.late(begun, ended)


async def test_processes_that_wait_for_a_processor_make_the_bench_late():
    busy = [sys.executable, "-c", "while True: pass"]
    hogs = [await asyncio.create_subprocess_exec(*busy) for _ in range(2 + (os.cpu_count() or 1))]
    loop, watch = asyncio.get_running_loop(), gauge()
    try:
        with watch.running():
            begun = loop.time()
            async with asyncio.timeout(30):
                while watch.late(begun, loop.time()) < 0.5:  # noqa: ASYNC110  (nobody says when)
                    await asyncio.sleep(0.1)
    finally:
        for hog in hogs:
            hog.kill()
            await hog.wait()


async def test_what_somebody_is_kept_waiting_for_counts_before_it_has_come():
    loop, watch = asyncio.get_running_loop(), gauge()
    with watch.running(), watch.standing("PBX", 0.05):
        begun = loop.time()
        await asyncio.sleep(0.4)
        assert watch.late(begun, loop.time()) >= 0.3


async def test_a_bound_grows_by_the_time_for_which_the_event_loop_stood():
    came = asyncio.Event()
    async with stretched(1.0):
        stand_still()
        asyncio.get_running_loop().call_later(0.5, came.set)
        await came.wait()  # 0.8 s
        await asyncio.sleep(0.5)  # only the time that is given back covers it


async def test_a_bound_runs_out_on_a_bench_that_is_never_in_time(always_late):
    begun = time.monotonic()
    with pytest.raises(TimeoutError):
        async with stretched(0.5):
            await asyncio.Event().wait()
    assert time.monotonic() - begun >= 0.5 * (MOST_STRETCH - 1)


async def test_a_bound_runs_out_at_its_time_at_the_earliest():
    begun = time.monotonic()
    with pytest.raises(TimeoutError):
        async with stretched(0.2):
            await asyncio.Event().wait()
    assert time.monotonic() - begun >= 0.2


async def test_what_comes_late_because_the_bench_stood_still_is_no_failure(watched):
    stand_still()

    async def device():
        await asyncio.sleep(0.1)  # ends only when the loop goes on
        await asyncio.sleep(0.2)
        watched.timeline.append(Witness.CONSOLE, DIALING)

    acting = asyncio.create_task(device())
    await watched.expect("EVT-01", INITIATED, within=0.5)
    await acting
    assert [j.verdict for j in watched.judgements] == [Verdict.PASS]


async def test_what_never_comes_fails_though_the_bench_stood_still_for_a_while(watched):
    stand_still()
    with pytest.raises((ExpectationFailed, Inconclusive)):
        await watched.expect("EVT-01", INITIATED, within=0.5)
    rule = watched.judgements[0].rule
    assert rule.wait.lasted >= 0.5 + 0.7 * STANDSTILL  # it had its time, and what the bench took of it
    late = late_between(watched.timeline, rule.wait.begun, rule.wait.begun + rule.wait.lasted)
    if late < STANDSTILL + 0.1:  # else others hold this machine up as well
        assert watched.judgements[0].verdict is Verdict.FAIL


async def test_on_a_bench_that_is_never_in_time_what_is_missing_is_not_found_out(watched, always_late):
    with pytest.raises(Inconclusive, match=r"the bench was \d+\.\d s late"):
        await watched.expect("EVT-01", INITIATED, within=0.5)
    (judgement,) = watched.judgements
    assert judgement.verdict is Verdict.INCONCLUSIVE
    again = judged(judgement.requirement, "", judgement.rule, watched.timeline, watched.timeline.opened)
    assert again.verdict is Verdict.INCONCLUSIVE


async def test_a_precondition_that_is_missing_on_a_late_bench_is_waited_for_longer(watched):
    stand_still()
    asyncio.get_running_loop().call_later(0.9, watched.timeline.append, Witness.CONSOLE, DIALING)
    assert await watched.require(INITIATED, within=0.5)
