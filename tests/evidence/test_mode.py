"""A run's mode follows from its record: conformance only where nothing was left out or altered."""

import json

import pytest

from intercom_hil.bench.environment import environment_of
from intercom_hil.bench_file.model import load
from intercom_hil.evidence.mode import OLDEST_CHECK, BenchCheck, mode_of
from intercom_hil.evidence.records import Evidence, ScenarioRecord
from intercom_hil.evidence.run import RunFolder
from intercom_hil.evidence.traces import traces
from intercom_hil.locations import DEFAULT_BENCH, SCENARIOS
from intercom_hil.spec.catalogue import CATALOGUE
from intercom_hil.spec.verdict import Verdict

ROWS = [name for name, row in CATALOGUE.items() if row.judged]
NAMED = {"make": "Acme", "model": "D2", "firmware": "2.1", "serial": "A-17", "mac": "", "hardware": ""}
EMULATED = {"kind": "emulated", **NAMED, "capabilities": {"tls": True}, "emulated": {"faults": []}}
PHYSICAL = {**EMULATED, "kind": "physical", "address": "192.0.2.30"}
CHECK = BenchCheck(time=1000.0)


def mode(device=EMULATED, **changes):
    facts = {
        "started": 2000.0,
        "interrupted": False,
        "selection": "",
        "environment": {"device": device},
        "asked": ROWS,
        "rows": ROWS,
        "check": None,
    }
    return mode_of(**facts | changes)


def lanes(*devices):
    return {"benches": {str(place): {"device": device} for place, device in enumerate(devices)}}


@pytest.mark.parametrize(
    "found",
    [
        mode(),
        mode({**EMULATED, "serial": "", "mac": "02:00:00:00:00:01"}),
        mode({**EMULATED, "emulated": {"faults": [], "pace": {}, "variant": "some-variant"}}),
        mode(environment=lanes({**EMULATED, "address": "127.0.0.30"}, {**EMULATED, "address": "127.0.1.30"})),
        mode(PHYSICAL, check=CHECK),
    ],
    ids=["emulated", "by its MAC", "a lawful variant", "copies", "physical"],
)
def test_a_whole_run_of_an_identified_device_is_one_of_conformance(found):
    assert (found.kind, found.reasons) == ("conformance", [])


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (mode(interrupted=True), "was interrupted"),
        (mode(selection="-k call"), "asked for: -k call"),
        (mode(asked=ROWS[1:]), f"no scenario was asked for {ROWS[0]}"),
        (mode(asked=[]), "and 70 more"),
        (mode({**EMULATED, "emulated": {"faults": ["deaf"]}}), "injected into the emulated intercom: deaf"),
        (mode({**EMULATED, "emulated": {"pace": {"dial": 1.0}}}), "slowed down"),
        (mode({**EMULATED, "firmware": ""}), "firmware missing"),
        (mode({**EMULATED, "serial": ""}), "serial number or MAC address missing"),
        (mode({k: v for k, v in EMULATED.items() if k != "capabilities"}), "not declared"),
        (mode(environment={}), "no bench is on record"),
        (mode(environment=lanes(PHYSICAL, {**PHYSICAL, "address": "192.0.2.31"}), check=CHECK), "2 devices"),
        (mode(PHYSICAL), "was not checked"),
        (mode(PHYSICAL, started=OLDEST_CHECK + 1001, check=CHECK), "more than a day"),
        (mode(PHYSICAL, started=999.0, check=CHECK), "more than a day"),
    ],
)
def test_whatever_was_left_out_or_altered_makes_it_diagnostic(found, reason):
    assert found.kind == "diagnostic"
    assert [text for text in found.reasons if reason in text] == found.reasons


def test_the_run_that_comes_without_any_option_is_one_of_conformance():
    """All scenarios that come along, on the bench without hardware: what is in the files suffices for it."""
    file = load(DEFAULT_BENCH)
    asked = list(traces(SCENARIOS))
    found = mode_of(
        started=2000.0,
        interrupted=False,
        selection="",
        environment=environment_of(file),
        asked=asked,
        rows=ROWS,
        check=None,
    )
    assert (found.kind, found.reasons) == ("conformance", [])


def played(tmp_path):
    run = RunFolder.create(tmp_path, "emulated")
    run.describe({"device": EMULATED})
    run.scenario_folder("test_x.test_y")
    run.add(
        ScenarioRecord(
            id="test_x.test_y",
            title="y",
            verdict=Verdict.PASS,
            requirements=dict.fromkeys(ROWS, Verdict.PASS),
            started=1.0,
            duration_s=2.0,
            protocol_wait_s=1.0,
            asked=tuple(ROWS),
            evidence=Evidence(folder="scenarios/test_x.test_y"),
        )
    )
    return run


def stored(run):
    data = json.loads((run.path / "run.json").read_text())
    return data["verdict"], data["mode"]["kind"], data["interrupted"]


def test_a_run_that_came_to_an_early_end_is_stored_as_no_pass(tmp_path):
    run = played(tmp_path)
    assert stored(run) == ("inconclusive", "diagnostic", True)
    run.planned = ("test_x.test_y", "test_x.test_z")
    run.write(interrupted=False)
    assert stored(run) == ("inconclusive", "diagnostic", True)
    run.planned = ("test_x.test_y",)
    run.write(interrupted=False)
    assert stored(run) == ("pass", "conformance", False)


def test_what_is_stored_of_a_run_stays_when_it_is_opened_again(tmp_path):
    run = played(tmp_path)
    run.bench_check = CHECK
    run.particulars = run.particulars.model_copy(
        update={"report": run.particulars.report.model_copy(update={"number": "DL-7"})}
    )
    run.write(interrupted=False)
    again, _ = RunFolder.reopen(run.path)
    assert (again.particulars, again.bench_check) == (run.particulars, CHECK)
    assert again.mode.kind == "conformance"
