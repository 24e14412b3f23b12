"""A device whose portal is gone when a scenario is about to begin: waited for, and a finding of its own."""

import asyncio

import pytest

from intercom_hil.bench.assembly import Assembly
from intercom_hil.bench.device_part import DeviceComponent
from intercom_hil.bench_file.model import load
from intercom_hil.errors import DeviceCrashed
from intercom_hil.locations import DEFAULT_BENCH
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
