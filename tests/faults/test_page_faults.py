"""Every deliberately broken portal fails on exactly the requirements that its pages break, seen in a browser.

The device's settings go in by its JSON interface, and its pages are looked at besides: so a page that is
wrong keeps no other scenario from its end.
"""

import pytest
from lane import run_scenarios, write_bench

from intercom_hil.emulator.faults import OF_PAGES
from tests.browser.needed import need_browser

LANE = 75
SCENARIOS = "scenarios/test_portal_pages.py"
BROKEN = {name: make().breaks for name, make in OF_PAGES.items()}


@pytest.fixture(autouse=True)
def browser():
    need_browser()


def play(folder, *arguments):
    """Play the scenarios of the pages on a bench with a browser."""
    bench = write_bench(folder, LANE, browser=True)
    return run_scenarios(folder, LANE, *arguments, scenarios=SCENARIOS, bench=bench)


@pytest.mark.nightly
@pytest.mark.parametrize("fault", sorted(BROKEN))
def test_a_broken_portal_fails_on_exactly_what_its_pages_break(fault, tmp_path):
    chosen = [word for name in sorted(BROKEN[fault]) for word in ("--requirement", name)]
    run = play(tmp_path, "--fault", fault, *chosen)
    assert run.failed == set(BROKEN[fault]), run.told()
    assert run.record["verdict"] == ("fail" if BROKEN[fault] else "pass"), run.told()
    assert not run.having("error"), run.told()


@pytest.mark.nightly
def test_a_portal_as_it_should_be_passes_whatever_is_looked_at(tmp_path):
    run = play(tmp_path)
    assert run.status == 0, run.told()
    assert {scenario["verdict"] for scenario in run.record["scenarios"]} == {"pass"}, run.told()


def test_every_fault_of_the_pages_but_the_lawful_one_breaks_a_row():
    assert [name for name, rows in BROKEN.items() if not rows] == ["browser-checks-nothing"]
