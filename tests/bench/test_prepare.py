"""Which benches need no network but loopback, and what a user without rights is told of the others."""

import subprocess
import sys

import pytest

from intercom_hil.bench.prepare import may_not_capture, stays_inside
from intercom_hil.bench_file.model import load
from intercom_hil.locations import BENCHES
from intercom_hil.processes import own_network
from tests.structure.source_tree import ROOT

INSIDE = {
    "emulated",
    "emulated-event-log",
    "emulated-limited",
    "emulated-rfc2217",
    "emulated-slow",
    "emulated-browser",
    "emulated-syslog",
    "emulated-webhook",
}


@pytest.mark.parametrize("path", sorted(BENCHES.glob("*.toml")), ids=lambda path: path.stem)
def test_an_emulated_bench_stays_inside_unless_somebody_outside_takes_part(path):
    assert stays_inside(load(path)) is (path.stem in INSIDE)


def test_a_bench_on_the_desk_is_not_confined_and_is_told_two_ways_out():
    file = load(ROOT / "docs" / "bench" / "examples" / "desk.toml")
    assert not stays_inside(file)
    problem = str(may_not_capture(file))
    assert "start it as root" in problem
    assert 'engine.kind = "native"' in problem
    assert "by the command" not in problem


def in_own_network(*argv):
    """Run a program in a network of its own, as root of a user namespace as `podman unshare` makes it."""
    made = ["unshare", "--user", "--map-root-user", sys.executable, "-m", own_network.__name__, *argv]
    return subprocess.run(made, capture_output=True, text=True, check=True, timeout=30).stdout


def test_a_network_of_its_own_has_loopback_and_nothing_else():
    interfaces = in_own_network("/bin/cat", "/proc/net/dev").splitlines()[2:]
    assert [line.partition(":")[0].strip() for line in interfaces] == ["lo"]


def test_loopback_works_there():
    connect = "from socket import *; s = create_server(('127.0.0.77', 0)); create_connection(s.getsockname())"
    in_own_network(sys.executable, "-c", connect)
