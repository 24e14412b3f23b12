"""A labgrid for the tests that need one. Where it cannot be installed they are skipped, and say so."""

import os

import pytest
from a_lab import ALab

from intercom_hil.errors import BenchError
from intercom_hil.lab.labgrid_client import provide_labgrid

REQUIRED = "INTERCOM_HIL_REQUIRE_LABGRID"
"""Environment variable: where it is 1, a labgrid that cannot be installed is a failure."""


@pytest.fixture(scope="session")
def labgrid_client():
    try:
        return str(provide_labgrid(print))
    except BenchError as problem:
        if os.environ.get(REQUIRED) == "1":
            raise
        pytest.skip(f"labgrid cannot be installed here: {problem}")


@pytest.fixture(scope="module")
def lab(labgrid_client, tmp_path_factory):
    """One with two places, each with a console of its own."""
    lab = ALab(tmp_path_factory.mktemp("labgrid"), "127.0.76.40:20408")
    try:
        lab.start_coordinator()
        lab.start_exporter("desk", console="127.0.76.41:4001")
        lab.start_exporter("door", console="127.0.76.42:4001", button="127.0.76.42:4002")
        lab.make_place("desk-1", "desk")
        lab.make_place("door-1", "door")
        yield lab
    finally:
        lab.stop()
