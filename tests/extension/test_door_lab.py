"""Somebody else's repository: 40 lines with requirement, scenario, instrument, layout and report of its own.

It is installed beside this package in an environment of its own, and knows nothing of this checkout. Its
packages have the names of our top folders.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

import intercom_hil
from intercom_hil.locations import DEFAULT_BENCH
from tests.contracts.serial_peers import Rfc2217Peer

LAB = Path(__file__).parent / "door_lab"
LANE = 86
"""The loopback network of this module's bench."""
PORT = f"rfc2217://127.0.{LANE}.30:7100"
DEVICE = f"""
emulated = {{ serial_server = 7100 }}
console = {{ port = "{PORT}", layout = "door" }}
button = {{ kind = "finger", port = "{PORT}" }}

[device.capabilities]"""
MOST_LINES = 40


def test_it_is_small():
    files = [path for path in LAB.rglob("*") if path.suffix in (".py", ".toml")]
    lines = [line for path in files for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    assert len(lines) <= MOST_LINES


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """The interpreter of an environment that has this package, what it needs, and the repository."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    python = folder / "bin" / "python"
    ask = [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    site = Path(subprocess.run(ask, check=True, capture_output=True, text=True).stdout.strip())
    here = [str(Path(intercom_hil.__file__).parents[1]), sysconfig.get_path("purelib")]
    (site / "installed.pth").write_text("\n".join([*here, ""]), encoding="utf-8")
    source = shutil.copytree(LAB, folder / "source")
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "-q", "--no-index", "--no-deps"]
    subprocess.run([*pip, "--no-build-isolation", str(source)], check=True)
    return python


@pytest.fixture
def repository(tmp_path):
    """A clone of the repository."""
    return clone(tmp_path / "door_lab")


def clone(folder):
    """Copy the repository, with the file of a bench on which its finger is on the button."""
    shutil.copytree(LAB, folder)
    bench = DEFAULT_BENCH.read_text(encoding="utf-8").replace("127.0.0.", f"127.0.{LANE}.")
    (folder / "bench.toml").write_text(bench.replace("\n[device.capabilities]", DEVICE, 1), encoding="utf-8")
    return folder


def played(python, repository, *options):
    """Run plain pytest there; return what it said, and the run folder."""
    command = [str(python), "-m", "pytest", "--bench", "bench.toml", *options]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    done = subprocess.run(
        command, cwd=repository, env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    return done, repository / "reports" / "runs" / "latest"


CONTRACTS = """\
import pytest
from fixtures.door import LAYOUT
from intercom_hil.contracts import LayoutContract, OutputContract, Rig, Sample


class TestFinger(OutputContract):
    @pytest.fixture
    def rig(self):
        return Rig({"kind": "finger", "port": PORT}, PORT)


class TestDoor(LayoutContract):
    @pytest.fixture
    def layout(self):
        return LAYOUT

    @pytest.fixture
    def samples(self):
        line = '2026-11-22T20:41:03Z event name=outgoing_call_failure screen="Call Failed"'
        return [Sample(line, "outgoing_call_failure", "Call Failed", device_time=1795380063.0)]
"""


def test_its_instrument_and_its_layout_pass_the_contracts_that_come_along(python, repository):
    peer = Rfc2217Peer().start()
    try:
        (repository / "test_contracts.py").write_text(f"PORT = {peer.url!r}\n{CONTRACTS}", encoding="utf-8")
        command = [str(python), "-m", "pytest", "-q", "-p", "no:asyncio", "test_contracts.py"]
        done = subprocess.run(
            command, cwd=repository, capture_output=True, text=True, check=False, timeout=120
        )
    finally:
        peer.unplug()
    assert done.returncode == 0, done.stdout + done.stderr
    passed, skipped = map(int, re.search(r"(\d+) passed, (\d+) skipped", done.stdout).groups())
    assert (passed >= 16, skipped) == (True, 6), done.stdout
    assert [active for line, active in peer.port.driven if line == "rts"].count(True) >= 4


@pytest.mark.parametrize(
    ("options", "status", "verdict"), [((), 0, "pass"), (("--fault", "button-dead"), 1, "fail")]
)
def test_its_scenario_is_played_and_judged_by_its_own_requirement(
    python, repository, options, status, verdict
):
    done, run = played(python, repository, "--requirement", "DOOR", *options)
    assert done.returncode == status, done.stdout + done.stderr
    assert f"House rules: 1 {verdict}" in done.stdout
    record = json.loads((run / "run.json").read_text(encoding="utf-8"))
    assert record["requirements"]["DOOR-01"]["verdict"] == verdict
    assert record["catalogues"] == {"House rules": ["DOOR"], "Good practice": ["SIP", "RTP", "KEY"]}
    assert record["environment"]["extensions"] == {
        "instruments finger": "door-lab 1.0",
        "layouts door": "door-lab 1.0",
    }
    assert f"DOOR-01 {verdict}\n" in (run / "tally.txt").read_text(encoding="utf-8")
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "<h2>House rules</h2>" in page
    assert 'id="req-DOOR-01"' in page
    timeline = next(run.glob("scenarios/*/timeline.jsonl")).read_text(encoding="utf-8")
    logged = '"kind":"event","name":"outgoing_call_initiated"' in timeline.replace(" ", "")
    assert logged is (verdict == "pass"), "its layout reads the console"
