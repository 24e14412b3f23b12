"""Of a run with all kinds of evidence every tampering is named: by its seal, and recomputed without one."""

import json
import random
import shutil

import pytest
from bench_run import store
from tampering_with import Pristine, unnamed
from tamperings_of_evidence import tamperings

from intercom_hil.errors import BenchError
from intercom_hil.evidence.basis import Basis
from intercom_hil.evidence.digests import write_digests
from intercom_hil.locations import PACKAGE, SCENARIOS
from intercom_hil.recomputed.again import judge_from_evidence
from intercom_hil.seal.verifying import ALTERED, UNTOUCHED, verify

SAMPLE = 120
"""Of some thousand tamperings, those that are tried each time; all of them at night."""


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    return [store(tmp_path_factory.mktemp(f"runs{seed}") / "run", seed) for seed in (0, 1)]


def test_an_untouched_run_is_found_untouched(runs):
    for run in runs:
        found = []
        assert judge_from_evidence(run, found.append) == 0, found
        assert verify(run).status == UNTOUCHED
        assert not any("not recomputed" in line for line in found), found


def test_a_sample_of_tamperings_is_named(runs, tmp_path):
    every = list(tamperings(*runs))
    assert len(every) > 1000
    tried = random.Random(5).sample(every, SAMPLE)
    assert unnamed(tried, Pristine(runs[0], tmp_path / "run")) == []


def test_what_is_said_of_a_stations_message_otherwise_than_in_its_bytes_is_named(runs, tmp_path):
    pristine = Pristine(runs[0], tmp_path / "run")
    stored = next(pristine.copy.glob("scenarios/*/timeline.jsonl"))
    for key, value in (("method", "OPTIONS"), ("source", "nowhere"), ("from_uri", "sip:x@y")):
        seen = [json.loads(line) for line in stored.read_text().splitlines()]
        (told,) = (o for o in seen if o["witness"] == "station" and o["content"]["kind"] == "sip")
        told["content"][key] = value
        stored.write_text("".join(json.dumps(one) + "\n" for one in seen))
        write_digests(stored.parent)
        found = []
        assert judge_from_evidence(pristine.copy, found.append) > 0
        assert "says otherwise than its own bytes" in "\n".join(found), key
        pristine.restore()


@pytest.mark.nightly
def test_every_tampering_is_named(runs, tmp_path):
    assert unnamed(tamperings(*runs, each=6), Pristine(runs[0], tmp_path / "run")) == []


def test_a_run_by_other_rules_is_said_to_be_one_and_not_called_altered(tmp_path):
    for code, altered in (("ab" * 32, False), (_code_of_today(tmp_path), True), ("", True)):
        said = []
        run = store(tmp_path / f"run of {code[:4]}", code=code, more=("KEY-03",))
        assert bool(judge_from_evidence(run, said.append)) == altered, said
        assert any("KEY-03 pass, now find nothing more" in line for line in said), said
        assert any("another version of the bench made this run" in line for line in said) != altered
        text = (run / "run.json").read_text()
        (run / "run.json").write_text(text.replace('"verdict": "pass"', '"verdict": "fail"', 1))
        assert judge_from_evidence(run, said.append), "what contradicts itself is altered, by whatever rules"


def _code_of_today(folder):
    (folder / "bench.toml").touch()
    return Basis.of(folder / "bench.toml", (), (PACKAGE, SCENARIOS)).code


JUNK = (b"", b"[]", b"null", b"{}", b'"x"', b"\xff\xfe\n", b"[" * 3000, b"0 0\n" * 3)
RUNS_OF_JUNK = (b"[]", b"{}", b'{"scenarios": 5}', b'{"requirements": [1], "scenarios": [2]}')


def test_whatever_is_put_into_a_file_is_found_and_nothing_breaks(runs, tmp_path):
    pristine = Pristine(runs[0], tmp_path / "run")
    folder = sorted((pristine.copy / "scenarios").iterdir())[0]
    for number, path in enumerate(sorted(path for path in folder.rglob("*") if path.is_file())):
        kept = path.read_bytes()
        for junk in {JUNK[number % len(JUNK)], JUNK[(3 * number + 1) % len(JUNK)]} - {kept}:
            path.write_bytes(junk)
            assert judge_from_evidence(pristine.copy, lambda text: None), (path.name, junk)
        path.write_bytes(kept)
    for junk in RUNS_OF_JUNK:
        (pristine.copy / "run.json").write_bytes(junk)
        assert verify(pristine.copy).status == ALTERED
        with pytest.raises(BenchError, match=r"run\.json"):
            judge_from_evidence(pristine.copy, lambda text: None)


def test_a_run_that_nobody_sealed_is_recomputed_all_the_same(runs, tmp_path):
    run = shutil.copytree(runs[0], tmp_path / "run")
    shutil.rmtree(run / "seals")
    assert judge_from_evidence(run, lambda text: None) == 0
    text = (run / "run.json").read_text()
    (run / "run.json").write_text(text.replace('"verdict": "pass"', '"verdict": "fail"', 1))
    assert judge_from_evidence(run, lambda text: None)
