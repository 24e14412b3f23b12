"""Bench files put together to a pool, or refused with what is wrong about them."""

from pathlib import Path

import pytest

from intercom_hil.bench_file.pool import Pool, bench_files
from intercom_hil.errors import BenchError

ROOT = Path(__file__).resolve().parents[2]
EMULATED = (ROOT / "fixtures/benches/emulated.toml").read_text()
LABGRID = (ROOT / "fixtures/benches/emulated-labgrid.toml").read_text()
VIDEO = "video = true"
DOOR = 'display_name = "Front Door"'
DESK = (ROOT / "docs/bench/examples/desk.toml").read_text()


def written(folder, name, text=EMULATED, lane=76, **changes):
    """Write a bench file of its own name and addresses, and return its path."""
    lines = [f'name = "{name}"' if line.startswith("name = ") else line for line in text.splitlines()]
    text = "\n".join(lines).replace("127.0.0.", f"127.0.{lane}.").replace("192.0.2.", f"127.0.{lane}.")
    for old, new in changes.values():
        assert old in text
        text = text.replace(old, new)
    path = folder / f"{name}.toml"
    path.write_text(text)
    return path


def test_a_folder_stands_for_the_bench_files_in_it(tmp_path):
    lab = tmp_path / "lab"
    lab.mkdir()
    second, first = written(lab, "second", lane=77), written(lab, "first")
    (lab / "notes.txt").write_text("no bench")
    third = written(tmp_path, "third", lane=78)
    assert bench_files([lab, third]) == [first, second, third]
    assert Pool.load([lab, third]).name == "first, second, third"


def test_a_folder_without_bench_files_is_refused(tmp_path):
    with pytest.raises(BenchError, match=r"no bench file \(\*.toml\)"):
        bench_files([tmp_path])


def test_two_benches_with_one_instrument_are_refused(tmp_path):
    first = written(tmp_path, "first", DESK)
    second = written(tmp_path, "second", DESK, lane=77)
    with pytest.raises(BenchError) as told:
        Pool.load([first, second])
    assert told.value.where == str(second)
    assert (
        "device.button.port is serial port /dev" in told.value.what
        or "device.console.port" in told.value.what
    )
    assert str(first) in told.value.what


def test_two_benches_with_one_place_of_a_labgrid_are_refused(tmp_path):
    place = ("127.0.77.40:20408", "127.0.76.40:20408")
    first = written(tmp_path, "first", LABGRID)
    second = written(tmp_path, "second", LABGRID, lane=77, place=place)
    with pytest.raises(BenchError, match=r"labgrid.places\[0\] is labgrid place door at 127.0.76.40:20408"):
        Pool.load([first, second])


def test_two_benches_of_one_name_are_refused(tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    with pytest.raises(BenchError, match="a bench 'first' too"):
        Pool.load([written(tmp_path, "first"), written(other, "first", lane=77)])


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ((VIDEO, "video = false"), "device.capabilities.video"),
        ((DOOR, 'display_name = "Back Door"'), ""),
        ((DOOR, f'{DOOR}\nreconfigure = "when-needed"'), "device.reconfigure"),
        (('"127.0.77.26"]', "]"), "stations.addresses"),
        (("[proxy]\naddress = \"127.0.77.11\"\nport = 5080", ""), "proxy"),
        ((VIDEO, f'{VIDEO}\n[device.trusted_ca]\ncertificate = "c"\nkey = "k"'), "device.trusted_ca"),
        ((VIDEO, f"{VIDEO}\n[device.sound_card]"), "device.sound_card"),
        ((VIDEO, f'{VIDEO}\n[device.operator]\nreads = ["screen"]'), "device.operator"),
        ((VIDEO, f"{VIDEO}\n[device.emulated]\nmedia_timeout = 9.0"), "device.emulated.media_timeout"),
        ((VIDEO, f'{VIDEO}\n[device.emulated]\nconsole_layout = "bracketed"'), "device.console.layout"),
        ((VIDEO, f"{VIDEO}\n[device.emulated]\nportal_port = 8081"), ""),
        (('kind = "auto"', 'kind = "native"'), "engine.kind"),
        (('kind = "auto"', 'kind = "podman"'), ""),
    ],
)  # fmt: skip
def test_only_benches_that_give_the_same_verdicts_share_a_run(tmp_path, change, field):
    second = written(tmp_path, "second", lane=77, change=change)
    pool = Pool.load([written(tmp_path, "first"), second])
    if not field:
        pool.check_alike()
        return
    with pytest.raises(BenchError) as told:
        pool.check_alike()
    assert told.value.where == str(second)
    assert field in told.value.what
    assert "--each" in told.value.remedy


def test_a_bench_in_a_labgrid_is_as_good_as_one_here(tmp_path):
    Pool.load([written(tmp_path, "first"), written(tmp_path, "second", LABGRID, lane=77)]).check_alike()


def test_each_place_of_a_run_has_its_bench(tmp_path):
    pool = Pool.load([written(tmp_path, "first"), written(tmp_path, "second", lane=77)])
    assert [pool.at(place).file.bench.name for place in (0, 1)] == ["first", "second"]
    with pytest.raises(BenchError, match="2 benches for 3 processes"):
        pool.check_workers(3)


def test_one_emulated_bench_stands_in_many_lanes_and_a_physical_one_alone(tmp_path):
    emulated = Pool.load([written(tmp_path, "first")])
    emulated.check_workers(4)
    assert [emulated.at(place).file.device.address for place in (0, 3)] == ["127.0.76.30", "127.0.79.30"]
    desk = Pool.load([written(tmp_path, "desk", DESK)])
    desk.check_workers(1)
    with pytest.raises(BenchError, match="cannot be doubled"):
        desk.check_workers(2)
    door = Pool.load([written(tmp_path, "door", LABGRID)])
    with pytest.raises(BenchError, match="has its place in a labgrid"):
        door.check_workers(2)
