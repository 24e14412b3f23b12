"""What is of no scenario, or of an earlier one, is kept off a timeline: counted, and noted there."""

from intercom_hil.bench.assembly import Assembly
from intercom_hil.bench_file.model import load
from intercom_hil.locations import DEFAULT_BENCH
from intercom_hil.timeline import Timeline, Witness
from intercom_hil.timeline.observation import DeviceEvent, Note


async def test_events_of_an_idle_device_are_counted_and_noted(tmp_path):
    assembly = Assembly(load(DEFAULT_BENCH), run_folder=tmp_path)
    for _ in range(3):
        seen = assembly.append(Witness.CONSOLE, DeviceEvent(name="incoming_call_received"))
        assert seen.seq == -1
    assert assembly.close_timeline() == 3
    (note,) = assembly.timeline
    assert note.content.text == "not on this timeline: 3 events of the device before the scenario touched it"


async def test_what_comes_between_two_scenarios_is_noted_in_the_next(tmp_path):
    assembly = Assembly(load(DEFAULT_BENCH), run_folder=tmp_path)
    assert assembly.close_timeline() == 0
    assert len(assembly.timeline) == 0
    assembly.append(Witness.BENCH, Note(text="late"))
    assembly.timeline = Timeline()  # as the next scenario has it
    assert assembly.close_timeline() == 1
    assert assembly.timeline[0].content.text == "not on this timeline: 1 observations between two scenarios"
