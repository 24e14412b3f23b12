"""The emulated intercom in a container: met like any device, and ending with the bench however that ends."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest

from intercom_hil.device.emulated import EmulatedDevice
from intercom_hil.device.emulator_container import RECIPE, ready_container
from intercom_hil.errors import BenchError
from intercom_hil.processes.engine import ROLE
from intercom_hil.processes.image import Recipe
from intercom_hil.spec.settings import SipSettings
from intercom_hil.timeline import Timeline
from tests.device.test_emulated import ADDRESS, intercom, sees
from tests.structure.source_tree import ROOT

SETTINGS = SipSettings(
    server_address="127.0.45.31",  # nobody there: every call fails
    auth_username="door",
    auth_password="secret-word",
    extension="3000",
    call_number="3400",
    call_timeout=2,
)


@pytest.fixture(scope="module")
def container():
    return ready_container("auto", print)


@pytest.fixture
async def box(container, tmp_path):
    return EmulatedDevice(state=tmp_path / "device", address=ADDRESS, container=container)


def running(container, state):
    """Return the containers that see a folder."""
    argv = [str(container.engine.client), "ps", "--quiet", "--filter", f"volume={state}"]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=30)
    return done.stdout.split()


async def test_it_is_configured_pressed_and_read_like_any(box, tmp_path, container):
    timeline = Timeline()
    ready = await box.start()
    door = intercom(ready, timeline, box.lost)
    try:
        await door.open()
        door.begin(tmp_path)
        assert (await door.configure(SETTINGS)).accepted
        pressed = await door.press_button()
        initiated = await sees(timeline, "event", name="outgoing_call_initiated")
        assert 0 <= initiated.time - pressed < 0.5
        await sees(timeline, "event", name="outgoing_call_failure")
    finally:
        await door.close()
        await box.stop()
    assert not running(container, box.state)
    assert not box.lost.done()


async def test_what_it_says_before_it_ends_is_repeated(container, tmp_path):
    bad = EmulatedDevice(state=tmp_path, address=ADDRESS, faults=["no-such-fault"], container=container)
    with pytest.raises(BenchError, match=r"ended at once \(exit status 2\): .*no-such-fault"):
        await bad.start()
    assert not running(container, tmp_path)


async def test_when_its_container_is_killed_it_is_lost_and_can_be_started_again(container, box):
    await box.start()
    (killed,) = running(container, box.state)
    await asyncio.to_thread(container.engine.kill, killed)
    assert "its container is lost" in await asyncio.wait_for(box.lost, 10)
    await box.stop()
    await box.start()
    assert not box.lost.done()
    await box.stop()


def test_it_ends_with_a_bench_that_is_killed(container, tmp_path):
    bench = textwrap.dedent(f"""
        import asyncio, os, signal
        from pathlib import Path
        from intercom_hil.device.emulated import EmulatedDevice
        from intercom_hil.device.emulator_container import ready_container

        async def begin():
            made = ready_container("auto", print)
            await EmulatedDevice(state=Path({str(tmp_path)!r}), address={ADDRESS!r}, container=made).start()
            os.kill(os.getpid(), signal.SIGKILL)

        asyncio.run(begin())
    """)
    killed = subprocess.run(
        [sys.executable, "-c", bench], env={**os.environ, "PYTHONPATH": f"{ROOT}/harness"}
    )
    assert killed.returncode == -signal.SIGKILL
    until = time.monotonic() + 10
    while running(container, tmp_path) and time.monotonic() < until:
        time.sleep(0.1)
    assert not running(container, tmp_path)


async def test_it_wears_the_labels_of_its_bench(container, box):
    await box.start()
    (name,) = [c.name for c in container.engine.containers(f"{ROLE}=device") if "device" in c.name]
    assert name not in container.engine.reap()
    await box.stop()


def test_its_packages_are_those_that_the_tests_run_with():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pinned = dict(line.partition("==")[::2] for line in lines if "==" in line)
    for wheel in Recipe.load(RECIPE).wheels:
        name, _, version = wheel.partition("==")
        assert pinned.get(name, version) == version


def test_it_is_started_by_hand_where_this_python_cannot_run_it(container, tmp_path):
    hosts = tmp_path / "hosts"
    hosts.write_text("127.0.45.31 pbx.example\n")
    by_hand = "import sys; from intercom_hil.commands.emulate import emulate_in_container as emulate\n"
    by_hand += "emulate(sys.argv[1:], lambda line: print(line, flush=True), lambda text: None)"
    options = ["--state", "state", "--address", ADDRESS, "--hosts", "hosts"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "harness")}
    with subprocess.Popen(
        [sys.executable, "-c", by_hand, *options],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as device:
        said = dict(device.stdout.readline().split(maxsplit=1) for _ in range(6))
        assert running(container, tmp_path / "state")
        device.send_signal(signal.SIGINT)
        assert device.stdout.read() == ""
    assert device.returncode == 0
    assert list(said) == ["portal", "SIP", "RTP", "console", "relay", "speaker"]
    logins = "log in as admin with admin-secret, or as viewer with viewer-secret"
    assert said["portal"] == f"http://{ADDRESS}:8080 (open it in a browser; {logins})\n"
    assert running(container, tmp_path / "state") == []
