"""What every Console does, on every kind of serial line."""

import asyncio
import threading
import time
from contextlib import asynccontextmanager

import pytest

from intercom_hil.errors import BenchError
from intercom_hil.instruments import Console, SerialConsole


class Lines:
    """Complete lines as a listener gets them, awaitable by count."""

    def __init__(self):
        self.seen = []
        self.fragments = []
        self._more = asyncio.Event()

    def __call__(self, text, at):
        self.seen.append((text, at))
        self._more.set()

    def take_fragment(self, fragment, at):
        self.fragments.append(fragment)
        self._more.set()

    async def fragment(self):
        while not self.fragments:
            self._more.clear()
            await self._more.wait()
        return self.fragments[0]

    async def first(self, count):
        async with asyncio.timeout(3):
            while len(self.seen) < count:
                self._more.clear()
                await self._more.wait()
        return [text for text, _ in self.seen]


@asynccontextmanager
async def opened(peer, **options):
    console: Console = SerialConsole(peer.url, **options)
    lines = Lines()
    console.listen(lines, lines.take_fragment)
    await console.open()
    try:
        yield console, lines
    finally:
        await console.close()


async def test_lines_come_complete_whatever_ends_them(peer):
    async with opened(peer) as (_, lines):
        peer.send(b"one\r\ntwo\nthree\rfour\n\r\r\nfi")
        assert await lines.first(4) == ["one", "two", "three", "four"]
        peer.send(b"ve\r\n")
        assert (await lines.first(5))[4] == "five"


async def test_each_line_is_dated_when_its_end_arrived(peer):
    async with opened(peer) as (_, lines):
        peer.send(b"begun ")
        await asyncio.sleep(0.1)
        before = time.time()
        peer.send(b"ended\r\n")
        await lines.first(1)
        assert before <= lines.seen[0][1] <= time.time()


async def test_bytes_that_are_no_text_are_kept_visible(pty_peer):
    async with opened(pty_peer) as (_, lines):
        pty_peer.send(b"\xff\x00caf\xc3\xa9 \xc3\r\n")
        assert await lines.first(1) == ["\\xffcafé \\xc3"]


async def test_a_line_without_end_is_bounded_and_says_so(pty_peer):
    async with opened(pty_peer, longest_line=16) as (_, lines):
        pty_peer.send(b"x" * 3000 + b"\r\nnext\r\n")
        assert await lines.first(1) == ["next"]
        begun, ended = lines.fragments
        assert (begun.text, begun.reason) == ("x" * 16, "no line ends within 16 bytes")
        assert (ended.text, ended.size) == ("x" * 16, 3000)


async def test_the_line_that_the_loss_of_the_cable_cuts_off_is_handed_on_as_half_a_line(peer):
    async with opened(peer) as (_console, lines):
        before = time.time()
        peer.send(b"whole\r\nhalf")
        await lines.first(1)
        await asyncio.to_thread(peer.unplug)
        async with asyncio.timeout(3):
            half = await lines.fragment()
        assert (half.text, half.reason, half.size) == ("half", "a line was cut off", None)
        assert before <= half.since <= time.time()


async def test_the_raw_log_has_every_byte_and_changes_file_with_the_scenario(peer, tmp_path):
    async with opened(peer) as (console, lines):
        console.begin(tmp_path / "first.log")
        peer.send(b"a\xff\r\n")
        await lines.first(1)
        console.begin(tmp_path / "second.log")
        peer.send(b"b\r\n")
        await lines.first(2)
    assert (tmp_path / "first.log").read_bytes() == b"a\xff\r\n"
    assert (tmp_path / "second.log").read_bytes() == b"b\r\n"


async def test_a_raw_log_that_cannot_be_written_is_a_bench_error(pty_peer, tmp_path):
    async with opened(pty_peer) as (console, _):
        with pytest.raises(BenchError, match=r"nowhere/console.log: the console log cannot be written"):
            console.begin(tmp_path / "nowhere" / "console.log")


async def test_an_unplugged_cable_is_noticed_within_a_second(peer):
    async with opened(peer) as (console, lines):
        peer.send(b"last words\r\n")
        await lines.first(1)
        unplugged = time.time()
        await asyncio.to_thread(peer.unplug)
        async with asyncio.timeout(3):
            assert await console.lost
        assert time.time() - unplugged < 1


async def test_opening_and_closing_twice_is_opening_and_closing_once(peer):
    console: Console = SerialConsole(peer.url)
    lines = Lines()
    console.listen(lines)
    await console.close()
    for _ in range(2):
        await console.open()
        await console.open()
        peer.send(b"here\r\n")
        await lines.first(1)
        lines.seen.clear()
        await console.close()
        await console.close()
    assert not console.lost.done(), "a console that was closed is not lost"


async def test_a_console_leaves_no_thread_and_no_file_open(peer, tmp_path):
    before = set(threading.enumerate())
    async with opened(peer) as (console, lines):
        console.begin(tmp_path / "console.log")
        peer.send(b"x\r\n")
        await lines.first(1)
    left = {t for t in set(threading.enumerate()) - before if "asyncio" not in t.name}
    assert not left


async def test_an_idle_console_costs_no_processor_time(peer):
    async with opened(peer) as (_, lines):
        peer.send(b"x\r\n")
        await lines.first(1)
        spent = time.process_time()
        await asyncio.sleep(0.5)
        assert time.process_time() - spent < 0.025


async def test_the_console_on_the_desk_can_be_opened_and_closed(console_table, tmp_path):
    console: Console = SerialConsole(console_table["port"], baudrate=console_table.get("baud_rate", 115_200))
    for _ in range(2):
        await console.open()
        console.begin(tmp_path / "console.log")
        await console.close()
    assert not console.lost.done()
