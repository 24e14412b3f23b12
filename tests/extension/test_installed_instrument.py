"""An instrument of another distribution: named in a bench file, claimed, made and asked for as ours are."""

import pytest

from intercom_hil.bench_file.model import load
from intercom_hil.bench_file.resources import claims
from intercom_hil.errors import BenchError
from intercom_hil.instruments import SharedPorts
from intercom_hil.instruments.registry import INSTRUMENTS
from intercom_hil.locations import BENCHES
from tests.extension.installed import installed

SOURCE = """
    from typing import ClassVar, Literal

    from intercom_hil.instruments import OutputOptions


    class Finger:
        def __init__(self, host):
            self.host = host


    class FingerOptions(OutputOptions):
        label: ClassVar[str] = "a finger of the lab"
        kind: Literal["finger"]
        host: str
        joint: int

        @property
        def where(self):
            return self.host

        def claims(self):
            return {f"finger {self.host}": "host"}

        def make(self, ports, *, name):
            return Finger(self.host)


    class Unfinished(OutputOptions):
        kind: Literal["unfinished"]
"""
ENTRY_POINTS = """
    [intercom_hil.instruments]
    finger = finger_lab:FingerOptions
    unfinished = finger_lab:Unfinished
    torn = torn_lab:Torn
"""


@pytest.fixture(autouse=True)
def distribution(tmp_path):
    with installed(tmp_path / "lab", "finger-lab", ENTRY_POINTS, finger_lab=SOURCE, torn_lab="1 / 0"):
        _forget()
        yield
    _forget()


def _forget():
    """Have the registry look for distributions again, as a new process would."""
    INSTRUMENTS.__dict__.pop("_installed", None)
    INSTRUMENTS._loaded.clear()


def bench(tmp_path, button):
    text = (BENCHES / "emulated.toml").read_text(encoding="utf-8")
    path = tmp_path / "bench.toml"
    path.write_text(f"{text}\n[device.button]\n{button}", encoding="utf-8")
    return path


def test_it_is_read_claimed_and_made(tmp_path):
    file = load(bench(tmp_path, 'kind = "finger"\nhost = "lab-7"\njoint = 2\nhold = 0.3\n'))
    button = file.device.button
    assert (button.joint, button.hold) == (2, 0.3)
    assert claims(file)["finger lab-7"] == "device.button.host"
    assert button.make(SharedPorts(), name="button").host == "lab-7"
    assert file.model_dump()["device"]["button"]["host"] == "lab-7", "a lane or a place would lose it"


@pytest.mark.parametrize(
    ("button", "told"),
    [
        ('kind = "finger"\nhost = "x"\n', r"device\.button\.joint: Field required"),
        (
            'kind = "finger"\nhost = "x"\njoint = "left"\n',
            r"line \d+, column 1: device\.button\.joint: .*int",
        ),
        (
            'kind = "thumb"\n',
            r"column 1: device\.button\.kind: no such .* finger \(of finger-lab 1\.2\)",
        ),
        ('kind = "torn"\n', r"device\.button\.kind: .*finger-lab 1\.2 cannot be used \(ZeroDivisionError"),
        ('kind = "unfinished"\n', r"Unfinished lacks claims, make, where"),
        ("kind = 3\n", r"device\.button\.kind: a kind is missing"),
    ],
)
def test_what_is_wrong_is_told_by_line_and_field(tmp_path, button, told):
    with pytest.raises(BenchError, match=told):
        load(bench(tmp_path, button))


def test_a_broken_distribution_does_not_hurt_who_does_not_use_it(tmp_path):
    assert load(bench(tmp_path, 'kind = "command"\non = "a"\noff = "b"\n')).device.button.where == "a"
