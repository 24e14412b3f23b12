"""A device whose portal is gone when a scenario is about to begin: waited for, and a finding of its own."""

import asyncio

import pytest

from intercom_hil.bench.assembly import Assembly
from intercom_hil.bench.device_part import DeviceComponent
from intercom_hil.bench_file.model import load
from intercom_hil.errors import DeviceCrashed
from intercom_hil.locations import DEFAULT_BENCH
from intercom_hil.timeline.observation import EventCopy, Witness
from tests.device.portal_peer import PortalPeer
from tests.device.test_intercom import SETTINGS, Desk


@pytest.fixture
async def desk(tmp_path):
    desk = Desk(tmp_path)
    await desk.intercom.open()
    await desk.intercom.configure(SETTINGS)
    yield desk
    await desk.intercom.close()
    desk.portal.close()
    desk.console.unplug()
    desk.board.unplug()


@pytest.fixture
def assembly(tmp_path):
    """A bench whose last scenario is over."""
    file = load(DEFAULT_BENCH)
    timing = file.device.timing.model_copy(update={"boot": 2.0})
    device = file.device.model_copy(update={"timing": timing})
    assembly = Assembly(file.model_copy(update={"device": device}), run_folder=tmp_path)
    assembly.close_timeline()
    return assembly


@pytest.fixture
async def part(tmp_path, assembly, desk):
    part = DeviceComponent(assembly.file, tmp_path, None, assembly.append, None)
    part.intercom = desk.intercom
    return part


def back(desk):
    """Start the device's portal again, where it was."""
    desk.portal = PortalPeer(port=desk.portal.server.server_port)


async def test_a_device_that_comes_back_has_restarted_between_the_scenarios(assembly, desk, part):
    await part.until_back()
    assert not assembly.attribution.restarts
    desk.portal.close()
    waiting = asyncio.create_task(part.until_back())
    await asyncio.sleep(0.5)
    assert not waiting.done()
    back(desk)
    await asyncio.wait_for(waiting, 5)
    (finding,) = assembly.attribution.restarts
    assert finding.startswith("the device restarted between two scenarios, at ")
    assert "nothing listens there" in finding
    assert desk.intercom.settings is None


async def test_a_device_that_stays_away_is_lost(assembly, desk, part):
    desk.portal.close()
    with pytest.raises(DeviceCrashed, match="nothing listens there"):
        await asyncio.wait_for(part.until_back(), 10)
    assert not assembly.attribution.restarts
    back(desk)


class AskedList:
    """A source that is asked for what a list shows."""

    name = "list"

    def __init__(self, append):
        self.lost = asyncio.get_running_loop().create_future()
        self.rows, self._append = [], append

    async def open(self):
        pass

    async def close(self):
        pass

    def begin(self, folder):
        pass

    async def catch_up(self):
        while self.rows:
            self._append(Witness.PORTAL_PAGE, EventCopy(source=self.name, name=self.rows.pop(0)), None)


async def test_what_a_source_has_to_be_asked_for_is_asked_for_before_the_next_scenario(assembly, desk, part):
    source = AskedList(assembly.append)
    desk.intercom.sources = (source,)
    assembly._parts["device"] = part
    source.rows.append("outgoing_call_contact_failure")
    await assembly.heal()
    assert source.rows == []
    assert assembly.close_timeline()  # a note says that something was kept off
    assert "event_copy" not in {observation.content.kind for observation in assembly.timeline}
