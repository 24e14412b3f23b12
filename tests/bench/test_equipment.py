"""What a bench finds of its own equipment: sound card, clock, and nothing where there is no identity."""

import pytest

from intercom_hil.bench_file.model import load
from intercom_hil.instruments.equipment import clock, equipment_of, sound_card
from tests.structure.source_tree import ROOT


@pytest.mark.parametrize(
    ("card", "found"),
    [
        ("plughw:1,0", "Device, USB 0d8c:0014"),
        ("hw:CARD=Device,DEV=0", "Device, USB 0d8c:0014"),
        ("default", "PCH"),
        ("hw:7", ""),
    ],
)
def test_the_sound_card_is_named_with_its_usb_id(tmp_path, card, found):
    for folder, texts in {
        "card0": {"id": "PCH\n"},
        "card1": {"id": "Device\n", "usbid": "0d8c:0014\n"},
    }.items():
        (tmp_path / folder).mkdir()
        for name, text in texts.items():
            (tmp_path / folder / name).write_text(text)
    (tmp_path / "Device").symlink_to("card1")
    assert sound_card(card, tmp_path) == found


def test_the_clock_says_what_it_rests_on_and_whether_somebody_disciplines_it(tmp_path):
    (tmp_path / "source").write_text("tsc\n")
    said = clock(tmp_path / "source")
    assert said.startswith("tsc")
    assert clock(tmp_path / "none").startswith("unknown source")
    assert said == "tsc" or "synchronised" in said


def test_a_bench_without_boards_has_a_clock_all_the_same():
    file = load(ROOT / "fixtures" / "benches" / "emulated.toml")
    assert list(equipment_of(file.device.model_dump(mode="json"))) == ["clock"]
