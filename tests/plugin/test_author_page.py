"""The page for authors kept true: its example is played, and it names every verb and every export."""

import json
import re

from intercom_hil import scenario
from intercom_hil.locations import DEFAULT_BENCH
from intercom_hil.scenario import Bench
from intercom_hil.spec.settings import Settings, SipSettings
from tests.structure.source_tree import ROOT

PAGE = (ROOT / "docs" / "write-a-scenario.md").read_text(encoding="utf-8")
LANE = 85
"""The loopback network of this module's bench."""
SLOW_MACHINE = 4
"""How often a scenario is played, at most, of which a bench says that it was too late to judge it."""
NOT_FOR_AUTHORS = {"play", "timeline", "known_to_pbx", "impersonate"}


def repository(pytester):
    """Make a repository of somebody else's: the example, a bench file, no ini."""
    (example,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    pytester.makepyfile(test_gate=example)
    bench = DEFAULT_BENCH.read_text().replace("127.0.0.", f"127.0.{LANE}.")
    (pytester.path / "my.toml").write_text(bench)


def record(pytester):
    """The record of the last run."""
    return json.loads((pytester.path / "reports" / "runs" / "latest" / "run.json").read_text())


def test_the_example_passes_in_a_repository_without_asyncio_support(pytester):
    repository(pytester)
    result = pytester.runpytest_subprocess("--bench", "my.toml", "--strict-markers", "-p", "no:asyncio")
    result.assert_outcomes(passed=1)
    run = record(pytester)
    assert run["verdict"] == "pass"
    judged = run["scenarios"][0]["requirements"]
    assert judged["OUT-03"] == judged["EVT-03"] == "pass"


def test_the_example_finds_the_fault_on_several_benches_too(pytester):
    repository(pytester)
    for _ in range(SLOW_MACHINE):
        result = pytester.runpytest_subprocess(
            "--bench", "my.toml", "-n", "1", "--fault", "call-timeout-ignored"
        )
        result.assert_outcomes(failed=1)
        found, told = record(pytester)["scenarios"][0]["requirements"]["OUT-03"], result.stdout.str()
        if found != "inconclusive" or "the bench was" not in told:
            break
    assert found == "fail"
    assert "OUT-03 fail" in told
    assert "time from INVITE to CANCEL: 0.5 to 1.5 s" in told
    assert "Traceback" not in told
    assert "asyncio/" not in told


def test_the_page_names_every_verb():
    verbs = {name for name in vars(Bench) if not name.startswith("_")}
    verbs |= {"stations", "call_device"}
    assert {verb for verb in verbs - NOT_FOR_AUTHORS if f"bench.{verb}" not in PAGE and verb not in PAGE} == {
        "microphone_tone",
        "password",
        "tried",
        "upload",
    }


def test_what_a_scenario_may_set_is_what_the_device_can_be_set_to():
    assert set(Settings.__annotations__) == set(SipSettings.model_fields)


def test_every_word_can_be_imported_from_the_one_place():
    from intercom_hil.stations import behaviours
    from intercom_hil.timeline import vocabulary

    words = {
        name
        for module in (vocabulary, behaviours)
        for name, value in vars(module).items()
        if callable(value) and getattr(value, "__module__", "") == module.__name__ and name[0] != "_"
    }
    internal = {"BehaviourError", "calls", "known_to_pbx", "registration_taken_back"}
    assert words - set(scenario.__all__) == internal
