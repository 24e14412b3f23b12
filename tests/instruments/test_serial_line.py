"""Serial lines that cannot be opened, and the framing of what comes over them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intercom_hil.errors import BenchError
from intercom_hil.instruments import SerialConsole
from intercom_hil.instruments.serial_console import LineFramer
from tests.contracts.serial_peers import PtyPeer

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
