"""The whole compliance run through a place of a labgrid: the same verdicts as without one."""

import pytest
from a_lab import ALab
from a_run import Started, written

from tests.faults.lane import verdicts

DIRECT, PLACE = 76, 77


@pytest.mark.nightly
def test_every_scenario_has_the_verdict_that_it_has_on_the_bench_without_labgrid(tmp_path, labgrid_client):
    lab = ALab(tmp_path, f"127.0.{PLACE}.40:20408")
    told = []
    try:
        lab.start_coordinator()
        serial = f"127.0.{PLACE}.30:4001"
        lab.start_exporter("lab", console=serial, button=serial)
        lab.make_place("door", "lab")
        for bench in (written(tmp_path, DIRECT), written(tmp_path, PLACE, "emulated-labgrid")):
            folder = tmp_path / bench.stem
            folder.mkdir()
            started = Started(folder, "--bench", str(bench))
            try:
                output, (record,) = started.ended(within=1200)
            finally:
                started.close()
            told.append(verdicts(record))
            assert record["verdict"] in ("pass", "observed"), output
    finally:
        lab.stop()
    assert told[0] == told[1]
