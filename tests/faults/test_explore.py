"""An exploration from outside: what it finds is played again, and Ctrl-C leaves what was found."""

import json
import os
import signal
import subprocess
import sys

import pytest
from lane import SOON, altered, left_of, write_bench

from intercom_hil.explore.story import Desk, Given, Step, Story, Verb
from tests.faults.breaking.test_breaking import processes

LANE = 37
# The device agrees to the hold before its logic knows of it: it gets a moment.
ON_HOLD = Story(
    given=Given(desks=(Desk.ANSWERS,), straight=True),
    steps=tuple(Step(verb=verb) for verb in (Verb.PRESS, Verb.HOLD, Verb.WAIT, Verb.PRESS)),
)
FAULT = "button-dead-on-hold"


def explore(folder, *arguments):
    """Start ``intercom-hil explore`` on the lane's bench."""
    command = [sys.executable, "-m", "intercom_hil.cli", "explore", "--bench", str(write_bench(folder, LANE))]
    return subprocess.Popen(
        [*command, "--runs", "runs", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def record(folder):
    return json.loads((folder / "runs" / "latest" / "run.json").read_text())


@pytest.mark.parametrize(("faults", "status", "verdict"), [([], 0, "pass"), ([FAULT], 1, "fail")])
def test_a_story_that_was_kept_is_played_again(tmp_path, faults, status, verdict):
    ON_HOLD.write(tmp_path / "story.json")
    named = [word for name in faults for word in ("--fault", name)]
    playing = explore(tmp_path, "--play", str(tmp_path / "story.json"), *named)
    said, _ = playing.communicate(timeout=120)
    assert playing.returncode == status, said
    assert ("OUT-06 is broken" in said) == bool(faults), said
    assert "4. the button is pressed." in said
    run = record(tmp_path)
    assert (run["verdict"], run["interrupted"]) == (verdict, False)
    assert "the other side puts the call on hold" in run["scenarios"][0]["doc"]
    assert (tmp_path / "runs" / "latest" / "report.html").exists()
    assert altered(tmp_path / "runs" / "latest") == []


def test_ctrl_c_ends_an_exploration_with_what_was_found_so_far(tmp_path):
    exploring = explore(tmp_path, "--minutes", "5", "--seed", "3")
    said = ""
    for line in exploring.stdout:
        said += line
        if line.startswith("story 1:"):
            break
    exploring.send_signal(signal.SIGINT)
    rest, _ = exploring.communicate(timeout=2 * SOON)
    assert exploring.returncode == 2, said + rest
    assert "interrupted: stories: 1" in rest
    assert "Traceback" not in rest
    assert record(tmp_path)["interrupted"]
    assert altered(tmp_path / "runs" / "latest") == []
    assert left_of(LANE) == []


@pytest.mark.nightly
def test_a_bench_on_which_no_story_can_be_played_ends_the_exploration(tmp_path):
    """The emulated device hangs, which the bench cannot heal: it has no switch for its supply."""
    exploring = explore(tmp_path, "--minutes", "5", "--seed", "3")
    said = ""
    for line in exploring.stdout:
        said += line
        if line.startswith("story 1:"):
            break
    (device,) = processes("intercom_hil.emulator", f"127.0.{LANE}.30")
    os.kill(device, signal.SIGSTOP)
    rest, _ = exploring.communicate(timeout=240)
    assert exploring.returncode == 2, said + rest
    assert "3 stories in a row ended in error; the last: " in rest
    assert rest.count("\nstory ") <= 4
    assert "Traceback" not in rest
    assert left_of(LANE) == []


def test_a_file_that_is_no_story_is_refused_before_anything_starts(tmp_path):
    (tmp_path / "story.json").write_text('{"given": {"desks": []}, "steps": []}')
    refused = explore(tmp_path, "--play", str(tmp_path / "story.json"))
    said, _ = refused.communicate(timeout=60)
    assert refused.returncode == 2
    assert "given.desks" in said
    assert str(tmp_path / "story.json") in said
    assert not (tmp_path / "runs").exists()
