"""The button: what a press does to the output and to the timeline, and that it never stays pressed."""

import asyncio
import time

import pytest

from intercom_hil.adapters.numato_board import Board
from intercom_hil.adapters.numato_relay import Relay
from intercom_hil.errors import BenchError
from intercom_hil.instruments import Button
from intercom_hil.timeline import Timeline, Witness
from tests.contracts.serial_peers import NumatoBoard, PtyPeer


class Wired:
    """A button on a relay of a board on a pty, and the timeline."""

    def __init__(self):
        self.timeline = Timeline()
        self.board = NumatoBoard()
        self.peer = PtyPeer(self.board).start()
        self.button = Button(Relay(Board(self.peer.url), "0"), append=self.timeline.append)


@pytest.fixture
async def wired():
    wired = Wired()
    await wired.button.open()
    wired.board.changes.clear()
    yield wired
    wired.board.noise = None
    await wired.button.close()
    wired.peer.unplug()


async def test_a_press_is_two_confirmed_observations_the_hold_apart(wired):
    before = time.time()
    pressed = await wired.button.press(hold=0.15)
    down, up = wired.timeline
    assert [o.content.active for o in (down, up)] == [True, False]
    assert all(o.content.confirmed and o.witness is Witness.BUTTON for o in (down, up))
    assert before <= pressed == down.time
    assert 0.15 <= up.time - down.time < 0.25
    assert wired.board.changes == [(0, True), (0, False)]


async def test_a_press_is_dated_before_the_contact_closes(wired):
    closed = []

    def note(reply):
        closed.append(time.time())
        return reply

    wired.board.noise = note
    assert await wired.button.press(hold=0) <= closed[0]


async def test_presses_at_once_are_presses_one_after_the_other(wired):
    await asyncio.gather(wired.button.press(hold=0.02), wired.button.press(hold=0.02))
    assert [active for _, active in wired.board.changes] == [True, False, True, False]


async def test_a_press_that_is_given_up_releases(wired):
    pressing = asyncio.create_task(wired.button.press(hold=30))
    assert await asyncio.to_thread(wired.board.closed.wait, 3)
    pressing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await pressing
    assert wired.board.changes[-1] == (0, False)
    assert not wired.timeline[len(wired.timeline) - 1].content.active


async def test_a_press_that_is_not_confirmed_releases_and_is_a_bench_error(wired):
    wired.board.noise = lambda reply: reply.replace(b"\ron\n", b"\roff\n")
    with pytest.raises(BenchError, match="does not read on"):
        await wired.button.press()
    assert wired.board.changes == [(0, True), (0, False)]


async def test_a_contact_that_opens_while_it_is_held_is_a_bench_error(wired):
    reads = []

    def bounce(reply):
        if reply.startswith(b"relay read"):
            reads.append(reply)
            if len(reads) == 3:
                return reply.replace(b"\ron\n", b"\roff\n")
        return reply

    wired.board.noise = bounce
    with pytest.raises(BenchError, match=r"opened by itself while the button was held.*bounces"):
        await wired.button.press(hold=0.3)
    assert wired.board.changes == [(0, True), (0, False)]
    assert all(o.content.held is None for o in wired.timeline)


async def test_a_contact_that_stays_closed_is_a_bench_error(wired):
    wired.board.noise = lambda reply: reply.replace(b"\roff\n", b"\ron\n")
    with pytest.raises(BenchError, match="was switched off but does not read off"):
        await wired.button.press()


async def test_how_long_a_press_was_is_measured_between_read_backs(wired):
    def slow(reply):
        time.sleep(0.02)
        return reply

    await wired.button.press(hold=0.1)
    wired.board.noise = slow
    await wired.button.press(hold=0.1)
    down, up, _, late = (o.content.held for o in wired.timeline)
    assert down is None
    assert 0.1 <= up[0] < 0.12
    assert late[0] < 0.14
    assert late[1] - late[0] >= 0.07


async def test_a_press_without_a_board_tells_both_failures(wired):
    wired.peer.unplug()
    with pytest.raises(BenchError, match="cannot be written") as problem:
        await wired.button.press()
    assert "could not be released either" in problem.value.__notes__[0]


@pytest.mark.parametrize("hold", [-0.1, 61, float("nan")])
async def test_a_hold_that_no_finger_does_is_refused(wired, hold):
    with pytest.raises(ValueError, match="outside"):
        await wired.button.press(hold=hold)
    assert not wired.board.changes
