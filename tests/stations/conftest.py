"""A container with SIPp and a supervisor in it, and stations on addresses of their own."""

import secrets
from functools import partial

import pytest
import pytest_asyncio

from intercom_hil.processes.image import ready_engine
from intercom_hil.processes.process_host import ContainerProcessHost
from intercom_hil.stations import Stations
from intercom_hil.timeline import Timeline
from intercom_hil.timeline.sip_content import sip_content

ADDRESSES = tuple(f"127.0.44.{last}" for last in range(20, 28))


@pytest_asyncio.fixture(scope="session")
async def peers(tmp_path_factory):
    folder = tmp_path_factory.mktemp("peers")
    engine, image = ready_engine(lambda _: None)
    place = ContainerProcessHost(
        engine, image, f"test-{secrets.token_hex(2)}", mounts=[folder], cap_add=("NET_RAW", "NET_ADMIN")
    )
    try:
        yield await place.start(), folder
    finally:
        await place.stop()


@pytest.fixture
def timeline():
    return Timeline()


@pytest_asyncio.fixture
async def stations(peers, timeline, request):
    place, folder = peers
    name_of = lambda address, port: f"{address}:{port}"  # noqa: E731
    stations = Stations(
        host=place,
        addresses=ADDRESSES,
        folder=folder,
        append=timeline.append,
        read_sip=partial(sip_content, name_of=name_of),
    )
    stations.begin(folder / f"{request.node.name[:40]}-{secrets.token_hex(2)}")
    yield stations
    await stations.stop_all()
