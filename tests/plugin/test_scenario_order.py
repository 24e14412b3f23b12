"""The order of a run: drawn at random when that is asked for, and the same for the same number."""

from intercom_hil.locations import DEFAULT_BENCH

SCENARIOS = """
import pytest
from intercom_hil.scenario import scenario

@scenario("OUT-01")
@pytest.mark.parametrize("number", range(12))
async def test_the_button_places_a_call(bench, number):
    await bench.configure()
"""


def order(pytester, *options):
    result = pytester.runpytest_subprocess("--bench", DEFAULT_BENCH, "--collect-only", "-q", *options)
    return [line for line in result.outlines if "::" in line]


def test_the_same_seed_draws_the_same_order_and_another_seed_another(pytester):
    pytester.makepyfile(SCENARIOS)
    drawn, again, other = (order(pytester, "--shuffle", seed) for seed in ("7", "7", "8"))
    assert len(drawn) == 12
    assert again == drawn
    assert other != drawn
    assert sorted(other) == sorted(drawn)


def test_two_orders_at_once_are_refused(pytester):
    pytester.makepyfile(SCENARIOS)
    result = pytester.runpytest_subprocess("--bench", DEFAULT_BENCH, "--shuffle", "7", "--as-written")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*--shuffle and --as-written*leave one out*"])
