"""What was measured, as it gets into the bench file: with a margin, and nothing else changed."""

import tomllib

import pytest

from intercom_hil.bench_file.model import load
from intercom_hil.bench_file.rewriting import with_table
from intercom_hil.commands.measure import Measured, forecast, rewritten
from intercom_hil.errors import BenchError
from intercom_hil.spec.timing import USUAL_TIMING
from tests.structure.source_tree import ROOT

BENCH = (ROOT / "fixtures" / "benches" / "emulated.toml").read_text(encoding="utf-8")
WRITTEN = """\
# on the desk
[device.timing]        # by hand, with a stopwatch
dial = 3.5             # the old firmware took 5
  apply=20
# the end of it

[device]
kind = "emulated"
"""
PLACE = ("device", "timing")


def measured(**samples):
    found = Measured()
    for name, taken in samples.items():
        for seconds in taken:
            found.add(name, seconds)
    return found


def test_the_longest_sample_counts_with_a_margin_and_never_less_than_the_default():
    timing = measured(dial=(0.2, 0.3), answer=(2.0, 2.1), apply=(0.1,), rest=(0.0, 4.0)).timing()
    assert timing == {"dial": USUAL_TIMING.dial, "answer": 3.0, "apply": 0.0, "rest": 5.0}


def test_the_distribution_is_shown():
    (header, line) = measured(dial=(0.2, 0.3, 0.9)).lines()
    assert header.split()[:4] == ["n", "min", "median", "max"]
    assert line.split() == ["dial", "3", "0.200", "0.300", "0.900", "2"]


def test_tables_that_are_missing_are_added_and_the_file_is_a_bench_file_still(tmp_path):
    found = measured(dial=(4.0,))
    found.limits["call_timeout"] = (10, 600)
    text = rewritten(BENCH, found)
    assert text.startswith(BENCH)
    path = tmp_path / "bench.toml"
    path.write_text(text)
    device = load(path).device
    assert (device.timing.dial, device.limits.call_timeout) == (5.0, (10, 600))
    assert rewritten(text, found) == text


def test_comments_spelling_and_order_stay():
    changed = with_table(WRITTEN, PLACE, {"dial": 5.0, "apply": 25.0, "answer": 2.5}).splitlines()
    before = WRITTEN.splitlines()
    assert changed[2:5] == [
        "dial = 5.0             # the old firmware took 5",
        "  apply=25.0",
        "answer = 2.5",
    ]
    assert changed[:2] + changed[5:] == before[:2] + before[4:]


@pytest.mark.parametrize(
    "text",
    ["[device]\ntiming = { dial = 3 }\n", "[device.timing]\ndial = 3_0.0_0\nlimits = [\n 1,\n 2]\n"],
    ids=["inline", "several lines"],
)
def test_what_cannot_be_changed_line_by_line_is_said_and_left_alone(text):
    values = {"dial": 1.0, "limits": [3, 4]} if "limits" in text else {"dial": 1.0}
    with pytest.raises(BenchError) as refused:
        with_table(text, PLACE, values)
    assert "one value a line" in refused.value.remedy


def test_values_of_every_kind_can_be_read_again():
    values = {"a": 1, "b": 2.5, "c": False, "d": "x # y", "e": (1, 2), "f": ["alaw", "ulaw"]}
    assert tomllib.loads(with_table("", PLACE, values))["device"]["timing"] == {**values, "e": [1, 2]}
    again = with_table(with_table("", PLACE, values), PLACE, {"d": "z", "e": (3, 4), "f": ["ulaw"]})
    assert tomllib.loads(again)["device"]["timing"] == {**values, "d": "z", "e": [3, 4], "f": ["ulaw"]}


def test_a_slow_device_takes_longer_to_measure(tmp_path):
    path = tmp_path / "bench.toml"
    path.write_text(BENCH)
    quick = load(path)
    path.write_text(BENCH + "\n[device.timing]\napply = 40\n")
    assert forecast(load(path), 10) > forecast(quick, 10) + 10 * 40
