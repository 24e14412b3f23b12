"""Kinds of another distribution: named in a bench file, checked, claimed and made as ours are."""

import socket

import pytest

from intercom_hil.bench.device_part import intercom
from intercom_hil.bench.environment import environment_of, without_secrets
from intercom_hil.bench.event_channels import believed, voices
from intercom_hil.bench_file.addresses import taken_addresses
from intercom_hil.bench_file.model import lane, load
from intercom_hil.bench_file.resources import claims
from intercom_hil.errors import BenchError
from intercom_hil.instruments import INSTRUMENTS, SharedPorts
from intercom_hil.locations import BENCHES
from intercom_hil.timeline import Timeline, Witness
from tests.extension.installed import installed

SOURCE = """
    import asyncio
    from typing import ClassVar, Literal

    from intercom_hil.device import ConfiguratorOptions
    from intercom_hil.layouts.layout import Layout
    from intercom_hil.event_sources import Listening, LiveSourceOptions
    from intercom_hil.instruments import OutputOptions


    class Finger:
        def __init__(self, host):
            self.host = host
            self.lost = asyncio.get_running_loop().create_future()


    class FingerOptions(OutputOptions):
        label: ClassVar[str] = "a finger of the lab"
        kind: Literal["finger"]
        host: str
        joint: int
        token: str = ""

        @property
        def where(self):
            return self.host

        def claims(self):
            return {f"finger {self.host}": "host"}

        def make(self, ports, *, name):
            return Finger(self.host)


    class Unfinished(OutputOptions):
        kind: Literal["unfinished"]


    class Paper:
        def __init__(self, table, address):
            self.table, self.address = table, address


    class PaperOptions(ConfiguratorOptions):
        kind: Literal["paper"]
        tray: int

        @property
        def where(self):
            return f"tray {self.tray}"

        def make(self, context):
            return Paper(self, context.address)


    class Heard:
        def __init__(self, name, table, context):
            self.name, self.table, self.context = name, table, context
            self.lost = asyncio.get_running_loop().create_future()


    class QueueOptions(LiveSourceOptions):
        kind: Literal["queue"]
        port: int
        layout: str = "lab-lines"

        def listens(self):
            yield Listening("tcp", self.port)

        def make(self, name, context):
            return Heard(name, self, context)


    LAYOUT = Layout.from_patterns("lab-lines", {"event": "!(?P<name>.*)"})
"""
ENTRY_POINTS = """
    [intercom_hil.instruments]
    finger = finger_lab:FingerOptions
    unfinished = finger_lab:Unfinished
    torn = torn_lab:Torn
    [intercom_hil.configurators]
    paper = finger_lab:PaperOptions
    [intercom_hil.event_sources]
    queue = finger_lab:QueueOptions
    [intercom_hil.layouts]
    lab-lines = finger_lab:LAYOUT
    torn-lines = torn_lab:Torn
"""
FINGER = 'button = { kind = "finger", host = "lab-7", joint = 2, hold = 0.3, token = "hush" }\n'
EVERYTHING = f"""
{FINGER}
configurator = {{ kind = "paper", tray = 2 }}
event_sources = [{{ kind = "queue", port = 9123 }}]
"""


@pytest.fixture(autouse=True)
def _distribution(tmp_path):
    with installed(tmp_path / "lab", "finger-lab", ENTRY_POINTS, finger_lab=SOURCE, torn_lab="1 / 0"):
        yield


def bench(tmp_path, device):
    text = (BENCHES / "emulated.toml").read_text(encoding="utf-8")
    path = tmp_path / "bench.toml"
    path.write_text(text.replace("[device]\n", f"[device]\n{device}\n"), encoding="utf-8")
    return path


async def test_they_are_read_claimed_and_made(tmp_path):
    file = load(bench(tmp_path, EVERYTHING))
    button = file.device.button
    assert (button.joint, button.hold) == (2, 0.3)
    assert claims(file)["finger lab-7"] == "device.button.host"
    assert button.make(SharedPorts(), name="button").host == "lab-7"

    append = Timeline().append
    made = intercom(file.device, append=append)
    assert (made.portal.table.tray, made.portal.address) == (2, file.device.address)
    (source,) = voices(file, file.device, append=append, identity=lambda address: None).live
    assert (source.name, source.table.port, source.context.bench) == ("queue", 9123, file.bench.address)
    assert source.context.layout.meaning("!knock").contents[0].name == "knock"
    assert believed(file) == {Witness.EVENT_SOURCE: ("event",)}


def test_they_survive_the_way_through_plain_data(tmp_path):
    beside = lane(load(bench(tmp_path, EVERYTHING)), 1).device
    assert beside.button.host == "lab-7"
    assert beside.configurator.tray == 2
    assert beside.event_sources[0].port == 9123


def test_a_port_that_a_source_listens_on_is_looked_at(tmp_path):
    file = load(bench(tmp_path, EVERYTHING))
    with socket.create_server((file.bench.address, 9123)):
        (problem,) = taken_addresses(file)
    assert problem.where == "device.event_sources[0].port"


def test_the_record_of_a_run_says_whose_they_are_and_keeps_no_secret(tmp_path):
    file = load(bench(tmp_path, EVERYTHING))
    assert environment_of(file)["extensions"]["instruments finger"] == "finger-lab 1.2"
    assert "token" not in without_secrets(file.device.model_dump(mode="json"))["button"]


@pytest.mark.parametrize(
    ("device", "told"),
    [
        (
            'button = { kind = "finger", host = "x" }',
            r"line \d+, column \d+: device\.button\.joint: Field required",
        ),
        (
            'button = { kind = "finger", host = "x", joint = "a" }',
            r"line \d+, .*device\.button\.joint: .*int",
        ),
        ('button = { kind = "thumb" }', r"device\.button\.kind: no such .* finger \(of finger-lab 1\.2\)"),
        (
            'button = { kind = "torn" }',
            r"device\.button\.kind: .*finger-lab 1\.2 cannot be used \(Zero",
        ),
        ('button = { kind = "unfinished" }', r"Unfinished lacks claims, make, where"),
        ("button = { kind = 3 }", r"device\.button\.kind: a kind is missing"),
        ('configurator = { kind = "paper" }', r"device\.configurator\.tray: Field required"),
        ('configurator = { kind = "pen" }', r"device\.configurator\.kind: no such .* paper \(of finger-lab"),
        (
            'configurator = "paper"',
            r"device\.configurator: use portal, operator, command, browser, or a table",
        ),
        ('event_sources = [{ kind = "queue" }]', r"device\.event_sources\[0\]\.port: Field required"),
        ('event_sources = [{ kind = "tin" }]', r"device\.event_sources\[0\]\.kind: no such .* queue"),
        (
            'event_sources = [{ kind = "queue", port = 1, layout = "torn-lines" }]',
            r"device\.event_sources\[0\]\.layout: torn_lab:Torn of the distribution finger-lab 1\.2",
        ),
    ],
)
def test_what_is_wrong_is_told_by_line_and_field(tmp_path, device, told):
    with pytest.raises(BenchError, match=told):
        load(bench(tmp_path, device))


def test_a_broken_distribution_does_not_hurt_who_does_not_use_it(tmp_path):
    file = load(bench(tmp_path, 'button = { kind = "command", on = "a", off = "b" }'))
    assert file.device.button.where == "a"
    assert "torn" in INSTRUMENTS
