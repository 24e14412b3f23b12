"""A console whose cable goes and comes back."""

import asyncio

import pytest

from intercom_hil.errors import BenchError
from intercom_hil.instruments import ReopeningConsole, SerialConsole, opened
from tests.contracts.serial_peers import PtyPeer
from tests.contracts.test_console_contract import Lines


class Cable:
    """A stable name for whichever pty is plugged in, and a console that reopens it."""

    def __init__(self, folder, within=5.0):
        self.path = folder / "console"
        self.told = []
        self.changed = asyncio.Event()
        self.lines = Lines()
        self.plug_in()
        console = SerialConsole(str(self.path))
        self.console = ReopeningConsole(console, within=within, on_link=self._on_link)
        self.console.listen(self.lines)

    def plug_in(self):
        self.peer = PtyPeer().start()
        self.path.symlink_to(self.peer.url)

    def unplug(self):
        self.path.unlink(missing_ok=True)
        self.peer.unplug()

    def _on_link(self, there, reason, at):
        self.told.append((there, reason))
        self.changed.set()

    async def comes(self, there):
        async with asyncio.timeout(3):
            while not self.told or self.told[-1][0] is not there:
                self.changed.clear()
                await self.changed.wait()


@pytest.fixture
async def cable(tmp_path):
    cable = Cable(tmp_path)
    yield cable
    cable.unplug()


async def test_the_line_is_opened_again_when_it_is_back_and_both_are_told(cable, tmp_path):
    log = tmp_path / "console.log"
    async with opened(cable.console):
        cable.console.begin(log)
        for number in range(2):
            cable.peer.send(b"before\r\nhalf a li")
            await cable.lines.first(2 * number + 1)
            cable.unplug()
            await cable.comes(there=False)
            cable.plug_in()
            await cable.comes(there=True)
            cable.peer.send(b"after\r\n")
            assert (await cable.lines.first(2 * number + 2))[-2:] == ["before", "after"]
    assert [there for there, _ in cable.told] == [False, True] * 2
    assert cable.told[0][1]
    assert log.read_bytes() == b"before\r\nhalf a liafter\r\n" * 2
    assert not cable.console.lost.done()


async def test_a_line_that_stays_away_is_lost(tmp_path):
    cable = Cable(tmp_path, within=0.3)
    async with opened(cable.console):
        cable.unplug()
        async with asyncio.timeout(3):
            assert await cable.console.lost
    cable.plug_in()
    async with opened(cable.console):
        cable.peer.send(b"here\r\n")
        assert await cable.lines.first(1) == ["here"]
    cable.unplug()


async def test_a_raw_log_that_cannot_be_written_is_no_loss_that_reopening_mends(cable, tmp_path):
    full = tmp_path / "full.log"
    full.symlink_to("/dev/full")
    async with opened(cable.console):
        cable.console.begin(full)
        cable.peer.send(b"x\r\n")
        async with asyncio.timeout(3):
            assert "its raw log cannot be written" in await cable.console.lost
    assert [there for there, _ in cable.told] == [False]


async def test_a_console_that_is_not_there_at_first_is_a_bench_error(tmp_path):
    def ignore(there, reason, at):
        pass

    console = ReopeningConsole(SerialConsole(str(tmp_path / "none")), within=5, on_link=ignore)
    with pytest.raises(BenchError, match="plug the cable in"):
        await console.open()


async def test_closing_while_it_is_away_waits_for_nothing(cable):
    await cable.console.open()
    cable.unplug()
    await cable.comes(there=False)
    async with asyncio.timeout(1):
        await cable.console.close()
    assert not cable.console.lost.done()
