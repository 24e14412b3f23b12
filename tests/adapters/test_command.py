"""Commands that switch something, and all the ways in which a command goes wrong."""

import asyncio
import os
import select
import time

import pytest

from intercom_hil.adapters.command import CommandOutput
from intercom_hil.errors import BenchError

TRUE = ["/bin/true"]


def sh(script, *arguments):
    return ["/bin/sh", "-c", script, *map(str, arguments)]


async def open_with(**options):
    output = CommandOutput(**{"on": TRUE, "off": TRUE, "within": 5, "name": "outlet"} | options)
    await output.open()
    return output


@pytest.mark.parametrize(
    ("on", "told"),
    [
        (sh("echo no such outlet >&2; exit 3"), "ended with exit status 3 and said 'no such outlet'"),
        (sh("kill -9 $$"), "ended with exit status -9"),
        (["/no/such/program"], "cannot be run: No such file or directory"),
        (["/dev/null"], "cannot be run: Permission denied"),
    ],
)
async def test_a_command_that_fails_is_a_bench_error_that_tells_how(on, told):
    output = await open_with(on=on)
    with pytest.raises(BenchError) as problem:
        await output.set(True)
    assert f"outlet: the command for 'on' {told}" in str(problem.value)


async def test_a_command_that_hangs_is_ended_with_its_children(tmp_path):
    output = await open_with(on=sh('sleep 600 & echo $! >"$0"; wait', tmp_path / "child"), within=0.3)
    begun = time.monotonic()
    with pytest.raises(BenchError, match=r"did not end within 0\.3 s"):
        await output.set(True)
    assert time.monotonic() - begun < 3
    assert await asyncio.to_thread(_ends, int((tmp_path / "child").read_text()))


async def test_a_command_that_is_given_up_is_ended(tmp_path):
    child = tmp_path / "child"
    os.mkfifo(child)
    output = await open_with(on=sh('echo $$ >"$0"; exec sleep 600', child))
    setting = asyncio.create_task(output.set(True))
    number = int(await asyncio.to_thread(child.read_text))
    setting.cancel()
    await asyncio.gather(setting, return_exceptions=True)
    assert await asyncio.to_thread(_ends, number)


def _ends(number):
    """Return whether a process that is no child of ours ends within 3 s."""
    try:
        process = os.pidfd_open(number)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([process], [], [], 3)[0])
    finally:
        os.close(process)


async def test_endless_output_is_bounded():
    output = await open_with(on=sh("head -c 300000 /dev/zero"))
    await output.set(True)
    assert 10_000 < len(output.runs[-1].said) < 100_000
    output = await open_with(on=["yes"], within=60)
    with pytest.raises(BenchError, match="printed more than"):
        await output.set(True)
    assert len(output.runs[-1].said) < 100_000


@pytest.mark.parametrize("said", ["", "unknown", "on or off"])
async def test_a_state_that_cannot_be_told_is_a_bench_error(said):
    with pytest.raises(BenchError, match="what its state is cannot be told from"):
        await open_with(state=["echo", said])


async def test_a_state_that_does_not_come_is_a_bench_error():
    output = await open_with(state=["echo", "Off"], within=0.5)
    with pytest.raises(BenchError, match=r"switched on but is not on within 0\.5 s"):
        await output.set(True)


async def test_a_state_that_takes_a_while_is_waited_for(tmp_path):
    count = tmp_path / "count"
    state = sh('echo >>"$0"; [ $(wc -l <"$0") -gt 3 ] && echo ON || echo OFF', count)
    output = await open_with(state=state)
    assert await output.set(True) is True
    assert await output.read() is True


async def test_what_commands_say_is_kept_and_the_commands_are_not(tmp_path):
    log = tmp_path / "commands.log"
    output = await open_with(on=["echo", "switched", "on"], off=sh("true secret-community"))
    output.begin(log)
    await output.set(True)
    await output.close()
    assert [run.purpose for run in output.runs] == ["off", "on", "off"]
    text = log.read_text()
    assert "outlet on: exit status 0\nswitched on\n" in text
    assert "secret" not in text


async def test_a_log_that_cannot_be_written_is_a_bench_error(tmp_path):
    output = await open_with()
    output.begin(tmp_path / "nowhere" / "log")
    with pytest.raises(BenchError, match="cannot be kept"):
        await output.set(True)
