"""A run that was played: nothing is found in it, and every tampering with it is named."""

import random

import pytest
from tampering_with import Pristine, unnamed
from tamperings_of_evidence import tamperings

from tests.faults.lane import altered, recomputed, run_scenarios

LANE = 74
SOME = ("OUT-01", "ENC-01", "TLS-02", "VID-02", "INC-04")
TRIED = 500


@pytest.mark.nightly
def test_every_tampering_with_a_played_run_is_named(tmp_path):
    runs = []
    for number in range(2):
        (tmp_path / str(number)).mkdir()
        chosen = [word for row in SOME for word in ("--requirement", row)]
        run = run_scenarios(tmp_path / str(number), LANE, *chosen)
        assert run.status == 0, run.told()
        assert altered(run.folder) == []
        assert recomputed(run.folder) == []
        runs.append(run.folder.resolve())
    every = list(tamperings(*runs, each=2))
    tried = random.Random(3).sample(every, TRIED)
    assert unnamed(tried, Pristine(runs[0], tmp_path / "copy")) == []
