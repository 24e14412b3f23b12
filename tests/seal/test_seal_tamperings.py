"""Every tampering with a sealed run is found, and named by what was done and where."""

import shutil

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from small_run import folder_of, make_run, report, seal
from tamperings import Pristine, every, forgeries, rewritten

from intercom_hil.seal.verifying import ALTERED, UNTOUCHED, verify

KEY, FORGED = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two runs of the same scenarios, each sealed, signed, reported on twice."""
    made = []
    for seed in (1, 2):
        run = make_run(tmp_path_factory.mktemp(f"runs{seed}"), seed)
        seal(run, key=KEY)
        report(run, f"<p>first of {seed}</p>", KEY)
        report(run, f"<p>second of {seed}</p>", KEY)
        made.append(run)
    return made


def test_every_tampering_is_named(runs, tmp_path):
    run, other = runs
    unnamed, count = not_named(every(run, other, FORGED), Pristine(run, tmp_path / "run"), KEY.public_key())
    assert unnamed == []
    assert count >= 200


def test_one_cause_is_one_finding(tmp_path):
    run = make_run(tmp_path)
    one, other = folder_of(run, 0), folder_of(run, 1)
    (one / "asterisk.log").write_text("of one alone")
    (other / "stations" / "more.log").write_text("of the other alone")
    seal(run)
    pristine = Pristine(run, tmp_path / "copy")
    a, b = (folder_of(pristine.copy, number) for number in (0, 1))

    def linked():
        a.rename(tmp_path / "outside")
        a.symlink_to(tmp_path / "outside")

    def swapped():
        a.rename(tmp_path / "between")
        b.rename(a)
        (tmp_path / "between").rename(b)

    def renamed():
        a.rename(a.with_name("elsewhere"))

    def removed():
        shutil.rmtree(a)

    name, count = a.relative_to(pristine.copy), sum(path.is_file() for path in a.rglob("*"))
    for do, kind, text in (
        (linked, "link", f"was a folder of {count} files"),
        (swapped, "swapped", "files of "),
        (renamed, "renamed", f"with its {count} files"),
        (removed, "removed", f"a folder of {count} files"),
    ):
        do()
        findings = verify(pristine.copy).findings
        assert [finding.kind for finding in findings] == [kind], list(map(str, findings))
        assert str(findings[0]).startswith(str(name))
        assert text in findings[0].text
        pristine.restore()
    (tmp_path / "seals").mkdir()
    (pristine.copy / "seals").rename(tmp_path / "seals" / "of a run")
    (pristine.copy / "seals").symlink_to(tmp_path / "seals" / "of a run")
    assert list(map(str, verify(pristine.copy).findings)) == [
        "seals: link, it is a symbolic link, and was a folder"
    ]


def not_named(tamperings, pristine, key=None, digest=""):
    """Try tamperings, and return what was not found or not named, and how many were tried."""
    unnamed, count = [], 0
    for tampering in tamperings:
        count += 1
        tampering.do(pristine.copy)
        outcome = verify(pristine.copy, key, digest)
        named = [
            f for f in outcome.findings if f.kind in tampering.kinds and f.place.startswith(tampering.place)
        ]
        if outcome.status != ALTERED or not named:
            unnamed.append((tampering.name, tampering.kinds, list(map(str, outcome.findings))))
        pristine.restore()
    assert verify(pristine.copy, key, digest).status == UNTOUCHED
    return unnamed, count


def test_the_digest_printed_at_the_end_finds_what_an_unsigned_run_does_not_show(tmp_path):
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    run, other = (make_run(tmp_path / name, seed) for seed, name in enumerate(("one", "two"), 1))
    for one in (other, run):
        seal(one)
        report(one, f"<p>first of {one}</p>")
        digest = report(one, f"<p>last of {one}</p>").digest
    pristine = Pristine(run, tmp_path / "run")
    for tampering in forgeries(run, None):
        tampering.do(pristine.copy)
        assert verify(pristine.copy).status == UNTOUCHED  # as docs/evidence.md says
        assert verify(pristine.copy, digest=digest).status == ALTERED, tampering.name
        pristine.restore()
    unnamed, count = not_named(rewritten(run, other), pristine, digest=digest)
    assert (unnamed, count > 10) == ([], True)
