"""Known deviations: what is accepted stays a fail and breaks nothing; what is accepted for nothing shows."""

from dataclasses import dataclass, field
from datetime import date

import pytest

from intercom_hil.errors import BenchError
from intercom_hil.evidence.known_deviations import accepts_all, assess, load
from intercom_hil.spec.verdict import Verdict

ENTRY = """\
[[deviation]]
requirement = "OUT-03"
device = "Door One"
firmware = "1.2"
reason = "mended in 1.3"
accepted_by = "A. Tester"
until = 2030-06-30
"""
DEVICE = ("Doors Door One ", "Door One/1.2 (build 7)")
TODAY = date(2030, 6, 30)


def entries(folder, text=ENTRY):
    file = folder / "deviations.toml"
    file.write_text(text)
    return load(file)


def standing(folder, verdict=Verdict.FAIL, device=DEVICE, on=TODAY, text=ENTRY):
    (only,) = assess(entries(folder, text), {"OUT-03": verdict}, device, on)
    return only.standing


def test_how_an_entry_stands(tmp_path):
    assert standing(tmp_path) == "accepted"
    assert standing(tmp_path, on=date(2030, 7, 1)) == "expired"
    assert standing(tmp_path, Verdict.PASS) == "no longer fails"
    assert standing(tmp_path, Verdict.INCONCLUSIVE) == "not found out"
    assert standing(tmp_path, Verdict.NONE) == "not found out"
    assert standing(tmp_path, text=ENTRY.replace("OUT-03", "OUT-99")) == "unknown requirement"
    assert standing(tmp_path, text=ENTRY.replace("OUT-03", "OUT")) == "unknown requirement"
    assert standing(tmp_path, text=ENTRY.replace("OUT-03", "KEY-02")) == "not found out"  # not judged


def test_a_date_in_quotes_is_that_date(tmp_path):
    quoted = ENTRY.replace("2030-06-30", '"2030-06-30"')
    assert entries(tmp_path, quoted) == entries(tmp_path)


@pytest.mark.parametrize(
    "device", [("Door One/1.20",), ("Door One/11.2",), ("Door One/1.2.1",), ("Door Two/1.2",)]
)
def test_another_firmware_is_not_accepted(tmp_path, device):
    assert standing(tmp_path, device=device) == "another device"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[[deviation]\n", "not a TOML file"),
        (ENTRY.replace("reason =", "because ="), "deviation 1: reason"),
        (ENTRY.replace("2030-06-30", '"soon"'), "until: soon is no date; write it as until = 2030-06-30"),
        (ENTRY.replace("2030-06-30", "1909008000"), "1909008000 is no date"),
        (ENTRY.replace("2030-06-30", "2030-06-30T00:00:00"), "00:00:00 is no date"),
        (ENTRY.replace("2030-06-30", '"2030-02-31"'), "until"),
        (ENTRY.replace('"A. Tester"', '""'), "accepted_by"),
        ("[deviations]\n", "no list of deviations: deviations"),
    ],
)
def test_a_wrong_file_is_refused_in_one_message(tmp_path, text, told):
    with pytest.raises(BenchError) as refused:
        entries(tmp_path, text)
    assert told in refused.value.what
    assert "deviations.toml" in refused.value.where


@dataclass
class Played:
    verdict: Verdict
    requirements: dict
    ending: Verdict = Verdict.PASS
    more: dict = field(default_factory=dict)


def test_only_what_is_accepted_breaks_nothing(tmp_path):
    known = assess(entries(tmp_path), {"OUT-03": Verdict.FAIL}, DEVICE, TODAY)
    good = Played(Verdict.PASS, {"OUT-01": Verdict.PASS})
    accepted = Played(Verdict.FAIL, {"OUT-03": Verdict.FAIL, "OUT-01": Verdict.PASS})
    assert accepts_all(known, [good, accepted])
    for broken in (
        Played(Verdict.FAIL, {"OUT-03": Verdict.FAIL, "OUT-04": Verdict.FAIL}),
        Played(Verdict.FAIL, {"OUT-03": Verdict.FAIL, "OUT-04": Verdict.INCONCLUSIVE}),
        Played(Verdict.INCONCLUSIVE, {"OUT-03": Verdict.INCONCLUSIVE}),
        Played(Verdict.ERROR, {"OUT-03": Verdict.FAIL}),
        Played(Verdict.FAIL, {"OUT-03": Verdict.FAIL}, ending=Verdict.FAIL),
        Played(Verdict.FAIL, {}, ending=Verdict.FAIL),
    ):
        assert not accepts_all(known, [good, accepted, broken])
    expired = assess(entries(tmp_path), {"OUT-03": Verdict.FAIL}, DEVICE, date(2031, 1, 1))
    assert not accepts_all(expired, [accepted])
