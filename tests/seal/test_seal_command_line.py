"""Keys, seals, checks and archives from the command line: what it says, and its exit statuses."""

import os
import re
import stat
import subprocess
import sys

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from small_run import make_run, seal

from intercom_hil.commands.sealing import make_key, pack_run, seal_run, verify_run
from intercom_hil.errors import BenchError
from intercom_hil.seal.keys import private_key, public_key

CLI = [sys.executable, "-m", "intercom_hil.cli"]


def command(*words, cwd):
    return subprocess.run([*CLI, *words], cwd=cwd, capture_output=True, text=True, timeout=120, check=False)


def silent(_text):
    """Take a line, and do nothing with it."""


@pytest.fixture
def key(tmp_path):
    """The file of a private key."""
    make_key(tmp_path / "lab.pem", silent)
    return tmp_path / "lab.pem"


def test_from_a_key_to_an_archive_that_a_stranger_checks(tmp_path):
    run = make_run(tmp_path)
    made = command("key", "new", "lab.pem", cwd=tmp_path)
    assert made.returncode == 0
    assert "BEGIN PUBLIC KEY" in made.stdout
    assert stat.S_IMODE((tmp_path / "lab.pem").stat().st_mode) == 0o600
    sealed = command("seal", str(run), "--sign", "lab.pem", cwd=tmp_path)
    assert sealed.returncode == 0, sealed.stderr
    again = command("report", str(run), "--sign", "lab.pem", cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    digest = re.search("sealed sha256:([0-9a-f]{64})", again.stdout)[1]
    assert "seal sha256:" not in (run / "report.html").read_text()  # it was sealed, not played
    packed = command("pack", str(run), "-o", "run.tar.gz", cwd=tmp_path)
    assert packed.returncode == 0, packed.stderr
    checked = command("verify", "run.tar.gz", "--key", "lab.pub.pem", "--digest", digest, cwd=tmp_path)
    assert checked.returncode == 0, checked.stdout
    assert "UNTOUCHED" in checked.stdout
    (run / "run.json").write_text((run / "run.json").read_text().replace('"fail"', '"pass"'))
    altered = command("verify", str(run), "--key", "lab.pub.pem", cwd=tmp_path)
    assert altered.returncode == 1
    assert (
        "verdict edited, that of scenario test_calls.test_a_press_calls[full]: fail when sealed, pass now"
        in (altered.stdout)
    )


def test_the_statuses(tmp_path, key):
    run = make_run(tmp_path)
    assert verify_run(run, silent) == 2
    assert pack_run(run, None, silent) == 2
    digest = seal_run(run, None).digest
    public = tmp_path / "lab.pub.pem"
    assert verify_run(run, silent) == 0
    assert verify_run(run, silent, digest=f"sha256:{digest.upper()}") == 0
    assert verify_run(run, silent, digest="0" * 64) == 1
    assert verify_run(run, silent, key=public) == 1
    assert seal_run(run, key).signed_by
    assert verify_run(run, silent, key=public) == 0
    (run / "run.json").chmod(0o600)
    (run / "run.json").write_text("{}")
    assert verify_run(run, silent, key=public) == 1
    assert pack_run(run, None, silent) == 1
    with pytest.raises(BenchError, match="not as it was sealed"):
        seal_run(run, key)


@pytest.mark.parametrize("digest", ["no digest", "abc", "sha256:", "0" * 63, "0" * 65])
def test_what_is_no_digest_is_no_alteration(tmp_path, digest):
    run = make_run(tmp_path)
    seal(run)
    with pytest.raises(BenchError, match="SHA-256"):
        verify_run(run, silent, digest=digest)


def test_what_is_no_run_is_no_alteration(tmp_path):
    for path in (tmp_path / "nothing", tmp_path / "file"):
        (tmp_path / "file").write_text("text")
        with pytest.raises(BenchError):
            verify_run(path, silent)


def test_a_key_is_never_written_over(tmp_path, key):
    before = key.read_bytes()
    with pytest.raises(BenchError, match="already"):
        make_key(key, silent)
    assert key.read_bytes() == before


def test_a_private_key_that_others_may_read_is_not_used(key):
    key.chmod(0o640)
    with pytest.raises(BenchError, match="chmod 600"):
        private_key(key)


def test_a_public_key_is_no_private_one_whatever_its_mode(tmp_path, key):
    public = tmp_path / "lab.pub.pem"
    for mode in (0o600, 0o644):
        public.chmod(mode)
        with pytest.raises(BenchError, match=r"a public key.*name the private key"):
            private_key(public)


def test_sealing_what_is_sealed_says_that_there_was_nothing_to_do(tmp_path, key):
    run = make_run(tmp_path)
    assert "nothing to do" not in command("seal", str(run), cwd=tmp_path).stdout
    again = command("seal", str(run), cwd=tmp_path)
    assert (again.returncode, again.stdout[:13]) == (0, "nothing to do")
    assert seal_run(run, key).made
    assert not seal_run(run, key).made
    assert len(list(run.glob("seals/*.json"))) == 2


def test_what_is_no_such_key_is_one_message(tmp_path, key):
    public = tmp_path / "lab.pub.pem"
    other = X25519PrivateKey.generate()
    kinds = {
        "text": b"no key",
        "empty": b"",
        "x25519": other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        "x25519.pub": other.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    }
    for name, data in kinds.items():
        (tmp_path / name).write_bytes(data)
        (tmp_path / name).chmod(0o600)
    public.chmod(0o600)
    for name in (*kinds, "absent", "lab.pub.pem"):
        with pytest.raises(BenchError):
            private_key(tmp_path / name)
    for name in (*kinds, "absent", "lab.pem"):
        with pytest.raises(BenchError):
            public_key(tmp_path / name)


def test_a_key_with_a_passphrase_is_refused_in_words(tmp_path):
    from cryptography.hazmat.primitives.serialization import BestAvailableEncryption

    file = tmp_path / "locked.pem"
    locked = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")
    )
    file.write_bytes(locked)
    file.chmod(0o600)
    with pytest.raises(BenchError, match="passphrase"):
        private_key(file)


def test_a_folder_that_is_no_run_is_not_read_for_that(tmp_path):
    (tmp_path / "photos").mkdir()
    os.mkfifo(tmp_path / "photos" / "pipe")
    done = command("verify", ".", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "CANNOT BE CHECKED: it is no run: there is no run.json\n")
