"""Places of a real labgrid: had all or none, watched, given back, and explained where they cannot be had."""

import asyncio
import contextlib
import os
import sys
from pathlib import Path

import pytest

from intercom_hil.errors import BenchError
from intercom_hil.lab.labgrid import Labgrid
from intercom_hil.lab.lease import Lease
from intercom_hil.processes.owner_labels import start_time

ROOT = Path(__file__).resolve().parents[2]
SOON = 20.0
"""Seconds within which the coordinator has told of a change."""
HOLD = """
import asyncio, sys
from intercom_hil.lab.labgrid import Labgrid
from intercom_hil.lab.lease import Lease
async def main():
    await Lease(Labgrid(sys.argv[1], [sys.argv[2]]), ["door-1"]).claim()
    print("held", flush=True)
    await asyncio.sleep(600)
asyncio.run(main())
"""


@pytest.fixture
def labgrid(lab, labgrid_client):
    return Labgrid(lab.coordinator, [labgrid_client])


@contextlib.asynccontextmanager
async def leased(labgrid, *places, **options):
    """A lease that is given back whatever happens."""
    told = []
    lease = Lease(labgrid, places, progress=told.append, **options)
    lease.told = told
    try:
        yield lease
    finally:
        assert await lease.release() == []


async def lost(lease):
    """Why the lease is lost."""
    return await asyncio.wait_for(asyncio.shield(lease.lost), SOON)


async def test_a_place_is_reserved_acquired_resolved_and_given_back(lab, labgrid):
    async with leased(labgrid, "door-1") as lease:
        await lease.claim()
        assert lab.acquired("door-1") == labgrid.me
        assert "state: acquired" in lab.done("reservations")
        assert await lease.url("console") == "rfc2217://127.0.76.42:4001"
        assert await lease.url("door-1/button") == "rfc2217://127.0.76.42:4002"
        with pytest.raises(BenchError, match=r"no resources 'bell' in door-1.*door-1/console"):
            await lease.url("bell")
        await lease.claim()
        assert not lease.lost.done()
    assert lab.acquired("door-1") == "None"
    assert lab.done("reservations") == ""


async def test_two_places_are_had_both_or_none(lab, labgrid):
    lab.done("--place", "door-1", "acquire", user="somebody")
    try:
        async with leased(labgrid, "door-1", "desk-1") as lease:
            with pytest.raises(BenchError) as told:
                await lease.claim()
            assert "somebody since 20" in told.value.what
            assert "release --kick" in told.value.remedy
            assert lab.acquired("desk-1") == "None"
            assert lab.done("reservations") == ""
    finally:
        lab.done("--place", "door-1", "release", user="somebody")
    async with leased(labgrid, "door-1", "desk-1") as lease:
        await lease.claim()
        assert await lease.url("desk-1/console") == "rfc2217://127.0.76.41:4001"
        with pytest.raises(BenchError, match="several resources 'console'"):
            await lease.url("console")


async def test_a_place_in_use_is_waited_for_and_the_wait_is_told(lab, labgrid):
    lab.done("--place", "door-1", "acquire", user="somebody")
    async with leased(labgrid, "door-1", wait=60.0) as lease:
        claiming = asyncio.create_task(lease.claim())
        await asyncio.to_thread(
            lab.eventually, lambda: lease.told and "state: waiting" in lab.done("reservations")
        )
        assert "somebody has it" in lease.told[0]
        lab.done("--place", "door-1", "release", user="somebody")
        await asyncio.wait_for(claiming, SOON)
        assert lab.acquired("door-1") == labgrid.me


async def test_a_lease_that_is_taken_away_is_lost_and_not_given_back_for_the_other(lab, labgrid):
    async with leased(labgrid, "door-1", reserve=False) as lease:
        await lease.claim()
        lab.done("--place", "door-1", "release", "--kick", user="somebody")
        assert "was released, and not by this run" in await lost(lease)
        lab.done("--place", "door-1", "acquire", user="somebody")
        with pytest.raises(BenchError, match="somebody"):
            await lease.claim()
    assert lab.acquired("door-1").endswith("/somebody")
    lab.done("--place", "door-1", "release", user="somebody")


async def test_a_lost_exporter_is_noticed_and_healed_when_it_is_back(lab, labgrid):
    async with leased(labgrid, "door-1") as lease:
        await lease.claim()
        lab.kill("door")
        assert (await lost(lease)).startswith("the exporter door is gone, and door/bench/")
        with pytest.raises(BenchError, match=r"no matching remote resource|it lacks"):
            await lease.claim()
        lab.start_exporter("door", console="127.0.76.42:4001", button="127.0.76.42:4002")
        await lease.claim()
        assert await lease.url("console") == "rfc2217://127.0.76.42:4001"


async def test_a_lost_coordinator_is_noticed(lab, labgrid):
    async with leased(labgrid, "desk-1") as lease:
        await lease.claim()
        lab.end("coordinator")  # in good order, so that it still knows its places afterwards
        try:
            assert "cannot be watched any more" in await lost(lease)
            with pytest.raises(BenchError, match="does not answer") as told:
                await labgrid.show("desk-1")
            assert "labgrid-coordinator" in told.value.remedy
        finally:
            lab.stop()
            lab.start_coordinator()
            lab.start_exporter("desk", console="127.0.76.41:4001")
            lab.start_exporter("door", console="127.0.76.42:4001", button="127.0.76.42:4002")


async def test_what_a_killed_run_left_is_explained_or_taken_back(lab, labgrid, labgrid_client):
    argv = [sys.executable, "-c", HOLD, lab.coordinator, labgrid_client]
    killed = await asyncio.create_subprocess_exec(*argv, stdout=asyncio.subprocess.PIPE, cwd=ROOT)
    try:
        assert await killed.stdout.readline() == b"held\n"
        clients = children(killed.pid)
        assert clients
    finally:
        killed.kill()
        await killed.wait()
    # Ended, if not collected: there need not be an init that does that.
    await asyncio.to_thread(lab.eventually, lambda: not any(start_time(client) for client in clients))
    assert lab.acquired("door-1") == labgrid.me
    async with leased(labgrid, "door-1") as lease:
        with pytest.raises(BenchError, match=r"acquired by you .* since 20") as told:
            await lease.claim()
        assert told.value.remedy.endswith("labgrid-client -p door-1 release")
        await lease.claim(left=["door-1"])
        assert "left acquired by a run that was killed" in lease.told[0]
        assert lab.acquired("door-1") == labgrid.me


async def test_a_claim_that_is_cut_short_leaves_nothing(lab, labgrid):
    for patience in (1.5, 3.0):
        async with leased(labgrid, "desk-1", "door-1") as lease:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(lease.claim(), patience)
        assert {lab.acquired("desk-1"), lab.acquired("door-1")} == {"None"}
        assert lab.done("reservations") == ""


@pytest.mark.parametrize("place", ["door", "attic"])
async def test_a_place_that_is_not_there_is_named(labgrid, place):
    async with leased(labgrid, place) as lease:
        with pytest.raises(BenchError, match=rf"{place}") as told:
            await lease.claim()
        assert "name" in told.value.remedy or "places" in told.value.remedy


async def test_a_client_that_is_not_there_is_one_clear_message(lab):
    async with leased(Labgrid(lab.coordinator, ["no-such-labgrid-client"]), "door-1") as lease:
        with pytest.raises(BenchError, match="cannot be run") as told:
            await lease.claim()
        assert "provision --labgrid" in told.value.remedy


def test_our_pyserial_is_still_ours():
    import serial

    assert not hasattr(serial, "__labgrid__")
    assert Path(serial.__file__).is_relative_to(sys.prefix) or os.path.realpath(serial.__file__)
    from intercom_hil.lab.labgrid_client import keep_apart

    keep_apart()


def children(pid):
    """The processes that a process has started."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
