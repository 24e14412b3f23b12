"""Tests that drive a browser are skipped where none can be driven."""

import pytest

from intercom_hil.browser.chromium import installed, playwright_there
from intercom_hil.errors import BenchError


def need_browser():
    """Skip where no browser can be driven, and say what is missing."""
    if not playwright_there():
        pytest.skip("no browser: Playwright is not installed (intercom-hil provision --browser)")
    try:
        installed()
    except BenchError as problem:
        pytest.skip(f"no browser: {problem.what}")
