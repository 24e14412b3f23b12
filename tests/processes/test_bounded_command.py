"""A command of the user's comes to an end, whatever it does, and leaves nobody behind."""

import asyncio
import os
import select
import sys
import time

import pytest

from intercom_hil.bounded_command import MOST_PRINTED, GivenUp, run_command

SOON = 30.0
"""Seconds within which everything here is over on any machine, and far less than what would be waited for."""


def python(text, *arguments):
    return [sys.executable, "-c", f"import os, signal, sys, time\n{text}", *map(str, arguments)]


async def test_it_is_told_something_and_prints_something():
    text = "said = sys.stdin.read(); print(said[::-1]); sys.stderr.write(str(len(said))); sys.exit(7)"
    finished = await run_command(python(text), within=SOON, standard_input=b"abc")
    assert (finished.status, finished.output, finished.errors) == (7, b"cba\n", b"3")


async def test_more_than_a_pipe_holds_goes_in_and_out():
    told = b"x" * 500_000
    finished = await run_command(python("print(sys.stdin.read(), end='')"), within=SOON, standard_input=told)
    assert finished.output == told


async def test_one_that_does_not_listen_is_none_the_worse():
    finished = await run_command(["/bin/true"], within=SOON, standard_input=b"x" * 500_000)
    assert finished.status == 0


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
async def test_one_that_prints_without_end_is_ended(stream):
    begun = time.monotonic()
    text = f"while True: sys.{stream}.write('x' * 65536)"
    with pytest.raises(GivenUp, match=f"printed more than {MOST_PRINTED} bytes") as caught:
        await run_command(python(text), within=600)
    assert len(caught.value.printed) == MOST_PRINTED
    assert time.monotonic() - begun < SOON


async def test_one_that_takes_too_long_and_heeds_no_signal_is_ended(tmp_path):
    text = "signal.signal(signal.SIGTERM, signal.SIG_IGN); print('waiting', flush=True); time.sleep(600)"
    ready = asyncio.create_task(run_command(python(text), within=3))
    with pytest.raises(GivenUp, match="did not end within 3 s") as caught:
        await ready
    assert caught.value.printed in (b"waiting\n", b"")


@pytest.mark.parametrize("ends", [True, False], ids=["ended", "given up"])
async def test_a_child_that_keeps_the_output_open_is_ended_too(tmp_path, ends):
    child = tmp_path / "child"
    os.mkfifo(child)
    text = "p = os.fork()\nif not p: time.sleep(600)\nopen(sys.argv[1], 'w').write(str(p))\n"
    more = "print('done', flush=True)" if ends else "time.sleep(600)"
    running = asyncio.create_task(run_command(python(text + more, child), within=600))
    number = int(await asyncio.to_thread(child.read_text))
    if ends:
        finished = await running
        assert (finished.status, finished.output) == (0, b"done\n")
    else:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert await asyncio.to_thread(_ends, number)


async def test_a_child_that_has_left_the_group_is_not_waited_for(tmp_path):
    child = tmp_path / "child"
    text = (
        "p = os.fork()\nif not p: os.setsid(); time.sleep(600)\n"
        "open(sys.argv[1], 'w').write(str(p)); print('done', flush=True)"
    )
    begun = time.monotonic()
    finished = await run_command(python(text, child), within=SOON)
    assert (finished.status, finished.output) == (0, b"done\n")
    assert time.monotonic() - begun < SOON
    os.kill(int(child.read_text()), 9)


async def test_a_child_that_prints_nothing_may_stay(tmp_path):
    """A command may start a server for the next one, as ``adb`` does."""
    child = tmp_path / "child"
    text = (
        "p = os.fork()\nif not p:\n n = os.open('/dev/null', os.O_RDWR)\n for f in range(3): os.dup2(n, f)\n"
        " time.sleep(600)\nopen(sys.argv[1], 'w').write(str(p))"
    )
    assert (await run_command(python(text, child), within=SOON)).status == 0
    number = int(child.read_text())
    os.kill(number, 0)
    os.kill(number, 9)


async def test_one_that_cannot_be_run_says_so():
    with pytest.raises(FileNotFoundError):
        await run_command(["/no/such/program"], within=1)


def _ends(number):
    """Return whether a process that is no child of ours ends soon."""
    try:
        process = os.pidfd_open(number)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([process], [], [], SOON)[0])
    finally:
        os.close(process)
