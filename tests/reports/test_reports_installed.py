"""Reports that other distributions bring: written with ours, told of when they fail, and never in our way."""

import pytest
from report_sample import write_run
from report_stories import everything
from typer.testing import CliRunner

from intercom_hil import reports
from intercom_hil.cli import app
from intercom_hil.errors import BenchError
from tests.extension.installed import installed

SOURCE = """
    def listed(run):
        path = run.folder / "verdicts.txt"
        path.write_text("".join(f"{row.id} {row.verdict.name}\\n" for row in run.requirements))
        return path

    def failing(run):
        raise ValueError("no ink")

    def silent(run):
        pass

    NOTHING = None
"""
GOOD = "[intercom_hil.renderers]\nlisted = lab_reports:listed\n"
BAD = (
    f"{GOOD}failing = lab_reports:failing\nsilent = lab_reports:silent\n"
    "torn = no_such_module:write\nnothing = lab_reports:NOTHING\n"
)


@pytest.fixture
def folder(tmp_path):
    return write_run(tmp_path / "run", everything())


def test_a_report_of_another_distribution_is_written_with_ours(folder, tmp_path):
    with installed(tmp_path / "lab", "report-lab", GOOD, lab_reports=SOURCE):
        done = CliRunner().invoke(app, ["report", str(folder)])
    assert done.exit_code == 0
    assert done.stdout.split() == [str(folder / n) for n in ("junit.xml", "report.html", "verdicts.txt")]
    assert "OUT-01 pass\n" in (folder / "verdicts.txt").read_text()


def test_one_that_fails_is_told_by_its_distribution_and_loses_no_other(folder, tmp_path):
    with installed(tmp_path / "lab", "report-lab", BAD, lab_reports=SOURCE):
        with pytest.raises(reports.ReportError) as problem:
            reports.render(folder)
        done = CliRunner().invoke(app, ["report", str(folder)])
    assert [path.name for path in problem.value.written] == ["junit.xml", "report.html", "verdicts.txt"]
    told = str(problem.value)
    assert "report failing: the renderer of report-lab 1.2 failed (ValueError: no ink)" in told
    assert "report silent: the renderer of report-lab 1.2 returned no path" in told
    assert "report torn: no_such_module:write of the distribution report-lab 1.2 cannot be used" in told
    assert "report nothing: lab_reports:NOTHING" in told
    assert "(it cannot be called)" in told
    assert isinstance(done.exception, BenchError), "main() makes one message of it"
    assert "verdicts.txt" in done.stdout


def test_one_of_ours_that_cannot_be_written_keeps_nothing_from_the_others(folder):
    (folder / "junit.xml").mkdir()
    with pytest.raises(reports.ReportError, match="cannot be written") as problem:
        reports.render(folder)
    assert [path.name for path in problem.value.written] == ["report.html"]
