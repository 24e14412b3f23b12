"""A bench that breaks is no device's fault, a device that crashes is its own, and the next scenario is played
on a bench that is whole again. Whatever ends a run, nothing of it stays behind."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from lane import ROOT, SOON, eventually, left_of, run_scenarios, write_bench
from outside_device import device_outside, physical_bench

LANE = 13


def verdicts(run):
    """The verdicts of a run's scenarios, in the order in which they were played."""
    return [scenario["verdict"] for scenario in run.record["scenarios"]]


def test_a_broken_bench_is_an_error_a_crashed_device_a_failure_and_both_are_healed(tmp_path):
    run = run_scenarios(tmp_path, LANE, "--as-written", scenarios="tests/faults/breaking/test_breaking.py")
    expected = ["error", "pass", "error", "pass", "fail", "pass", "fail", "pass"]
    assert verdicts(run) == expected, run.told()
    assert run.status == 1
    assert eventually(lambda: not left_of(LANE)), left_of(LANE)


def test_a_station_that_dies_or_hangs_is_an_error_and_a_restart_between_scenarios_is_noted(tmp_path):
    run = run_scenarios(
        tmp_path, LANE, "--as-written", scenarios="tests/faults/breaking/test_dead_station.py"
    )
    assert verdicts(run) == ["error", "error", "pass", "pass"], run.told()
    *broken, crashed, after = run.record["scenarios"]
    for scenario, how in zip(broken, ("ended by signal 9", "had to be killed"), strict=True):
        assert scenario["requirements"]["OUT-07"] == "error", scenario
        assert any("station" in told and how in told for told in scenario["problems"]), scenario["problems"]
    assert not crashed["problems"]
    assert "the device restarted between two scenarios" in after["problems"][0]


def test_an_unplugged_console_is_an_error_and_is_opened_again(tmp_path):
    with device_outside(tmp_path, LANE) as ready:
        server = [sys.executable, str(Path(__file__).with_name("console_server.py")), ready["console"]]
        with subprocess.Popen([*server, f"127.0.{LANE}.40", "4001"], stdout=subprocess.PIPE) as console:
            try:
                assert console.stdout.readline() == b"ready\n"
                bench = physical_bench(tmp_path, LANE, ready, console=f"socket://127.0.{LANE}.40:4001")
                run = run_scenarios(
                    tmp_path,
                    LANE,
                    "--as-written",
                    scenarios="tests/faults/breaking/test_unplugging.py",
                    bench=bench,
                    env={"CONSOLE_SERVER": str(console.pid)},
                )
                assert verdicts(run) == ["error", "pass"], run.told()
            finally:
                console.kill()


def test_a_scenario_about_what_the_device_lacks_is_a_skip_that_names_the_declaration(tmp_path):
    bench = write_bench(tmp_path, LANE)
    bench.write_text(bench.read_text().replace("session_timer = true", "session_timer = false"))
    run = run_scenarios(tmp_path, LANE, "-k", "not_refreshed", "-rs", bench=bench)
    assert verdicts(run) == ["not applicable"], run.told()
    told = "the bench file declares device.capabilities.session_timer = false"
    assert run.record["scenarios"][0]["problems"] == [told]
    assert told in run.output
    assert "1 skipped" in run.output


def test_a_scenario_that_takes_more_stations_than_there_are_is_inconclusive_and_says_so(tmp_path):
    bench = write_bench(tmp_path, LANE)
    one = re.sub(r"addresses = \[.*\]", f'addresses = ["127.0.{LANE}.21"]', bench.read_text())
    bench.write_text(one)
    chosen = "contacts_are_tried_in_sequence or button_places_a_call or admitted_and_a_stranger"
    run = run_scenarios(tmp_path, LANE, "-k", chosen, bench=bench)
    assert sorted(verdicts(run)) == ["inconclusive", "inconclusive", "inconclusive", "pass"], run.told()
    told = {problem for scenario in run.record["scenarios"] for problem in scenario["problems"]}
    assert "takes at least 2 remote stations, and the bench file has 1 (stations.addresses)" in str(told)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda n: n.name)
def test_a_run_that_is_ended_leaves_nothing_behind(tmp_path, number):
    runs = tmp_path / "runs"
    command = [sys.executable, "-m", "pytest", "scenarios", "-q", "--bench", str(write_bench(tmp_path, LANE))]
    with subprocess.Popen(
        [*command, "--runs", str(runs)],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as process:
        record = runs / "latest" / "run.json"
        assert eventually(lambda: record.exists() and len(json.loads(record.read_text())["scenarios"]) >= 2)
        process.send_signal(number)
        output, _ = process.communicate(timeout=SOON)
    assert eventually(lambda: not left_of(LANE)), left_of(LANE)
    kept = json.loads(record.read_text())
    assert kept["interrupted"]
    assert len(kept["scenarios"]) >= 2
    if number != signal.SIGKILL:
        assert process.returncode == 2, output.decode()
        assert (record.parent / "report.html").exists()
        assert b"Traceback" not in output, output.decode()
    again = run_scenarios(tmp_path, LANE, "-k", "test_the_device_registers")
    assert verdicts(again) == ["pass"], again.output


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda text: text.replace("[capture]", "[capture]\nspeed = 3"), ("capture.speed", "remove it")),
        (lambda text: text.replace("[pbx]", "[pbx]\nsip_port = 70000"), ("pbx.sip_port", "range")),
        (lambda text: text.replace(".30", ".10"), ("pbx.address", "needs its own")),
        (lambda text: text + "[[[", ("TOML", "line")),
        (lambda text: text.replace('"emulated"', '"physical"'), ("console, button, portal",)),
    ],
    ids=["unknown-key", "port-out-of-range", "two-roles-on-one-address", "no-toml", "missing-tables"],
)
def test_a_wrong_bench_file_is_one_clear_message(tmp_path, spoil, told):
    bench = write_bench(tmp_path, LANE)
    bench.write_text(spoil(bench.read_text()))
    refused(tmp_path, "--bench", str(bench), told=(bench.name, "Remedy", *told))


def test_a_bench_file_that_is_not_there_is_one_clear_message(tmp_path):
    refused(tmp_path, "--bench", str(tmp_path / "none.toml"), told=("none.toml", "cannot be read", "Remedy"))


def test_an_address_in_use_is_one_clear_message(tmp_path):
    import socket

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as squatter:
        squatter.bind((f"127.0.{LANE}.10", 5060))
        bench = write_bench(tmp_path, LANE)
        told = (f"127.0.{LANE}.10:5060", "in use", "Remedy")
        refused(tmp_path, "--bench", str(bench), "-n", "0", told=told)  # a copy of the bench would do without


def test_a_run_folder_that_cannot_be_written_is_one_clear_message(tmp_path):
    (tmp_path / "file").write_text("in the way")
    bench = write_bench(tmp_path, LANE)
    refused(tmp_path, "--bench", str(bench), told=("run folder", "Remedy"), runs=tmp_path / "file" / "runs")


def test_no_engine_is_one_clear_message(tmp_path):
    bench = write_bench(tmp_path, LANE)
    env = {"PATH": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
    refused(
        tmp_path,
        "--bench",
        str(bench),
        told=("container engine: podman is not installed", "Remedy: install"),
        env=env,
    )


def refused(folder, *arguments, told, runs=None, env=None):
    """Start a run that cannot begin, and check how it says so."""
    command = [
        sys.executable,
        "-m",
        "intercom_hil.cli",
        "run",
        *arguments,
        "--runs",
        str(runs or folder / "runs"),
        "-q",
    ]
    done = subprocess.run(
        command,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, **(env or {})},
    )
    output = done.stdout + done.stderr
    assert done.returncode == 2, output
    for words in told:
        assert words in output, output
    assert "Traceback" not in output, output
