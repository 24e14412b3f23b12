"""Who tests, for whom, and a picture of the device: the tables of a bench file that are for reports."""

import re
from datetime import date

import pytest

from intercom_hil.bench_file.model import lane, load
from intercom_hil.bench_file.tables import LARGEST_PHOTO
from intercom_hil.errors import BenchError
from intercom_hil.evidence.checked_bench import keep_check, last_check
from intercom_hil.evidence.run import RunFolder
from tests.structure.source_tree import ROOT

EMULATED = (ROOT / "fixtures" / "benches" / "emulated.toml").read_text(encoding="utf-8")
TABLES = """
[laboratory]
name = "Door Lab"
address = \"\"\"
Ring Road 1
1010 Vienna\"\"\"
place = "Hall 3"

[[laboratory.equipment]]
name = "relay board"
identity = "USB 2a19:0c01, serial 4711"
calibrated = 2026-11-02
due = 2027-11-02

[[laboratory.equipment]]
name = "clock"

[customer]
name = "Acme"

[report]
number = "DL-2026-7"
received = 2026-11-20
remarks = ["The cover was off."]
"""
PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)


def bench(tmp_path, more="", device=""):
    path = tmp_path / "bench.toml"
    path.write_text(EMULATED.replace('kind = "emulated"', f'kind = "emulated"\n{device}') + more)
    return path


def test_the_tables_are_read_and_copies_of_a_bench_have_them_too(tmp_path):
    file = lane(load(bench(tmp_path, TABLES)), 1)
    assert file.laboratory.address == "Ring Road 1\n1010 Vienna"
    assert [(e.name, e.calibrated) for e in file.laboratory.equipment] == [
        ("relay board", date(2026, 11, 2)),
        ("clock", None),
    ]
    assert (file.customer.name, file.report.number, file.report.received) == (
        "Acme",
        "DL-2026-7",
        date(2026, 11, 20),
    )


def test_none_of_them_is_needed(tmp_path):
    file = load(bench(tmp_path))
    assert (file.laboratory, file.customer, file.report.number) == (None, None, "")


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ("[laboratory]\naddress = 'x'\n", r"laboratory\.name: Field required"),
        ("[laboratory]\nname = ' '\n", r"line \d+, column \d+: laboratory\.name"),
        ("[report]\nreceived = 'last week'\n", r"line \d+, column \d+: report\.received"),
        ("[report]\nreceived = 20261102\n", r"report\.received: 20261102 is no date; write it as 2030-06-30"),
        ("[report]\nreceived = 2026-11-02T00:00:00\n", r"report\.received: .* is no date"),
        ("[report]\nreceived = '1764288000'\n", r"report\.received: 1764288000 is no date"),
        ("[customer]\nname = 'x'\nadress = 'y'\n", r"line \d+, column \d+: customer\.adress"),
        (
            "[laboratory]\nname = 'x'\n[[laboratory.equipment]]\nname = 'clock'\n"
            "calibrated = 2026-02-01\ndue = 2026-01-01\n",
            r"laboratory\.equipment\[0\]: due is before calibrated",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_place_and_a_remedy(tmp_path, more, named):
    with pytest.raises(BenchError) as refused:
        load(bench(tmp_path, more))
    assert re.search(named, refused.value.what)
    assert refused.value.remedy


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (None, "cannot be read"),
        (b"GIF89a", "neither PNG nor JPEG"),
        (PNG + bytes(LARGEST_PHOTO), "make it smaller"),
    ],
)
def test_a_picture_that_will_not_do_is_refused(tmp_path, content, named):
    if content is not None:
        (tmp_path / "door.png").write_bytes(content)
    with pytest.raises(BenchError, match=rf"device\.photo: .*{named}"):
        load(bench(tmp_path, device='photo = "door.png"'))


@pytest.mark.parametrize(("content", "kept"), [(PNG, "device.png"), (b"\xff\xd8\xff\xe0", "device.jpg")])
def test_a_picture_of_the_device_is_kept_with_the_run(tmp_path, content, kept):
    (tmp_path / "door").write_bytes(content)
    file = load(bench(tmp_path, device='photo = "door"'))
    run = RunFolder.create(tmp_path / "runs", "emulated")
    run.keep_photo(file.device.photo)
    assert (run.photo, (run.path / kept).read_bytes()) == (kept, content)


def test_a_check_holds_for_the_bench_file_as_it_was(tmp_path):
    path, checks = bench(tmp_path), tmp_path / "checks"
    assert last_check(path, folder=checks) is None
    keep_check(path, folder=checks)
    assert last_check(path, folder=checks).harness
    path.write_text(path.read_text() + "\n# another cable\n")
    assert last_check(path, folder=checks) is None
    assert last_check(tmp_path / "gone.toml", folder=checks) is None
