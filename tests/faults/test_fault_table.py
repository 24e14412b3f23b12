"""Every deliberately broken intercom fails on exactly the requirements that it breaks, and on nothing else.

Each run is a whole compliance run, from outside, with one fault. Two benches run side by side.
"""

from __future__ import annotations

import queue
from concurrent.futures import ThreadPoolExecutor

import pytest
from lane import run_scenarios

from harness.emulator.faults import FAULTS

LANES = (11, 12)
"""Third octets of the loopback addresses of the benches that run side by side."""

BROKEN = {name: make().breaks for name, make in FAULTS.items()}


@pytest.fixture(scope="session")
def runs(request, tmp_path_factory):
    """Start a run for every fault that was selected; tests take their results as they come."""
    wanted = [item.callspec.params["fault"] for item in request.session.items if hasattr(item, "callspec")]
    free = queue.SimpleQueue()
    for lane in LANES:
        free.put(lane)

    def run(fault):
        lane = free.get()
        try:
            return run_scenarios(tmp_path_factory.mktemp(fault), lane, "--fault", fault)
        finally:
            free.put(lane)

    with ThreadPoolExecutor(len(LANES)) as pool:
        futures = {fault: pool.submit(run, fault) for fault in dict.fromkeys(wanted)}
        yield futures
        for future in futures.values():
            future.cancel()


@pytest.mark.parametrize("fault", sorted(BROKEN))
def test_a_broken_intercom_fails_on_exactly_what_it_breaks(fault, runs):
    run = runs[fault].result()
    assert run.failed == set(BROKEN[fault]), run.told()
    assert run.status == 1
    assert not run.having("error"), run.told()


def test_the_faithful_intercom_fails_on_nothing(tmp_path):
    run = run_scenarios(tmp_path, LANES[0] + 10)
    assert run.failed == set(), run.told()
    assert run.status == 0, run.output[-3000:]
