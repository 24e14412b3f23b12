"""A run with its live page: what that shows, and that stopping it there is an interruption in good order."""

import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager

import pytest
from lane import ROOT, altered, left_of, run_scenarios, write_bench

from tests.emulator.chromium import Chromium

LANE = 76
SOON = 240.0
"""Seconds within which what is waited for has happened, on a busy machine too."""
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Playing:
    """A run that goes on, with its page."""

    def __init__(self, process, log):
        self.process, self._log = process, log

    @property
    def output(self):
        return self._log.read_text()

    def page(self):
        """The page's address, with its token."""
        return self.until(lambda: re.search(r"the run's live page: (\S+)", self.output))[1]

    def state(self):
        with DIRECT.open(self.page() + "state", timeout=SOON) as answer:
            return json.load(answer)

    def until(self, holds):
        deadline = time.monotonic() + SOON
        while not (found := holds()):
            assert self.process.poll() is None, self.output
            assert time.monotonic() < deadline, self.output
            time.sleep(0.1)
        return found

    def plays(self):
        """The state when scenarios play, as many as there are lanes."""

        def playing():
            try:
                state = self.state()
            except urllib.error.URLError:  # not there yet, or no more: until says which
                return None
            return state if "judges " in state["run"] else None

        return self.until(playing)

    def stop(self):
        DIRECT.open(urllib.request.Request(self.page() + "stop", method="POST"), timeout=SOON).close()

    def ended(self):
        return self.process.wait(SOON)


@contextmanager
def playing(folder, *options):
    bench = write_bench(folder, LANE)
    command = [sys.executable, "-m", "pytest", "scenarios", "-q", "-p", "no:hypothesispytest"]
    command += ["--bench", str(bench), "--runs", str(folder / "runs"), *options]
    log = folder / "run.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            yield Playing(process, log)
        finally:
            process.terminate()
            process.wait(SOON)


CHOSEN = ("--requirement", "OUT-02")
"""A dozen scenarios: enough that some are left when the page has been looked at."""


def record_of(folder):
    return json.loads((folder / "runs" / "latest" / "run.json").read_text())


def test_a_run_is_stopped_on_its_page_after_the_scenario_and_gone_on_with(tmp_path):
    with playing(tmp_path, *CHOSEN, "--live", f"127.0.{LANE}.9:0") as run:
        state = run.plays()
        assert f"bench lane {LANE}" in state["run"]
        assert re.search(r"of \d+(</b>| scenarios played)", state["run"])
        run.stop()
        status = run.ended()
    record = record_of(tmp_path)
    assert status == 2, run.output
    played, left = len(record["scenarios"]), len(record["unplayed"])
    assert f"stopped on the live page after {played} of {played + left} scenarios" in run.output
    assert f"interrupted after {played} scenarios, {left} not played" in run.output
    assert record["interrupted"]
    assert min(played, left) > 0
    folder = (tmp_path / "runs" / "latest").resolve()
    assert (folder / "report.html").exists()
    assert altered(folder) == []
    assert left_of(LANE) == []
    assert {one["verdict"] for one in record["scenarios"]}.isdisjoint({"error"})

    again = run_scenarios(tmp_path, LANE, *CHOSEN, "--resume", str(folder))
    assert (again.status, again.record["interrupted"], len(again.record["scenarios"])) == (
        0,
        False,
        played + left,
    )


@pytest.mark.nightly
def test_lanes_side_by_side_are_stopped_each_after_its_scenario(tmp_path):
    with playing(tmp_path, "--requirement", "OUT", "-n", "2", "--live", f"127.0.{LANE}.9:0") as run:
        run.until(lambda: run.state()["run"].count("judges ") == 2)
        run.stop()
        status = run.ended()
    record = record_of(tmp_path)
    assert status == 2, run.output
    assert re.search(r"stopped on the live page after \d+ of \d+ scenarios", run.output), run.output
    assert record["interrupted"]
    assert 1 < len(record["scenarios"]) < 6
    assert record["unplayed"]
    assert left_of(LANE) == []


@pytest.mark.nightly
async def test_a_run_is_seen_in_a_browser(tmp_path):
    browser = await Chromium.start(tmp_path / "profile")
    try:
        with playing(tmp_path, *CHOSEN, "--live", f"127.0.{LANE}.9:0") as run:
            await browser.size(390)
            await browser.open(run.page())
            await browser.until("document.querySelectorAll('svg.ladder .sip text').length > 6")
            await browser.tab_to("Stop the run…")
            await browser.press("Enter")
            await browser.tab_to("Stop after this scenario")
            await browser.press("Enter")
            await browser.until("document.body.textContent.includes('Stops after this scenario')")
            await browser.until("/Interrupted: \\d+ scenarios not played/.test(document.body.textContent)")
            assert run.ended() == 2
    finally:
        await browser.close()
