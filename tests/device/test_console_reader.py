"""Console lines onto the timeline, and the device that restarts under test."""

import pytest

from intercom_hil.event_sources.console_reader import ConsoleReader
from intercom_hil.layouts.known import KEYED
from intercom_hil.timeline import Timeline, Witness, now

TS = "2026-11-22T20:41:03.123456Z"
BOOT = f"{TS} boot model=EMU-1 version=1.0"


@pytest.fixture
def timeline():
    return Timeline()


@pytest.fixture
def reader(timeline):
    return ConsoleReader(KEYED, append=timeline.append)


def kinds(timeline):
    return [o.content.kind for o in timeline]


def test_a_line_is_kept_as_written_and_as_meant_at_the_time_it_arrived(reader, timeline):
    reader.line(f"{TS} screen text=Dialing", 1234.5)
    assert kinds(timeline) == ["console_line", "screen"]
    assert {(o.time, o.witness) for o in timeline} == {(1234.5, Witness.CONSOLE)}


def test_a_restart_in_a_scenario_is_the_device_s_fault(reader, timeline):
    reader.line(BOOT, now())
    reader.begin()
    reader.line(BOOT, now())
    lost = timeline[2].content
    assert (lost.kind, lost.instrument, lost.blame) == ("lost", "device", "device")
    assert "restarted" in lost.problem
    assert "EMU-1" in lost.problem


def test_the_banner_of_the_start_is_no_restart_even_when_it_is_late(reader, timeline):
    reader.opened()
    reader.begin()
    reader.line(BOOT, now())
    assert kinds(timeline) == ["console_line"]
    reader.line(BOOT, now())
    assert kinds(timeline) == ["console_line", "console_line", "lost"]


def test_a_first_boot_line_long_after_the_opening_is_a_restart(reader, timeline):
    reader.opened()
    reader.begin()
    reader.line(BOOT, now() + 3)
    assert kinds(timeline) == ["console_line", "lost"]


def test_a_restart_after_the_first_scenario_has_begun_is_reported(reader, timeline):
    reader.line(BOOT, now())
    assert "lost" not in kinds(timeline)
    reader.begin()
    reader.line(BOOT, now())
    assert kinds(timeline).count("lost") == 1


def test_the_banner_of_a_start_before_the_first_scenario_is_not_noted(reader, timeline):
    reader.opened()
    reader.line(BOOT, now() + 3)
    reader.begin()
    assert kinds(timeline) == ["console_line"]
