"""The first screen of the HTML report: what was tested, what it comes to, and findings by cause."""

from __future__ import annotations

import json
import re
from itertools import product
from pathlib import Path

import pytest
from report_sample import ScenarioBuilder, write_run
from report_stories import answered_at_once, everything, not_declared, timeout_ignored
from test_reports_render import Page

from intercom_hil import reports

STYLE = (Path(reports.__file__).parent / "templates" / "style.css").read_text()
VERDICTS = ("pass", "fail", "error", "inconclusive", "observed", "none")
LADDER = ("call", "progress", "success", "challenge", "refused", "end", "quiet", "srtp", "plain")


def page_of(folder, stories, **changes):
    reports.render(write_run(folder / "run", stories, **changes))
    return Page((folder / "run" / "report.html").read_text(encoding="utf-8"))


def masthead(page):
    return next(item["class"].split() for tag, item in page.elements if tag == "header")


def test_a_part_that_passed_is_no_pass_of_the_whole(tmp_path):
    page = page_of(tmp_path, [answered_at_once()], verdict="pass", selection="--requirement OUT-01")
    assert masthead(page) == ["masthead", "v-pass", "part"]
    assert "every scenario of a part passed: 1 was asked for" in page.text
    assert "A part of the scenarios was asked for (--requirement OUT-01): 6 of 82 requirements" in page.text
    assert "part" not in masthead(page_of(tmp_path / "all", [answered_at_once()], verdict="pass"))


def test_what_does_not_apply_has_not_passed(tmp_path):
    page = page_of(tmp_path, [answered_at_once(), not_declared()], verdict="pass")
    assert "every scenario that applies passed; 1 not applicable" in page.text


def test_injected_faults_are_announced_before_anything_else(tmp_path):
    device = {"kind": "emulated", "emulated": {"faults": ["button-dead", "no-cancel-at-timeout"]}}
    page = page_of(tmp_path, [timeout_ignored()], environment={"device": device})
    assert "part" in masthead(page)
    announced = "Faults injected 2 faults were injected into the emulated intercom on purpose: button-dead, "
    assert page.text.index(announced) < page.text.index("What needs attention")
    benches = {"a": {"device": device}, "b": {"device": device}}
    assert announced in page_of(tmp_path / "two", [timeout_ignored()], environment={"benches": benches}).text


def test_what_many_scenarios_show_is_one_finding_and_one_of_them_is_open(tmp_path):
    stories = []
    for place in range(20):
        story = ScenarioBuilder(f"test_x.test_{place}", f"story {place}")
        story.event(0.1, "outgoing_call_initiated", "Dialing")
        story.judge("EVT-02", "fail", f"established {place + 1} times at +0.{place} s", "logged 0 times", 0.2)
        stories.append(story)
    page = page_of(tmp_path, stories)
    findings = [item for tag, item in page.elements if tag == "article"]
    assert len(findings) == 1
    assert "20 times in 20: Story 0 ; Story 1" in page.text
    assert "and 12 more" in page.text
    opened = [item for tag, item in page.elements if tag == "details" and "scenario" in item["class"]]
    assert [("open" in item) for item in opened] == [True] + [False] * 19


def test_judgements_that_differ_in_numbers_are_one_line_and_rules_that_held_are_named(tmp_path):
    story = ScenarioBuilder("test_x.test_lines", "lines")
    for place in range(12):
        story.judge("REG-05", "pass", f"credentials in request {place}", "a digest")
        story.judge("EVT-11", "pass", "no event without its cause", "none")
    story.extra = {"asked": ["REG-05"]}
    page = page_of(tmp_path, [story], verdict="pass")
    assert "credentials in request 0 12 times alike" in page.text
    assert "Rules for all scenarios that held here: EVT-11 12×" in page.text
    assert "no event without its cause" not in page.text
    assert "intercom-hil run -k test_lines" in page.text


def test_a_rule_that_is_broken_is_shown_in_full_though_nobody_asked_for_it(tmp_path):
    story = ScenarioBuilder("test_x.test_rule", "rule")
    story.judge("OUT-01", "pass", "an INVITE", "one")
    story.judge("EVT-11", "fail", "no event without its cause", "two too many")
    story.extra = {"asked": ["OUT-01"]}
    assert "two too many" in page_of(tmp_path, [story]).text


def test_what_is_inconclusive_comes_with_what_would_settle_it(tmp_path):
    story = ScenarioBuilder("test_x.test_late", "late")
    story.judge("EVT-02", "inconclusive", "an event", "the bench was 3.8 s late; logged 0 times")
    page = page_of(tmp_path, [story])
    assert "Play it again: intercom-hil run --requirement EVT-02, on a machine with less to do." in page.text
    assert "Inconclusive, to be played again: EVT-02" in page.text


def test_scenarios_are_filtered_by_family_and_no_name_gets_into_the_style(tmp_path):
    story = ScenarioBuilder("test_x.test_y", "hostile")
    story.judge("}*{display:none-01", "pass", "x", "y")
    page = page_of(tmp_path, [answered_at_once(), story])
    source = (tmp_path / "run" / "report.html").read_text()
    assert "#scenarios:has(#about-f1:checked) .scenario:not(.f1) { display: none; }" in source
    assert "}*{" not in source.partition("<style>")[2].partition("</style>")[0]
    labels = {item.get("for") for tag, item in page.elements if tag == "label"}
    ids = {item.get("id") for tag, item in page.elements if tag == "input"}
    assert labels == ids
    scenarios = [
        item["class"] for tag, item in page.elements if tag == "details" and "scenario" in item["class"]
    ]
    assert all(re.search(r" f\d", classes) for classes in scenarios)


def test_what_scrolls_can_be_reached_by_the_keyboard(tmp_path):
    page = page_of(tmp_path, everything())
    scrolling = [item for tag, item in page.elements if "scroll" in item.get("class", "").split()]
    assert scrolling
    assert all(item.get("tabindex") == "0" or "card" in item["class"] for item in scrolling)


def test_the_page_counts_as_the_run_does(tmp_path):
    page = page_of(tmp_path, everything())
    run = json.loads((tmp_path / "run" / "run.json").read_text())
    count = sum(item["verdict"] == "fail" for item in run["scenarios"])
    assert f"1 error, {count} fail, 1 inconclusive, of {len(run['scenarios'])} scenarios" in page.text
    chips = [item["class"] for tag, item in page.elements if "chip" in item.get("class", "").split()]
    assert len(chips) == len(run["requirements"])
    fails = sum(row["verdict"] == "fail" for row in run["requirements"].values())
    assert sum("v-fail" in classes for classes in chips) == fails


def colours(dark):
    blocks = re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)
    found = {}
    for block in blocks[: 2 if dark else 1]:
        found |= dict(re.findall(r"--([a-z]+): #([0-9a-f]{6})", block))
    return {name: tuple(int(code[i : i + 2], 16) for i in (0, 2, 4)) for name, code in found.items()}


def luminance(colour):
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in (v / 255 for v in colour)]
    return sum(part * weight for part, weight in zip(linear, (0.2126, 0.7152, 0.0722), strict=True))


def contrast(one, other):
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def mixed(one, other, share):
    return tuple(share * a + (1 - share) * b for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("dark", [False, True])
def test_every_text_has_enough_contrast(dark):
    """WCAG 2.2 §1.4.3: 4.5 to 1, on every ground that the text stands on, as a badge on its own tint too."""
    known = colours(dark)
    for name, ground in product(("ink", "dim", "link", *VERDICTS, *LADDER), ("card", "paper")):
        assert contrast(known[name], known[ground]) >= 4.5, (name, ground)
    for name in VERDICTS:
        tint = mixed(known[name], known["card"], 0.14)
        assert contrast(known[name], tint) >= 4.5, (name, "on its tint")
        assert contrast(known["card"], known[name]) >= 4.5, (name, "as ground")
    assert contrast(known["dim"], known["soft"]) >= 4.5
