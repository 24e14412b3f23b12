"""The leash, run natively: what it starts, reports and ends. In the container it is the same file."""

import asyncio
import contextlib
import json
import signal
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from intercom_hil.errors import BenchError
from intercom_hil.processes import supervisor
from intercom_hil.processes.supervisor_client import Supervised, order_ahead


def supervise(folder: Path) -> subprocess.Popen:
    """A supervisor at the socket ``s`` of a folder."""
    return subprocess.Popen([sys.executable, "-S", supervisor.__file__, str(folder / "s")])


@contextlib.asynccontextmanager
async def supervised(folder: Path):
    process = supervise(folder)
    try:
        place = await Supervised.connect(folder / "s")
        yield place
        await place.close()
        assert await asyncio.to_thread(process.wait, 5) == 0
    finally:
        process.kill()
        process.wait()


def alive(pid: int) -> bool:
    """Whether the process runs; one that only waits to be collected does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):  # the latter where it ends while it is read
        return False


async def until(condition, within=5.0):
    end = time.monotonic() + within
    while not condition():
        assert time.monotonic() < end
        await asyncio.sleep(0.005)


async def test_a_program_is_started_heard_on_three_streams_and_its_end_reported(tmp_path):
    lines = []
    script = "echo out; echo err >&2; echo log >/dev/fd/3; printf tail; exit 3"
    before = time.time()
    async with supervised(tmp_path) as place:
        program = await place.start(
            "p", ["sh", "-c", script], cwd=tmp_path, on_line=lambda *line: lines.append(line)
        )
        end = await program.wait(5)
    assert (end.status, end.signal) == (3, None)
    assert [(s, t) for s, t, _ in lines if s == "stdout"] == [("stdout", "out"), ("stdout", "tail")]
    assert {(s, t) for s, t, _ in lines if s != "stdout"} == {("stderr", "err"), ("log", "log")}
    assert all(before <= at <= time.time() for *_, at in lines)
    assert before <= program.started <= end.time <= time.time()
    assert (tmp_path / "p.out").read_text() == "out\ntail"
    assert (tmp_path / "p.err").read_text() == "err\n"


async def test_a_signal_reaches_the_program_and_is_told_as_its_end(tmp_path):
    async with supervised(tmp_path) as place:
        program = await place.start("p", ["sleep", "60"], cwd=tmp_path)
        with pytest.raises(TimeoutError):
            await program.wait(0.05)
        assert program.exit is None
        program.signal(signal.SIGUSR1)
        end = await program.wait(5)
        program.signal(signal.SIGTERM)  # an ended program takes no signals and no offence
    assert (end.status, end.signal) == (None, signal.SIGUSR1)
    assert str(end) == "signal SIGUSR1"


@contextlib.asynccontextmanager
async def ordered(folder: Path, *argv: str):
    """A place on which a program ``p`` has been ordered before there was anybody to hear of it."""
    process = supervise(folder)
    try:
        connection = await asyncio.to_thread(order_ahead, folder / "s", "p", argv, folder, 5)
        yield process, connection
    finally:
        process.kill()
        process.wait()


async def test_a_program_ordered_ahead_is_handed_out_with_all_that_it_has_said_since(tmp_path):
    lines = []
    async with ordered(
        tmp_path, "sh", "-c", "echo early; while ! [ -e go ]; do sleep 0.01; done; echo late"
    ) as (process, connection):
        await until((tmp_path / "p.out").exists)
        await until(lambda: (tmp_path / "p.out").read_text() == "early\n")
        (tmp_path / "go").write_text("go\n")
        place = await Supervised.take_over(connection, "s", "p")
        other = await place.start("q", ["true"], cwd=tmp_path)
        assert (await other.wait(5)).status == 0  # meanwhile what came of p is kept
        program = await place.start("p", [], cwd=tmp_path, on_line=lambda *line: lines.append(line[1]))
        await program.wait(5)  # it may end at any time from here on, or have ended
        assert lines[0] == "early"
        again = await place.start("p", ["true"], cwd=tmp_path)  # it is an order like any other now
        assert (await again.wait(5)).status == 0
        await place.close()
        assert await asyncio.to_thread(process.wait, 5) == 0


async def test_a_program_ordered_ahead_that_has_ended_or_was_refused_says_so_when_handed_out(tmp_path):
    async with ordered(tmp_path, "sh", "-c", "echo done; exit 3") as (_, connection):
        await until(lambda: (tmp_path / "p.out").exists() and (tmp_path / "p.out").read_text() == "done\n")
        place = await Supervised.take_over(connection, "s", "p")
        program = await place.start("p", [], cwd=tmp_path)
        assert (await program.wait(5)).status == 3
        await place.close()
    async with ordered(tmp_path, "no-such-program") as (_, connection):
        place = await Supervised.take_over(connection, "s", "p")
        with pytest.raises(BenchError, match="No such file"):
            await place.start("p", [], cwd=tmp_path)
        await place.close()


async def test_a_program_ordered_ahead_ends_with_the_connection_that_nobody_took_over(tmp_path):
    async with ordered(tmp_path, "sh", "-c", "echo $$; exec sleep 60") as (process, connection):
        await until(lambda: (tmp_path / "p.out").exists() and (tmp_path / "p.out").read_text())
        pid = int((tmp_path / "p.out").read_text())
        connection.close()
        assert await asyncio.to_thread(process.wait, 5) == 0
        await until(lambda: not alive(pid))


async def test_a_program_ordered_ahead_is_lost_with_its_place(tmp_path):
    async with ordered(tmp_path, "sleep", "60") as (process, connection):
        place = await Supervised.take_over(connection, "s", "p")
        process.kill()
        await place.lost
        with pytest.raises(BenchError, match="lost"):
            await (await place.start("p", [], cwd=tmp_path)).wait(5)
        await place.close()


async def test_an_order_for_a_place_that_never_opens_ends_within_its_bound(tmp_path):
    with pytest.raises(BenchError, match="no supervisor answered"):
        await asyncio.to_thread(order_ahead, tmp_path / "s", "p", ["true"], tmp_path, 0.2)


@pytest.mark.parametrize(
    ("name", "argv", "says"),
    [
        ("p", ["no-such-program"], "No such file"),
        ("p", [], "cannot start p"),
        ("../p", ["true"], "file name"),
        ("", ["true"], "file name"),
        ("p", ["true", "a\0b"], "null byte"),
    ],
)
async def test_what_cannot_be_started_is_refused_and_the_place_goes_on(tmp_path, name, argv, says):
    async with supervised(tmp_path) as place:
        with pytest.raises(BenchError, match=says):
            await place.start(name, argv, cwd=tmp_path)
        assert (await (await place.start("q", ["true"], cwd=tmp_path)).wait(5)).status == 0


async def test_a_missing_working_directory_is_refused_by_name(tmp_path):
    async with supervised(tmp_path) as place:
        with pytest.raises(BenchError, match="nowhere"):
            await place.start("p", ["true"], cwd=tmp_path / "nowhere")


async def test_a_running_name_is_taken_and_free_again_after_the_end(tmp_path):
    async with supervised(tmp_path) as place:
        first = await place.start("p", ["sleep", "60"], cwd=tmp_path)
        with pytest.raises(BenchError, match="running already"):
            await place.start("p", ["true"], cwd=tmp_path)
        first.signal(signal.SIGKILL)
        await first.wait(5)
        assert (await (await place.start("p", ["true"], cwd=tmp_path)).wait(5)).status == 0


async def test_starting_a_program_costs_milliseconds(tmp_path):
    async with supervised(tmp_path) as place:
        begun = time.perf_counter()
        for number in range(20):
            await (await place.start(f"p{number}", ["true"], cwd=tmp_path)).wait(5)
        assert (time.perf_counter() - begun) / 20 < 0.05


async def test_a_flood_of_output_arrives_whole_and_in_order(tmp_path):
    lines = []
    script = "for i in range(100000): print(i)"
    async with supervised(tmp_path) as place:
        argv = [sys.executable, "-c", script]
        program = await place.start("p", argv, cwd=tmp_path, on_line=lambda _, text, __: lines.append(text))
        assert (await program.wait(20)).status == 0
    assert lines == [str(i) for i in range(100000)]


async def test_bytes_that_are_no_text_and_endless_lines_are_passed_on_in_pieces(tmp_path):
    lines = []
    script = "import os; os.write(1, b'\\xff\\x00\\n' + b'x' * 200000)"
    async with supervised(tmp_path) as place:
        argv = [sys.executable, "-c", script]
        program = await place.start("p", argv, cwd=tmp_path, on_line=lambda _, text, __: lines.append(text))
        await program.wait(10)
    assert lines[0] == "\ufffd\0"
    assert "".join(lines[1:]) == "x" * 200000
    assert len(lines) > 2


async def test_one_listeners_fault_does_not_silence_the_others(tmp_path):
    problems, lines = [], []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: problems.append(context["exception"]))

    def faulty(*_: object) -> None:
        raise RuntimeError("listener")

    try:
        async with supervised(tmp_path) as place:
            await (await place.start("p", ["echo", "a"], cwd=tmp_path, on_line=faulty)).wait(5)
            heard = await place.start(
                "q", ["echo", "b"], cwd=tmp_path, on_line=lambda *at: lines.append(at[1])
            )
            await heard.wait(5)
    finally:
        loop.set_exception_handler(None)
    assert [str(p) for p in problems] == ["listener"]
    assert lines == ["b"]


async def test_what_a_program_left_behind_is_ended_with_it(tmp_path):
    pids = []
    async with supervised(tmp_path) as place:
        argv = ["sh", "-c", "sleep 60 & echo $!"]
        program = await place.start(
            "p", argv, cwd=tmp_path, on_line=lambda _, text, __: pids.append(int(text))
        )
        await program.wait(5)
        await until(lambda: not alive(pids[0]))


async def test_closing_ends_even_a_program_that_ignores_term(tmp_path):
    said = []
    async with supervised(tmp_path) as place:
        argv = ["sh", "-c", "trap '' TERM; echo ready; while :; do sleep 1; done"]
        program = await place.start("p", argv, cwd=tmp_path, on_line=lambda *line: said.append(line))
        await until(lambda: bool(said))
        await place.close()
        assert program.exit
        assert program.exit.signal == signal.SIGKILL
        assert not place.lost.done()


async def test_nothing_outlives_a_bench_that_was_killed(tmp_path):
    """The bench is a process of its own here, and gets SIGKILL in the middle."""
    bench = textwrap.dedent("""
        import asyncio, sys
        from pathlib import Path
        from intercom_hil.processes.supervisor_client import Supervised, order_ahead
        async def main(folder):
            place = await Supervised.connect(folder / "s")
            program = await place.start("p", ["sleep", "60"], cwd=folder)
            print(program.pid, flush=True)
            await program.wait()
        asyncio.run(main(Path(sys.argv[1])))
    """)
    root = Path(supervisor.__file__).parents[2]
    leash = supervise(tmp_path)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", bench, str(tmp_path), stdout=subprocess.PIPE, cwd=root
    )
    pid = int(await asyncio.wait_for(process.stdout.readline(), 10))
    assert alive(pid)
    process.kill()
    await process.wait()
    assert await asyncio.to_thread(leash.wait, 5) == 0
    assert not alive(pid)


async def test_term_ends_the_supervisor_and_its_programs(tmp_path):
    leash = supervise(tmp_path)
    place = await Supervised.connect(tmp_path / "s")
    program = await place.start("p", ["sleep", "60"], cwd=tmp_path)
    leash.terminate()
    assert await asyncio.wait_for(place.lost, 5)
    assert await asyncio.to_thread(leash.wait, 5) == 0
    assert not alive(program.pid)
    await place.close()


async def test_a_lost_place_ends_every_wait_and_says_so(tmp_path):
    leash = supervise(tmp_path)
    place = await Supervised.connect(tmp_path / "s")
    program = await place.start("p", ["sleep", "60"], cwd=tmp_path)
    waiting = asyncio.create_task(program.wait())
    leash.kill()
    assert "closed" in await asyncio.wait_for(place.lost, 5)
    with pytest.raises(BenchError):
        await waiting
    with pytest.raises(BenchError, match="lost"):
        await place.start("q", ["true"], cwd=tmp_path)
    await place.close()
    leash.wait()
    await until(lambda: not alive(program.pid))  # not process 1 of a container, it has the kernel see to that


async def test_a_place_that_never_comes_is_an_error_in_time(tmp_path):
    with pytest.raises(BenchError, match=r"no supervisor answered within 0\.1 s"):
        await Supervised.connect(tmp_path / "s", within=0.1)


async def test_a_socket_deeper_than_its_address_may_be_long_works(tmp_path):
    folder = tmp_path / ("d" * 100) / ("e" * 100)
    folder.mkdir(parents=True)
    async with supervised(folder) as place:
        assert (await (await place.start("p", ["true"], cwd=folder)).wait(5)).status == 0


@pytest.mark.parametrize(
    "line",
    [
        "",
        "{",
        "[]",
        "null",
        "7",
        "\udcff\udcfe",
        '{"command": "start"}',
        '{"command": "no", "id": "x"}',
        json.dumps({"command": "start", "id": "x", "argv": 5, "cwd": "/", "forward": False}),
        json.dumps({"command": "start", "id": "x", "argv": ["true"], "cwd": 5, "forward": False}),
    ],
)
def test_a_command_that_makes_no_sense_is_refused(tmp_path, line):
    leash = supervise(tmp_path)
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(5)
        end = time.monotonic() + 5
        while client.connect_ex(str(tmp_path / "s")):
            assert time.monotonic() < end
            time.sleep(0.005)
        with client.makefile("rwb") as stream:
            assert json.loads(stream.readline())["event"] == "ready"
            stream.write(line.encode("utf-8", "surrogateescape") + b"\n")
            stream.flush()
            assert json.loads(stream.readline())["event"] == "refused"
    assert leash.wait(5) == 0


async def test_a_full_disk_ends_no_program_and_no_place(tmp_path):
    (tmp_path / "p.out").symlink_to("/dev/full")
    lines = []
    async with supervised(tmp_path) as place:
        script = "echo one; sleep 0.1; echo two"
        program = await place.start(
            "p", ["sh", "-c", script], cwd=tmp_path, on_line=lambda *line: lines.append(line[1])
        )
        assert (await program.wait(within=5)).status == 0
        assert lines == ["one", "two"]


async def test_a_place_that_hangs_is_lost_and_whoever_waits_hears_of_it(tmp_path):
    process = supervise(tmp_path)
    place = await Supervised.connect(tmp_path / "s")
    try:
        program = await place.start("p", ["sleep", "60"], cwd=tmp_path)
        await place.sign_of_life()
        process.send_signal(signal.SIGSTOP)
        with pytest.raises(BenchError, match=r"no sign of life for 0\.3 s"):
            await place.sign_of_life(within=0.3)
        with pytest.raises(BenchError, match="no sign of life"):
            await program.wait(within=5)
        assert "no sign of life" in await asyncio.wait_for(place.lost, 5)
        with pytest.raises(BenchError, match="the place is lost"):
            await place.start("q", ["true"], cwd=tmp_path)
        begun = time.monotonic()
        await place.close()
        assert time.monotonic() - begun < 2
    finally:
        process.send_signal(signal.SIGCONT)
        process.kill()
        process.wait()
