"""The JSON Schemas that come along: made from the models, and true of what a run stores."""

import json

import pytest

from intercom_hil.evidence.records import Evidence, RunRecord, ScenarioRecord
from intercom_hil.evidence.run import RunFolder
from intercom_hil.evidence.schemas import FOLDER, MODELS, text_of
from intercom_hil.judge.judgement import Judgement
from intercom_hil.judge.rules import Measured
from intercom_hil.run_folder.schema import default, misfits, run_schema
from intercom_hil.run_folder.verdicts import VERDICTS
from intercom_hil.spec.catalogue import FAMILIES
from intercom_hil.spec.verdict import Verdict


@pytest.mark.parametrize("name", MODELS)
def test_the_file_is_the_models_schema(name):
    written = (FOLDER / name).read_text(encoding="utf-8")
    assert json.loads(written) == json.loads(text_of(MODELS[name])), (
        "write it anew: python -m intercom_hil.evidence.schemas"
    )


def test_a_run_as_it_is_written_fits_its_schema(tmp_path):
    run = RunFolder.create(tmp_path, "emulated")
    measured = Judgement(
        requirement="OUT-03",
        verdict=Verdict.PASS,
        expected="ring time",
        seen="3.1 s",
        rule=Measured(name="ring time", unit="s", value=3.1, low=2.5, high=None),
    )
    run.scenario_folder("test_x.test_y")
    run.add(
        ScenarioRecord(
            id="test_x.test_y",
            title="y",
            verdict=Verdict.PASS,
            requirements={"OUT-03": Verdict.PASS},
            started=1.0,
            duration_s=2.0,
            protocol_wait_s=1.0,
            judgements=[measured],
            evidence=Evidence(folder="scenarios/test_x.test_y"),
        )
    )
    run.describe({"python": "3.11", "device": {"console": None}})
    run.write(interrupted=False)
    data = json.loads((run.path / "run.json").read_text())
    assert list(misfits(data)) == []
    scenario = RunRecord.model_validate(data).scenarios[0]
    assert (scenario.judgements[0].seen, scenario.measurements[0].high) == ("3.1 s", None)
    assert "rule" not in data["scenarios"][0]["judgements"][0]
    assert data["families"] == FAMILIES


def test_readers_of_the_schema_have_the_verdicts_in_their_order_and_words():
    assert [(v.name, v.rank, v.word, v.meaning) for v in VERDICTS] == [
        (v.value, v.rank, v.word, v.meaning) for v in Verdict
    ]
    assert default("families") == FAMILIES
    assert run_schema()["$schema"].startswith("https://json-schema.org/")
