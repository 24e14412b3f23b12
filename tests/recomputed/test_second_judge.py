"""A second judge, which shares no code with the bench, agrees with it on calls and media of a whole run."""

import shutil

import pytest
from second_judge import disagreements

from tests.faults.lane import recomputed, run_scenarios

LANE = 75


@pytest.mark.nightly
def test_two_judges_agree_on_a_whole_run(tmp_path):
    if shutil.which("tshark") is None:
        pytest.skip("there is no tshark here, with which the second judge reads")
    run = run_scenarios(tmp_path, LANE)
    assert run.status == 0, run.told()
    assert recomputed(run.folder) == []
    differing, decided = disagreements(run.folder)
    assert differing == []
    assert decided["sip"] > 200
    assert decided["media_heard"] + decided["media_started"] > 40
    assert decided["flows"] > 300
