"""Runs that were interrupted, cut short or are none: what can be said is said, and never a pass too much."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest
from report_sample import write_run
from report_stories import answered_at_once, not_declared, station_never_registered, timeout_ignored

from intercom_hil import reports
from intercom_hil.run_folder.run import read_run


def rendered(folder) -> str:
    reports.render(folder)
    return (folder / "report.html").read_text(encoding="utf-8")


def edit(folder, **changes) -> None:
    path = folder / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_a_run_without_scenarios_says_so(tmp_path):
    folder = write_run(tmp_path / "run", [], verdict="none")
    assert "nothing was judged" in rendered(folder)
    suite = ElementTree.parse(folder / "junit.xml").getroot().find("testsuite")
    assert (suite.get("tests"), suite.get("errors")) == ("1", "1")
    assert "nothing was judged" in suite.findtext("system-err")


def test_an_interrupted_run_is_never_a_pass(tmp_path):
    folder = write_run(tmp_path / "run", [answered_at_once()], verdict="pass", interrupted=True)
    page = rendered(folder)
    assert "was interrupted after 1 scenario." in page
    assert "every scenario" not in page
    assert read_run(folder).verdict.name == "inconclusive"


def test_a_verdict_better_than_its_scenarios_is_not_believed(tmp_path):
    folder = write_run(tmp_path / "run", [timeout_ignored()], verdict="pass")
    assert "states the verdict pass, but a scenario is worse" in rendered(folder)
    assert read_run(folder).verdict.name == "fail"


@pytest.mark.parametrize(
    ("changes", "misfit"),
    [
        ({"verdict": "splendid"}, "verdict is none of what it may be: 'none', 'not applicable', "),
        ({"started": "noon"}, "started is not of type number"),
        ({"interrupted": 0}, "interrupted is not of type boolean"),
        ({"requirements": {"OUT-01": {}}}, "requirements.OUT-01.class is missing; requirements.OUT-01.title"),
        ({"scenarios": [7]}, "scenarios[0] is not of type object"),
        ({"scenarios": [{}]}, "scenarios[0].id is missing; scenarios[0].title is missing; "),
    ],
)
def test_a_run_that_does_not_fit_its_schema_is_refused_with_the_place(tmp_path, changes, misfit):
    folder = write_run(tmp_path / "run", [answered_at_once()])
    edit(folder, **changes)
    with pytest.raises(reports.ReportError) as caught:
        reports.render(folder)
    assert f"run.json: does not fit its schema: {misfit}" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_run_from_before_it_named_its_families_is_shown_with_their_names(tmp_path):
    folder = write_run(tmp_path / "run", [answered_at_once()])
    assert "families" not in json.loads((folder / "run.json").read_text())
    assert "Outgoing calls" in rendered(folder)


def test_families_go_by_the_names_that_the_run_gives_them(tmp_path):
    folder = write_run(tmp_path / "run", [answered_at_once()], families={"OUT": "Calls to the <guard>"})
    assert "Calls to the &lt;guard&gt;" in rendered(folder)


def test_an_earlier_attempt_is_kept_in_sight(tmp_path):
    page = rendered(write_run(tmp_path / "run", [station_never_registered()]))
    assert "Attempt 2 of 2" in page
    assert "Earlier attempts" in page
    assert "OSError: the port is taken" in page


def test_missing_evidence_is_named_and_not_linked(tmp_path):
    story = answered_at_once()
    folder = write_run(tmp_path / "run", [story])
    (folder / "scenarios" / story.id / "capture.pcapng").unlink()
    (folder / "scenarios" / story.id / "timeline.jsonl").unlink()
    page = rendered(folder)
    assert f"Evidence is missing: scenarios/{story.id}/capture.pcapng" in page
    assert "There is no timeline" in page
    assert 'capture.pcapng"' in page
    assert 'href="./scenarios/test_outgoing.test_the_button_places_a_call/capture.pcapng"' not in page


def test_a_timeline_cut_short_is_drawn_as_far_as_it_goes(tmp_path):
    story = answered_at_once()
    folder = write_run(tmp_path / "run", [story])
    path = folder / "scenarios" / story.id / "timeline.jsonl"
    path.write_bytes(path.read_bytes()[:4000] + b"\xff\xfe{")
    page = rendered(folder)
    assert "1 line of the timeline could not be read." in page
    assert '<svg class="ladder' in page


def test_an_empty_timeline_says_so(tmp_path):
    assert "The timeline is empty" in rendered(write_run(tmp_path / "run", [not_declared()]))


@pytest.mark.parametrize(
    "path", ["../secret", "/etc/passwd", "javascript:alert(1)", "scenarios/../../secret", "\0"]
)
def test_evidence_outside_the_run_is_neither_read_nor_linked(tmp_path, path):
    (tmp_path / "secret").write_text(
        '{"seq":0,"time":1.0,"witness":"wire","content":{"kind":"note","text":"leak"}}'
    )
    story = answered_at_once()
    story.extra = {"evidence": {"folder": "x", "timeline": path, "capture": path}}
    page = rendered(write_run(tmp_path / "run", [story]))
    assert "There is no timeline" in page
    assert "leak" not in page
    assert "(missing)" in page


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "cannot be read"),
        ("{", "is not readable JSON"),
        ("[" * 100_000, "is not readable JSON"),
        ("[]", "does not hold a run"),
        (
            '{"schema": 1}',
            "name is missing; started is missing; ended is missing; and more",
        ),
        ('{"schema": 2}', "schema 2 is not the schema 1"),
        ("{}", "schema none"),
    ],
)
def test_a_folder_that_holds_no_run_is_refused_in_one_sentence(tmp_path, content, told):
    if content is not None:
        (tmp_path / "run.json").write_text(content)
    with pytest.raises(reports.ReportError) as caught:
        reports.render(tmp_path)
    assert told in str(caught.value)
    assert "Remedy: " in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "report.html").exists()


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(reports.ReportError, match="there is no such directory"):
        reports.render(tmp_path / "nowhere")


def test_a_report_that_cannot_be_written_is_refused_and_leaves_no_half(tmp_path):
    folder = write_run(tmp_path / "run", [])
    (folder / "junit.xml").mkdir()
    with pytest.raises(reports.ReportError, match="cannot be written"):
        reports.render(folder)
    assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []


KNOWN = {
    "requirement": "OUT-03",
    "device": "Door One",
    "firmware": "1.2",
    "reason": "mended in 1.3 <soon>",
    "accepted_by": "A. Tester",
    "until": "2030-06-30",
}


@pytest.mark.parametrize("standing", ["accepted", "expired"])
def test_known_deviations_are_shown_as_they_stand_and_a_fail_stays_one(tmp_path, standing):
    folder = write_run(tmp_path / "run", [timeout_ignored()])
    edit(folder, known_deviations=[KNOWN | {"standing": standing}])
    page = rendered(folder)
    assert "mended in 1.3 &lt;soon&gt;" in page
    assert f"{standing}<" in page
    row = page.partition('id="req-OUT-03"')[2].partition("</tr>")[0]
    assert ("accepted until 2030-06-30 by A. Tester" in row) == (standing == "accepted")
    assert "fail" in row
    results = (folder / "junit.xml").read_text()
    assert "<failure" in results
    assert ("OUT-03 is accepted until" in results) == (standing == "accepted")


def test_a_device_that_is_not_what_the_bench_file_says_is_noted(tmp_path):
    folder = write_run(tmp_path / "run", [timeout_ignored()])
    named = json.loads((folder / "run.json").read_text())["scenarios"]
    for scenario in named:
        scenario["device_name"] = "Door One/1.2"
    edit(folder, scenarios=named, environment={"device": {"model": "Door One", "firmware": "1.3"}})
    assert "says firmware 1.3, and the device calls itself" in rendered(folder)
    edit(folder, environment={"device": {"model": "Door One", "firmware": "1.2", "mac": "02:00:00:00:00:01"}})
    page = rendered(folder)
    assert "calls itself" not in page
    assert "Door One, firmware 1.2, MAC 02:00:00:00:00:01" in page
