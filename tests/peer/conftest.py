"""A container with SIPp and a supervisor in it, and stations on addresses of their own."""

import secrets
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio

from harness.bench.image import ready_engine
from harness.bench.place import ContainerPlace
from harness.capture.sip_content import sip_content
from harness.peer import Stations
from harness.timeline import Timeline

TEMPLATES = Path(__file__).parents[2] / "scenarios" / "sipp"
ADDRESSES = tuple(f"127.0.44.{last}" for last in range(20, 28))


@pytest_asyncio.fixture(scope="session")
async def peers(tmp_path_factory):
    folder = tmp_path_factory.mktemp("peers")
    engine, image = ready_engine(lambda _: None)
    place = ContainerPlace(
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
        place=place,
        addresses=ADDRESSES,
        folder=folder,
        templates=TEMPLATES,
        append=timeline.append,
        read_sip=partial(sip_content, name_of=name_of),
    )
    stations.begin(folder / f"{request.node.name[:40]}-{secrets.token_hex(2)}")
    yield stations
    await stations.stop_all()
