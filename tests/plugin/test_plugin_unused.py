"""The plugin in a repository that has nothing to do with benches, or names none: it is silent and quick."""

import subprocess
import sys

SCENARIO = """
from intercom_hil.scenario import scenario

@scenario("OUT-01")
async def test_the_button_places_a_call(bench):
    await bench.configure()
"""


def test_it_loads_nothing_where_no_bench_is_named(pytester):
    pytester.makepyfile(
        """
        import sys

        def test_what_is_loaded():
            loaded = {name for name in sys.modules if name.startswith("intercom_hil")}
            assert loaded == {"intercom_hil", "intercom_hil.plugin"}
        """
    )
    result = pytester.runpytest_subprocess("--strict-markers")
    result.assert_outcomes(passed=1)
    assert "configurations" not in result.stdout.str()


def test_others_may_have_options_and_fixtures_of_the_same_names(pytester):
    pytester.makeconftest(
        """
        import pytest

        def pytest_addoption(parser):
            for name in ("--runs", "--fault", "--each", "--attempts", "--resume"):
                parser.addoption(name)

        @pytest.fixture
        def bench():
            return "a bench in a park"
        """
    )
    pytester.makepyfile("def test_it(bench):\n    assert bench == 'a bench in a park'")
    pytester.runpytest_subprocess("--fault", "x").assert_outcomes(passed=1)


def test_a_scenario_without_a_bench_says_what_it_lacks(pytester):
    pytester.makepyfile(SCENARIO)
    result = pytester.runpytest_subprocess("--strict-markers")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*a scenario is played on a bench; name one: pytest --bench FILE"])


def test_the_markers_and_the_option_are_always_known(pytester):
    result = pytester.runpytest_subprocess("--markers")
    result.stdout.fnmatch_lines(["@pytest.mark.requirement(*ids):*", "@pytest.mark.long:*"])
    result = pytester.runpytest_subprocess("--help")
    result.stdout.fnmatch_lines(["*--bench=FILE*"])


def test_importing_it_costs_no_more_than_pytest_itself_has_loaded():
    program = "import sys, pathlib, pytest; had = set(sys.modules); import intercom_hil.plugin; " + (
        "print(sorted(set(sys.modules) - had))"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert told.strip() == "['intercom_hil', 'intercom_hil.plugin']"


def test_the_containers_begin_before_the_bench_files_model_is_loaded():
    program = "import sys, intercom_hil.plugin.options, intercom_hil.plugin.beginning; " + (
        "print({'pydantic', 'cryptography', 'numpy', 'websockets'} & set(sys.modules))"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert told.strip() == "set()"
