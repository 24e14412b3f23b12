"""A container with SIPp in it, which sees the library and what the library imports."""

import secrets
from pathlib import Path

import jinja2
import markupsafe
import pytest_asyncio

import intercom_hil
from intercom_hil.processes.image import ready_engine
from intercom_hil.processes.process_host import ContainerProcessHost

LIBRARIES = sorted({Path(module.__file__).parents[1] for module in (intercom_hil, jinja2, markupsafe)})


@pytest_asyncio.fixture(scope="session")
async def container(tmp_path_factory):
    """Where programs of the container run, a folder that it shares with the tests, and its Python path."""
    folder = tmp_path_factory.mktemp("sipp")
    engine, image = ready_engine(lambda _: None)
    host = ContainerProcessHost(
        engine, image, f"test-{secrets.token_hex(2)}", mounts=[folder, *LIBRARIES], cap_add=("NET_RAW",)
    )
    try:
        yield await host.start(), folder, LIBRARIES
    finally:
        await host.stop()
