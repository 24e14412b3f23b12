"""What a bench file declares to be missing is not applicable, never broken; nothing else is lost with it."""

import pytest
from lane import run_scenarios, write_bench
from outside_device import device_outside

from intercom_hil.spec.catalogue import CATALOGUE

LANE = 72
UNREAD = ("event_log", "screen", "speaker")
BARE = (*UNREAD, "srtp", "tls", "proxy", "video")
NAMELESS = {"CFG-03", "INC-03", "TLS-01", "TLS-02", "TLS-04", "TLS-05"}
"""What takes a domain name of the PBX's or a well-known CA to find out, too; this bench has neither."""
OF_PAGES = "test_portal_pages."
"""Scenarios of a capability that this device lacks, and that their rows can be judged without."""
SOME = {
    UNREAD: ("OUT-04", "OUT-08", "EVT-08", "INC-05"),
    BARE: ("OUT-02", "REG-04", "CFG-06", "CFG-08", "CFG-18", "ENC-07", "EVT-13"),
}


def bench_without(folder, missing, ready):
    """Write the bench file of a device that lacks things and has no console, and return its path."""
    path = write_bench(folder, LANE)
    text = path.read_text().replace('kind = "emulated"', 'kind = "physical"')
    if "proxy" in missing:
        text = text.replace(f'[proxy]\naddress = "127.0.{LANE}.11"\nport = 5080\n', "")
    for name in missing:
        text = text.replace(f"{name} = true", f"{name} = false")
    text += f'[device.button]\nkind = "numato-relay"\nport = "{ready["relay"]}"\n'
    text += f'[device.portal]\nurl = "{ready["portal"]}"\naccount = "admin"\npassword = "admin-secret"\n'
    path.write_text(text + 'viewer = "viewer"\nviewer_password = "viewer-secret"\n')
    return path


@pytest.mark.parametrize("missing", [UNREAD, BARE], ids=["unread", "bare"])
@pytest.mark.parametrize("every", [False, pytest.param(True, marks=pytest.mark.nightly)], ids=["some", "all"])
def test_what_is_missing_is_not_applicable_and_the_rest_is_judged(tmp_path, missing, every):
    chosen = () if every else tuple(word for name in SOME[missing] for word in ("--requirement", name))
    with device_outside(tmp_path, LANE) as ready:
        bench = bench_without(tmp_path, missing, ready)
        run = run_scenarios(tmp_path, LANE, *chosen, bench=bench)
    scenarios = [one for one in run.record["scenarios"] if not one["id"].startswith(OF_PAGES)]
    asked = {name for scenario in scenarios for name in scenario["requirements"]}
    excused = {row.id for row in CATALOGUE.values() if row.capability in missing}
    assert run.having("not applicable") & asked == excused & asked, run.told()
    open_ = NAMELESS & asked - excused if every else set()
    assert run.having("inconclusive") == open_, run.told()
    passed = run.having("pass") & CATALOGUE.keys()  # good practice is counted apart
    assert passed == {row.id for row in CATALOGUE.values() if row.judged} & asked - excused - open_
    assert not run.having("fail") | run.having("error"), run.told()
