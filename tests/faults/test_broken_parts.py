"""The table of bench faults: what breaks, when, and what its scenario and the one after come to.

A part of the bench that breaks is an error, a device that breaks a failure; the next scenario finds the bench
whole again. Nothing is waited for without end, and nothing stays behind.
"""

import json

import pytest

from tests.faults.breaking.test_breaking_parts import OF_STATIONS, PROXY, WAYS
from tests.faults.lane import eventually, left_of, run_scenarios

LANE = 98
SCENARIOS = "tests/faults/breaking/test_breaking_parts.py"
LONGEST = 60.0
"""Seconds that a scenario may take in which something hangs; some 10 are usual."""
OF_DEVICE = {"device-agent-killed", "device-killed"}
HANGS = {"device-agent-stopped", "device-stopped"}
"""What the bench cannot heal: it has no switch for the device's supply."""
THAWED = "asterisk-stopped"
"""What is put right at once: the cleaning up has a PBX that was to be silent go on, and nothing is lost."""
NOW = {
    "test_in_call": ("pbx-container-paused", "stations-supervisor-stopped"),
    "test_in_the_cleaning_up": ("tcpdump-killed", "device-killed"),
    "test_between": ("asterisk-stopped", "device-killed"),
}
"""What is not left for the night."""
TABLE = [
    *(("test_in_call", way, "fail" if way in OF_DEVICE else "error") for way in WAYS),
    *(
        ("test_in_the_cleaning_up", way, "fail" if way in OF_DEVICE else "error")
        for way in WAYS
        if way != THAWED
    ),
    *(("test_between", way, "pass") for way in WAYS if way not in OF_STATIONS),
    *(("test_at_the_proxy", way, "error") for way in PROXY),
]
"""The scenario, what breaks, and the verdict; that of the scenario after is a pass."""


def run_of(folder, rows):
    """Play rows of the table, one after the other on one bench."""
    chosen = " or ".join(f"{name}[{way}-" for name, way, _ in rows)
    return run_scenarios(folder, LANE, "--as-written", "-k", chosen, scenarios=SCENARIOS)


def check(run, rows):
    """Check what a run of some rows came to."""
    assert "Traceback" not in run.output
    found = {scenario["id"].partition(".")[2]: scenario for scenario in run.record["scenarios"]}
    assert len(found) == 2 * len(rows), run.told()
    wrong = []
    for name, way, verdict in rows:
        broken, after = found[f"{name}[{way}-broken]"], found[f"{name}[{way}-after]"]
        if (broken["verdict"], after["verdict"]) != (verdict, "pass"):
            wrong.append((way, broken["verdict"], broken["problems"], after["verdict"], after["problems"]))
        slow = max(broken["duration_s"], after["duration_s"])
        if slow > LONGEST:
            wrong.append((way, f"took {slow} s"))
        if verdict == "error" and not any(broken["problems"]):
            wrong.append((way, "does not say what broke"))
        if name == "test_between" and way in OF_DEVICE and len(after["restarts"]) != 1:
            wrong.append((way, "says nothing of the restart"))
        for scenario in (broken, after):
            record = run.folder / scenario["evidence"]["folder"] / "record.json"
            if json.loads(record.read_text())["verdict"] != scenario["verdict"]:
                wrong.append((way, "its record has changed since"))
    assert not wrong, wrong
    assert eventually(lambda: not left_of(LANE)), left_of(LANE)


def test_a_part_that_breaks_is_an_error_wherever_it_breaks_and_is_healed(tmp_path):
    rows = [row for row in TABLE if row[1] in NOW.get(row[0], ())]
    assert len(rows) == sum(map(len, NOW.values()))
    check(run_of(tmp_path, rows), rows)


@pytest.mark.nightly
@pytest.mark.parametrize("name", dict.fromkeys(name for name, _, _ in TABLE))
def test_every_way_to_break_comes_to_the_verdict_that_the_table_has(tmp_path, name):
    rows = [row for row in TABLE if row[0] == name and row[1] not in HANGS]
    check(run_of(tmp_path, rows), rows)


@pytest.mark.nightly
@pytest.mark.parametrize("name", ["test_in_call", "test_in_the_cleaning_up", "test_between"])
@pytest.mark.parametrize("way", sorted(HANGS))
def test_a_device_that_hangs_is_never_a_pass_and_ends_with_the_run(tmp_path, name, way):
    run = run_of(tmp_path, [(name, way, "")])
    assert "Traceback" not in run.output
    broken, after = run.record["scenarios"]
    if name == "test_in_call":
        assert broken["verdict"] != "pass", run.told()
    assert after["verdict"] in ("error", "fail", "inconclusive"), run.told()
    assert max(broken["duration_s"], after["duration_s"]) < LONGEST
    assert eventually(lambda: not left_of(LANE)), left_of(LANE)


def test_a_clock_that_is_set_is_an_error(tmp_path):
    run = run_scenarios(tmp_path, LANE, "--as-written", "-k", "test_the_clock", scenarios=SCENARIOS)
    broken, after = run.record["scenarios"]
    assert (broken["verdict"], after["verdict"]) == ("error", "pass"), run.told()
    assert any("+3600.0 s" in problem for problem in broken["problems"]), broken["problems"]
