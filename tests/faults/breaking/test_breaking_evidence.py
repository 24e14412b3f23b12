"""Scenarios take away what their evidence is written to. Played by test_broken_evidence.py, not by hand."""

import os
import shutil

import pytest

from intercom_hil.scenario import scenario
from intercom_hil.timeline.vocabulary import registered


def full_disk(run, folder):
    """Have what is written of the scenario's timeline find no room."""
    os.symlink("/dev/full", folder / "timeline.jsonl")


def full_disk_for_all(run, folder):
    """Have what is written of the scenario find no room, its record included."""
    for name in ("timeline.jsonl", "record.json"):
        os.symlink("/dev/full", folder / name)


def no_scenario_folder(run, folder):
    """Remove the scenario's folder."""
    shutil.rmtree(folder)


def no_run_folder(run, folder):
    """Remove the folder of the whole run."""
    shutil.rmtree(run)


WAYS = {way.__name__: way for way in (full_disk, full_disk_for_all, no_scenario_folder, no_run_folder)}


@scenario("REG-01")
async def test_1_the_device_registers(bench):
    """This one's evidence stays as it is."""
    await bench.configure()
    await bench.expect("REG-01", registered(), within=5)


@pytest.mark.parametrize("way", WAYS)
@scenario("REG-01")
async def test_2_the_evidence_goes(bench, intercom_run, way):
    """What was seen cannot be kept."""
    await bench.configure()
    await bench.expect("REG-01", registered(), within=5)
    newest = max((intercom_run.path / "scenarios").iterdir(), key=lambda folder: folder.stat().st_mtime_ns)
    WAYS[way](intercom_run.path, newest)


@scenario("REG-01")
async def test_3_this_is_not_played(bench):
    """A run that can keep nothing has ended."""
    await bench.configure()
    await bench.expect("REG-01", registered(), within=5)
