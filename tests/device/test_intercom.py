"""The Intercom over real instruments: ptys for console and relays, HTTP for the portal, a growing WAV."""

import asyncio
import struct

import numpy as np
import pytest

from intercom_hil.adapters.numato_board import Board
from intercom_hil.adapters.numato_relay import Relay
from intercom_hil.device.intercom import NOTICED, Intercom
from intercom_hil.device.portal import Account, Portal
from intercom_hil.device.speaker import Speaker
from intercom_hil.errors import BenchError, DeviceCrashed
from intercom_hil.instruments import Button, SerialConsole
from intercom_hil.spec.settings import ProxySettings, SipSettings
from intercom_hil.timeline import Pattern, Timeline, Witness, now
from tests.contracts.serial_peers import NumatoBoard, PtyPeer
from tests.device.portal_peer import PortalPeer

TS = "2026-11-22T20:41:03.123456Z"
BOOT = f"{TS} boot model=EMU-1\r\n".encode()
SETTINGS = SipSettings(
    server_address="127.0.0.10",
    auth_username="door",
    auth_password="hunter22",
    extension="3000",
    call_number="3400",
    proxy=ProxySettings(username="door", address="127.0.0.11", password="hunter33", port=5060),
)


class Desk:
    """A device on a desk with everything that a bench reaches it by."""

    def __init__(self, folder, settling=0.0):
        self.folder = folder
        self.timeline = Timeline()
        self.console, self.board = PtyPeer().start(), PtyPeer(NumatoBoard()).start()
        self.portal = PortalPeer()
        self.gone = asyncio.get_running_loop().create_future()
        append = self.timeline.append
        self.wav = folder / "speaker.wav"
        self.intercom = Intercom(
            address="127.0.45.3",
            append=append,
            portal=Portal(self.portal.url, Account("admin", "admin-secret")),
            button=Button(Relay(Board(self.board.url), "0"), append=append),
            console=SerialConsole(self.console.url),
            speaker=Speaker(self.wav, append=append),
            device_lost=self.gone,
            extension="door",
            settling=settling,
        )

    async def sees(self, kind, count=1):
        found = await self.timeline.wait(Pattern(kind=kind, text=kind), within=2, count=count)
        assert len(found) == count, [str(o) for o in self.timeline]
        return found[-1]


@pytest.fixture
async def desk(tmp_path):
    desk = Desk(tmp_path)
    await desk.intercom.open()
    desk.intercom.begin(tmp_path)
    yield desk
    await desk.intercom.close()
    desk.portal.close()
    desk.console.unplug()
    desk.board.unplug()


@pytest.fixture
async def slow_desk(tmp_path):
    desk = Desk(tmp_path, settling=0.7)
    await desk.intercom.open()
    desk.intercom.begin(tmp_path)
    yield desk
    await desk.intercom.close()
    desk.portal.close()
    desk.console.unplug()
    desk.board.unplug()


async def test_nothing_is_asked_of_a_device_whose_settings_are_not_in_force_yet(slow_desk):
    await slow_desk.intercom.configure(SETTINGS)
    taken = (await slow_desk.sees("configured")).time
    assert await slow_desk.intercom.press_button(hold=0.02) >= taken + 0.7
    await slow_desk.intercom.submit({"call_timeout": 7})
    again = (await slow_desk.sees("configured", count=2)).time
    await slow_desk.intercom.configure(SETTINGS)
    assert (await slow_desk.sees("configured", count=3)).time >= again + 0.7


async def test_settings_that_were_refused_need_no_time(slow_desk):
    await slow_desk.intercom.configure(SETTINGS.model_copy(update={"extension": "not allowed"}))
    assert not slow_desk.intercom.settling


async def test_settings_that_have_been_seen_in_force_need_no_more_time(slow_desk):
    await slow_desk.intercom.configure(SETTINGS)
    assert slow_desk.intercom.settling
    slow_desk.intercom.settled()
    assert not slow_desk.intercom.settling


async def test_a_device_that_needs_a_rest_is_left_alone_until_then(desk):
    rested = now() + 0.4
    desk.intercom.rest_left = lambda least: rested - now()
    assert await desk.intercom.press_button(hold=0.02) >= rested


async def test_nobody_presses_before_they_can_have_noticed_that_a_call_is_over(desk):
    asked = []
    desk.intercom.rest_left = lambda least: asked.append(least) or 0.0
    await desk.intercom.press_button(hold=0.02)
    await desk.intercom.configure(SETTINGS)
    assert asked == [NOTICED, 0.0]


async def test_a_press_closes_the_contact_and_tells_when(desk):
    pressed = await desk.intercom.press_button(hold=0.02)
    down = (await desk.timeline.wait(Pattern(kind="output", text="press"), within=1))[0]
    assert down.time == pressed
    assert desk.board.answer.changes[-2:] == [(0, True), (0, False)]


async def test_what_the_console_says_is_on_the_timeline_and_in_the_folder(desk):
    line = f'{TS} event name=outgoing_call_failure screen="Call Failed" details="no answer: 3400"'
    desk.console.send(line.encode() + b"\r\n")
    event = await desk.sees("event")
    assert (event.content.name, event.content.failure) == ("outgoing_call_failure", "no answer")
    assert event.witness is Witness.CONSOLE
    assert (desk.folder / "console.log").read_text() == line + "\n"


async def test_what_the_speaker_plays_is_on_the_timeline(desk):
    head = b"RIFF\0\0\0\0WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 16000, 2, 16) + b"data\0\0\0\0"
    sound = 8000 * np.sin(2 * np.pi * 440 * np.arange(1600) / 8000)
    desk.wav.write_bytes(head + sound.astype("<i2").tobytes())
    assert (await desk.sees("speaker")).content.tone_hz == pytest.approx(440, abs=5)


async def test_a_configuration_is_submitted_and_told_without_secrets(desk):
    content = await desk.intercom.configure(SETTINGS)
    assert content.accepted
    assert content == (await desk.sees("configured")).content
    assert desk.portal.settings == SETTINGS
    assert "hunter" not in content.model_dump_json()
    assert set(content.changed) == set(SipSettings.model_fields)
    assert desk.intercom.uri == "sip:3000@127.0.45.3"


async def test_only_what_differs_from_the_configuration_in_force_is_changed(desk):
    await desk.intercom.configure(SETTINGS)
    refused = SETTINGS.model_copy(update={"extension": "not allowed", "call_timeout": 7})
    content = await desk.intercom.configure(refused)
    assert not content.accepted
    assert "extension" in content.message
    assert desk.intercom.extension == "3000"
    content = await desk.intercom.configure(SETTINGS.model_copy(update={"call_timeout": 8}))
    assert content.changed == ("call_timeout",)


async def test_before_it_is_configured_the_bench_s_word_is_its_extension(desk):
    assert desk.intercom.uri == "sip:door@127.0.45.3"


async def test_a_restart_under_test_is_the_device_s_fault(desk):
    desk.console.send(BOOT + BOOT)
    assert (await desk.sees("lost")).content.blame == "device"


async def test_an_unplugged_console_is_the_bench_s_fault(desk):
    desk.console.unplug()
    problem = await asyncio.wait_for(desk.intercom.lost, 2)
    assert isinstance(problem, BenchError)
    lost = (await desk.sees("lost")).content
    assert (lost.instrument, lost.blame) == ("console", "bench")
    assert not await desk.intercom.healthy()


async def test_a_device_that_ends_is_at_fault_even_when_its_console_is_missed_first(desk):
    desk.console.unplug()
    await asyncio.sleep(0.05)  # the console is missed first
    desk.gone.set_result("exit status 1")
    assert isinstance(await asyncio.wait_for(desk.intercom.lost, 2), DeviceCrashed)
    lost = (await desk.sees("lost")).content
    assert (lost.instrument, lost.problem, lost.blame) == ("device", "exit status 1", "device")


async def test_a_healthy_device_is_healthy_until_its_portal_is_gone(desk):
    assert await desk.intercom.healthy()
    assert not desk.intercom.lost.done()
    desk.portal.close()
    assert not await desk.intercom.healthy()
    assert isinstance(desk.intercom.lost.result(), DeviceCrashed)
    assert (await desk.sees("lost")).content.instrument == "device"


async def test_closing_is_no_loss_and_leaves_the_button_released(desk):
    intercom = desk.intercom
    await intercom.button.output.set(True)
    await intercom.close()
    await intercom.close()
    assert not desk.board.answer.relays[0]
    assert not intercom.lost.done()
    await intercom.open()
    await intercom.press_button(hold=0)


async def test_a_part_that_cannot_be_opened_leaves_nothing_open(desk):
    await desk.intercom.close()
    desk.portal.override["POST /api/login"] = (401, b"")
    with pytest.raises(BenchError, match="cannot log in"):
        await desk.intercom.open()
    console = SerialConsole(desk.console.url)
    await console.open()  # nobody else has it
    await console.close()
