"""Mode, conformity and the laboratory's own data, as every report shows them."""

import csv
import json
from xml.etree import ElementTree

import pytest
from report_catalogue import CATALOGUE
from report_sample import ScenarioBuilder, write_run
from test_reports_render import Page

from intercom_hil import reports
from intercom_hil.reports.conformity import conformity, particulars
from intercom_hil.run_folder.run import read_run

DIAGNOSTIC = {"kind": "diagnostic", "reasons": ["the device is not identified: serial number missing"]}
LABORATORY = {
    "laboratory": {
        "name": "Door Lab",
        "address": "Ring Road 1\n1010 Vienna",
        "place": "Hall 3",
        "equipment": [{"name": "relay board", "identity": "USB 2a19:0c01", "calibrated": "2026-11-02"}],
    },
    "customer": {"name": "Acme", "order": "PO 12"},
    "report": {"number": "DL-2026-7", "received": "2026-11-20", "authorised_by": "Ada", "remarks": ["Open."]},
}


def all_judged(verdict="pass", row="OUT-03"):
    story = ScenarioBuilder("test_x.test_all", "all of it")
    for name, found in CATALOGUE.items():
        story.judge(name, "observed" if found["class"] == "G" else "pass", "it holds", "it does")
    if verdict != "pass":
        story.judge(row, verdict, "it holds", "something else")
    return story


def stated(folder, verdict="pass", **changes):
    return conformity(read_run(write_run(folder, [all_judged(verdict)], **changes)))


def test_only_a_conformance_run_states_conformity(tmp_path):
    assert "conforms to all" in stated(tmp_path / "all")
    assert "does not conform: it broke 1 of" in stated(tmp_path / "fail", "fail")
    assert "Conformity is not stated" in stated(tmp_path / "open", "inconclusive")
    assert stated(tmp_path / "part", mode=DIAGNOSTIC).startswith(
        "No statement of conformity is made: the device"
    )


@pytest.mark.parametrize(
    "changes", [{"interrupted": True}, {"selection": "-k call"}, {"mode": None}, {"mode": DIAGNOSTIC}]
)
def test_what_contradicts_conformance_counts_though_the_run_says_conformance(tmp_path, changes):
    run = read_run(write_run(tmp_path / "run", [all_judged()], **changes))
    assert run.mode.kind == "diagnostic"
    assert run.mode.reasons
    assert conformity(run).startswith("No statement of conformity is made")


def test_a_run_of_an_older_version_is_read_and_is_diagnostic(tmp_path):
    folder = write_run(tmp_path / "run", [all_judged()])
    data = json.loads((folder / "run.json").read_text())
    del data["mode"]
    (folder / "run.json").write_text(json.dumps(data))
    run = read_run(folder)
    assert (run.mode.kind, run.issue.number, run.laboratory) == ("diagnostic", 1, None)


@pytest.mark.parametrize("mode", [{"kind": "conformance", "reasons": []}, DIAGNOSTIC])
def test_every_report_says_which_mode_it_was_and_its_number(tmp_path, mode):
    folder = write_run(tmp_path / "run", [all_judged()], mode=mode, **LABORATORY)
    reports.render(folder, reports.chosen(["all"]))
    kind, number = mode["kind"], "DL-2026-7"
    page = (folder / "report.html").read_text()
    shown = Page(page)
    header = shown.text[: shown.text.index("What needs attention")]
    assert {"conformance": "conforms to all", "diagnostic": "no statement of conformity"}[kind] in header
    assert "@top-right { content: " in page.partition("<style>")[2].partition("</style>")[0]
    assert f"End of report {number}" in shown.text
    markdown = (folder / "summary.md").read_text()
    assert f"**{kind.capitalize()} run" in markdown
    suite = ElementTree.parse(folder / "junit.xml").getroot().find("testsuite")
    found = {p.get("name"): p.get("value") for p in suite.iter("property")}
    assert (found["mode"], found["report"]) == (kind, number)
    extra = json.loads((folder / "ctrf.json").read_text())["results"]["summary"]["extra"]
    assert (extra["mode"], extra["report"]) == (kind, number)
    rows = list(csv.DictReader((folder / "results.csv").read_text().splitlines()))
    assert {(row["mode"], row["report"]) for row in rows} == {(kind, number)}
    about = (folder / "allure-results" / "environment.properties").read_text()
    assert f"mode = {kind}" in about


def test_what_a_report_must_say_of_itself_is_all_there(tmp_path):
    run = read_run(write_run(tmp_path / "run", [all_judged()], **LABORATORY))
    items = {item.clause: item for item in particulars(run)}
    letters = "abcdefghijklmnop"
    assert {f"7.8.2.1 {letter}" for letter in letters} <= items.keys()
    assert items["7.8.2.1 b"].lines == ("Door Lab", "Ring Road 1", "1010 Vienna")
    assert items["7.8.2.1 c"].lines == ("Hall 3",)
    assert items["7.8.2.1 d"].lines == ("DL-2026-7",)
    assert items["7.8.2.1 h"].lines == ("2026-11-20",)
    assert "Open." in items["7.8.2.1 n"].lines
    assert items["6.4.13"].lines == ("relay board (USB 2a19:0c01): calibrated 2026-11-02",)


def test_what_was_not_stated_is_said_to_be_missing(tmp_path):
    run = read_run(write_run(tmp_path / "run", [all_judged()]))
    items = {item.name: item.lines for item in particulars(run)}
    for name in ("Laboratory", "Place of the tests", "Customer", "Received", "Authorised by", "Equipment"):
        assert items[name] == ("not stated",), name
    assert run.number == "run 2026-11-22T20:41:03Z"


def test_no_text_of_the_laboratory_means_anything_to_the_style(tmp_path):
    hostile = '"; } * { display: none } </style><b>'
    details = {"number": hostile}
    folder = write_run(tmp_path / "run", [all_judged()], report=details, laboratory={"name": hostile})
    reports.render(folder)
    style = (folder / "report.html").read_text().partition("<style>")[2].partition("</style>")[0]
    assert "display: none }" not in style
    assert r"\22 \3b \20 \7d " in style
