"""A place of this machine itself: it runs what a container does, and nothing of it outlives its bench."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from intercom_hil.errors import BenchError
from intercom_hil.processes.host import NativeHost, native_versions
from intercom_hil.processes.leftovers import reap, working_folder
from intercom_hil.processes.native import NativeProcessHost, check_capture
from intercom_hil.processes.native_programs import ASTERISK, TCPDUMP, Tool, checked, search_path
from intercom_hil.processes.owner_labels import (
    NAMESPACE,
    OWNER,
    PLACE,
    as_environment,
    kill_processes,
    own_labels,
)
from tests.structure.source_tree import ROOT

GONE = {OWNER: "4000000:1", NAMESPACE: own_labels()[NAMESPACE]}
"""The labels of a bench that has ended: nothing has a process number beyond the kernel's largest."""
STRAY = ["sh", "-c", 'setsid sleep 60 & until [ "$(cut -d" " -f6 /proc/$!/stat)" = $! ]; do :; done']
"""What leaves a program behind that has left the group, the session and the parent it was started in."""


def alive(pid):
    """Whether a process runs; one that only waits to be collected does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):  # the latter where it ends while it is read
        return False


def wearing(label, value):
    """The processes that wear a label."""
    variable = os.fsencode("".join(f"{k}={v}" for k, v in as_environment({label: value}).items()))
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if variable in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def ended(condition):
    """Wait until a condition no longer holds."""
    deadline = time.monotonic() + 10
    while condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
async def place(tmp_path):
    place = NativeProcessHost("test", folder=tmp_path)
    await place.start()
    yield place
    await place.stop()


async def test_a_program_is_heard_and_its_words_and_times_are_of_no_country(place, tmp_path):
    lines = []
    script = "echo $LC_ALL $TZ >/dev/fd/3; echo on stderr >&2"
    program = await place.supervised.start(
        "p", ["sh", "-c", script], cwd=tmp_path, on_line=lambda *line: lines.append(line[:2])
    )
    assert (await program.wait(5)).status == 0
    assert sorted(lines) == [("log", "C UTC"), ("stderr", "on stderr")]


async def test_stopping_ends_what_left_its_group_too(place, tmp_path):
    program = await place.supervised.start("p", STRAY, cwd=tmp_path)
    await program.wait(5)
    assert len(wearing(PLACE, place.name)) == 2
    await place.stop()
    assert wearing(PLACE, place.name) == []


async def test_with_a_killed_supervisor_its_programs_go(place, tmp_path):
    program = await place.supervised.start("p", ["sleep", "60"], cwd=tmp_path)
    supervised = place.supervised
    (leash,) = set(wearing(PLACE, place.name)) - {program.pid}
    os.kill(leash, signal.SIGKILL)
    assert "closed" in await asyncio.wait_for(supervised.lost, 5)
    await asyncio.to_thread(ended, lambda: alive(program.pid))


async def test_a_power_cut_ends_all_of_it_at_once(place, tmp_path):
    await (await place.supervised.start("p", STRAY, cwd=tmp_path)).wait(5)
    program = await place.supervised.start("q", ["sleep", "60"], cwd=tmp_path)
    supervised = place.supervised
    await place.kill()
    assert await asyncio.wait_for(supervised.lost, 5)
    assert not alive(program.pid)
    assert [pid for pid in wearing(PLACE, place.name) if alive(pid)] == []


async def test_a_power_cut_waits_for_what_takes_its_time_to_go(place, tmp_path):
    large = "import time; held = bytearray(b'x') * 400_000_000; print('up', flush=True); time.sleep(60)"
    up = asyncio.Event()
    program = await place.supervised.start(
        "p", [sys.executable, "-c", large], cwd=tmp_path, on_line=lambda *line: up.set()
    )
    async with asyncio.timeout(30):
        await up.wait()
    await place.kill()
    assert not alive(program.pid)


async def test_a_place_can_be_opened_again(place, tmp_path):
    before = place.name
    await place.stop()
    await place.start()
    assert place.name != before
    assert (await (await place.supervised.start("p", ["true"], cwd=tmp_path)).wait(5)).status == 0


async def test_a_supervisor_that_cannot_speak_is_an_error_at_once(tmp_path):
    (tmp_path / "test-supervisor.err").mkdir()
    place = NativeProcessHost("test", folder=tmp_path)
    with pytest.raises(BenchError, match="cannot be started"):
        await place.start()


def test_what_a_killed_bench_leaves_is_reaped():
    """The bench is a process of its own here; one of its programs has left every group and parent."""
    bench = textwrap.dedent(f"""
        import asyncio, os, signal, sys
        from pathlib import Path
        from intercom_hil.processes.native import NativeProcessHost
        from intercom_hil.processes.leftovers import working_folder
        async def main():
            folder = working_folder()
            place = NativeProcessHost("test", folder=folder)
            supervised = await place.start()
            await (await supervised.start("p", {STRAY!r}, cwd=folder)).wait()
            print(place.name, folder, flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
        asyncio.run(main())
    """)
    done = subprocess.run(
        [sys.executable, "-c", bench], cwd=ROOT, capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    name, folder = done.stdout.split()
    ended(lambda: len(wearing(PLACE, name)) > 1)  # the supervisor leaves by itself
    removed = reap(NativeHost())
    assert any(one.startswith("process sleep") for one in removed), removed
    assert f"folder {folder}" in removed
    assert wearing(PLACE, name) == []
    assert not Path(folder).exists()


async def test_what_belongs_to_a_living_bench_is_left_alone(place, tmp_path):
    program = await place.supervised.start("p", ["sleep", "60"], cwd=tmp_path)
    folder = working_folder()
    try:
        removed = await asyncio.to_thread(reap, NativeHost())
        assert not [one for one in removed if str(folder) in one or str(program.pid) in one]
        assert alive(program.pid)
        assert folder.exists()
    finally:
        (folder / "owner.json").unlink()
        folder.rmdir()


def catches(pid, number):
    """Tell whether a process has a handler of its own for a signal."""
    caught = Path(f"/proc/{pid}/status").read_text().partition("SigCgt:")[2].split()[0]
    return int(caught, 16) >> (number - 1) & 1


def test_one_that_clears_up_when_asked_is_given_the_time():
    script = "trap 'exit 7' TERM; while :; do sleep 0.05; done"
    with subprocess.Popen(["sh", "-c", script], env={**os.environ, **as_environment(GONE)}) as tidy:
        # A shell catches SIGCHLD from its first moment, so that it catches anything says nothing of its trap.
        while tidy.poll() is None and not catches(tidy.pid, signal.SIGTERM):
            pass
        killed = kill_processes(lambda worn: worn == GONE, grace=5.0)
        assert f"sh ({tidy.pid})" in killed
        assert tidy.wait(5) == 7


@pytest.fixture
def fake(tmp_path):
    """Makes a program of a given name that says something."""

    def make(name, says, status=0):
        path = tmp_path / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\ncat <<'END'\n{says}\nEND\nexit {status}\n")
        path.chmod(0o755)

    return make


VERSIONS = """
from intercom_hil.processes.native_programs import EVERYWHERE, KAMAILIO, checked
from intercom_hil.errors import BenchError
for tool in (*EVERYWHERE, KAMAILIO):
    try:
        print(tool.program, checked(tool))
    except BenchError as problem:
        print(problem)
"""
NEW_ENOUGH = {
    "asterisk": "Asterisk certified-22.8-cert1",
    "sipp": "\n SIPp v3.8.0-TLS-SCTP-PCAP.\n\n This program is free software",
    "tcpdump": "tcpdump version 4.99.6\nlibpcap version 1.11.0",
    "openssl": "OpenSSL 3.6.5 29 Sep 2026",
    "kamailio": "version: kamailio 6.1.5 (x86_64/Linux)",
}


def asked(folder):
    """What comes of asking the fake programs for their versions, as on a machine that has no others."""
    env = {**os.environ, "PATH": f"{folder}/bin:/bin", "PYTHONPATH": str(ROOT / "harness")}
    argv = [sys.executable, "-c", VERSIONS]
    done = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=30, check=True)
    return done.stdout.splitlines()


def test_programs_that_are_new_enough_are_told_with_their_versions(fake, tmp_path):
    for name, says in NEW_ENOUGH.items():
        fake(name, says, 99 if name == "sipp" else 0)
    wanted = ["asterisk 22.8", "sipp 3.8.0", "tcpdump 4.99.6", "openssl 3.6.5", "kamailio 6.1.5"]
    assert asked(tmp_path) == wanted


UNFIT = {
    "asterisk": ("Asterisk 20.1.0", "is version 20.1.0; wanted is 22 or later"),
    "sipp": (" SIPp v3.6.1-TLS.", "is version 3.6.1; wanted is 3.7 or later"),
    "tcpdump": ("", "does not tell its version but: nothing, with exit status 1"),
    "openssl": ("LibreSSL 4.0", "does not tell its version but: LibreSSL 4.0"),
    "kamailio": ("Segmentation fault", "does not tell its version but: Segmentation fault"),
}


def test_programs_that_will_not_do_are_named_with_what_is_wanted_and_the_remedy(fake, tmp_path):
    for name, (says, _) in UNFIT.items():
        fake(name, says, 1)
    for line, (name, (_, told)) in zip(asked(tmp_path), UNFIT.items(), strict=True):
        assert told in line
        assert f"Remedy: install {name}" in line
        assert "apt-get install" in line


def test_a_program_that_is_not_there_is_named_with_its_package():
    missing = Tool("some-package", ("no-such-program", "-v"), ASTERISK.version, (1, 2), "nothing")
    with pytest.raises(BenchError, match=r"install no-such-program 1\.2 or later .*some-package"):
        checked(missing)


def test_servers_are_found_where_the_path_of_a_user_does_not_lead():
    assert "/usr/sbin" in search_path().split(os.pathsep)


def test_an_interface_that_is_not_there_is_an_error_with_a_remedy():
    if shutil.which(TCPDUMP.program, path=search_path()) is None:
        pytest.skip("tcpdump is not installed on this machine")
    with pytest.raises(BenchError, match="nothing can be captured on no-such0"):
        check_capture("no-such0")


def test_the_native_programs_of_this_machine_are_new_enough():
    try:
        versions = native_versions(proxy=True)
    except BenchError as problem:
        pytest.skip(f"not on this machine: {problem.what}")
    assert set(versions) == set(NEW_ENOUGH)
