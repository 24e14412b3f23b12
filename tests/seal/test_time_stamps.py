"""Seals with the time of an RFC 3161 service: what holds is kept, and whatever does not is one message."""

import json
import random
import shutil
import socket
import subprocess
import time
from contextlib import suppress
from datetime import timedelta

import pytest
from small_run import folder_of, make_run, report, seal
from tamperings import Pristine, seals
from time_stamping import SERVES, STAMPS, Authority, granting, openssl, send, served

from intercom_hil.commands.sealing import seal_run, stamp_run, verify_run
from intercom_hil.errors import BenchError
from intercom_hil.seal import stamping
from intercom_hil.seal.archive import pack
from intercom_hil.seal.sealing import stamp
from intercom_hil.seal.stamping import Service, read_stamp
from intercom_hil.seal.tsp import Query, TspError, query_bytes, read_query, read_reply
from intercom_hil.seal.verifying import ALTERED, UNTOUCHED, verify

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl here")


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("pki") / "one")


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("pki") / "other", "other")


@pytest.fixture
def run(tmp_path):
    """A sealed run."""
    run = make_run(tmp_path)
    seal(run)
    return run


@pytest.fixture
def stamped(run, authority):
    """A sealed run with a time stamp."""
    with served(granting(authority)) as url:
        stamp(run, Service(url, authority.ca))
    return run


def found(run, ca=None):
    outcome = verify(run, stamp_ca=ca)
    return outcome.status, [(finding.kind, finding.place) for finding in outcome.findings]


def refused(run, url, ca=None):
    """Have a run stamped in vain: it stays as it was, and the message names the service."""
    with pytest.raises(BenchError) as problem:
        stamp(run, Service(url, ca))
    assert found(run) == (UNTOUCHED, [])
    assert url in str(problem.value)
    assert len(str(problem.value)) < 400
    return str(problem.value)


def test_a_seal_gets_the_time_of_a_service_and_a_stranger_checks_it(run, authority, tmp_path):
    said = []
    with served(granting(authority)) as url:
        stamp_run(run, Service(url, authority.ca), said.append)
        stamp_run(run, Service(url, authority.ca), said.append)
    assert said[0].startswith("time-stamped 20")
    assert said[1].startswith("it has a time stamp already")
    assert found(run) == (UNTOUCHED, [])
    assert any("--stamp-ca" in note for note in verify(run).notes)
    assert found(run, authority.ca) == (UNTOUCHED, [])
    assert any("was there at 20" in note for note in verify(run, stamp_ca=authority.ca).notes)
    for path in (run / "seals").iterdir():
        assert path.stat().st_mode & 0o077 == 0
    packed = pack(run, tmp_path / "packed.tar.gz")
    assert found(packed, authority.ca) == (UNTOUCHED, [])
    subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=run / "seals", check=True, timeout=60)
    by_hand = openssl(
        "ts", "-verify", "-data", seals(run)[0], "-in", run / "seals/0001-run.tsr", "-CAfile", authority.ca
    )
    assert b"Verification: OK" in by_hand


def test_what_comes_after_a_stamp_needs_one_of_its_own(stamped, authority):
    report(stamped, "one")
    assert found(stamped) == (UNTOUCHED, [])
    assert found(stamped, authority.ca) == (ALTERED, [("no time stamp", "seals/0002-report.intoto.json")])
    with served(granting(authority)) as url:
        stamp(stamped, Service(url))
    report(stamped, "two")
    seal(stamped, "seal", None, ())
    assert found(stamped) == (UNTOUCHED, [])
    with served(granting(authority)) as url:
        stamp(stamped, Service(url))
    assert found(stamped, authority.ca) == (UNTOUCHED, [])


def test_a_run_without_a_stamp_is_not_passed_for_one_with(run, authority):
    assert found(run, authority.ca) == (ALTERED, [("no time stamp", "seals/0001-run.intoto.json")])
    assert verify_run(run, lambda text: None, stamp_ca=authority.ca) == 1


def test_another_authority_does_not_vouch(stamped, other):
    assert found(stamped, other.ca) == (ALTERED, [("time stamp", "seals/0001-run.tsr")])
    text = next(str(finding) for finding in verify(stamped, stamp_ca=other.ca).findings)
    assert "does not hold: " in text
    assert len(text) < 200


def test_a_stamp_that_its_authority_does_not_vouch_for_is_not_kept(run, authority, other):
    with served(granting(authority)) as url:
        assert "does not hold" in refused(run, url, other.ca)


def test_who_may_not_stamp_or_no_longer_may_is_refused(run, authority):
    authority.certify("expired", STAMPS, timedelta(days=-1))
    authority.certify("web", SERVES)

    def by_a_web_server(handler, query):
        send(handler, authority.signed_by(authority.reply(query), "web"))

    for answer, said in (
        (granting(authority, signer="expired"), "expired"),
        (by_a_web_server, "purpose"),
    ):
        with served(answer) as url:
            assert said in refused(run, url, authority.ca)


def test_a_stamp_from_before_its_signer_expired_holds_for_good(stamped, authority, tmp_path):
    """What counts is the time of the stamp, whenever it is read (a certificate lasts for ten days here)."""
    stored = verify(stamped).seals[0].stamp
    assert stamping.vouched_for(stored, authority.ca) == ""
    much_later = ["-attime", str(int(time.time()) + 20 * 86400)]
    files = stamped / "seals"
    words = ["openssl", "ts", "-verify", "-queryfile", files / "0001-run.tsq", "-in", files / "0001-run.tsr"]
    done = subprocess.run([*words, "-CAfile", authority.ca, *much_later], capture_output=True, check=False)
    assert b"expired" in done.stderr  # as openssl has it by itself


def test_a_stamp_of_a_time_to_come_is_named(stamped, monkeypatch):
    monkeypatch.setattr(stamping, "MAY_BE_AHEAD", -stamping.MAY_BE_AHEAD)
    assert found(stamped) == (ALTERED, [("time stamp", "seals/0001-run.tsr")])


def test_the_reply_to_another_query_is_refused(run, authority):
    digest = verify(run).seals[0].digest

    def replayed(handler, query):
        send(handler, authority.reply(query_bytes(Query(digest, 2**63 + 1))))

    def of_another(handler, query):
        send(handler, authority.reply(query_bytes(Query("ab" * 32, read_query(query).nonce))))

    def without_nonce(handler, query):
        bare = openssl("ts", "-query", "-digest", digest, "-sha256", "-no_nonce", "-cert")
        send(handler, authority.reply(bare))

    for answer, said in (
        (replayed, "another nonce"),
        (without_nonce, "another nonce"),
        (of_another, "of another digest"),
    ):
        with served(answer) as url:
            assert said in refused(run, url)


def test_a_refusal_is_said_in_the_words_of_the_service(run, authority):
    refusing = granting(authority, digests="sha512")
    with served(refusing) as url:
        said = refused(run, url)
    assert "refused: rejection" in said
    assert "does not know the algorithm" in said


def test_whatever_a_server_does_is_one_message_within_bounds(run, authority, monkeypatch):
    monkeypatch.setattr(stamping, "WITHIN", 1.5)

    def dripping(handler, query):
        handler.send_response(200)
        handler.send_header("Content-Length", "50000")
        handler.end_headers()
        for _ in range(2000):
            handler.wfile.write(b"0")
            time.sleep(0.05)  # it is the server that is slow

    def huge(handler, query):
        handler.send_response(200)
        handler.end_headers()
        with suppress(OSError):  # the client closes
            while True:
                handler.wfile.write(b"0" * 65536)

    def redirecting(handler, query):
        handler.send_response(302)
        handler.send_header("Location", "http://192.0.2.1/elsewhere")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    def packed(handler, query):
        handler.send_response(200)
        handler.send_header("Content-Encoding", "gzip")
        handler.send_header("Content-Length", "3")
        handler.end_headers()
        handler.wfile.write(b"\x1f\x8b\x08")

    for answer, said in (
        (dripping, "did not reply within 1.5 s"),
        (huge, "more than 65536 bytes"),
        (redirecting, "HTTP status 302, see http://192.0.2.1/elsewhere"),
        (lambda handler, query: send(handler, b"no", 503), "HTTP status 503"),
        (
            lambda handler, query: send(handler, b"<html>login</html>"),
            "no message of the Time-Stamp Protocol",
        ),
        (lambda handler, query: send(handler, b""), "no message of the Time-Stamp Protocol"),
        (packed, "no message of the Time-Stamp Protocol"),
        (lambda handler, query: send(handler, authority.reply(query)[:-9]), "damaged"),
        (lambda handler, query: handler.connection.shutdown(socket.SHUT_RDWR), "there is no reply"),
    ):
        begun = time.monotonic()
        with served(answer) as url:
            assert said in refused(run, url), said
        assert time.monotonic() - begun < 30
    closed = socket.create_server(("127.0.0.1", 0))
    port = closed.getsockname()[1]
    closed.close()
    assert "there is no reply" in refused(run, f"http://127.0.0.1:{port}/")


def test_what_is_no_address_and_no_certificate_is_one_message(run, tmp_path):
    for url in ("tsa.example", "ftp://tsa.example", "http://", ""):
        with pytest.raises(BenchError, match="no address"):
            stamp(run, Service(url))
    (tmp_path / "text").write_text("text")
    for ca in (tmp_path / "text", tmp_path / "nothing", tmp_path):
        with pytest.raises(BenchError) as problem:
            stamp(run, Service("http://127.0.0.1:9/", ca))
        assert str(ca) in str(problem.value)


def test_where_openssl_is_missing_a_stamp_is_taken_but_not_checked(run, authority, monkeypatch):
    with served(granting(authority)) as url:
        stamp(run, Service(url))
    monkeypatch.setattr(stamping, "_OPENSSL", "no-such-openssl")
    assert found(run) == (UNTOUCHED, [])
    with pytest.raises(BenchError, match="apt install openssl"):
        verify(run, stamp_ca=authority.ca)


def test_what_was_altered_is_not_stamped(run, authority):
    data = json.loads(seals(run)[0].read_text())
    seals(run)[0].write_text(json.dumps(data))
    with pytest.raises(BenchError, match="not as they were made"):
        stamp(run, Service("http://127.0.0.1:9/"))
    shutil.rmtree(run / "seals")
    with pytest.raises(BenchError, match="no seal"):
        stamp(run, Service("http://127.0.0.1:9/"))


def test_every_tampering_with_a_stamp_is_named(stamped, other, authority, tmp_path):
    reply, asked = "seals/0001-run.tsr", "seals/0001-run.tsq"
    sums = (stamped / "seals/SHA256SUMS").read_text()
    with served(granting(other)) as url:
        (tmp_path / "again").mkdir()
        again = make_run(tmp_path / "again", 2)
        seal(again)
        stamp(again, Service(url))
    pristine = Pristine(stamped, tmp_path / "copy")
    run = pristine.copy

    def listed(*names):
        """As who knows of the list of digests would do it."""
        lines = {line.split()[1]: line for line in sums.splitlines(True)}
        for name in names:
            done = subprocess.run(
                ["sha256sum", name], cwd=run / "seals", capture_output=True, text=True, check=True
            )
            lines[name] = done.stdout
        (run / "seals/SHA256SUMS").write_text("".join(lines.values()))

    def taken(*names):
        for name in names:
            shutil.copyfile(again / name, run / name)
        listed(*(name.rpartition("/")[2] for name in names))

    def replied():
        (run / reply).write_bytes(other.reply((run / asked).read_bytes()))
        listed("0001-run.tsr")

    def lines(change):
        (run / "seals/SHA256SUMS").write_text(change(sums))

    for do, place in (
        (lambda: (run / reply).unlink(), reply),
        (lambda: (run / asked).unlink(), asked),
        (lambda: (run / reply).rename(run / "seals/0002-run.tsr"), reply),
        (lambda: shutil.copy(run / reply, run / "seals/0009-run.tsr"), "seals/0009-run.tsr"),
        (lambda: taken(reply), reply),
        (lambda: taken(reply, asked), reply),
        (replied, reply),
        (lambda: (run / reply).write_bytes((run / asked).read_bytes()), reply),
        (lambda: (run / reply).write_bytes((run / reply).read_bytes() + b"\0"), reply),
        (lambda: lines(lambda text: text + text.splitlines(True)[-1]), "seals/SHA256SUMS"),
        (lambda: lines(lambda text: text.replace("\n", "\r\n")), "seals/SHA256SUMS"),
        (lambda: lines(lambda text: text[:-1]), "seals/SHA256SUMS"),
        (lambda: lines(lambda text: "".join(text.splitlines(True)[::-1])), "seals/SHA256SUMS"),
    ):
        do()
        outcome = verify(run, stamp_ca=authority.ca)
        assert outcome.status == ALTERED, place
        assert place in {finding.place for finding in outcome.findings}, list(map(str, outcome.findings))
        pristine.restore()
    drawn = random.Random(4)
    for name in (reply, asked):
        data = (run / name).read_bytes()
        for at in drawn.sample(range(len(data)), 40):
            (run / name).write_bytes(data[:at] + bytes([data[at] ^ 1 << drawn.randrange(8)]) + data[at + 1 :])
            assert found(run)[0] == ALTERED, (name, at)
        (run / name).write_bytes(data)
    assert found(run, authority.ca) == (UNTOUCHED, [])


def test_bytes_of_any_kind_are_a_message_or_none(authority):
    query = query_bytes(Query("cd" * 32, 2**63 + 5))
    reply = authority.reply(query)
    assert read_stamp(query, reply, "cd" * 32).stamp.nonce == 2**63 + 5
    drawn = random.Random(9)
    for data in (query, reply):
        for _ in range(1500):
            altered = bytearray(data)
            for _ in range(drawn.randrange(1, 4)):
                altered[drawn.randrange(len(altered))] = drawn.randrange(256)
            for read in (read_query, read_reply):
                with suppress(TspError):
                    read(bytes(altered[: drawn.randrange(1, len(altered) + 1)]))


def test_openssl_reads_the_query_as_it_is_meant(tmp_path):
    (tmp_path / "query").write_bytes(query_bytes(Query("ab" * 32, 2**63 + 255)))
    said = openssl("ts", "-query", "-in", tmp_path / "query", "-text").decode()
    assert "Hash Algorithm: sha256" in said
    assert "Nonce: 0x80000000000000FF" in said
    assert "Certificate required: yes" in said


def test_a_run_that_is_signed_and_stamped_from_the_command_line(tmp_path, authority):
    run = make_run(tmp_path)
    sealed = seal_run(run, None)
    said = []
    with served(granting(authority)) as url:
        stamp_run(run, Service(url), said.append)
    assert url in said[0]
    assert verify_run(run, said.append, digest=sealed.digest, stamp_ca=authority.ca) == 0
    (folder_of(run, 0) / "console.log").write_text("altered")
    assert verify_run(run, said.append, stamp_ca=authority.ca) == 1
