"""The compliance run without a container engine: the same scenarios, the same verdicts.

It runs inside a plain container of the bench's image, which has no engine in it. The emulated intercom stays
outside and is met over sockets: its SIP stack is not to be had for the Python inside.
"""

import json
import secrets
import subprocess

import pytest

from intercom_hil.processes.image import ready_engine
from tests.faults.lane import ROOT, Run, run_scenarios, verdicts
from tests.faults.outside_device import address, device_outside, physical_bench
from tests.processes.python_inside import site_packages

LANE = 80
SERIAL_PORT = 4001
PBX_NAME = "pbx.intercom.example"
LONGEST_RUN = 900.0  # s
SOME = tuple(part for name in ("OUT", "TLS-02", "TLS-04") for part in ("--requirement", name))


@pytest.fixture(scope="module")
def image():
    return ready_engine(lambda _: None)


@pytest.fixture
def authority(image, tmp_path):
    """Certificate and key of an authority that the device trusts without an upload."""
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-noenc", "-days", "2"]
    command += [
        "-subj",
        "/CN=Known CA",
        "-keyout",
        str(tmp_path / "ca.key"),
        "-out",
        str(tmp_path / "ca.pem"),
    ]
    inside(image, command, f"--volume={tmp_path}:{tmp_path}").check_returncode()
    return tmp_path / "ca.pem", tmp_path / "ca.key"


@pytest.fixture
def bench(authority, tmp_path):
    """The bench file of a device that is outside, with all that an emulated one of the default bench has."""
    certificate, key = authority
    hosts = tmp_path / "hosts"
    hosts.write_text(f"127.0.{LANE}.10 {PBX_NAME}\n")
    options = ["--serial-server", str(SERIAL_PORT), "--hosts", str(hosts)]
    options += ["--trust-store", str(certificate)]
    with device_outside(tmp_path, LANE, *options, reads=(hosts, certificate)) as ready:
        line = f"rfc2217://{address(LANE)}:{SERIAL_PORT}"
        path = physical_bench(
            tmp_path,
            LANE,
            ready,
            console=line,
            button=f'kind = "serial-line"\nport = "{line}"\nline = "rts"\n',
            more=f'[device.trusted_ca]\ncertificate = "{certificate}"\nkey = "{key}"\n',
        )
        path.write_text(path.read_text().replace("[pbx]", f'[pbx]\nname = "{PBX_NAME}"'))
        yield path


def inside(image, command, *options):
    """Run a command in a plain container of the bench's image, and return how it went."""
    engine, tag = image
    name = f"intercom-hil-native-{secrets.token_hex(4)}"
    argv = [str(engine.client), "run", "--rm", "--network=host", "--pull=never", f"--name={name}"]
    argv += ["--security-opt=label=disable", *options, tag, *command]
    try:
        return subprocess.run(
            argv, env=engine.environment(), capture_output=True, text=True, timeout=LONGEST_RUN, check=False
        )
    finally:
        engine.remove(name)


def run_natively(image, bench, *arguments):
    """Play scenarios in a container without an engine, and return how it went."""
    folder = bench.parent
    native = folder / "native.toml"
    native.write_text(bench.read_text() + '[engine]\nkind = "native"\n')
    version = inside(image, ["python3", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"])
    packages = site_packages(version.stdout.strip())
    runs = folder / "native-runs"
    command = ["python3", "-m", "pytest", "scenarios", "-q", "--tb=short"]
    command += ["--bench", str(native), "--runs", str(runs), *arguments]
    done = inside(
        image,
        command,
        *("--cap-add=NET_RAW", "--cap-add=NET_ADMIN"),
        *(f"--volume={ROOT}:{ROOT}:ro", f"--volume={packages}:{packages}:ro", f"--volume={folder}:{folder}"),
        *(
            f"--workdir={ROOT}",
            f"--env=PYTHONPATH={ROOT / 'harness'}:{packages}",
            "--env=PYTHONDONTWRITEBYTECODE=1",
        ),
    )
    record = runs / "latest" / "run.json"
    data = json.loads(record.read_text()) if record.exists() else {}
    return Run(done.returncode, done.stdout + done.stderr, data, record.parent)


@pytest.mark.parametrize(
    "arguments", [pytest.param(SOME, id="some"), pytest.param((), id="all", marks=pytest.mark.nightly)]
)
def test_the_verdicts_are_those_of_the_default_bench(image, bench, tmp_path, arguments):
    native = run_natively(image, bench, *arguments)
    assert native.record, native.output
    assert native.record["environment"]["engine"] == "native"
    assert "Asterisk 22" in native.record["environment"]["asterisk"]
    usual = run_scenarios(tmp_path, LANE + 1, *arguments)
    assert verdicts(native.record) == verdicts(usual.record), native.told()
    assert native.status == usual.status == 0, native.told()
