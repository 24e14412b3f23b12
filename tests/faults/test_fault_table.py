"""Every deliberately broken intercom fails on exactly the requirements that it breaks, and on nothing else.

Each run is a compliance run from outside with one fault. It plays the scenarios of the requirements that the
fault breaks; with ``--complete`` every scenario there is. Two benches run side by side.
"""

from __future__ import annotations

import queue
from concurrent.futures import ThreadPoolExecutor

import pytest
from lane import run_scenarios

from harness.emulator.faults import FAULTS
from harness.spec.catalogue import CATALOGUE

LANES = (11, 12)
"""Third octets of the loopback addresses of the benches that run side by side."""

BROKEN = {name: make().breaks for name, make in FAULTS.items()}
FEARED = frozenset(
    {
        "allow-list-compares-display-name",
        "allow-list-ignored",
        "button-does-not-hang-up",
        "falls-back-under-srtp-only",
        "missing-event-outgoing_call_established",
        "next-contact-not-tried-after-busy",
        "next-tried-after-answer",
        "no-announcement",
        "no-cancel-at-timeout",
        "no-fallback",
        "plain-under-srtp",
        "wrong-event-name",
    }
)
"""Faults that are tried every time; the others every night."""
INSEPARABLE = frozenset({"CFG-18", "CFG-19", "ENC-08", "INC-04"})
"""Rows that say again, of a setting, what another row says of calls: what breaks one breaks the other."""
CRASHES = frozenset({"crashes-on-call"})
"""Cuts every call short, and so breaks whatever a scenario wanted to find out; see test_broken_bench.py."""


@pytest.fixture(scope="session")
def runs(request, tmp_path_factory):
    """Start a run for every fault that was selected; tests take their results as they come."""
    asked = [item.callspec.params for item in request.session.items if hasattr(item, "callspec")]
    wanted = [params["fault"] for params in asked if "fault" in params]
    complete = request.config.getoption("--complete")
    free = queue.SimpleQueue()
    for lane in LANES:
        free.put(lane)

    def run(fault):
        chosen = [] if complete else [word for name in BROKEN[fault] for word in ("--requirement", name)]
        lane = free.get()
        try:
            return run_scenarios(tmp_path_factory.mktemp(fault), lane, "--fault", fault, *chosen)
        finally:
            free.put(lane)

    with ThreadPoolExecutor(len(LANES)) as pool:
        futures = {fault: pool.submit(run, fault) for fault in dict.fromkeys(wanted)}
        yield futures
        for future in futures.values():
            future.cancel()


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(fault, marks=[] if fault in FEARED else [pytest.mark.nightly])
        for fault in sorted(BROKEN.keys() - CRASHES)
    ],
)
def test_a_broken_intercom_fails_on_exactly_what_it_breaks(fault, runs):
    run = runs[fault].result()
    assert run.failed == set(BROKEN[fault]), run.told()
    assert run.status == 1
    assert not run.having("error"), run.told()


def test_every_requirement_has_a_fault_that_breaks_it_alone():
    judged = {row.id for row in CATALOGUE.values() if row.judged}
    alone = {next(iter(broken)) for broken in BROKEN.values() if len(broken) == 1}
    assert judged - alone == INSEPARABLE
    assert judged <= frozenset().union(*BROKEN.values())
