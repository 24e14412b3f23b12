"""Many runs: verdicts in order of time, flakes by name, courses of measurements; an index to throw away."""

import os
import sqlite3
import time
from collections import Counter

import pytest
from comparison_runs import run, scenario

from intercom_hil.comparison.command import show_history
from intercom_hil.comparison.history import history
from intercom_hil.comparison.index import FILE_NAME, VERSION
from intercom_hil.comparison.text import sparkline
from intercom_hil.run_folder.errors import ReportError


def shown(folder, **more):
    lines = []
    show_history(folder, lines.append, **more)
    return "\n".join(lines)


def of(folder, *verdicts, **more):
    for number, verdict in enumerate(verdicts):
        run(folder, f"r{number}", scenario(verdict=verdict), at=number * 60, **more)
    return folder


def test_verdicts_are_in_order_of_time_whatever_the_folders_are_called(tmp_path):
    run(tmp_path, "z", scenario(), at=0)
    run(tmp_path, "m", scenario(verdict="fail"), at=60)
    run(tmp_path, "a", scenario(), at=120)
    text = shown(tmp_path)
    assert "3 runs, " in text
    assert "OUT-03       ✓✗✓  1 fail, 2 pass of 3  An unanswered call ends" in text


def test_a_flake_is_what_changes_though_nothing_known_has(tmp_path):
    assert "flakes" not in shown(of(tmp_path / "steady", "pass", "pass"))
    text = shown(of(tmp_path / "flaky", "pass", "inconclusive", "pass"))
    assert "test_outgoing.test_a_call  ✓?✓  1 inconclusive, 2 pass of 3" in text.partition("flakes")[2]


def test_another_firmware_is_no_flake(tmp_path):
    run(tmp_path, "r1", scenario())
    device = {"model": "Door One", "firmware": "1.1"}
    run(tmp_path, "r2", scenario(verdict="fail"), at=60, environment={"harness": "0.1.0", "device": device})
    assert "flakes" not in shown(tmp_path)


def test_what_took_several_attempts_is_a_flake_that_passed(tmp_path):
    run(tmp_path, "r1", scenario(attempts=2))
    assert "1 pass, 1 at a later attempt of 1" in shown(tmp_path)


def test_runs_with_injected_faults_are_left_out_unless_asked_for(tmp_path):
    run(tmp_path, "r1", scenario())
    device = {"kind": "emulated", "emulated": {"faults": ["button-dead"]}}
    run(tmp_path, "r2", scenario(verdict="fail"), at=60, environment={"device": device})
    text = shown(tmp_path)
    assert "1 runs with injected faults are left out" in text
    assert "fail" not in text
    assert "1 fail" in shown(tmp_path, with_faults=True)


def test_a_measurement_has_a_course_and_moves_when_it_leaves_its_spread(tmp_path):
    for number, value in enumerate((1.0, 1.01, 0.99, 1.0, 1.4)):
        run(tmp_path, f"r{number}", scenario(value=value), at=number)
    (series,) = history(tmp_path).series
    assert series.values == (1.0, 1.01, 0.99, 1.0, 1.4)
    assert series.moved
    text = shown(tmp_path)
    assert "OUT-03 ring time" in text
    assert "last 1.4 s  MOVED (5 values, 0.99 to 1.4, median 1," in text
    assert not history(tmp_path, last=1).series[0].moved


def test_only_one_requirement_only_the_newest(tmp_path):
    of(tmp_path, "fail", "pass", "pass")
    assert "2 runs" in shown(tmp_path, last=2)
    assert "fail" not in shown(tmp_path, last=2)
    assert "OUT-03" in shown(tmp_path, requirement="OUT")
    with pytest.raises(ReportError, match="no run in it has a requirement CFG"):
        history(tmp_path, requirement="CFG")


def test_runs_of_one_bench_each_are_found_and_what_lies_in_a_run_is_not(tmp_path):
    run(tmp_path / "left", "r1", scenario())
    kept = run(tmp_path / "right", "r1", scenario(verdict="fail"), at=60)
    run(kept, "before-import", scenario(), at=30)
    found = history(tmp_path)
    assert [one.folder for one in found.runs] == ["left/r1", "right/r1"]


def test_what_is_no_run_is_named_and_left_out(tmp_path):
    of(tmp_path, "pass")
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "run.json").write_text("[1, 2")
    (tmp_path / "latest").symlink_to("r0")
    text = shown(tmp_path)
    assert "Left out: odd: its run.json is not that of a run." in text
    assert "1 runs, " in text


@pytest.mark.parametrize("make", [lambda folder: folder / "none", lambda folder: folder])
def test_a_folder_without_runs_is_refused(tmp_path, make):
    with pytest.raises(ReportError, match="name the folder that run folders are in"):
        history(make(tmp_path))


# -- the index ---------------------------------------------------------------------------------------------


def read_by(folder, monkeypatch):
    """Count how often run.json of each run is read."""
    counts = Counter()
    read = type(folder).read_bytes

    def counted(path):
        counts[path.parent.name] += path.name == "run.json"
        return read(path)

    monkeypatch.setattr(type(folder), "read_bytes", counted)
    history(folder)
    monkeypatch.setattr(type(folder), "read_bytes", read)
    return +counts


def test_a_run_is_read_once_and_again_when_it_was_written_again(tmp_path, monkeypatch):
    of(tmp_path, "pass", "pass")
    assert read_by(tmp_path, monkeypatch) == {"r0": 1, "r1": 1}
    assert read_by(tmp_path, monkeypatch) == {}
    text = (tmp_path / "r1" / "run.json").read_text().replace('"pass"', '"fail"')
    (tmp_path / "r1" / "run.json").write_text(text)
    os.utime(tmp_path / "r1" / "run.json", ns=(1, 1))
    assert read_by(tmp_path, monkeypatch) == {"r1": 1}
    assert "1 fail, 1 pass" in shown(tmp_path)


def test_a_run_that_is_gone_is_forgotten(tmp_path):
    of(tmp_path, "fail", "pass")
    history(tmp_path)
    (tmp_path / "r0" / "run.json").unlink()
    assert len(history(tmp_path).runs) == 1
    assert "fail" not in shown(tmp_path)


@pytest.mark.parametrize("damage", ["nothing", "text", "cut", "older", "tables"])
def test_an_index_that_is_damaged_or_older_is_made_anew(tmp_path, damage):
    of(tmp_path, "pass", "fail")
    before = history(tmp_path).requirements
    index = tmp_path / FILE_NAME
    if damage == "nothing":
        index.unlink()
    elif damage == "text":
        index.write_text("this is no database at all, " * 500)
    elif damage == "cut":
        index.write_bytes(index.read_bytes()[:5000])
    else:
        with sqlite3.connect(index) as connection:
            connection.execute(f"PRAGMA user_version = {VERSION - (damage == 'older')}")
            connection.execute("DROP TABLE scenario")
        connection.close()
    assert history(tmp_path).requirements == before
    assert history(tmp_path).requirements == before
    assert index.stat().st_mode & 0o077 == 0


def test_a_folder_that_cannot_be_written_is_read_all_the_same(tmp_path, monkeypatch):
    of(tmp_path, "pass")
    (tmp_path / FILE_NAME).mkdir()
    found = history(tmp_path)
    assert len(found.runs) == 1
    assert any("cannot be kept" in note for note in found.notes)


def test_two_hundred_runs_are_quick(tmp_path):
    scenarios = [scenario(f"test_x.test_{number}", value=1.0) for number in range(20)]
    for number in range(200):
        for item in scenarios:
            item["events"] = []
        run(tmp_path, f"r{number:03}", *scenarios, at=number)
    history(tmp_path)
    begun = time.process_time()
    found = history(tmp_path)
    assert time.process_time() - begun < 5
    assert (len(found.runs), len(found.series)) == (200, 20)
    show_history(tmp_path, lambda line: None, html=tmp_path / "history.html")
    assert (tmp_path / "history.html").stat().st_size < 1_000_000


def test_a_line_of_bars():
    assert sparkline([0, 1, 2, 3]) == "▁▃▆█"
    assert sparkline([5, 5]) == "▄▄"
    assert sparkline([]) == ""
