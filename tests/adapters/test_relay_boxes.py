"""Relays that people own, in what is particular to each: frames, accounts, and answers that are none."""

import pytest

from intercom_hil.adapters.lcus_relay import LcusBoard, LcusRelay
from intercom_hil.adapters.shelly_relay import ShellyRelayOptions
from intercom_hil.adapters.tasmota_relay import TasmotaRelayOptions
from intercom_hil.errors import BenchError
from intercom_hil.instruments import SharedPorts, opened
from tests.contracts import relay_boxes
from tests.contracts.serial_peers import PtyPeer


@pytest.fixture
def board():
    board = relay_boxes.LcusBoard("text")
    peer = PtyPeer(board).start()
    yield board, peer
    peer.unplug()


async def test_the_first_relay_is_switched_by_the_frames_of_the_sheet(board):
    _, peer = board
    relay = LcusRelay(LcusBoard(peer.url), 1, state="text")
    async with opened(relay):
        await relay.set(True)
    assert bytes(peer.heard).replace(b"\xff", b"") == bytes.fromhex("A00100A1 A00101A2 A00100A1")


async def test_relays_of_one_board_share_it_and_leave_each_other_alone(board):
    firmware, peer = board
    box = LcusBoard(peer.url)
    first, second = LcusRelay(box, 1, state="text"), LcusRelay(box, 2, state="text")
    async with opened(first), opened(second):
        await first.set(True)
        await second.set(True)
        await first.set(False)
        assert firmware.relays[:2] == [False, True]
        assert await second.read() is True


async def test_a_relay_that_was_left_on_is_told(board):
    firmware, peer = board
    firmware.relays[0] = True
    relay = LcusRelay(LcusBoard(peer.url), 1, state="text")
    async with opened(relay):
        assert relay.left_active


async def test_a_relay_that_does_not_follow_is_an_error(board):
    firmware, peer = board
    relay = LcusRelay(LcusBoard(peer.url), 1, state="text")
    async with opened(relay):
        firmware.stuck = True
        with pytest.raises(BenchError, match="switched on but does not read on"):
            await relay.set(True)


@pytest.mark.parametrize(
    "noise", [b"", b"\xa0\x01", b"CH1: MAYBE\r\n", b"CH11: ON\r\n", b"CH1: O", bytes(range(128)) * 40]
)
@pytest.mark.parametrize("state", ["frame", "text"])
async def test_a_board_that_tells_no_state_is_given_up_in_time(noise, state):
    peer = PtyPeer(lambda data: noise).start()
    with pytest.raises(BenchError, match=r"told no state within 1 s .*state = .none."):
        await LcusRelay(LcusBoard(peer.url), 1, state=state).open()
    peer.unplug()


BOXES = {
    "shelly-1": (
        relay_boxes.ShellyFirst,
        ShellyRelayOptions,
        {"kind": "shelly-relay", "generation": 1, "channel": 1},
    ),
    "shelly-2": (relay_boxes.ShellySecond, ShellyRelayOptions, {"kind": "shelly-relay", "channel": 1}),
    "tasmota": (relay_boxes.Tasmota, TasmotaRelayOptions, {"kind": "tasmota-relay"}),
}


@pytest.fixture(params=BOXES)
def box(request):
    """A box with a password, and a way to make the output that its table describes."""
    kind, options, table = BOXES[request.param]
    box = kind(password="p&ss w=rd")

    def output(**more):
        return options.model_validate({**table, "url": box.url, **more}).make(SharedPorts(), name="output")

    yield box, output
    box.close()


async def test_a_box_with_a_password_is_switched(box):
    box, output = box
    relay = output(password="p&ss w=rd")
    async with opened(relay):
        assert await relay.set(True)
        assert box.on


async def test_a_wrong_password_is_told_without_being_shown(box):
    _, output = box
    with pytest.raises(BenchError) as caught:
        await output(password="secret-x").open()
    assert "secret-x" not in str(caught.value)
    assert "password" in str(caught.value)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ((200, b"<html>"), "no JSON"),
        ((200, b"[" * 60_000), "no JSON"),
        ((200, b"7"), "cannot be told"),
        ((200, {"ison": "yes", "output": 1, "POWER": "Blink"}), "cannot be told"),
        ((200, b" " * 100_000), "more than 65536 bytes"),
        ((404, b"Not Found"), "status 404"),
        ((302, b""), "status 302"),
    ],
)
async def test_an_answer_that_is_none_is_one_error(box, answer, says):
    box, output = box
    box.override = answer
    with pytest.raises(BenchError, match=says) as caught:
        await output(password="p&ss w=rd").open()
    assert caught.value.where == box.url


async def test_a_box_that_does_not_follow_is_an_error(box):
    box, output = box
    relay = output(password="p&ss w=rd")
    async with opened(relay):
        box.stuck = True
        with pytest.raises(BenchError, match="switched on but does not read on"):
            await relay.set(True)


async def test_a_box_that_is_not_there_is_named(box):
    _, output = box
    with pytest.raises(BenchError, match=r"http://127.0.45.6:1: it cannot be asked .*Remedy"):
        await output(url="http://127.0.45.6:1").open()
