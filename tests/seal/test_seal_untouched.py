"""A run that nobody has tampered with is found untouched, whatever the bench itself did to it since."""

import json
import os
import shutil
import stat
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from small_run import folder_of, make_run, report, seal
from tamperings import digest_of, seals

from intercom_hil.errors import BenchError
from intercom_hil.seal import Change
from intercom_hil.seal.envelope import PAYLOAD_TYPE, Envelope, pae
from intercom_hil.seal.sealing import JUDGED
from intercom_hil.seal.verifying import ALTERED, UNCHECKED, UNTOUCHED, verify

KEY = Ed25519PrivateKey.generate()
NOBODY = 65534


@pytest.fixture
def run(tmp_path):
    """A run that is not sealed yet."""
    return make_run(tmp_path)


def assert_untouched(run, key=None, digest=""):
    outcome = verify(run, key, digest)
    assert (outcome.status, list(map(str, outcome.findings))) == (UNTOUCHED, [])
    return outcome


def test_a_run_that_is_reported_on_again_and_again_keeps_what_it_had(run):
    first = seal(run)
    for number, text in enumerate(("one", "two", "two", "three")):
        report(run, text)
        assert_untouched(run)
        assert_untouched(
            run, digest=first.digest
        )  # reports are no evidence, and this digest is of that alone
        assert (run / "report.html").read_text() == text, number
    kept = [path.read_text() for path in sorted(run.glob("superseded/*/report.html"))]
    assert kept == ["one", "two"]
    assert [file.name for file in seals(run)] == [
        "0001-run.intoto.json",
        "0002-report.intoto.json",
        "0003-report.intoto.json",
        "0004-report.intoto.json",
    ]  # the report that was the same again changed nothing


def test_what_an_import_replaces_is_kept_and_shown_to_whoever_has_the_digest_from_before(run):
    before = seal(run)
    timeline = folder_of(run, 1) / "timeline.jsonl"
    old = timeline.read_bytes()
    with Change.begin(run, "import-events", JUDGED) as change:
        timeline.write_bytes(old + b'{"seq": 40}\n')
        after = change.finish()
    assert_untouched(run, digest=after.digest)
    kept = run / "superseded" / "0002" / timeline.relative_to(run)
    assert kept.read_bytes() == old
    outcome = verify(run, digest=before.digest)
    assert ("replaced since this digest", str(timeline.relative_to(run))) in {
        (finding.kind, finding.place) for finding in outcome.findings
    }


def test_a_version_that_lies_elsewhere_in_the_run_is_not_kept_twice(run):
    seal(run)
    folder = folder_of(run, 0)
    with Change.begin(run, "resume") as change:
        (folder / "record.json").rename(folder / "record.superseded.json")
        shutil.copytree(folder, folder.with_name(f"{folder.name}.attempt-2"))
        change.finish()
    assert_untouched(run)
    assert not (run / "superseded").exists()


def test_a_change_that_is_given_up_leaves_nothing(run):
    seal(run)
    with Change.begin(run, "import-events", JUDGED):
        pass
    assert_untouched(run)


def test_reports_in_a_folder_are_kept_too_and_nothing_is_copied_through_a_link(run, tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_text("of somebody else")
    (run / "results").mkdir()
    (run / "results" / "one.json").write_text("1")
    seal(run)
    (run / "way").symlink_to(tmp_path / "outside")
    with Change.begin(run, "report") as change:
        assert [path.name for path in run.rglob("secret")] == []
        (run / "results" / "one.json").write_text("2")
        change.finish()
    assert (run / "superseded" / "0002" / "results" / "one.json").read_text() == "1"
    assert [finding.kind for finding in verify(run).findings] == ["altered without a seal"]  # the link


def test_what_a_killed_change_left_is_cleared_by_the_next(run):
    seal(run)
    killed = Change.begin(run, "report")
    assert verify(run).status == ALTERED
    assert report(run, "one").digest
    assert_untouched(run)
    killed.drop()
    assert_untouched(run)


def test_a_run_can_be_signed_later(run):
    unsigned = seal(run)
    assert verify(run, KEY.public_key()).status == ALTERED
    signed = seal(run, "seal", KEY, ())
    assert "not signed" in str(unsigned)
    assert "signed with the key" in str(signed)
    assert_untouched(run, KEY.public_key())
    assert_untouched(run, KEY.public_key(), unsigned.digest)


def test_whoever_has_the_key_may_go_on_after_a_digest(run):
    first = seal(run, key=KEY)
    report(run, "one", KEY)
    second = report(run, "two", KEY)
    assert first.digest != second.digest
    assert_untouched(run, KEY.public_key(), first.digest)


def test_an_interrupted_run_is_sealed_as_such(run):
    data = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps(data | {"interrupted": True}))
    seal(run)
    assert any("interrupted" in note for note in assert_untouched(run).notes)
    predicate = json.loads(Envelope.parse(seals(run)[0].read_bytes()).payload)["predicate"]
    assert predicate["result"] == "FAILED"  # a scenario failed before


@contextmanager
def somebody_else():
    """Be a user for whom modes count, where this is one for whom they do not."""
    if os.geteuid():
        yield
        return
    try:
        os.seteuid(NOBODY)
    except OSError as problem:
        pytest.skip(f"this cannot be done as another user: {problem}")
    try:
        yield
    finally:
        os.seteuid(0)


def test_what_may_not_be_read_is_no_alteration(tmp_path):
    with tempfile.TemporaryDirectory() as open_to_all:  # those of pytest are for their owner only
        run = make_run(Path(open_to_all))
        seal(run)
        for path in (Path(open_to_all), run, *run.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
        for name in ("run.json", "seals/0001-run.intoto.json"):
            (run / name).chmod(0)
            with somebody_else():
                outcome = verify(run)
            assert (outcome.status, outcome.findings) == (UNCHECKED, [])
            assert outcome.unchecked == f"this may not be read: {name}"
            (run / name).chmod(0o644)
        (run / "run.json").chmod(0)
        with somebody_else(), pytest.raises(BenchError, match="may not be read"):
            Change.begin(run, "report")
        (folder_of(run, 0) / "console.log").write_text("altered")
        with somebody_else():
            assert verify(run).status == ALTERED
        (run / "run.json").chmod(0o644)
        (run / "more").write_text("added")
        (run / "more").chmod(0)
        with somebody_else():
            assert "more: added, it is a file that may not be read" in map(str, verify(run).findings)


def test_without_a_seal_nothing_can_be_checked(run, tmp_path):
    assert verify(run).status == UNCHECKED
    (tmp_path / "empty").mkdir()
    assert verify(tmp_path / "empty").status == UNCHECKED


def test_a_report_that_names_a_seal_shows_that_it_was_removed(run):
    sealed = seal(run)
    report(run, f"<td>seal sha256:{sealed.digest}</td>")
    shutil.rmtree(run / "seals")
    assert verify(run).status == ALTERED


def test_an_unsigned_run_says_what_that_is_worth(run):
    seal(run)
    assert any("accidents only" in note for note in assert_untouched(run).notes)


def test_files_are_for_their_owner_only(run):
    (run / "run.json").chmod(0o644)
    folder_of(run, 0).chmod(0o755)
    seal(run)
    report(run, "new")
    for path in [run, *run.rglob("*")]:
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), path
    assert not any("may read" in note for note in assert_untouched(run).notes)
    (run / "run.json").chmod(0o644)
    assert any("may read 1 of its" in note for note in assert_untouched(run).notes)


def test_odd_names_and_empty_things_are_sealed_as_well(run):
    for name in ("a\nb", "50%", os.fsdecode(b"\xff\xfe"), "\u202ename", "-", " "):
        (run / name).write_bytes(name.encode("utf-8", "surrogateescape"))
    (run / "void" / "deep").mkdir(parents=True)
    (run / "none").touch()
    seal(run)
    assert_untouched(run)
    assert {"a%0Ab", "50%25", "%FF%FE"} < verify(run).seals[0].statement.files.keys()


def test_openssl_checks_the_signature_and_sha256sum_the_files(run, tmp_path):
    """The two checks by hand that docs/evidence.md has, with tools that know nothing of the bench."""
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl here")
    seal(run, key=KEY)
    stored = json.loads(seals(run)[0].read_text())
    public = tmp_path / "lab.pub.pem"
    public.write_bytes(KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    script = """
        set -e
        field() { sed -n "s/.*\\"$1\\": \\"\\(.*\\)\\".*/\\1/p" "$SEAL"; }
        field payload | base64 -d > payload
        field sig | base64 -d > sig
        type=$(field payloadType)
        printf 'DSSEv1 %d %s %d ' ${#type} "$type" "$(wc -c < payload)" | cat - payload > signed
        openssl pkeyutl -verify -pubin -inkey lab.pub.pem -rawin -in signed -sigfile sig
        sha256sum < "$SEAL"
    """
    done = subprocess.run(
        ["sh", "-c", script],
        cwd=tmp_path,
        env={**os.environ, "SEAL": str(seals(run)[0])},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert "Signature Verified Successfully" in done.stdout
    assert digest_of(seals(run)[0]) in done.stdout
    assert (tmp_path / "signed").read_bytes() == pae(PAYLOAD_TYPE, (tmp_path / "payload").read_bytes())
    assert stored["payloadType"] == "application/vnd.in-toto+json"
    sums = "".join(
        f"{subject['digest']['sha256']}  {subject['name']}\n"
        for subject in json.loads((tmp_path / "payload").read_bytes())["subject"]
    )
    subprocess.run(["sha256sum", "--strict", "-c"], cwd=run, input=sums, text=True, check=True, timeout=60)
    subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=run / "seals", check=True, timeout=60)


def test_the_pre_authentication_encoding_is_that_of_the_specification():
    assert pae("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


def test_the_statement_is_one_of_in_toto(run):
    seal(run)
    statement = json.loads(Envelope.parse(seals(run)[0].read_bytes()).payload)
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert statement["predicateType"] == "https://in-toto.io/attestation/test-result/v0.1"
    names = [subject["name"] for subject in statement["subject"]]
    assert set(names) == {
        path.relative_to(run).as_posix()
        for path in run.rglob("*")
        if path.is_file() and path.parent.name != "seals"
    }
    assert len(set(names)) == len(names)
    predicate = statement["predicate"]
    assert predicate["result"] == "FAILED"
    assert len(predicate["passedTests"]) == 2
    assert len(predicate["warnedTests"]) == len(predicate["failedTests"]) == 1
    assert isinstance(predicate["configuration"], list)
