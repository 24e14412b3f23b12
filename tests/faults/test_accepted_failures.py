"""A failure that is accepted is a fail in every report, and breaks no pipeline; one past its date does."""

import pytest
from lane import run_scenarios

LANE = 121
ENTRY = """\
[[deviation]]
requirement = "KEY-02"
device = "EMU-1"
reason = "a line for debugging"
accepted_by = "A. Tester"
until = {until}

[[deviation]]
requirement = "REG-01"
device = "EMU-1"
reason = "it did not register once"
accepted_by = "A. Tester"
until = 2099-12-31
"""


@pytest.mark.parametrize(
    ("until", "status", "standing"),
    [("2099-12-31", 0, "accepted"), pytest.param("2001-01-01", 1, "expired", marks=pytest.mark.nightly)],
)
def test_an_accepted_failure_stays_a_fail_and_breaks_nothing(tmp_path, until, status, standing):
    deviations = tmp_path / "deviations.toml"
    deviations.write_text(ENTRY.format(until=until))
    run = run_scenarios(
        tmp_path,
        LANE,
        *("--fault", "password-in-log", "-k", "test_1", "--deviations", str(deviations)),
        scenarios="tests/faults/breaking/test_planted_secrets.py",
    )
    assert run.failed == {"KEY-02"}, run.told()
    assert run.record["verdict"] == "fail"
    stands = {known["requirement"]: known["standing"] for known in run.record["known_deviations"]}
    assert stands == {"KEY-02": standing, "REG-01": "no longer fails"}, run.record["scenarios"][0][
        "device_name"
    ]
    assert run.status == status, run.output
    for report in ("report.html", "junit.xml"):
        assert "a line for debugging" in (run.folder / report).read_text()
    assert "deviation     REG-01 the device keeps to it" in run.output
