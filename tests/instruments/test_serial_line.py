"""Serial lines that cannot be opened, and the framing of what comes over them."""

import asyncio
import grp
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intercom_hil.adapters.modem_lines import ModemOutput
from intercom_hil.errors import BenchError
from intercom_hil.instruments import SerialConsole
from intercom_hil.instruments.serial_console import LineFramer
from intercom_hil.instruments.serial_line import SerialLine
from intercom_hil.instruments.serial_names import remedy_for_permission
from tests.contracts.serial_peers import NoModemLines, OtherModemLines, PtyPeer, Rfc2217Peer

TROUBLE = {
    "/dev/no-such-port": "plug the cable in",
    "socket://127.0.45.1:1": "check the port's address",
    "rfc2217://127.0.45.1:1": "check the port's address",
    "nonsense://x": "check the port's address",
    "socket://": "check the port's address",
    "/dev/null": "check the port's address",
    "": "plug the cable in",
}


@pytest.mark.parametrize("url", TROUBLE)
async def test_a_port_that_cannot_be_opened_says_where_and_what_to_do(url):
    with pytest.raises(BenchError) as problem:
        await SerialConsole(url).open()
    assert problem.value.where == url
    assert TROUBLE[url] in problem.value.remedy


async def test_a_port_that_another_program_has_is_refused():
    peer = PtyPeer().start()
    first, second = SerialConsole(peer.url), SerialConsole(peer.url)
    await first.open()
    with pytest.raises(BenchError, match="close the other program"):
        await second.open()
    await first.close()
    await second.open()
    await second.close()
    peer.unplug()


async def test_a_lost_console_can_be_opened_again_once_it_is_back(tmp_path):
    peer = PtyPeer().start()
    link = tmp_path / "console"
    link.symlink_to(peer.url)
    console = SerialConsole(str(link))
    await console.open()
    peer.unplug()
    assert await console.lost
    link.unlink()
    peer = PtyPeer().start()
    link.symlink_to(peer.url)
    await console.open()
    assert not console.lost.done()
    await console.close()
    peer.unplug()


async def test_a_full_disk_is_told_as_the_loss_of_the_console(tmp_path):
    peer = PtyPeer().start()
    full = tmp_path / "console.log"
    full.symlink_to("/dev/full")
    console = SerialConsole(peer.url)
    await console.open()
    console.begin(full)
    peer.send(b"x\r\n")
    assert "its raw log cannot be written: No space left" in await console.lost
    await console.close()
    peer.unplug()


@pytest.mark.parametrize("server", [NoModemLines, OtherModemLines])
async def test_a_terminal_server_that_confirms_no_modem_lines_serves_a_console(server):
    peer = Rfc2217Peer(manager=server).start()
    console, lines = SerialConsole(peer.url), asyncio.Queue()
    console.listen(lambda text, at: lines.put_nowait(text))
    await console.open()
    peer.send(b"here\r\n")
    async with asyncio.timeout(3):
        assert await lines.get() == "here"
    await console.close()
    peer.unplug()


async def test_a_terminal_server_that_confirms_no_modem_lines_is_refused_where_one_is_needed():
    peer = Rfc2217Peer(manager=NoModemLines).start()
    console = SerialConsole(peer.url)
    console.set_line(dtr=False)
    with pytest.raises(BenchError, match=r"option 'control'.*the server confirms no modem lines"):
        await console.open()
    peer.unplug()


@pytest.mark.parametrize("levels", [{}, {"dtr": False}, {"rts": False, "dtr": True}, {"rts": True}])
async def test_modem_lines_stand_as_the_bench_file_says_while_a_console_is_open(levels):
    peer = Rfc2217Peer().start()
    console = SerialConsole(peer.url)
    console.set_line(**levels)
    await console.open()
    assert (peer.port.dtr, peer.port.rts) == (levels.get("dtr", True), levels.get("rts", True))
    await console.close()
    peer.unplug()


async def test_a_modem_line_is_not_both_an_output_and_held():
    line = SerialLine("/dev/null")
    ModemOutput(line, "rts")
    console = SerialConsole("/dev/null", line=line)
    with pytest.raises(BenchError, match=r"RTS is an output.*leave rts out of \[device.console\]"):
        console.set_line(rts=True)


async def test_a_port_may_be_shared_with_other_programs_where_the_bench_file_says_so():
    peer = PtyPeer().start()
    first, second = SerialConsole(peer.url), SerialConsole(peer.url)
    first.set_line(exclusive=False)
    second.set_line(exclusive=False)
    await first.open()
    await second.open()
    await second.close()
    await first.close()
    peer.unplug()


async def test_the_program_that_has_a_port_is_named(tmp_path):
    peer = PtyPeer().start()
    ready = (
        "import sys, serial; port = serial.Serial(sys.argv[1], exclusive=True); print(flush=True); input()"
    )
    other = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", ready, peer.url),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    await other.stdout.readline()
    with pytest.raises(BenchError, match=rf"close the other program.*: \S+ \(process {other.pid}\)"):
        await SerialConsole(peer.url).open()
    await other.communicate(b"\n")
    peer.unplug()


def test_the_remedy_for_a_lack_of_rights_names_the_group_of_the_port(tmp_path):
    port = tmp_path / "tty"
    port.touch()
    group = grp.getgrgid(port.stat().st_gid).gr_name
    remedy = "have udev give" if group == "root" else f"add your user to the group {group} (sudo usermod -aG"
    assert remedy in remedy_for_permission(str(port))
    assert "add your user to the group dialout" in remedy_for_permission(str(tmp_path / "gone"))


@given(st.lists(st.binary(max_size=40)), st.integers(1, 30))
def test_portions_do_not_change_the_lines(portions, longest):
    whole = LineFramer(longest)
    parts = LineFramer(longest)
    together = whole.feed(b"".join(portions))
    assert [line for portion in portions for line in parts.feed(portion)] == together
    texts = [line if isinstance(line, str) else line.text for line in together]
    assert all("\r" not in text and "\n" not in text and text for text in texts)


@given(st.binary(max_size=300))
def test_what_is_held_is_bounded(data):
    framer = LineFramer(10)
    framer.feed(data)
    assert len(framer._held) <= 10
