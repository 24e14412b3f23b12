"""Tamperings of twenty-odd kinds, drawn by a seed, are named each; runs that nobody altered give no alarm."""

import os
import shutil
import time
from collections import Counter

import pytest
from bench_run import store
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tampering_with import Pristine, unnamed
from tamperings_by_kind import KINDS, drawn, untouched

from intercom_hil.commands.sealing import make_key
from intercom_hil.recomputed.again import judge_from_evidence
from intercom_hil.seal.archive import pack
from intercom_hil.seal.keys import private_key
from intercom_hil.seal.verifying import UNTOUCHED, verify
from tests.faults.lane import run_scenarios

KEY, FORGED = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
LANE = 76
FAMILY = ("ENC-01", "INC-04", "VID-02")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    return [store(tmp_path_factory.mktemp(f"signed{seed}") / "run", seed, KEY) for seed in (0, 1)]


def named(runs, key, seed, each, copy):
    """Return the tamperings that were not named, and how many of each kind were tried."""
    every = list(drawn(*runs, FORGED, seed, each))
    return unnamed((one for _, one in every), Pristine(runs[0], copy), key.public_key()), Counter(
        kind for kind, _ in every
    )


def alarms(run, key, folder):
    """Return what is said against a run that nobody altered, and how often that was asked."""
    found, count = [], 0
    for name, copy in untouched(run, folder):
        outcome, said = verify(copy, key.public_key()), []
        count += 1
        if outcome.status != UNTOUCHED or judge_from_evidence(copy, said.append):
            found.append((name, [*map(str, outcome.findings), outcome.unchecked, *said]))
    packed = pack(run, folder / "packed.tar.gz")
    shutil.unpack_archive(packed, folder / "unpacked")
    (unpacked,) = (folder / "unpacked").iterdir()
    for path in (packed, unpacked):
        count += 1
        if verify(path, key.public_key()).status != UNTOUCHED:
            found.append((path.name, list(map(str, verify(path, key.public_key()).findings))))
    for zone in ("Pacific/Kiritimati", "America/St_Johns"):
        said = []
        with_zone(zone)
        try:
            count += 1
            if judge_from_evidence(unpacked, said.append):
                found.append((zone, said))
        finally:
            with_zone(None)
    shutil.rmtree(folder)
    return found, count


def with_zone(zone):
    """Be in another time zone."""
    os.environ.pop("TZ", None)
    if zone:
        os.environ["TZ"] = zone
    time.tzset()


def test_one_tampering_of_each_kind_is_named(runs, tmp_path):
    missed, tried = named(runs, KEY, 1, 1, tmp_path / "run")
    assert missed == []
    assert set(tried) == set(KINDS)


def test_a_run_that_nobody_altered_gives_no_alarm_wherever_it_is_read(runs, tmp_path):
    assert alarms(runs[0], KEY, tmp_path / "copies") == ([], 11)


@pytest.mark.nightly
def test_hundreds_of_tamperings_with_a_played_run_are_named_and_no_copy_gives_an_alarm(tmp_path):
    make_key(tmp_path / "lab.pem", lambda text: None)
    key = private_key(tmp_path / "lab.pem")
    played = []
    for number in range(2):
        (tmp_path / str(number)).mkdir()
        chosen = [word for row in FAMILY for word in ("--requirement", row)]
        run = run_scenarios(tmp_path / str(number), LANE, *chosen, "--sign", str(tmp_path / "lab.pem"))
        assert run.status == 0, run.told()
        played.append(run.folder.resolve())
        assert alarms(played[-1], key, tmp_path / "copies") == ([], 11)
    missed, tried = named(played, key, 7, 12, tmp_path / "run")
    assert missed == []
    assert tried.total() >= 200
    assert len(tried) >= 12
