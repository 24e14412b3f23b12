"""What the page has of one scenario: declared steps, why the verdict, attempts, the requirement in words."""

import pytest
from report_sample import ScenarioBuilder, write_run
from test_reports_render import Page

from intercom_hil import reports

STEPS = [
    {"kind": "do", "text": "press the button"},
    {"kind": "wait", "text": "the device has registered, within 3 s"},
    {"kind": "expect", "text": "INVITE from device to pbx, within 2 s", "requirement": "OUT-01"},
]


def page_of(folder, story, **changes):
    reports.render(write_run(folder / "run", [story], **changes), ["html"])
    return Page((folder / "run" / "report.html").read_text(encoding="utf-8"))


def story(**extra):
    found = ScenarioBuilder("test_x.test_y", "a scenario", "What it proves.")
    found.event(0.1, "outgoing_call_initiated", "Dialing")
    found.extra = extra
    return found


def test_declared_steps_stand_before_what_was_seen(tmp_path):
    declared = story(steps=STEPS, asked=["OUT-01"])
    declared.judge("OUT-01", "pass", "INVITE", "INVITE", 0.2)
    page = page_of(tmp_path, declared, verdict="pass")
    steps = (
        "Press the button The device has registered, within 3 s OUT-01 INVITE from device to pbx, within 2 s"
    )
    assert steps in page.text
    assert page.text.index(steps) < page.text.index("Expectations") < page.text.index("Course of events")


def test_steps_that_end_early_or_are_many_say_so(tmp_path):
    page = page_of(tmp_path, story(steps=STEPS * 20, steps_end="what follows depends on what is observed"))
    assert "And 20 more; run.json has them all." in page.text
    assert "The steps end here: what follows depends on what is observed." in page.text


def test_a_run_of_an_earlier_version_has_no_steps(tmp_path):
    assert "as declared before it was played" not in page_of(tmp_path, story()).text


def test_steps_are_text_whatever_they_hold(tmp_path):
    attack = "</li><script>alert(1)</script>"
    hostile = [{"kind": attack, "text": attack, "requirement": attack}]
    page = page_of(tmp_path, story(steps=hostile[:0] + STEPS + [hostile[0] | {"kind": "expect"}]))
    assert "script" not in {tag for tag, _ in page.elements}
    assert page.open == []


@pytest.mark.parametrize(
    ("verdicts", "why"),
    [
        (["pass", "pass"], "pass 2 expectations held"),
        (["pass", "fail", "fail"], "fail OUT-01: expected expectation 1; seen: nothing (and 1 more)"),
        (["inconclusive"], "inconclusive OUT-01: expected expectation 0; seen: nothing"),
        ([], "not tested"),
    ],
)
def test_why_the_verdict_is_what_it_is(tmp_path, verdicts, why):
    judged = story()
    for number, verdict in enumerate(verdicts):
        judged.judge("OUT-01", verdict, f"expectation {number}", "", 0.2)
    assert why in page_of(tmp_path, judged).text


def test_why_a_scenario_is_an_error_is_its_problem(tmp_path):
    broken = story(verdict="error")
    broken.problems.append("the PBX was lost: its container ended")
    assert "error the PBX was lost: its container ended" in page_of(tmp_path, broken).text


def test_which_attempt_is_shown(tmp_path):
    earlier = {"verdict": "inconclusive", "problems": ["the bench was late"], "evidence": {"folder": "x"}}
    retried = story(attempts=3, earlier=[earlier, earlier])
    assert "Attempt 3 of 3" in page_of(tmp_path, retried).text


@pytest.mark.parametrize(("uncertainty", "whiskers"), [(None, 0), (0.0, 0), (0.4, 1)])
def test_a_measured_value_is_drawn_with_its_uncertainty(tmp_path, uncertainty, whiskers):
    measured = story()
    measured.measure("OUT-03", "ring time", 3.1, 2.7, 3.3)
    measured.measurements[0]["uncertainty"] = uncertainty
    page = page_of(tmp_path, measured)
    assert page.values("class").count("gauge-wrong") == whiskers
    assert page.values("class").count("gauge-range") == 1
