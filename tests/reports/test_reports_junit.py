"""The JUnit report: the form that the strictest of its readers wants, counts, and what a failure says."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

import pytest
from report_sample import write_run
from report_stories import answered_at_once, everything

from intercom_hil import reports

_TIME = re.compile(r"[0-9]*(\.[0-9]*)?")
_OUTCOMES = ("skipped", "error", "failure")
_EARLIER = ("rerunFailure", "rerunError", "flakyFailure", "flakyError")
_OUTPUTS = ("system-out", "system-err")
_RERUN = ({"type"}, {"message"}, ())
_OUTCOME = (set(), {"type", "message"}, ())
_OUTPUT = (set(), set(), ())
JENKINS = {
    "testsuites": (set(), {"name", "time", "tests", "failures", "errors"}, ("testsuite",)),
    "testsuite": (
        {"name", "tests", "failures", "errors"},
        {"group", "time", "skipped", "timestamp", "hostname", "id", "package", "file", "log", "url"},
        ("testsuite", "properties", "testcase", "system-out", "system-err"),
    ),
    "properties": (set(), set(), ("property",)),
    "property": ({"name", "value"}, set(), ()),
    "testcase": (
        {"name"},
        {"time", "classname", "group"},
        (*_OUTCOMES, *_EARLIER, *_OUTPUTS),
    ),
    **dict.fromkeys(_OUTCOMES, _OUTCOME),
    **dict.fromkeys(_EARLIER, _RERUN),
    **dict.fromkeys(_OUTPUTS, _OUTPUT),
}
"""By element: attributes that it must have, that it may have, and what may stand in it.

Typed after junit-10.xsd of Jenkins' xUnit plugin, the schema that most tools check against.
"""


def misfits(element: ElementTree.Element) -> list[str]:
    """Return where a document departs from what Jenkins admits."""
    required, optional, children = JENKINS[element.tag]
    found = [f"{element.tag} lacks {name}" for name in required - set(element.keys())]
    found += [f"{element.tag}@{name}" for name in set(element.keys()) - required - optional]
    if element.tag in ("testsuite", "testsuites") and not _TIME.fullmatch(element.get("time", "")):
        found.append(f"{element.tag}@time is {element.get('time')}")
    for child in element:
        found += [f"{child.tag} in {element.tag}"] if child.tag not in children else misfits(child)
    return found


def document(folder: Path) -> ElementTree.Element:
    return ElementTree.parse(folder / "junit.xml").getroot()


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory) -> Path:
    folder = write_run(tmp_path_factory.mktemp("sample") / "run", everything())
    reports.render(folder)
    return folder


def test_jenkins_admits_it(run_folder, tmp_path):
    assert misfits(document(run_folder)) == []
    empty = write_run(tmp_path / "empty", [], interrupted=True, verdict="none")
    reports.render(empty)
    assert misfits(document(empty)) == []


def test_the_form_that_is_asked_for_finds_what_jenkins_refuses():
    text = (
        "<testsuites skipped='1'><testsuite name='x'><testcase name='y'><properties/></testcase></testsuite>"
    )
    found = misfits(ElementTree.fromstring(text + "</testsuites>"))
    assert {"testsuites@skipped", "properties in testcase", "testsuite lacks tests"} <= set(found)


def test_the_junit_counts_agree_with_the_run(run_folder):
    suite = ElementTree.parse(run_folder / "junit.xml").getroot().find("testsuite")
    assert {key: suite.get(key) for key in ("tests", "failures", "errors", "skipped")} == {
        "tests": "8",
        "failures": "2",
        "errors": "2",
        "skipped": "1",
    }
    children = Counter(child.tag for case in suite.iter("testcase") for child in case)
    assert children == {"system-out": 8, "failure": 2, "error": 2, "skipped": 1, "rerunError": 1}


def test_a_junit_case_names_what_it_verifies(run_folder):
    cases = list(ElementTree.parse(run_folder / "junit.xml").getroot().iter("testcase"))
    case = next(case for case in cases if case.get("name") == "test_each_contact_is_tried_in_sequence")
    assert case.get("classname") == "test_outgoing"
    lines = case.findtext("system-out").splitlines()
    assert "[[PROPERTY|verifies=EVT-03,OUT-02,EVT-13,OUT-10]]" in lines
    assert "[[PROPERTY|attempts=1]]" in lines


def test_a_junit_failure_convinces(run_folder):
    failure = next(ElementTree.parse(run_folder / "junit.xml").getroot().iter("failure"))
    first = failure.text.splitlines()[0]
    for part in (
        "OUT-03",
        "expected CANCEL",
        "seen: no CANCEL within 5.0 s",
        "wire, pbx, console",
        "+5.290 s",
    ):
        assert part in first
    assert "2026-11-22 20:41:48 UTC" in first
    assert "measured ring time 30.11 s, allowed 2.7 to 3.3 s" in failure.text
    assert (
        "Evidence: scenarios/test_outgoing.test_an_unanswered_contact_is_given_up/capture.pcapng"
        in failure.text
    )


def test_an_earlier_attempt_that_was_made_good_is_flaky_and_counts_as_passed(tmp_path):
    story = answered_at_once()
    earlier = {"verdict": "error", "problems": ["OSError: the port is taken"], "evidence": {"folder": "x"}}
    story.attempts, story.extra = 2, {"earlier": [earlier]}
    folder = write_run(tmp_path / "run", [story])
    reports.render(folder)
    suite = document(folder).find("testsuite")
    assert (suite.get("tests"), suite.get("errors")) == ("1", "0")
    assert suite.find("testcase/flakyError").get("message") == "OSError: the port is taken"
    assert misfits(document(folder)) == []


def test_a_run_that_could_not_begin_is_an_error_that_says_why(tmp_path):
    why = "pbx.address: address 127.0.0.10 is in use. Remedy: wait for that run"
    reports.render(write_run(tmp_path / "run", [], interrupted=True, verdict="none", stopped_by=why))
    suite = document(tmp_path / "run").find("testsuite")
    assert {key: suite.get(key) for key in ("tests", "failures", "errors", "skipped")} == {
        "tests": "1",
        "failures": "0",
        "errors": "1",
        "skipped": "0",
    }
    assert suite.find("testcase/error").get("message") == f"The run did not begin: {why}"


def test_an_interrupted_run_is_red_though_all_that_was_played_passed(tmp_path):
    folder = write_run(tmp_path / "run", [answered_at_once()], verdict="pass", interrupted=True)
    reports.render(folder)
    suite = document(folder).find("testsuite")
    assert (suite.get("tests"), suite.get("errors")) == ("2", "1")
    assert "was interrupted after 1 scenario" in suite.find("testcase/error").text


def test_a_parameter_stays_in_the_name_of_its_case(tmp_path):
    story = answered_at_once()
    story.id += "[1.5]"
    reports.render(write_run(tmp_path / "run", [story]))
    case = document(tmp_path / "run").find("testsuite/testcase")
    assert case.get("classname") == "test_outgoing"
    assert case.get("name") == "test_the_button_places_a_call[1.5]"
