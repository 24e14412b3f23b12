"""The formats beside HTML and JUnit: forms, counts that agree with run.json, texts that try to break out."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from dataclasses import replace

import pytest
from report_sample import ScenarioBuilder, write_run
from report_stories import answered_at_once, everything
from test_reports_hostile import ATTACKS, hostile_story
from typer.testing import CliRunner

from intercom_hil import reports
from intercom_hil.cli import app
from intercom_hil.reports import allure, causes, ctrf, markdown, table
from intercom_hil.run_folder.run import read_run

LEAN = [name for name in reports.chosen(["all"]) if name != "pdf"]
"""Every format that needs nothing of the system; test_reports_pdf.py has the other."""
FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "=cmd|' /C calc'!A0", "＝1"]
CTRF_TEST = {
    "name": str,
    "status": str,
    "duration": int,
    "testId": str,
    "rawStatus": str,
    "start": int,
    "stop": int,
    "suite": list,
    "message": str,
    "trace": str,
    "tags": list,
    "retries": int,
    "retryAttempts": list,
    "flaky": bool,
    "steps": list,
    "attachments": list,
}
"""What a test of CTRF 1.0 may have of what is used here: the schema admits nothing else."""
CTRF_SUMMARY = {"tests", "passed", "failed", "skipped", "pending", "other", "start", "stop"}
"""What a summary of CTRF must have; ``flaky`` and ``extra`` it may have."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    found = write_run(tmp_path_factory.mktemp("formats") / "run", everything())
    reports.render(found, LEAN)
    return found


def cells(folder):
    with (folder / "results.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def results(folder):
    return [json.loads(file.read_bytes()) for file in (folder / "allure-results").glob("*-result.json")]


def test_all_counts_agree_with_the_run(folder):
    run = json.loads((folder / "run.json").read_text())
    scenarios = Counter(item["verdict"] for item in run["scenarios"])
    requirements = Counter(row["verdict"] for row in run["requirements"].values())
    red = scenarios["fail"] + scenarios["error"] + scenarios["inconclusive"]
    summary = json.loads((folder / "ctrf.json").read_text())["results"]["summary"]
    assert summary["extra"]["scenarios"] == scenarios
    assert summary["extra"]["requirements"] == requirements
    assert (summary["tests"], summary["failed"]) == (len(run["scenarios"]), red)
    rows = cells(folder)
    assert (
        Counter({r["scenario"]: r["scenario verdict"] for r in rows if r["scenario"]}.values()) == scenarios
    )
    assert {r["requirement"] for r in rows if r["requirement"]} == set(run["requirements"])
    statuses = Counter(item["status"] for item in results(folder))
    assert statuses["failed"] == scenarios["fail"]
    assert statuses["broken"] == scenarios["error"] + scenarios["inconclusive"]
    assert statuses.total() == len(run["scenarios"])
    head, _, *counted = [
        line.strip("| ").split(" | ")
        for line in (folder / "summary.md").read_text().split("\n\n### ")[0].splitlines()
        if line.startswith("|")
    ]
    for row, counts in zip(counted, (scenarios, requirements), strict=True):
        shown = dict(zip([name.strip(" ✗✓!?·–○") for name in head], row[1:], strict=True))
        words = {"none": "not tested"}
        assert {words.get(name, name): str(count) for name, count in counts.items()}.items() <= shown.items()


def test_a_ctrf_document_has_the_form_that_its_schema_asks_for(folder):
    document = json.loads((folder / "ctrf.json").read_text())
    assert set(document) == {
        *("reportFormat", "specVersion", "reportId", "timestamp", "generatedBy", "results")
    }
    assert document["reportFormat"] == "CTRF"
    assert set(document["results"]) == {"tool", "summary", "tests", "environment"}
    assert CTRF_SUMMARY <= set(document["results"]["summary"]) <= CTRF_SUMMARY | {"flaky", "extra"}
    for test in document["results"]["tests"]:
        assert {"name", "status", "duration"} <= set(test)
        assert {key: type(value) for key, value in test.items()} == {key: CTRF_TEST[key] for key in test}
        assert test["status"] in {"passed", "failed", "skipped"}
        for step in test["steps"]:
            assert set(step) == {"name", "status", "extra"}
        for attempt in test.get("retryAttempts", []):
            assert set(attempt) == {"attempt", "status", "message"}
        for file in test.get("attachments", []):
            assert set(file) == {"name", "contentType", "path"}
            assert (folder / file["path"]).exists()


@pytest.mark.parametrize("stories", [[], [answered_at_once()]])
def test_a_run_that_is_not_whole_is_red_in_every_format(tmp_path, stories):
    folder = write_run(tmp_path / "run", stories, interrupted=True, verdict="none", stopped_by="no PBX")
    reports.render(folder, LEAN)
    summary = json.loads((folder / "ctrf.json").read_text())["results"]["summary"]
    assert (summary["tests"], summary["failed"]) == (len(stories) + 1, 1)
    assert [item["status"] for item in results(folder)].count("broken") == 1
    text = (folder / "summary.md").read_text()
    assert "inconclusive: the run " + ("was interrupted" if stories else "did not begin") in text


@pytest.mark.parametrize("text", FORMULAS)
def test_no_text_is_a_formula_of_a_spreadsheet(tmp_path, text):
    folder = write_run(tmp_path / "run", [hostile_story(text)], name=text)
    reports.render(folder, reports.chosen(["csv"]))
    rows = cells(folder)
    assert [cell for row in rows for cell in row.values() if cell.startswith(tuple("=+-@\t\r＝"))] == []
    assert any(text.strip() in cell for row in rows for cell in row.values())


def test_a_number_that_is_measured_stays_one_cell_of_one_line(folder):
    rows = cells(folder)
    assert all("\n" not in cell for row in rows for cell in row.values())
    ring = next(row for row in rows if row["requirement"] == "OUT-03" and row["measured"])
    assert ring["measured"] == "ring time 30.11 s"
    assert (ring["verdict"], ring["scenario verdict"]) == ("fail", "fail")


@pytest.mark.parametrize(
    "attack",
    [
        *ATTACKS,
        "[a](javascript:alert(1))",
        "![x](http://h/)",
        "|x|y|",
        "`c`",
        "# h",
        "@team",
        "www.h.org",
        "*b*",
    ],
)
def test_no_text_means_anything_in_the_summary(attack):
    shown = markdown.safe(f"{attack}\n{attack}")
    assert re.search(r"[<>\[\]|`*#@!_{}\n]|www\.|http:", re.sub(r"&#\d+;", "", shown)) is None
    assert markdown.safe("call setup time, 30 s (RFC 3261)") == "call setup time, 30 s (RFC 3261)"


def test_the_summary_of_a_large_and_hostile_run_stays_small(folder):
    run = read_run(folder)
    bad = next(item for item in run.scenarios if item.verdict.name == "fail")
    letters = "abcdefghijklmnopqrstuvwxyz"
    many = tuple(
        replace(
            bad,
            judgements=(replace(bad.judgements[1], expected=a + b + c + "<|@" * 900, seen="*" * 5_000),),
        )
        for a in letters
        for b in letters
        for c in "xyz"
    )
    assert len(markdown.render(replace(run, scenarios=many))) < 200_000


def test_attached_evidence_lies_beside_the_results_of_allure(folder):
    attached = [item for result in results(folder) for item in result.get("attachments", [])]
    assert attached
    assert all((folder / allure.FOLDER_NAME / item["source"]).is_file() for item in attached)
    for result in results(folder):
        assert {"uuid", "name", "fullName", "historyId", "status", "stage", "start", "stop"} <= set(result)
    again = {item["uuid"] for item in results(folder)}
    reports.render(folder, reports.chosen(["allure"]))
    assert {item["uuid"] for item in results(folder)} == again


def test_a_file_outside_the_run_is_not_attached(tmp_path):
    (tmp_path / "secret").write_text("leak")
    story = next(item for item in everything() if item.row()["verdict"] == "fail")
    story.extra = {"evidence": {"folder": "x", "timeline": "../secret", "capture": "/etc/hostname"}}
    folder = write_run(tmp_path / "run", [story])
    reports.render(folder, reports.chosen(["allure", "ctrf"]))
    assert results(folder)[0]["attachments"] == []
    assert "secret" not in (folder / "ctrf.json").read_text()


def test_what_many_scenarios_show_is_one_cause(tmp_path):
    stories = []
    for place in range(30):
        story = ScenarioBuilder(f"test_x.test_{place}", f"story {place}")
        story.judge("EVT-02", "fail", f"established {place} times, for +0.{place} s, +1.{place} s", "0 times")
        story.judge("EVT-02", "fail", "established 1 times, for +0.250 s", "0 times")
        story.judge("REG-05", "inconclusive", f"digest credentials (RFC 3261 §{place})", "unreadable")
        stories.append(story)
    found = causes.causes(read_run(write_run(tmp_path / "run", stories)))
    assert [(item.requirement, item.verdict.name, item.count, len(item.scenarios)) for item in found] == [
        ("EVT-02", "fail", 60, 30),
        ("REG-05", "inconclusive", 30, 30),
    ]


def test_formats_are_chosen_by_name(folder):
    assert reports.chosen() == ["junit", "html"]
    assert reports.chosen(["csv"]) == ["csv"]
    assert reports.chosen(["csv"], besides=True) == ["junit", "html", "csv"]
    assert {"markdown", "ctrf", "allure", "html"} <= set(reports.chosen(["all"]))
    done = CliRunner().invoke(app, ["report", str(folder), "--format", "csv", "--format", "markdown"])
    assert done.stdout.split() == [str(folder / "summary.md"), str(folder / "results.csv")]
    refused = CliRunner().invoke(app, ["report", str(folder), "--format", "pdfx"])
    assert "pdfx: there is no such report format. Remedy: use junit, html" in str(refused.exception)


def test_names_of_files_are_what_the_documentation_says(folder):
    names = {ctrf.FILE_NAME, table.FILE_NAME, markdown.FILE_NAME, allure.FOLDER_NAME}
    assert names == {"ctrf.json", "results.csv", "summary.md", "allure-results"}
    assert names <= {path.name for path in folder.iterdir()}
