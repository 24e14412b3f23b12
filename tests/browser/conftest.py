"""A Chromium that Playwright drives, for the tests that need one; they are skipped where there is none."""

import pytest

from intercom_hil.browser.chromium import Chromium
from tests.browser.needed import need_browser
from tests.emulator.portal_pages import ServedPortal


def pytest_configure(config):
    config.addinivalue_line("markers", "chromium: needs Playwright and Chromium")


def pytest_runtest_setup(item):
    if item.get_closest_marker("chromium") is not None:
        need_browser()


@pytest.fixture(scope="session")
async def chromium():
    """One for all tests; each opens windows of its own."""
    running = Chromium()
    await running.open()
    try:
        yield running
    finally:
        await running.close()


@pytest.fixture
def portal():
    with ServedPortal() as served:
        yield served
