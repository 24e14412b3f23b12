"""USB HID relay boards for real, on boards that the kernel is shown through uhid. It runs in the guest.

The contract for outputs runs beside it; here is what is particular to these boards.
"""

import asyncio

import pytest

from intercom_hil.adapters.hid_relay import HidBoard, HidRelay, boards
from intercom_hil.errors import BenchError
from intercom_hil.instruments import opened
from tests.contracts import hid_board

pytestmark = pytest.mark.skipif(not hid_board.available(), reason="this kernel takes no HID devices")


@pytest.fixture
def board():
    board = hid_board.HidBoard(4, characters="DOOR7")
    yield board
    board.unplug()


@pytest.mark.parametrize("called", ["path", "characters"])
async def test_a_board_is_called_by_its_device_or_its_characters(board, called):
    relay = HidRelay(HidBoard(board.path if called == "path" else "DOOR7"), 3)
    async with opened(relay):
        await relay.set(True)
        assert board.relays == {1: False, 2: False, 3: True, 4: False}
        assert await relay.read()
    assert not any(board.relays.values())


async def test_relays_of_one_board_share_it_and_leave_each_other_alone(board):
    shared = HidBoard(board.path)
    button, supply = HidRelay(shared, 1), HidRelay(shared, 4)
    async with opened(button):
        async with opened(supply):
            await asyncio.gather(button.set(True), supply.set(True))
            await supply.set(False)
        assert board.relays[1]
    assert board.changes[-1] == (1, False)


async def test_what_was_left_on_is_known_and_switched_off(board):
    board.relays[2] = True
    relay = HidRelay(HidBoard(board.path), 2)
    async with opened(relay):
        assert relay.left_active is True
        assert not board.relays[2]


async def test_a_relay_that_the_board_lacks_is_an_error_that_says_how_many_it_has(board):
    with pytest.raises(BenchError, match="no relay 5, but 4"):
        await HidRelay(HidBoard(board.path), 5).open()


async def test_a_contact_that_does_not_follow_is_an_error(board):
    relay = HidRelay(HidBoard(board.path), 1)
    async with opened(relay):
        board.stuck.add(1)
        with pytest.raises(BenchError, match="switched on but does not read on"):
            await relay.set(True)
        board.stuck.clear()


async def test_a_board_that_fails_its_reports_is_an_error(board):
    relay = HidRelay(HidBoard(board.path), 1)
    async with opened(relay):
        board.deaf = True
        with pytest.raises(BenchError, match="does not take its report"):
            await relay.set(True)
        board.deaf = False


async def test_a_board_that_another_has_is_an_error(board):
    async with opened(HidRelay(HidBoard(board.path), 1)):
        with pytest.raises(BenchError, match=r"cannot be had.*end the program that has the board"):
            await HidRelay(HidBoard("DOOR7"), 1).open()


async def test_another_gadget_of_the_same_maker_is_no_board(board):
    gadget = hid_board.HidBoard(2, product=0x05DC)
    try:
        assert [found.name for found in boards()] == [board.path]
        assert "DOOR7, 4 relays" in boards()[0].description
        with pytest.raises(BenchError, match=r"no HID relay board.*correct the device"):
            await HidRelay(HidBoard(gadget.path), 1).open()
    finally:
        gadget.unplug()


@pytest.mark.parametrize(
    ("name", "told"),
    [("/dev/hidraw99", "No such file.*plug the board in"), ("OTHER", "no HID relay board.*DOOR7")],
)
async def test_a_board_that_is_not_there_is_an_error_with_a_remedy(board, name, told):
    with pytest.raises(BenchError, match=told):
        await HidRelay(HidBoard(name), 1).open()


async def test_a_board_that_is_plugged_in_again_can_be_opened_again(board):
    relay = HidRelay(HidBoard("DOOR7"), 1)
    await relay.open()
    board.unplug()
    async with asyncio.timeout(5):
        assert await relay.lost
    again = hid_board.HidBoard(4, characters="DOOR7")
    try:
        await relay.open()
        await relay.set(True)
        assert again.relays[1]
        await relay.close()
        assert not again.relays[1]
    finally:
        again.unplug()
