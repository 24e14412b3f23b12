"""What cannot begin says so in one message, with exit status 2: no traceback, no insides of pytest."""

import pytest

from intercom_hil.locations import DEFAULT_BENCH
from intercom_hil.plugin.options import runs_folder

SCENARIO = """
from intercom_hil.scenario import scenario

@scenario("OUT-01")
async def test_the_button_places_a_call(bench):
    await bench.configure()
"""


@pytest.mark.parametrize("how", ["option", "ini"])
def test_a_bench_file_that_is_wrong(pytester, how):
    bench = pytester.path / "my.toml"
    bench.write_text(DEFAULT_BENCH.read_text().replace("[capture]", "[capture]\nspeed = 3"))
    pytester.makeini("[pytest]\n" + ("intercom_bench = my.toml" if how == "ini" else ""))
    pytester.makepyfile(SCENARIO)
    result = pytester.runpytest_subprocess(*(["--bench", "my.toml"] if how == "option" else []))
    assert result.ret == 2
    told = result.stdout.str() + result.stderr.str()
    assert told.count("capture.speed") == 1
    assert "Traceback" not in told
    assert not (pytester.path / "reports").exists()


def test_the_options_of_a_run_are_known_where_a_bench_is_named(pytester):
    result = pytester.runpytest_subprocess("--bench", DEFAULT_BENCH, "--help")
    result.stdout.fnmatch_lines(["*--requirement=ID*"])


@pytest.mark.parametrize("number", ["0", "-1", "two"])
def test_a_number_of_attempts_that_is_none(pytester, number):
    result = pytester.runpytest_subprocess("--bench", DEFAULT_BENCH, f"--attempts={number}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*--attempts: '{number}' is no number of attempts; name one from 1 on"])


def test_a_number_of_processes_that_is_none(pytester):
    pytester.makepyfile(SCENARIO)
    result = pytester.runpytest_subprocess("--bench", DEFAULT_BENCH, "-n", "-3")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*-n -3: name a number of processes, from 0 on"])


def test_known_deviations_that_cannot_be_read_are_one_message(pytester):
    pytester.makepyfile(SCENARIO)
    result = pytester.runpytest_subprocess("--bench", DEFAULT_BENCH, "--deviations", "none.toml")
    assert result.ret == 2
    told = result.stdout.str() + result.stderr.str()
    assert told.count("the deviations cannot be read") == 1
    assert "_pytest" not in told


def test_a_scenario_that_is_none(pytester):
    pytester.makepyfile(SCENARIO.replace("async def", "def").replace("await bench.configure()", "pass"))
    result = pytester.runpytest_subprocess("--bench", DEFAULT_BENCH)
    result.stdout.fnmatch_lines(["*TypeError: a scenario is written `async def test_*"])


def test_where_a_run_is_kept_is_an_absolute_path(pytester):
    """Containers see the folder at the same path as this process does, wherever they were started."""
    config = pytester.parseconfig("--bench", str(DEFAULT_BENCH), "--runs", "here", "--collect-only")
    assert runs_folder(config, config.getoption("--runs")) == pytester.path / "here"
