"""GPIO lines for real, on chips that the kernel simulates. It runs in the guest, or where a kernel can do it.

The contracts for outputs and inputs run beside it; here is what is particular to GPIO lines.
"""

import asyncio
import signal
import sys
import time
from contextlib import contextmanager

import gpiod
import pytest
from gpiod.line import Bias, Drive

from intercom_hil.adapters.gpio import GpioInput, GpioOutput
from intercom_hil.contracts.inputs import Edges
from intercom_hil.errors import BenchError
from intercom_hil.instruments import Button, opened
from intercom_hil.timeline import Timeline
from tests.gpio.gpio_sim import SimulatedChip, available

pytestmark = pytest.mark.skipif(not available(), reason="this kernel simulates no GPIO")

PRESSING = """
import asyncio, sys
from intercom_hil.instruments import opened
from intercom_hil.adapters.gpio import GpioOutput

async def press():
    output = GpioOutput(sys.argv[1], "BUTTON", active_low=True)
    async with opened(output):
        await output.set(True)
        print("pressed", flush=True)
        await asyncio.Event().wait()

asyncio.run(press())
"""


@pytest.fixture
def chip():
    chip = SimulatedChip("BUTTON", "STRIKE", "LAMP")
    yield chip
    chip.unplug()


@contextmanager
def held_by_another(chip, line):
    with gpiod.request_lines(chip.path, consumer="another program", config={line: None}):
        yield


@pytest.mark.parametrize("by", ["path", "name", "label"])
@pytest.mark.parametrize("line", ["BUTTON", 0, "0"])
async def test_chip_and_line_can_be_named_in_every_way(chip, by, line):
    names = {"path": chip.path, "name": chip.path.removeprefix("/dev/"), "label": chip.label}
    output = GpioOutput(names[by], line)
    async with opened(output):
        await output.set(True)
        assert chip.level(0)


async def test_an_active_low_output_is_high_from_the_first_moment(chip):
    strike = GpioInput(chip.path, "STRIKE")
    output = GpioOutput(chip.path, "BUTTON", active_low=True)
    async with opened(output, strike):
        assert chip.level(0)
        await output.set(True)
        assert not chip.level(0)


async def test_a_line_is_held_as_long_as_it_is_open(chip):
    output = GpioOutput(chip.path, "BUTTON")
    async with opened(output):
        with gpiod.Chip(chip.path) as seen:
            info = seen.get_line_info(0)
        assert (info.used, info.consumer) == (True, "intercom-hil")
        with pytest.raises(OSError, match="busy"):
            gpiod.request_lines(chip.path, config={0: None})
    with gpiod.Chip(chip.path) as seen:
        assert not seen.get_line_info(0).used


async def test_a_line_that_another_program_has_is_a_bench_error_that_names_it(chip):
    with (
        held_by_another(chip, "BUTTON"),
        pytest.raises(BenchError, match=r"busy by 'another program'.*end the program"),
    ):
        await GpioOutput(chip.path, "BUTTON").open()


@pytest.mark.parametrize(
    ("chip_name", "line", "told"),
    [
        ("/dev/gpiochip99", 0, "No such file.*correct its name"),
        ("no-such-chip", 0, r"no GPIO chip is called 'no-such-chip'.*there are .*bench-"),
        ("/dev/null", 0, "no GPIO chip.*correct the path"),
        (None, 3, "out.* range"),
        (None, "NO SUCH LINE", "No such file.*correct its name"),
    ],
)
async def test_what_is_not_there_is_a_bench_error_with_a_remedy(chip, chip_name, line, told):
    for kind in (GpioOutput, GpioInput):
        with pytest.raises(BenchError, match=told):
            await kind(chip_name or chip.path, line).open()


@pytest.mark.parametrize(("bias", "level"), [("pull-up", True), ("pull-down", False)])
async def test_the_bias_is_what_an_open_contact_reads(chip, bias, level):
    strike = GpioInput(chip.path, "STRIKE", bias=bias)
    async with opened(strike):
        assert await strike.read() is level


async def test_a_bouncing_contact_is_one_edge_with_debounce(chip):
    edges, strike = Edges(), GpioInput(chip.path, "STRIKE", debounce=0.02)
    strike.listen(edges)
    async with opened(strike):
        for _ in range(5):
            chip.pull(1, up=True)
            chip.pull(1, up=False)
        chip.pull(1, up=True)
        assert await edges.first(1) == [True]
        chip.pull(1, up=False)
        assert await edges.first(2) == [True, False]


async def test_every_edge_of_a_bouncing_contact_is_told_without(chip):
    edges, strike = Edges(), GpioInput(chip.path, "STRIKE")
    strike.listen(edges)
    async with opened(strike):
        for _ in range(20):
            chip.pull(1, up=True)
            chip.pull(1, up=False)
        assert await edges.first(40) == [True, False] * 20
    times = [at for _, at in edges.seen]
    assert times == sorted(times)


async def test_edges_are_dated_within_twenty_milliseconds(chip):
    edges, strike = Edges(), GpioInput(chip.path, "STRIKE")
    strike.listen(edges)
    async with opened(strike):
        late = []
        for count in range(1, 21):
            before = time.time()
            chip.pull(1, up=bool(count % 2))
            after = time.time()
            await edges.first(count)
            late.append(max(before - edges.seen[-1][1], edges.seen[-1][1] - after))
    print(f"edges are dated {1000 * max(0, *late):.2f} ms off at most")
    assert max(late) < 0.02


async def test_a_press_is_as_long_on_the_wire_as_it_was_measured(chip):
    timeline, levels = Timeline(), []
    button = Button(GpioOutput(chip.path, "BUTTON"), append=timeline.append)
    async with opened(button):
        pressing = asyncio.create_task(button.press(hold=0.1))
        while not pressing.done():
            levels.append((time.time(), chip.level(0)))
            await asyncio.sleep(0.001)
        await pressing
    closed = [at for at, level in levels if level]
    shortest, longest = list(timeline)[-1].content.held
    print(f"held for {1000 * shortest:.1f} to {1000 * longest:.1f} ms")
    assert 0.1 <= shortest <= longest
    assert closed[-1] - closed[0] <= longest
    assert not chip.level(0)


@pytest.mark.parametrize("kind", [GpioOutput, GpioInput])
async def test_a_chip_that_is_back_can_be_opened_again(chip, kind):
    instrument = kind(chip.path, "BUTTON")
    await instrument.open()
    chip.unplug()
    async with asyncio.timeout(2):
        assert "No such device" in await instrument.lost
    again = SimulatedChip("BUTTON")
    try:
        assert again.path == chip.path
        await instrument.open()
        assert not instrument.lost.done()
        assert await instrument.read() is False
        await instrument.close()
    finally:
        again.unplug()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
async def test_a_signal_releases_the_button(chip, number):
    chip.pull(0, up=True)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PRESSING, chip.path, stdout=asyncio.subprocess.PIPE
    )
    assert await process.stdout.readline() == b"pressed\n"
    assert not chip.level(0)
    process.send_signal(number)
    async with asyncio.timeout(30):
        assert await process.wait() != 0
    assert chip.level(0)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"drive": "open-drain"}, ("drive", Drive.OPEN_DRAIN)),
        ({"drive": "open-source"}, ("drive", Drive.OPEN_SOURCE)),
        ({"active_low": True}, ("active_low", True)),
        ({"bias": "pull-up"}, ("bias", Bias.PULL_UP)),
    ],
)
async def test_the_kernel_is_told_what_the_bench_file_says(chip, options, told):
    chip.pull(0, up=options.get("drive") != "open-source")
    output = GpioOutput(chip.path, "BUTTON", **options)
    async with opened(output):
        with gpiod.Chip(chip.path) as seen:
            assert getattr(seen.get_line_info(0), told[0]) == told[1]
