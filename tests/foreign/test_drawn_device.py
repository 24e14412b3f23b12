"""A device that does what may be done is accused of nothing, however it writes and behaves (``drawn.py``).

Each configuration takes the next draw; its number is in the event log (``draw 17: …`` in syslog.log). To
repeat one: ``INTERCOM_DRAW=17 python3 fixtures/devices/stand.py drawn -- ./hil run --bench
fixtures/devices/drawn.toml --requirement …``, as root.
"""

import os
import shutil
import sys

import pytest

from intercom_hil.processes.engine import apt_install
from tests.faults.lane import ROOT, run_scenarios

DEVICES = ROOT / "fixtures" / "devices"
COVERING = (
    "test_registration.py::test_the_device_registers_its_extension_with_its_credentials",
    "test_registration.py::test_connectivity_is_confirmed_once_in_every_polling_interval",
    "test_outgoing.py::test_on_answer_both_sides_hear_each_other",
    "test_outgoing.py::test_a_short_number_is_dialled_at_the_server_and_a_full_one_as_written",
    "test_events.py::test_a_failed_call_is_logged_with_the_kind_of_failure[no-answer]",
    "test_incoming.py::test_the_device_is_reached_at_its_extension_short_and_full",
    "test_incoming.py::test_on_an_accepted_call_both_sides_hear_each_other",
    "test_events.py::test_a_rejected_call_is_logged_with_the_reason[caller-not-permitted]",
    "test_encryption.py::test_fallback_reaches_a_remote_without_srtp_all_the_same",
    "test_encryption.py::test_srtp_only_places_a_call_over_srtp[sdes]",
    "test_encryption.py::test_after_a_change_of_keys_the_media_is_under_the_new_agreement",
    "test_encryption.py::test_srtp_only_refuses_a_call_that_cannot_be_secured[straight-to-the-device-plain]",
)
"""Scenarios that meet registration, placed and taken calls, encryption and the event log, once each."""
FIRST, NIGHTLY = 1, (1000, 2000)
"""The first draw of a run. A whole run takes about as many draws as it has scenarios."""

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="a network of its own for the device needs root")


@pytest.fixture(scope="module", autouse=True)
def installed():
    """Have what makes a network of its own."""
    if shutil.which("ip") is None:
        apt_install(["iproute2"], print)


def run_drawn(folder, first, *arguments, **options):
    """Play scenarios on a device that takes the next draw with each configuration."""
    stand = [sys.executable, str(DEVICES / "stand.py"), "drawn", "--"]
    env = {"INTERCOM_DRAW": f"{first}-"}
    return run_scenarios(
        folder, 0, *arguments, bench=DEVICES / "drawn.toml", through=stand, env=env, **options
    )


def accusations(record):
    """Return each scenario that failed or that the bench could not play, and each broken rule."""
    played = record["scenarios"]
    broken = [
        f"{judgement['requirement']} in {scenario['id']}: {judgement['seen']}"
        for scenario in played
        for judgement in scenario["judgements"]
        if judgement["verdict"] == "fail"
    ]
    return broken + [f"{s['verdict']} {s['id']}" for s in played if s["verdict"] in ("fail", "error")]


def test_a_lawful_device_is_accused_of_nothing(tmp_path):
    first, *others = (f"scenarios/{name}" for name in COVERING)
    run = run_drawn(tmp_path, FIRST, *others, scenarios=first)
    assert run.record, run.output
    assert accusations(run.record) == [], run.told()
    verdicts = [scenario["verdict"] for scenario in run.record["scenarios"]]
    assert len(verdicts) == len(COVERING)
    assert verdicts.count("pass") > len(verdicts) / 2, verdicts


@pytest.mark.nightly
@pytest.mark.parametrize("first", NIGHTLY)
def test_a_lawful_device_is_accused_of_nothing_in_any_scenario(tmp_path, first):
    run = run_drawn(tmp_path, first, "-m", "not long")
    assert run.record, run.output
    assert run.record["unplayed"] == []
    assert accusations(run.record) == [], run.told()
