"""The annex of standards: each clause with the requirements that bear on it, and what a run shows of it."""

import pytest
from report_sample import write_run
from report_stories import everything, timeout_ignored
from test_reports_render import Page

from intercom_hil import reports

LONG = "</p><script>alert(1)</script>"


def support(clause, *requirements, reason="because of this"):
    return {
        "standard": "S 1",
        "title": "Standard S 1, of security",
        "clause": clause,
        "about": f"about {clause}",
        "requirements": list(requirements),
        "reason": reason,
    }


def page_of(folder, *mappings, stories=None):
    reports.render(write_run(folder / "run", stories or everything(), mappings=list(mappings)), ["html"])
    return Page((folder / "run" / "report.html").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("requirements", "standing"),
    [
        (["OUT-01"], "supported ✓ OUT-01"),
        (["OUT-01", "OUT-03"], "contradicted: a requirement fails"),
        (["OUT-01", "CFG-01"], "supported in part"),
        (["CFG-01", "CFG-02"], "not shown by this run"),
        (["INC-03"], "not shown by this run"),
        (["VID-01"], "not shown by this run"),
        (["OUT-01", "VID-01"], "supported ✓ OUT-01"),
    ],
)
def test_how_far_a_run_supports_a_clause(tmp_path, requirements, standing):
    page = page_of(tmp_path, support("A-1", *requirements))
    assert f"A-1 about A-1 {standing}" in page.text
    assert "it does not prove conformity" in page.text
    assert "#standards" in page.values("href")


def test_requirements_name_the_clauses_that_they_bear_on(tmp_path):
    page = page_of(tmp_path, support("A-1", "OUT-03"), support("B-2", "OUT-03"), support("B-2", "OUT-01"))
    assert "S 1 A-1, B-2" in page.text
    assert page.text.count("Standard S 1, of security") == 1


def test_a_run_without_a_mapping_has_no_annex(tmp_path):
    page = page_of(tmp_path)
    assert "standards" not in page.values("id")


def test_a_mapping_is_text_whatever_it_holds(tmp_path):
    page = page_of(tmp_path, support(LONG, "OUT-01", "NO-99", reason=LONG), stories=[timeout_ignored()])
    assert "script" not in {tag for tag, _ in page.elements}
    assert page.open == []


def test_words_that_changed_since_their_review_are_marked(tmp_path):
    folder = write_run(tmp_path / "run", everything())
    text = (folder / "run.json").read_text(encoding="utf-8")
    row = '"title": "An unanswered call'
    assert row in text
    marked = text.replace(row, f'"review": "changed since the review of 2030-01-07", {row}')
    (folder / "run.json").write_text(marked, encoding="utf-8")
    reports.render(folder, ["html"])
    page = Page((folder / "report.html").read_text(encoding="utf-8"))
    assert "Words changed since the review of 2030-01-07" in page.text
