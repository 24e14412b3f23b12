"""Bench and emulated intercom each read the page for themselves: where they differ, it is listed here.

What one of them took from the other could be misread on both sides, and no scenario would show it.
"""

from intercom_hil.emulator import events as of_the_device
from intercom_hil.spec import events as of_the_bench


def test_the_event_tables_of_bench_and_emulated_intercom_are_alike():
    device = [(kind.requirement, kind.name, kind.screen_name) for kind in of_the_device.EVENTS]
    bench = [(kind.requirement, kind.name, kind.screen_name) for kind in of_the_bench.EVENTS.values()]
    assert device == bench
    assert len(set(device)) == 10
