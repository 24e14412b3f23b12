"""A run packed: the same bytes whoever packs it, read without unpacking, and no archive harms its reader."""

import gzip
import io
import lzma
import os
import shutil
import tarfile
import tracemalloc

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from small_run import make_run, report, seal
from tamperings import digest_of

from intercom_hil.errors import BenchError
from intercom_hil.seal import archive
from intercom_hil.seal.archive import pack
from intercom_hil.seal.verifying import ALTERED, UNTOUCHED, verify

KEY = Ed25519PrivateKey.generate()


@pytest.fixture
def run(tmp_path):
    """A sealed run with odd names and empty folders."""
    run = make_run(tmp_path)
    (run / os.fsdecode(b"caf\xc3\xa9 \xff")).write_bytes(b"odd")
    (run / ("long" * 50)).mkdir()
    (run / "void" / "deep").mkdir(parents=True)
    seal(run, key=KEY)
    report(run, "one", KEY)
    return run


def test_the_same_run_gives_the_same_bytes(run, tmp_path):
    one = pack(run)
    assert one == tmp_path / f"{run.name}.tar.gz"
    copy = tmp_path / "elsewhere" / "renamed"
    shutil.copytree(run, copy, copy_function=shutil.copyfile)
    for path in copy.rglob("*"):
        path.chmod(0o777)
    two = pack(copy, tmp_path / "two.tar.gz")
    assert digest_of(one) == digest_of(two)
    with tarfile.open(one) as packed:
        entries = packed.getmembers()
    assert {(e.uid, e.gid, e.uname, e.gname) for e in entries} == {(0, 0, "", "")}
    assert {e.mode for e in entries} == {0o600, 0o700}
    assert len({e.mtime for e in entries}) == 1


def test_an_archive_is_checked_as_the_run_is(run, tmp_path):
    packed = pack(run)
    plain = tmp_path / "run.tar"
    plain.write_bytes(gzip.decompress(packed.read_bytes()))
    xz = tmp_path / "run.tar.xz"
    xz.write_bytes(lzma.compress(plain.read_bytes()))
    for file in (packed, plain, xz):
        outcome = verify(file, KEY.public_key())
        assert (outcome.status, list(map(str, outcome.findings))) == (UNTOUCHED, [])
        assert outcome.seals[-1].statement.files == verify(run).seals[-1].statement.files
    shutil.unpack_archive(packed, tmp_path / "out")
    assert verify(tmp_path / "out" / run.name, KEY.public_key()).status == UNTOUCHED


def test_nothing_is_written_over_but_by_the_same(run, tmp_path):
    packed = pack(run, tmp_path / "run.tar.gz")
    assert pack(run, packed) == packed
    kept = tmp_path / "thesis.pdf"
    kept.write_bytes(b"of ten years")
    for there in (kept, tmp_path, tmp_path / "link"):
        if not there.exists():
            there.symlink_to("nowhere")
        with pytest.raises(BenchError, match="not written over"):
            pack(run, there)
    assert kept.read_bytes() == b"of ten years"
    with pytest.raises(BenchError, match="not written over"):
        pack(run, tmp_path, force=True)  # a folder is never written over
    assert verify(pack(run, kept, force=True)).status == UNTOUCHED
    assert [path.name for path in tmp_path.glob(".*.part")] == []


def repacked(source, target, change):
    """Write an archive anew, each entry as ``change`` returns it: pairs of an entry and its bytes."""
    with tarfile.open(source) as old, tarfile.open(target, "w:gz") as new:
        for entry in old:
            data = old.extractfile(entry).read() if entry.isfile() else b""
            for made, content in change(entry, data):
                made.size = len(content)
                new.addfile(made, io.BytesIO(content))
    return target


def entry(name, kind=tarfile.REGTYPE, link=""):
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, link
    return made


def test_what_is_wrong_with_an_archive_is_named(run, tmp_path):
    packed = pack(run)

    def tampered(name, change):
        outcome = verify(repacked(packed, tmp_path / f"{name}.tar.gz", change))
        assert outcome.status == ALTERED, name
        return {(finding.kind, finding.place) for finding in outcome.findings}

    def behind(made, content=b"evil"):
        return lambda e, data: [(e, data), *([(made, content)] if e.name == run.name else [])]

    for evil in ("/etc/passwd", "../../evil", f"{run.name}/../evil", "other/evil", f"{run.name}//evil"):
        assert tampered("outside", behind(entry(evil))) == {("archive", "outside.tar.gz")}
    link = entry(f"{run.name}/way", tarfile.SYMTYPE, "/etc/passwd")
    assert tampered("link", behind(link, b"")) == {("link", "way")}
    hard = entry(f"{run.name}/way", tarfile.LNKTYPE, f"{run.name}/run.json")
    assert tampered("hard", behind(hard, b"")) == {("no file", "way")}
    assert tampered("pipe", behind(entry(f"{run.name}/pipe", tarfile.FIFOTYPE), b"")) == {("no file", "pipe")}
    twice = behind(entry(f"{run.name}/run.json"), b"{}")
    assert ("archive", "twice.tar.gz") in tampered("twice", twice)
    assert tampered("edited", lambda e, data: [(e, data.replace(b'"fail"', b'"pass"'))]) >= {
        ("verdict edited", "run.json")
    }
    gone = lambda e, data: [] if e.name.endswith("run.json") else [(e, data)]  # noqa: E731
    assert ("removed", "run.json") in tampered("gone", gone)


def test_a_damaged_archive_is_one_message(run, tmp_path):
    data = pack(run).read_bytes()
    for number, damaged in enumerate(
        (
            b"",
            b"\x1f\x8b",
            data[: len(data) // 2],
            data[:-4],
            data[:-8] + b"\0" * 8,
            b"PK\3\4" + data,
            b"x" * 2000,
        )
    ):
        file = tmp_path / f"{number}.tar.gz"
        file.write_bytes(damaged)
        with pytest.raises(BenchError, match="cannot be read"):
            verify(file)


def test_nothing_hides_behind_the_last_entry(run, tmp_path):
    packed = pack(run)
    plain = gzip.decompress(packed.read_bytes())
    hidden = {
        "a member more": packed.read_bytes() + gzip.compress(b"more"),
        "an archive more": packed.read_bytes() * 2,
        "bytes": gzip.compress(plain + b"\0" * 512 + b"more"),
    }
    for name, data in hidden.items():
        file = tmp_path / f"{name}.tar.gz"
        file.write_bytes(data)
        outcome = verify(file)
        assert [str(finding) for finding in outcome.findings] == [
            f"{file.name}: archive, there is something behind its last entry"
        ]
    (tmp_path / "padded.tar").write_bytes(plain + b"\0" * 10240)  # as tar itself fills its records
    assert verify(tmp_path / "padded.tar").status == UNTOUCHED


def test_no_archive_takes_more_than_its_bounds(run, tmp_path, monkeypatch):
    """Sparse files, headers of gigabytes, and what unpacks to more than any run."""
    monkeypatch.setattr(archive, "_LARGEST_READ", 1 << 20)
    monkeypatch.setattr(archive, "_MOST_BYTES", 64 << 20)
    header = entry("pax", tarfile.XHDTYPE)
    header.size = 1 << 40
    huge = tmp_path / "header.tar.gz"
    huge.write_bytes(gzip.compress(header.tobuf(tarfile.GNU_FORMAT) + b"\0" * 10_000_000))
    large = entry(f"{run.name}/large")
    large.size = 1 << 30
    bomb = tmp_path / "bomb.tar.gz"
    bomb.write_bytes(gzip.compress(large.tobuf() + b"\0" * (100 << 20)))
    tracemalloc.start()
    for file in (huge, bomb):
        with pytest.raises(BenchError, match="more than"):
            verify(file)
    assert tracemalloc.get_traced_memory()[1] < 150 << 20
    tracemalloc.stop()


def test_a_run_without_a_seal_is_not_packed(tmp_path):
    with pytest.raises(BenchError, match="no seal"):
        pack(make_run(tmp_path))


def test_an_archive_does_not_lie_in_the_run_that_it_holds(run):
    with pytest.raises(BenchError, match="elsewhere"):
        pack(run, run / "run.tar.gz")
    assert verify(run).status == UNTOUCHED
