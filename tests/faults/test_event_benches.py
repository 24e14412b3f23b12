"""Benches that hear of events by other ways, or in other languages: the verdicts are the same."""

import subprocess
import sys

import pytest
from lane import ROOT, altered, run_scenarios, write_bench

LANE = 74
CALLS = ("-k", "placed_call_ended_by_the_remote or failed_call_is_logged or rejected_call_is_logged")
JUDGED = {"EVT-01", "EVT-02", "EVT-03", "EVT-04", "EVT-05", "EVT-06", "EVT-11", "EVT-12", "EVT-13"}
AHEAD = '\n[device.emulated]\nvariant = "clock-ahead"\n'
SYSLOG = '[[device.event_sources]]\nkind = "syslog"\nport = 5514\n'
WEBHOOK = '[[device.event_sources]]\nkind = "webhook"\nport = 8099\n'
EXPORT = '[[device.event_sources]]\nkind = "log-file"\nexport = "/api/devices/door/events?format={}"\n'
CONSOLE = f'[device.console]\nport = "rfc2217://127.0.{LANE}.30:4001"\n'


def bench_with(folder, *tables):
    """Write the bench file of the lane with further tables, and return its path."""
    path = write_bench(folder, LANE)
    path.write_text("\n".join([path.read_text(), *tables]))
    return path


def play(folder, *tables, more=()):
    """Play some scenarios about events on a bench with further tables."""
    return run_scenarios(folder, LANE, *CALLS, *more, bench=bench_with(folder, *tables))


def imported(run):
    """Import what the portal exported into a run; return the exit status and what was said."""
    (log,) = run.folder.glob("event-log.*")
    command = [sys.executable, "-m", "intercom_hil.cli", "import-events", str(run.folder), str(log)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    "tables",
    [
        pytest.param((SYSLOG + 'transport = "tls"\n', AHEAD), id="syslog by TLS, clock ahead"),
        pytest.param((WEBHOOK, AHEAD), id="webhook, clock ahead"),
        pytest.param((CONSOLE, SYSLOG, WEBHOOK, AHEAD + "serial_server = 4001\n"), id="three sources"),
        *(
            pytest.param((AHEAD + f'console_layout = "{name}"\n',), id=name, marks=pytest.mark.nightly)
            for name in ("bracketed", "labelled", "json-lines")
        ),
        *(
            pytest.param(
                (
                    SYSLOG + f'transport = "{way}"\n',
                    AHEAD + f'syslog_format = "rfc3164"\nsyslog_framing = "{ends}"\n',
                ),
                id=f"old syslog by {way}, {ends}",
                marks=pytest.mark.nightly,
            )
            for way, ends in (("udp", "newline"), ("tcp", "newline"), ("tcp", "octet-counting"))
        ),
    ],
)
def test_events_are_judged_alike_however_they_are_told(tmp_path, tables):
    run = play(tmp_path, *tables)
    assert run.status == 0, run.told()
    assert run.having("pass") >= JUDGED, run.told()
    if any("clock-ahead" in table for table in tables):
        assert run.record["environment"]["device_clock"].startswith(("37.0", "36.9"))


def test_what_two_sources_tell_differently_is_not_held_against_the_device(tmp_path):
    silent = '[layouts.silent]\nevent = "never (?P<name>x)"\n'
    run = play(tmp_path, SYSLOG, WEBHOOK, SYSLOG.replace("5514", "5515") + 'layout = "silent"\n', silent)
    assert not run.failed, run.told()
    assert run.having("inconclusive") == {"EVT-11"}, run.told()
    assert run.status == 1


@pytest.mark.parametrize("form", ["csv", "json"])
def test_an_imported_log_gives_the_verdicts_of_a_run_that_was_seen_live(tmp_path, form):
    run = play(tmp_path, EXPORT.format(form), AHEAD)
    assert not run.failed, run.told()
    assert run.having("inconclusive") == JUDGED, run.told()
    status, said = imported(run)
    assert status == 0, said
    assert altered(run.folder) == []
    after = run.again()
    assert after.having("pass") >= JUDGED, after.told()
    assert not after.having("inconclusive"), after.told()
    assert after.record["imports"][0]["clock_ahead_s"] == pytest.approx(37.0, abs=0.1)


def test_a_fault_of_the_log_is_found_out_by_the_import(tmp_path):
    run = play(tmp_path, EXPORT.format("csv"), more=("--fault", "missing-event-outgoing_call_established"))
    assert not run.failed, run.told()
    status, said = imported(run)
    assert status == 1, said
    assert run.again().failed == {"EVT-02"}, run.again().told()
