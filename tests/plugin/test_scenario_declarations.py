"""What scenarios declare: settings from which the order of a run is sorted, and cases that can be named."""

import ast
import re
import subprocess
import sys

import pytest

from intercom_hil.bench_file.model import load
from intercom_hil.locations import DEFAULT_BENCH, SCENARIOS
from intercom_hil.plugin.ordering import forecast
from intercom_hil.scenario import Addresses, Settings, case_id, scenario
from intercom_hil.scenario.declaration import Declaration

FEWEST = 106
"""Configurations of the device that the scenarios need, however they are ordered.

87 for 206 scenarios. The one about REFER brought another: its caller has the third station's address, since
the contact and the stranger listen before it calls, and no other scenario permits that address. 99 for
228: CAs that are exchanged, proxies that are taken out, further contacts in every mode begin with their own.
101 for 235: a TLS server with another certificate and a direct caller with video bring their own. 104 for
253: a list over TCP, a list while a contact rings, and a contact that rings out in fallback mode do. 106 for
270: a long call timeout, and a contact straight at a station before another one, do.
"""
ID = re.compile(r"[\w./-]+::\w+(\[[\w.-]+\])?")


@pytest.fixture(scope="module")
def collected():
    """What pytest says that it would play."""
    command = [sys.executable, "-m", "pytest", SCENARIOS, "--bench", DEFAULT_BENCH, "--collect-only", "-q"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def test_every_case_can_be_named_on_the_command_line(collected):
    ids = [line for line in collected if "::" in line]
    assert len(ids) > 200
    assert [line for line in ids if not ID.fullmatch(line)] == []


def test_what_begins_with_the_same_settings_is_played_together(collected):
    (told,) = (line for line in collected if "configurations of the device" in line)
    assert int(re.findall(r"\d+", told)[1]) <= FEWEST


def first_configure(function):
    """The first call of ``bench.configure`` in a function, if there is one."""
    calls = [node for node in ast.walk(function) if isinstance(node, ast.Call)]
    configures = [call for call in calls if ast.unparse(call.func) == "bench.configure"]
    return min(configures, key=lambda call: call.lineno, default=None)


def test_scenarios_begin_with_what_they_declare():
    undeclared = []
    for path in SCENARIOS.glob("test_*.py"):
        for function in ast.parse(path.read_text(encoding="utf-8")).body:
            if not isinstance(function, ast.AsyncFunctionDef) or not function.name.startswith("test_"):
                continue
            declared = any("WHEN_PLAYED" in ast.unparse(one) for one in function.decorator_list)
            call = first_configure(function)
            looped = any(
                isinstance(node, ast.For | ast.AsyncFor) and call in ast.walk(node)
                for node in ast.walk(function)
            )
            names = {keyword.arg for keyword in call.keywords} if call and not looped else set()
            if names & set(Settings.__annotations__) and not declared:
                undeclared.append(f"{path.name}:{function.lineno} {function.name}")
    assert undeclared == []


def test_settings_are_made_of_addresses_and_of_the_parameters_that_they_name():
    def settings(at, form):
        return Settings(call_number=at.number(1) if form == "short" else at.at_server(at.number(1)))

    at = Addresses(load(DEFAULT_BENCH))
    declared = Declaration(("OUT-01",), None, settings)
    assert declared.settings_at(at, {"form": "short", "other": 1}) == {"call_number": "3411"}
    assert declared.settings_at(at, {"form": "full"}) == {"call_number": f"sip:3411@{at.pbx_address}"}


def test_settings_that_ask_for_what_the_scenario_has_not_are_refused():
    def settings(at, form):
        return Settings()

    with pytest.raises(TypeError, match="ask for 'form'"):

        @scenario("OUT-01", settings=settings)
        async def test_without_a_form(bench): ...


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("display name, through the server", "display-name-through-the-server"),
        (("busy", "rings for ever"), "busy-rings-for-ever"),
        ("TLS 1.0", "TLS-1.0"),
        ("P-Asserted-Identity", "P-Asserted-Identity"),
        (407, "407"),
    ],
    ids=case_id,
)
def test_a_case_is_named_by_words_and_hyphens(value, name):
    assert case_id(value) == name


def test_a_run_on_a_slow_or_limited_device_is_said_to_take_longer():
    usual, slow, limited = (
        forecast(load(DEFAULT_BENCH.with_name(f"{name}.toml")), 200, 90)
        for name in ("emulated", "emulated-slow", "emulated-limited")
    )
    assert slow > usual + 90 * 20
    assert limited > usual + 200
