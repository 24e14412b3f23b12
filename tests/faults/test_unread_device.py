"""A device of which only packets can be read: what it does not show is not applicable, and never broken."""

import pytest
from lane import run_scenarios, write_bench
from outside_device import device_outside

LANE = 72
SOME = tuple(word for name in ("OUT-04", "OUT-08", "EVT-08", "INC-05") for word in ("--requirement", name))
UNREAD = ("event_log", "screen", "speaker")
NOT_APPLICABLE = {*(f"EVT-{number:02}" for number in range(1, 14)), "OUT-04", "CFG-16"}


@pytest.mark.parametrize(
    "chosen", [pytest.param(SOME, id="some"), pytest.param((), id="all", marks=pytest.mark.nightly)]
)
def test_what_cannot_be_read_is_not_applicable_and_the_rest_is_judged(tmp_path, chosen):
    with device_outside(tmp_path, LANE) as ready:
        path = write_bench(tmp_path, LANE)
        text = path.read_text().replace('kind = "emulated"', 'kind = "physical"')
        for name in UNREAD:
            text = text.replace(f"{name} = true", f"{name} = false")
        text += f'[device.button]\nkind = "numato-relay"\nport = "{ready["relay"]}"\n'
        text += f'[device.portal]\nurl = "{ready["portal"]}"\naccount = "admin"\npassword = "admin-secret"\n'
        text += 'viewer = "viewer"\nviewer_password = "viewer-secret"\n'
        path.write_text(text)
        run = run_scenarios(tmp_path, LANE, *chosen, bench=path)
    asked = {name for scenario in run.record["scenarios"] for name in scenario["requirements"]}
    assert run.having("not applicable") == NOT_APPLICABLE & asked, run.told()
    assert not run.having("fail"), run.told()
    assert not run.having("error"), run.told()
    assert "OUT-08" in run.having("pass"), run.told()
    if not chosen:
        assert len(run.having("pass")) + len(NOT_APPLICABLE) >= 70, run.told()
