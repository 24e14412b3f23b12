"""The HTML report in a browser: every width, light and dark, on paper, by keyboard, with hostile names."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from browser import Browser, Tab, program
from report_sample import ScenarioBuilder, write_run
from report_stories import everything
from test_reports_hostile import hostile_story

from intercom_hil import reports
from tests.emulator.chromium import axe_core

WIDTHS = (390, 768, 1024, 1440)
MOST_PAGES = 30
HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "javascript:alert(1)",
    "</script></style></title><svg onload=alert(1)>",
    "\u202egnp.exe\u2066",
    "a\x00b\x1b[31m",
    "W" * 10_000,
]
SIDEWAYS = """[...document.querySelectorAll("body *")].filter(one => {
  const box = one.getBoundingClientRect();
  const aside = one.closest(".scroll") || getComputedStyle(one).position == "absolute";
  return box.right > innerWidth + 1 && !aside;
}).map(one => one.outerHTML.slice(0, 120))"""
LETTER_PER_LINE = """[...document.querySelectorAll("td, th, dd, dt, p, li, span, summary")].filter(one => {
  const words = one.textContent.trim().length, box = one.getBoundingClientRect();
  return words > 8 && box.width > 0 && box.width < 34 && box.height > 90;
}).map(one => one.outerHTML.slice(0, 120))"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    path = program()
    if path is None:
        pytest.skip("there is no Chromium here: apt-get install chromium")
    browser = Browser(path, tmp_path_factory.mktemp("profile"))
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = write_run(tmp_path_factory.mktemp("browser") / "run", everything())
    reports.render(folder, ["html"])
    return folder


@pytest.fixture
def shown(browser):
    tabs = []

    def show(folder, width=1440, *, dark=False):
        tabs.append(Tab(browser, folder / "report.html", width, dark=dark))
        return tabs[-1]

    yield show
    for tab in tabs:
        tab.close()


@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_is_readable_at_every_width(shown, folder, width):
    tab = shown(folder, width, dark=width == 768)
    tab.open_all()
    assert tab.value("document.documentElement.scrollWidth <= innerWidth")
    assert tab.value(SIDEWAYS) == []
    assert tab.value(LETTER_PER_LINE) == []
    assert tab.complaints() == []
    assert tab.requested() == {(folder / "report.html").as_uri()}


def test_nothing_that_a_device_says_runs_or_breaks_the_page(shown, tmp_path):
    stories = []
    for number, attack in enumerate(HOSTILE):
        story = hostile_story(attack)
        story.id = f"test_hostile.test_{number}"
        stories.append(story)
    folder = write_run(tmp_path / "run", stories, name=HOSTILE[0], environment={a: a for a in HOSTILE[:4]})
    reports.render(folder, ["html"])
    data = (folder / "report.html").read_bytes()
    assert b"\0" not in data
    assert not re.search("[\u202a-\u202e\u2066-\u2069]", data.decode())
    for width in (390, 1440):
        tab = shown(folder, width)
        tab.open_all()
        assert tab.value("document.documentElement.scrollWidth <= innerWidth")
        assert (
            tab.value("document.querySelectorAll('script, img, iframe, object, [onload], [onerror]').length")
            == 0
        )
        assert tab.complaints() == []
        assert tab.requested() == {(folder / "report.html").as_uri()}


def test_what_the_drawing_shows_is_reached_by_the_keyboard(shown, folder):
    tab = shown(folder)
    links = tab.value("[...document.querySelectorAll('svg.ladder a')].map(a => a.getAttribute('href'))")
    assert links
    assert all(tab.value(f"document.querySelector({link!r}) !== null") for link in links)
    tab.value("document.querySelector('#s3').closest('details').open = true")
    tab.value("document.querySelector('#s3 svg.ladder a').focus()")
    assert tab.value("document.activeElement.closest('svg.ladder') !== null")
    words = tab.value("document.querySelector('#s3 ul.remarks').textContent")
    assert "no CANCEL within 5.0 s" in words
    assert "INVITE sip:3400@127.0.0.10" in words


def test_a_long_run_is_printed_on_few_pages_and_in_full_where_that_is_asked_for(shown, tmp_path):
    stories = []
    for number in range(200):
        story = ScenarioBuilder(
            f"test_many.test_{number}", f"scenario {number} of many, as long as titles are"
        )
        story.event(0.1, "outgoing_call_initiated", "Dialing")
        story.judge("EVT-01", "pass" if number % 20 else "fail", f"an event {number}", "one", 0.2)
        stories.append(story)
    folder = write_run(tmp_path / "run", stories)
    reports.render(folder, ["html"])
    tab = shown(folder)
    assert pages(tab.pdf()) < MOST_PAGES
    tab.value("document.getElementById('annex').checked = true")
    assert pages(tab.pdf()) > MOST_PAGES


def pages(pdf: bytes) -> int:
    return len(re.findall(rb"/Type\s*/Page[^s]", pdf))


@pytest.mark.nightly
@pytest.mark.parametrize(("width", "dark"), [(1440, False), (1440, True), (390, False), (390, True)])
def test_axe_finds_nothing_serious(shown, folder, width, dark):
    script = axe_core()
    tab = shown(folder, width, dark=dark)
    tab.open_all()
    tab.value(f"{script}; 0")
    violations = "all.violations.map(one => [one.id, one.impact, one.nodes[0].html])"
    found = tab.value(f"axe.run(document).then(all => {violations})")
    assert [one for one in found if one[1] in ("serious", "critical")] == []
