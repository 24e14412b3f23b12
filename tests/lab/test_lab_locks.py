"""No two benches hold one instrument, whoever starts when, and a dead one holds nothing."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from intercom_hil.bench_file.model import load
from intercom_hil.bench_file.resources import claims
from intercom_hil.errors import BenchError
from intercom_hil.lab.locks import Holder, Locks, holders, lock_folder, start_time

ROOT = Path(__file__).resolve().parents[2]
CABLE = {"serial port /dev/ttyX": "device.console.port"}
BOTH = {**CABLE, "address 127.0.76.10": "pbx.address"}
HOLD = """
import sys
from pathlib import Path
from intercom_hil.lab.locks import Locks
locks = Locks.claim({sys.argv[2]: "device.console.port"}, "the other", Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def other(tmp_path):
    """Another process that holds the cable until its standard input is closed."""
    argv = [sys.executable, "-c", HOLD, str(tmp_path), next(iter(CABLE))]
    with subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        if process.poll() is None:
            process.communicate(timeout=10)


def test_an_instrument_in_use_is_told_with_who_has_it_since_when(tmp_path, other):
    with pytest.raises(BenchError) as told:
        Locks.claim(BOTH, "mine", tmp_path)
    assert told.value.where == "device.console.port"
    assert f"the run on bench 'the other', process {other.pid}, since 20" in told.value.what
    assert f"kill -INT {other.pid}" in told.value.remedy


def test_all_are_claimed_or_none(tmp_path, other):
    with pytest.raises(BenchError):
        Locks.claim(BOTH, "mine", tmp_path)
    Locks.claim({"address 127.0.76.10": "pbx.address"}, "mine", tmp_path).release()


def test_a_killed_process_holds_nothing_and_is_remembered(tmp_path, other):
    other.kill()
    other.wait()
    locks = Locks.claim(CABLE, "mine", tmp_path)
    (left,) = locks.left.values()
    assert left.bench == "the other"
    assert not left.alive
    locks.release()
    again = Locks.claim(CABLE, "mine", tmp_path)
    assert again.left == {}
    again.release()


def test_one_process_does_not_hold_an_instrument_twice(tmp_path):
    first = Locks.claim(CABLE, "first", tmp_path)
    with pytest.raises(BenchError, match="the run on bench 'first'"):
        Locks.claim(CABLE, "second", tmp_path)
    first.release()
    first.release()
    Locks.claim(CABLE, "second", tmp_path).release()


def test_looking_tells_who_has_what_and_takes_nothing(tmp_path, other):
    assert [problem.where for problem in holders(BOTH, tmp_path)] == ["device.console.port"]
    other.send_signal(signal.SIGKILL)
    other.wait()
    assert list(holders(BOTH, tmp_path)) == []


def test_a_number_that_is_another_process_by_now_is_nobody(tmp_path):
    mine = Holder.me("mine")
    assert mine.alive
    assert not Holder("mine", os.getpid(), str(int(mine.started) - 1), mine.since).alive
    assert start_time(2**22 + 1) == ""


def test_one_that_has_ended_is_nobody_although_its_parent_has_not_collected_it():
    process = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
    holder = Holder("its", process.pid, start_time(process.pid), 0.0)
    assert holder.alive
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    try:
        assert not holder.alive
    finally:
        process.communicate()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": 1}', "null", "\0" * 5000])
def test_a_lock_file_with_nonsense_in_it_is_a_free_lock(tmp_path, content):
    Locks.claim(CABLE, "mine", tmp_path).release()
    (file,) = tmp_path.glob("*.lock")
    file.write_text(content)
    assert list(holders(CABLE, tmp_path)) == []
    locks = Locks.claim(CABLE, "mine", tmp_path)
    assert json.loads(file.read_text())["bench"] == "mine"
    locks.release()


def test_of_benches_that_start_at_once_exactly_one_holds_the_instrument(tmp_path):
    argv = [sys.executable, "-c", HOLD, str(tmp_path), next(iter(CABLE))]
    pipe, silent = subprocess.PIPE, subprocess.DEVNULL
    many = [
        subprocess.Popen(argv, stdin=pipe, stdout=pipe, stderr=silent, text=True, cwd=ROOT) for _ in range(4)
    ]
    said = [process.stdout.readline() for process in many]
    for process in many:
        process.communicate(timeout=10)
    assert sorted(said) == ["", "", "", "held\n"]


def test_lock_files_are_this_users_own(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert lock_folder() == tmp_path / "intercom-hil-locks"
    assert lock_folder().stat().st_mode & 0o777 == 0o700
    monkeypatch.setenv("XDG_RUNTIME_DIR", "relative")
    assert str(os.getuid()) in lock_folder().name


def bench(folder, **changes):
    """A bench file of an intercom on the desk, and what it claims."""
    text = (ROOT / "docs/bench/examples/desk.toml").read_text()
    for old, new in changes.values():
        assert old in text
        text = text.replace(old, new)
    path = folder / "desk.toml"
    path.write_text(text)
    return claims(load(path))


def test_a_bench_claims_its_addresses_and_its_hardware(tmp_path):
    found = bench(tmp_path)
    fields = set(found.values())
    assert {"bench.address", "pbx.address", "device.address", "stations.addresses[0]"} <= fields
    assert {"device.console.port", "device.button.port"} <= fields


def test_one_cable_has_one_name_however_a_file_calls_it(tmp_path):
    cable, link = tmp_path / "ttyACM7", tmp_path / "usb-by-id"
    cable.touch()
    link.symlink_to(cable)
    text = (ROOT / "docs/bench/examples/desk.toml").read_text()
    (port,) = [line.split('"')[1] for line in text.splitlines() if line.startswith("port") and "FTDI" in line]
    by_name = bench(tmp_path, port=(port, str(cable)))
    by_link = bench(tmp_path, port=(port, str(link)))
    assert by_name == by_link
    raw = bench(tmp_path, port=(port, "socket://192.0.2.40:4001"))
    told = bench(tmp_path, port=(port, "rfc2217://192.0.2.40:4001?ign_set_control"))
    assert raw == told
