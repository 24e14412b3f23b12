"""The test plan: all that a run would play is in it, as the bench file has it, and nothing is started."""

from __future__ import annotations

import asyncio
import inspect
import os
import subprocess
import sys
from html.parser import HTMLParser

import pytest
from typer.testing import CliRunner

from intercom_hil.bench_file.model import load
from intercom_hil.cli import app
from intercom_hil.errors import BenchError
from intercom_hil.locations import BENCHES, DEFAULT_BENCH, SCENARIOS
from intercom_hil.plan import planned, written
from intercom_hil.plan.rehearsal import MOST_STEPS, Rehearsal, _noted
from intercom_hil.plugin.collecting import collect
from intercom_hil.plugin.ordering import forecast
from intercom_hil.scenario import Bench, Settings

LISTENS = """
import sys
seen = []
EVENTS = ("subprocess.Popen", "os.exec", "os.posix_spawn", "os.fork", "socket.connect", "socket.bind")
sys.addaudithook(lambda event, given: seen.append(event) if event in EVENTS else None)
from intercom_hil.cli import app
try:
    app(["plan", *sys.argv[1:]])
finally:
    print("started:", *seen, file=sys.stderr)
"""
FAILING = """
from intercom_hil.scenario import scenario, Bench, request
from intercom_hil.plan.rehearsal import Rehearsal
from intercom_hil.scenario.bench import Bench

@scenario("OUT-01")
async def test_a_door_of_ours(bench: Bench) -> None:
    \"\"\"It <b>rings</b>.\"\"\"
    while True:
        await bench.intercom.press_button()
        await bench.expect("OUT-01", request("INVITE"), within=3)
"""


def plan_of(bench, keywords="", requirements=(), files=(SCENARIOS,)):
    found = collect(files, keywords, requirements)
    return planned.plan(load(bench), bench, found, forecast)


@pytest.fixture(scope="module")
def whole():
    return plan_of(DEFAULT_BENCH)


def invoke(*arguments):
    return CliRunner().invoke(app, ["plan", *map(str, arguments)])


def test_the_rehearsal_takes_whatever_the_bench_takes():
    """A scenario that asks the bench for something would else end its plan there."""
    rehearsal = Rehearsal(load(DEFAULT_BENCH), lambda at: Settings())
    for name, real in inspect.getmembers(Bench, inspect.isfunction):
        if name.startswith("_") or name == "play":
            continue
        rehearsed = getattr(rehearsal, name)
        wanted, given = inspect.signature(real).parameters, inspect.signature(rehearsed).parameters
        anything = any(one.kind is one.VAR_KEYWORD for one in given.values())
        assert anything or set(wanted) - {"self"} <= set(given), name


def test_what_the_rehearsal_does_not_know_is_noted_by_its_name():
    class Newer(Bench):
        async def ring_the_bell(self, how: str) -> str: ...

    rehearsal = Rehearsal(load(DEFAULT_BENCH), lambda at: Settings())
    steps = []
    done = _noted(Newer, "ring_the_bell", steps.append)("loudly")
    assert asyncio.run(done) == "(what ring the bell returns)"
    assert steps == ["ring the bell"]
    with pytest.raises(AttributeError, match="Bench has no method no_such_thing"):
        _ = rehearsal.no_such_thing


def test_every_scenario_is_planned_to_its_end(whole):
    assert len(whole.scenarios) > 200
    assert {one.id.partition(".")[0] for one in whole.left_out} == {"test_portal_pages"}  # it has no browser
    early = {one.id for one in whole.scenarios if one.open}
    assert len(early) <= len(whole.scenarios) / 50, "few compare what was measured; others can be told before"


def test_each_scenario_has_something_done_and_something_expected(whole):
    for scenario in whole.scenarios:
        assert scenario.doc
        assert scenario.requirements
        kinds = {step.kind for step in scenario.steps}
        assert "do" in kinds, scenario.id
        assert scenario.open or kinds & {"wait", "expect"}, scenario.id
        assert 0 <= scenario.least <= scenario.most


def test_expectations_stand_for_requirements_of_the_catalogue(whole):
    rows = {step.requirement for one in whole.scenarios for step in one.steps if step.kind == "expect"}
    assert rows <= {row.id for row in whole.requirements}


def test_bounds_and_addresses_are_those_of_the_bench_file():
    slow, usual = (plan_of(bench, "too_late") for bench in (BENCHES / "emulated-slow.toml", DEFAULT_BENCH))
    assert [one.id for one in slow.scenarios] == [one.id for one in usual.scenarios] != []
    assert slow.scenarios[0].most > usual.scenarios[0].most
    assert slow.forecast > usual.forecast


def test_what_a_person_is_asked_is_said():
    by_hand, by_portal = (
        plan_of(bench, "letters_and_digits") for bench in (BENCHES / "emulated-operator.toml", DEFAULT_BENCH)
    )
    asks = {ask for one in by_hand.scenarios for ask in one.asks}
    assert asks == {"to type in the settings", "to type this in, and say what became of it"}
    assert ("A person is", f"asked {by_hand.asked} times at most (nobody)") in written.facts(by_hand)
    assert ("A person is", "asked for nothing") in written.facts(by_portal)
    tried = [
        len([step for step in found.scenarios[0].steps if step.text.startswith("submit")])
        for found in (by_hand, by_portal)
    ]
    assert 0 < tried[0] < tried[1], "a person types a few of the wrong values"


def test_what_does_not_apply_is_left_out_with_the_reason(tmp_path):
    bench = tmp_path / "blind.toml"
    bench.write_text(DEFAULT_BENCH.read_text().replace("video = true", "video = false"))
    found = plan_of(bench, requirements=["VID"])
    assert found.scenarios == ()
    assert found.left_out
    assert {one.not_applicable for one in found.left_out} == {
        "the bench file declares device.capabilities.video = false"
    }
    assert "Not applicable to this device" in written.markdown(found)


def test_scenarios_are_chosen_as_a_run_chooses_them(whole):
    family = {one.id for one in whole.scenarios if any(row.id.startswith("REG-") for row in one.requirements)}
    assert {one.id for one in plan_of(DEFAULT_BENCH, requirements=["REG"]).scenarios} == family != set()
    one = plan_of(DEFAULT_BENCH, "hung_up and too_late", ["OUT-03"])
    assert [found.title for found in one.scenarios] == ["an answer that comes too late is hung up"]


def test_scenarios_of_others_are_planned_and_one_without_end_is_cut(tmp_path):
    (tmp_path / "test_ours.py").write_text(FAILING)
    (scenario,) = plan_of(DEFAULT_BENCH, files=[tmp_path / "test_ours.py"]).scenarios
    assert (len(scenario.steps), scenario.open) == (
        MOST_STEPS,
        "it goes on like this until something is observed",
    )
    page = invoke(tmp_path / "test_ours.py", "--format", "html").stdout
    assert "It &lt;b&gt;rings" in page
    assert f"and {MOST_STEPS - written.MOST_SHOWN} more of these" in page


def test_nothing_is_started_whatever_the_project_has_set(tmp_path):
    """A project's settings may name a bench, which its own test runs start."""
    (tmp_path / "pytest.ini").write_text(
        f"[pytest]\naddopts = --bench {DEFAULT_BENCH} --fault no-such\nintercom_bench = {DEFAULT_BENCH}\n"
    )
    (tmp_path / "test_ours.py").write_text(FAILING)
    done = subprocess.run(
        [sys.executable, "-c", LISTENS, "test_ours.py"],
        cwd=tmp_path,
        env={**os.environ, "PATH": "/nonexistent", "PYTEST_ADDOPTS": "--fault no-such"},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert "# Test plan: emulated" in done.stdout
    assert done.stderr.splitlines()[-1] == "started:"
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "__pycache__") == [
        "pytest.ini",
        "test_ours.py",
    ]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--bench", "nowhere.toml"], "nowhere.toml: the bench file cannot be read"),
        (["--format", "pdf"], "pdf: there is no such form of a plan. Remedy: use markdown, html"),
        (["--requirement", "NON-99"], "NON-99: no such requirement or family"),
        (["-k", "no_such_name"], "no scenario was asked for"),
        (["no_such_file.py"], "no_such_file.py: there is no such file"),
        (["--like", "nowhere"], "nowhere: there is no such directory"),
        (["-k", "too_late", "-o", "/nonexistent/plan.md"], "/nonexistent/plan.md: No such file or directory"),
    ],
)
def test_what_is_wrong_is_said_in_one_message(arguments, told):
    done = invoke(*arguments)
    assert isinstance(done.exception, BenchError), "main() makes one message of it"
    assert told in str(done.exception)


def test_a_file_of_scenarios_that_cannot_be_imported_is_named(tmp_path):
    (tmp_path / "test_torn.py").write_text("import no_such_module_at_all\n")
    with pytest.raises(BenchError, match=r"test_torn.py: .*no_such_module_at_all"):
        collect([tmp_path / "test_torn.py"])


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)

    def handle_data(self, data):
        self.text += data


def test_both_forms_have_every_scenario_and_no_markup_of_a_name(tmp_path):
    bench = tmp_path / "bench.toml"
    hostile = DEFAULT_BENCH.read_text().replace(
        'display_name = "Front Door"', 'display_name = "<i>x</i>|[a](b)"'
    )
    bench.write_text(hostile.replace('name = "emulated"', 'name = "<script>|`*"'))
    done = [invoke("--bench", bench, "--requirement", "CFG-11", "--format", form) for form in written.FORMS]
    markdown, page = done[0].stdout, Page(done[1].stdout)
    scenarios = plan_of(bench, requirements=["CFG-11"]).scenarios
    assert scenarios
    assert "script" not in page.tags
    headings = [line for line in markdown.splitlines() if line.startswith("## ")]
    assert page.tags.count("section") == len(scenarios) == len(headings) - 1  # one is of what does not apply
    assert headings[-1].startswith("## Not applicable")
    assert "Test plan: <script>|`*" in page.text
    assert "<script>" not in markdown
    for scenario in scenarios:
        assert scenario.title in page.text
        assert len([line for line in markdown.splitlines() if line.startswith("| 1 ")]) == len(scenarios)


def test_an_earlier_run_says_how_long_it_took(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "run.json").write_text(
        '{"schema": 1, "name": "n", "verdict": "pass", "started": 1.0, "ended": 9.0, "interrupted": false, '
        '"environment": {}, "requirements": {}, "scenarios": [{"id": '
        '"test_contacts.test_an_answer_that_comes_too_late_is_hung_up", "title": "t", "doc": "", '
        '"verdict": "pass", "requirements": {}, "started": 1.0, "duration_s": 7.5, "protocol_wait_s": 1.0, '
        '"judgements": [], "measurements": [], "problems": [], "evidence": {"folder": "x"}}]}'
    )
    done = invoke("-k", "too_late_is_hung_up", "--like", folder)
    assert "took 7.5 s in the earlier run" in done.stdout


def test_a_rehearsal_can_be_configured_in_every_way_that_the_bench_can():
    parameters = inspect.signature(Bench.configure).parameters.values()
    named = {one.name for one in parameters if one.kind is not inspect.Parameter.VAR_KEYWORD}
    assert named <= inspect.signature(Rehearsal.configure).parameters.keys()
