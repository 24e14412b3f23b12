"""Every bench file that comes along gives the verdicts of the default one, whatever its way of doing it."""

import shutil

import pytest
from lane import LONGEST_RUN, ROOT, altered, recomputed, run_scenarios, verdicts

from tests.browser.needed import need_browser

LANE = 73
BENCHES = ROOT / "fixtures" / "benches"
OTHERS = ("emulated-rfc2217", "emulated-operator", "emulated-syslog", "emulated-webhook")
"""What else there is, but for the place of a labgrid (tests/lab), the log that is imported afterwards, and
devices that are not like the default one."""
PORTS = "on other ports"
"""The default bench with no port where it usually is."""
LONGEST = {"emulated-browser": 2700.0}
"""Seconds, of a run that goes through a browser: it takes three times as long as others."""
SOME = tuple(word for name in ("OUT-05", "OUT-07", "INC-04") for word in ("--requirement", name))


@pytest.fixture(scope="module")
def verdicts_on(tmp_path_factory):
    """Play scenarios on a bench by its name, once: every verdict of a scenario and a requirement."""
    known = {}

    def played(name, chosen):
        if (name, chosen) not in known:
            folder = tmp_path_factory.mktemp(name)
            shutil.copytree(BENCHES, folder / "benches")
            bench = folder / "benches" / f"{'emulated' if name == PORTS else name}.toml"
            text = bench.read_text().replace("127.0.0.", f"127.0.{LANE}.")
            if name == PORTS:
                text = text.replace("[pbx]", "[pbx]\nsip_port = 5080\nother_sip_port = 5081\ntls_port = 5443")
                text = text.replace("[stations]", "[stations]\nsip_port = 5060")
                text = text.replace("[device]", "[device]\nsip_port = 5070")
            bench.write_text(text)
            run = run_scenarios(folder, LANE, *chosen, bench=bench, longest=LONGEST.get(name, LONGEST_RUN))
            assert run.status == 0, run.told()
            assert altered(run.folder) == []
            assert recomputed(run.folder) == []
            known[name, chosen] = verdicts(run.record)
        return known[name, chosen]

    return played


@pytest.mark.parametrize(
    "chosen", [pytest.param(SOME, id="some"), pytest.param((), id="all", marks=pytest.mark.nightly)]
)
@pytest.mark.parametrize("name", [*OTHERS, PORTS])
def test_the_verdicts_are_those_of_the_default_bench(verdicts_on, name, chosen):
    assert verdicts_on(name, chosen) == verdicts_on("emulated", chosen)


@pytest.mark.nightly
def test_what_goes_through_the_pages_gives_the_verdicts_of_the_default_bench(verdicts_on):
    """But for what only a bench with a browser can look at: its pages."""
    need_browser()
    usual, seen = verdicts_on("emulated", ()), verdicts_on("emulated-browser", ())
    for those, these in zip(usual, seen, strict=True):
        assert those.keys() == these.keys()
        judged = {name: what for name, what in those.items() if "not applicable" not in what}
        assert {name: these[name] for name in judged} == judged


def test_no_bench_file_is_left_out():
    elsewhere = {"emulated", "emulated-labgrid", "emulated-event-log", "emulated-slow", "emulated-limited"}
    assert {path.stem for path in BENCHES.glob("*.toml")} == {*OTHERS, *elsewhere, "emulated-browser"}
