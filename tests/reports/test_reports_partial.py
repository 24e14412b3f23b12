"""Runs that were interrupted, cut short or are none: what can be said is said, and never a pass too much."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest
from report_sample import write_run
from report_stories import answered_at_once, not_declared, station_never_registered, timeout_ignored

from intercom_hil import reports
from intercom_hil.reports.run import read_run


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
    assert suite.get("tests") == "0"
    assert "nothing was judged" in suite.findtext("system-err")


def test_an_interrupted_run_is_never_a_pass(tmp_path):
    folder = write_run(tmp_path / "run", [answered_at_once()], verdict="pass", interrupted=True)
    assert "was interrupted after 1 scenario." in rendered(folder)
    assert read_run(folder).verdict.name == "inconclusive"


def test_a_verdict_better_than_its_scenarios_is_not_believed(tmp_path):
    folder = write_run(tmp_path / "run", [timeout_ignored()], verdict="pass")
    assert "states the verdict pass, but a scenario is worse" in rendered(folder)
    assert read_run(folder).verdict.name == "fail"


def test_an_unknown_verdict_is_an_error(tmp_path):
    folder = write_run(tmp_path / "run", [answered_at_once()], verdict="splendid")
    assert read_run(folder).verdict.name == "error"
    assert "is read as error" in rendered(folder)


def test_a_run_of_nothing_but_its_schema_is_rendered(tmp_path):
    (tmp_path / "run.json").write_text('{"schema": 1}')
    assert "run.json lacks: started, ended, environment, requirements, scenarios." in rendered(tmp_path)


def test_an_earlier_attempt_is_kept_in_sight(tmp_path):
    page = rendered(write_run(tmp_path / "run", [station_never_registered()]))
    assert "2 attempts" in page
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
    story.extra = {"evidence": {"timeline": path, "capture": path}}
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
