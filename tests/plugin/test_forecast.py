"""How long a run may take is reported before it begins: once, and by how many benches share it."""

from intercom_hil.locations import DEFAULT_BENCH

TESTS = """
import pytest

@pytest.mark.parametrize("number", range(60))
def test_no_bench_is_needed_for(number):
    pass
"""


def test_benches_side_by_side_report_it_once(pytester):
    pytester.makepyfile(TESTS)
    result = pytester.runpytest_subprocess("--bench", DEFAULT_BENCH, "-n", "2")
    assert result.ret == 0
    told = [line for line in result.outlines if "about" in line]
    assert told == ["60 scenarios on 2 benches side by side: about 1 min"]
