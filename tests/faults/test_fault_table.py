"""Every deliberately broken intercom fails on exactly the requirements that it breaks, and on nothing else.

Each run is a compliance run from outside with one fault. It plays the scenarios of the requirements that the
fault breaks, or, where those are rows that no scenario asks for, of those that show it; with ``--complete``
every scenario there is. Two benches run side by side. Together the runs show that no scenario is a rubber
stamp: each one is failed by some intercom.
"""

from __future__ import annotations

import queue
from concurrent.futures import ThreadPoolExecutor

import pytest
from fault_table import BROKEN, CRASHES, FEARED, SHOWN_BY
from lane import run_scenarios

from intercom_hil.spec.catalogue import CATALOGUE
from intercom_hil.spec.good_practice import GOOD_PRACTICE

MAY_BE_REFUSED = {"test_tls.test_a_certificate_under_the_uploaded_ca_is_accepted[for-the-address]"}
"""Scenarios of what a lawful device may refuse: its refusal leaves them inconclusive (RFC 5922 §7.1)."""
LANES = (11, 12)
"""Third octets of the loopback addresses of the benches that run side by side."""


@pytest.fixture(scope="session")
def runs(request, tmp_path_factory):
    """Start a run for every fault that is asked for; tests take their results as they come."""
    items = request.session.items
    asked = [item.callspec.params for item in items if hasattr(item, "callspec")]
    wanted = [params["fault"] for params in asked if "fault" in params]
    if any(item.name == test_every_scenario_is_failed_by_some_broken_intercom.__name__ for item in items):
        wanted += sorted(BROKEN.keys() - CRASHES)
    complete = request.config.getoption("--complete")
    folder = tmp_path_factory.getbasetemp()  # made here: two threads at once would clear it for each other
    free = queue.SimpleQueue()
    for lane in LANES:
        free.put(lane)

    def run(fault):
        chosen = [] if complete else [word for name in SHOWN_BY[fault] for word in ("--requirement", name)]
        lane = free.get()
        try:
            own = folder / fault
            own.mkdir()
            return run_scenarios(own, lane, "--fault", fault, *chosen)
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
    # Good practice fails no run; where it keeps a scenario from its end, that one stays inconclusive.
    assert (run.record["verdict"] == "fail") == any(name in CATALOGUE for name in BROKEN[fault]), run.told()
    assert run.status == (run.record["verdict"] != "pass"), run.told()
    assert not run.having("error"), run.told()


@pytest.mark.nightly
def test_every_scenario_is_failed_by_some_broken_intercom(runs):
    every = [scenario for future in runs.values() for scenario in future.result().record["scenarios"]]
    played = [one for one in every if one["verdict"] != "not applicable"]  # pages have faults of their own
    failed = {scenario["id"] for scenario in played if scenario["verdict"] == "fail"}
    assert sorted({scenario["id"] for scenario in played} - failed - MAY_BE_REFUSED) == []


def test_every_requirement_has_a_fault_that_breaks_it_alone():
    judged = {row.id for row in CATALOGUE.values() if row.judged}
    alone = {next(iter(broken)) for broken in BROKEN.values() if len(broken) == 1}
    assert judged - alone == frozenset()


def test_every_row_of_good_practice_has_a_fault_that_breaks_it():
    """Not each alone: what makes no sense to the other side (SIP-08) is wrong in itself as well."""
    broken = {name for names in BROKEN.values() for name in names}
    assert {row.id for row in GOOD_PRACTICE.values() if row.judged} - broken == frozenset()
