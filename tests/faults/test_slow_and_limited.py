"""A device that is slow, or that takes less than others, is accused of nothing; its limits are named."""

import re

import pytest

from tests.faults.lane import LONGEST_RUN, ROOT, run_scenarios

LANE = 96
BENCHES = ROOT / "fixtures" / "benches"
LIMITS = {"call_timeout", "polling_interval", "contacts", "letters_in_extension"}
"""Those that the limited device declares."""


QUICKER = {"apply = 23": "apply = 5", "restart = 20, registration = 8": "restart = 2, registration = 2"}
"""A slow device need not be as slow as those that are sold to show the same."""
AN_HOUR = 3600.0


def played(folder, name, *chosen, longest=LONGEST_RUN):
    """Play scenarios on a bench that comes along."""
    text = (BENCHES / f"{name}.toml").read_text().replace("127.0.0.", f"127.0.{LANE}.")
    for slow, quicker in QUICKER.items() if name == "emulated-slow" else ():
        assert slow in text
        text = text.replace(slow, quicker)
    bench = folder / f"{name}.toml"
    bench.write_text(text)
    return run_scenarios(folder, LANE, *chosen, bench=bench, longest=longest)


def named_limits(run):
    """Return, for each scenario without a verdict, the limit that it names."""
    named = {}
    for scenario in run.record["scenarios"]:
        if scenario["verdict"] == "inconclusive":
            told = re.search(r"\(device\.limits\.(\w+)\)", " ".join(scenario["problems"]))
            named[scenario["id"]] = told[1] if told else None
    return named


def test_a_device_that_restarts_for_new_settings_and_is_slow_to_call_passes(tmp_path):
    run = played(tmp_path, "emulated-slow", "--requirement", "OUT-06")
    assert run.failed == set(), run.told()
    assert "OUT-06" in run.having("pass"), run.told()


def test_what_a_limit_forbids_to_try_is_inconclusive_and_names_it(tmp_path):
    run = played(tmp_path, "emulated-limited", "--requirement", "CFG-12", "--requirement", "OUT-07")
    assert run.failed == set(), run.told()
    assert set(named_limits(run).values()) == {"letters_in_extension", "contacts"}
    played_all_the_same = [s["id"] for s in run.record["scenarios"] if s["verdict"] == "pass"]
    assert any("test_the_extension_is_the_identity_at_the_server[7]" in name for name in played_all_the_same)


@pytest.mark.nightly
@pytest.mark.parametrize("name", ["emulated-limited", "emulated-slow"])
def test_the_whole_run_accuses_it_of_nothing(tmp_path, name):
    run = played(tmp_path, name, "-n", "2", longest=2 * AN_HOUR)
    assert (run.failed, run.having("error"), run.record["unplayed"]) == (set(), set(), []), run.told()
    assert set(named_limits(run).values()) <= LIMITS, run.told()
