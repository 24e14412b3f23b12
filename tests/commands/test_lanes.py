"""How many copies of a bench play where nobody says."""

import os

import pytest

from intercom_hil.bench_file.model import load
from intercom_hil.commands.lanes import MOST, lanes
from intercom_hil.locations import DEFAULT_BENCH
from tests.structure.source_tree import ROOT

CORES = min(MOST, len(os.sched_getaffinity(0)))


@pytest.fixture(autouse=True)
def nothing_in_the_environment(monkeypatch):
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)


@pytest.mark.parametrize("arguments", ["", "-v", "--fault button-dead", "--shuffle 3", "-x --attempts 2"])
def test_all_scenarios_have_a_copy_for_each_core(arguments):
    assert lanes(load(DEFAULT_BENCH), arguments.split()) == CORES


@pytest.mark.parametrize(
    "arguments",
    [
        *("-n 0", "-n1", "-p no:xdist", "--dist load"),
        *("-k registers", "-m long", "--requirement OUT-03", "--requirement=OUT", "scenarios/test_events.py"),
        *("--collect-only", "--co", "--help", "--pdb", "-s"),
    ],
)
def test_whoever_says_how_many_or_wants_a_part_has_one(arguments):
    assert lanes(load(DEFAULT_BENCH), arguments.split()) == 1


def test_what_pytest_is_always_to_do_counts(monkeypatch):
    monkeypatch.setenv("PYTEST_ADDOPTS", "-n 0")
    assert lanes(load(DEFAULT_BENCH), []) == 1


@pytest.mark.parametrize("name", ["emulated-operator", "emulated-labgrid"])
def test_a_bench_with_what_there_is_one_of_has_no_copies(name):
    assert lanes(load(ROOT / f"fixtures/benches/{name}.toml"), []) == 1


def test_a_physical_device_has_no_copies():
    assert lanes(load(ROOT / "fixtures/devices/baresip.toml"), []) == 1


def test_a_bench_that_is_not_on_loopback_has_no_copies(tmp_path):
    bench = tmp_path / "bench.toml"
    bench.write_text(DEFAULT_BENCH.read_text().replace("127.0.0.", "192.0.2."))
    assert lanes(load(bench), []) == 1
