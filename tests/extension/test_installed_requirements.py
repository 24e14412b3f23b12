"""Requirements of another distribution: found by id, judged by class, counted apart from the page's."""

import subprocess
import sys

import pytest

from intercom_hil import reports
from intercom_hil.evidence.records import Evidence, ScenarioRecord
from intercom_hil.evidence.run import RunFolder
from intercom_hil.spec import catalogues
from intercom_hil.spec.catalogue import CATALOGUE, Catalogue
from intercom_hil.spec.catalogues import UnknownRequirement, catalogue_of, requirement
from intercom_hil.spec.verdict import Verdict
from tests.extension.installed import installed

DATA = """
title = "Opening the door"
[families]
DTMF = "Opening by tones"
[classes]
must = "judged"
may = "recorded"
[[requirement]]
id = "DTMF-01"
class = "must"
title = "The right digit opens the door"
text = "A tone of the configured digit during a call closes the strike."
source = "House rules 3"
harm = "A visitor who was let in stands before a locked door."
[[requirement]]
id = "DTMF-02"
class = "may"
title = "Another digit"
text = "What another digit does."
source = "House rules 4"
harm = "None."
"""
SOURCE = f"from intercom_hil.spec.catalogue import Catalogue\nDOOR = Catalogue.parse('''{DATA}''')\n"
ENTRY_POINTS = """
    [intercom_hil.requirements]
    door = door_rules:DOOR
    torn = no_such_rules:NONE
"""
STOLEN = DATA.replace("DTMF", "OUT")


@pytest.fixture
def lab(tmp_path):
    with installed(tmp_path / "lab", "door-lab", ENTRY_POINTS, door_rules=SOURCE):
        yield


def record(identity, verdicts):
    return ScenarioRecord(
        id=identity,
        title=identity,
        verdict=max(verdicts.values(), key=lambda verdict: verdict.rank),
        requirements=verdicts,
        started=1.0,
        duration_s=1.0,
        protocol_wait_s=0.0,
        asked=tuple(verdicts),
        evidence=Evidence(folder=f"scenarios/{identity}"),
    )


@pytest.mark.usefixtures("lab")
def test_it_is_found_by_its_id_and_its_family():
    assert requirement("DTMF-01").title == "The right digit opens the door"
    assert [requirement(i).judged for i in ("DTMF-01", "DTMF-02")] == [True, False]
    assert catalogue_of("DTMF").title == "Opening the door"
    assert catalogue_of("DTMF-03") is catalogue_of("XYZ") is catalogue_of("OUT-99") is None


@pytest.mark.usefixtures("lab")
def test_an_unknown_id_is_told_with_what_is_near_and_what_is_broken():
    with pytest.raises(UnknownRequirement, match="DTMF-0") as problem:
        requirement("DTMF-3")
    assert "no_such_rules:NONE of the distribution door-lab 1.2 cannot be used" in str(problem.value)


def test_the_pages_families_are_the_pages_alone(tmp_path):
    source = SOURCE.replace("DTMF", "OUT")
    with installed(tmp_path / "thief", "thief", "[intercom_hil.requirements]\nt = thief:DOOR", thief=source):
        assert requirement("OUT-01") is CATALOGUE["OUT-01"]
        assert [str(one) for one in catalogues.others() if "families of the page" in str(one)]
    with pytest.raises(ValueError, match="families of the page are not others': OUT"):
        catalogues.add(Catalogue.parse(STOLEN))


@pytest.mark.usefixtures("lab")
def test_a_run_that_names_it_shows_it_beside_the_page_counted_apart(tmp_path):
    run = RunFolder.create(tmp_path / "runs", "emulated")
    for number, verdicts in enumerate(
        ({"OUT-01": Verdict.PASS}, {"DTMF-01": Verdict.FAIL, "OUT-02": Verdict.PASS}), start=1
    ):
        run.scenario_folder(f"test_x.test_{number}")
        run.add(record(f"test_x.test_{number}", verdicts))
    run.write(interrupted=False)
    reports.render(run.path)
    page = (run.path / "report.html").read_text(encoding="utf-8")
    assert "<h2>Opening the door</h2>" in page
    assert "<dt>Requirements tested</dt><dd>2 of 82</dd>" in page
    assert "<dt>Opening the door</dt><dd>1 of 2</dd>" in page
    assert 'id="req-DTMF-01"' in page
    assert '<td class="kind" title="House rules 3">must</td>' in page


@pytest.mark.usefixtures("lab")
def test_a_run_that_does_not_name_it_is_as_without(tmp_path):
    run = RunFolder.create(tmp_path / "runs", "emulated")
    run.scenario_folder("test_x.test_1")
    run.add(record("test_x.test_1", {"OUT-01": Verdict.PASS}))
    assert run.catalogues == {}
    assert list(run.requirements()) == list(CATALOGUE)


def test_the_command_lists_further_catalogues(tmp_path):
    path = tmp_path / "door.toml"
    path.write_text(DATA, encoding="utf-8")
    command = [sys.executable, "-m", "intercom_hil.cli", "requirements", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "# Opening the door\n\n## Opening by tones (DTMF)\n\n### DTMF-01: The right digit" in done.stdout
    path.write_text(STOLEN, encoding="utf-8")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert f"{path}: it is no requirement catalogue (families of the page" in done.stderr
