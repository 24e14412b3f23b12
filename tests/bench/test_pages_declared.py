"""Whether a bench can look at the portal's pages: so it is where there is a browser, unless it says no."""

import pytest

from intercom_hil.bench.event_channels import believed, compared
from intercom_hil.bench_file.model import load
from intercom_hil.errors import BenchError
from intercom_hil.locations import DEFAULT_BENCH
from intercom_hil.spec.capabilities import Capability
from intercom_hil.timeline import Witness

BROWSER = "\n[device.browser]\n"
DECLARED = "[device.capabilities]\nportal_pages = "
PORTAL_PAGE = '\n[[device.event_sources]]\nkind = "portal-page"\n'


def bench(folder, further="", declared=""):
    path = folder / "bench.toml"
    text = DEFAULT_BENCH.read_text()
    if declared:
        text = text.replace("[device.capabilities]", DECLARED + declared, 1)
    path.write_text(text + further)
    return path


@pytest.mark.parametrize(
    ("further", "declared", "lacks"), [("", "", True), (BROWSER, "", False), (BROWSER, "false", True)]
)
def test_a_bench_with_a_browser_looks_at_the_pages(tmp_path, further, declared, lacks):
    file = load(bench(tmp_path, further, declared))
    assert file.device.capabilities.lacks(Capability.PORTAL_PAGES) is lacks


@pytest.mark.parametrize(("further", "declared"), [("", "true"), (PORTAL_PAGE, "")])
def test_nothing_is_looked_at_without_a_browser(tmp_path, further, declared):
    with pytest.raises(BenchError, match=r"\[device.browser\]"):
        load(bench(tmp_path, further, declared))


def test_the_list_of_the_page_is_compared_with_the_console_or_believed_without_one(tmp_path):
    console = '\n[device.console]\nport = "rfc2217://127.0.0.30:4001"\n'
    file = load(bench(tmp_path, console + BROWSER + PORTAL_PAGE))
    assert compared(file) == ("portal-page",)
    assert believed(file)[Witness.CONSOLE] == ("event", "screen")
    alone = load(bench(tmp_path, BROWSER + PORTAL_PAGE))
    assert compared(alone) == ()
    assert "event" in believed(alone)[Witness.PORTAL_PAGE]
