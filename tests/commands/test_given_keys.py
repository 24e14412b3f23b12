"""``judge capture --keys``: SRTP keys that the signalling does not show open the media, and nothing else."""

import base64

import pytest

from intercom_hil.capture_file.given_keys import read_keys
from intercom_hil.commands.judge_capture import judge_capture
from intercom_hil.errors import BenchError
from intercom_hil.pcap.pcap import Frame
from intercom_hil.pcap.pcapng import PcapngWriter
from intercom_hil.recomputed.again import judge_from_evidence
from tests.capture.wire_story import DEVICE, PBX, Talk, key, protector, udp_frame

SUITE = "AES_CM_128_HMAC_SHA1_80"


def line(crypto, place=""):
    return f"{place} {crypto.suite} inline:{base64.b64encode(crypto.key + crypto.salt).decode()}\n"


@pytest.fixture
def capture(tmp_path):
    """Media under SRTP, one way under one key, and plain media the other way; no signalling at all."""
    writer = PcapngWriter(tmp_path / "c.pcapng", link_type=101, interface="eth0", application="another tool")
    there, back = Talk(DEVICE, PBX, protect=protector(key(1))), Talk(PBX, DEVICE, ssrc=8)
    for number in range(30):
        for talk in (there, back):
            frame = udp_frame(talk.source, talk.destination, talk.next())
            writer.write(Frame(1000 + number * 0.02, frame, len(frame)))
    writer.close()
    return tmp_path / "c.pcapng"


def told(capture, keys=None, **changes):
    lines = []
    judge_capture(capture, lines.append, device=[DEVICE[0]], pbx=[PBX[0]], keys=keys, **changes)
    return "\n".join(lines)


@pytest.mark.parametrize("place", ["", DEVICE[0], "{}:{}".format(*DEVICE)])
def test_a_key_that_is_given_opens_the_media(capture, tmp_path, place):
    assert "30 authenticated" not in told(capture)
    keys = tmp_path / "keys"
    keys.write_text(f"# of the laboratory\n{line(key(7))}{line(key(1), place)}")
    text = told(capture, keys, folder=tmp_path / "run")
    assert "30 authenticated, 0 rejected" in text
    assert "ENC-11 fail" not in text, "media in clear beside it is none of it"
    again = []
    assert judge_from_evidence(tmp_path / "run", again.append) == 0, again


def test_a_key_of_somebody_else_opens_nothing(capture, tmp_path):
    keys = tmp_path / "keys"
    keys.write_text(line(key(1), "192.0.2.99"))
    assert told(capture, keys) == told(capture)


def test_keys_are_read_in_base64_and_in_hexadecimal(tmp_path):
    one = key(1)
    whole = one.key + one.salt
    written = base64.b64encode(whole).decode()
    text = f"{SUITE} {whole.hex()}\n  [2001:db8::1]:4000\t{SUITE.lower()} {written} # mine\n\n"
    (tmp_path / "keys").write_text(text)
    (_, first), (place, second) = read_keys(tmp_path / "keys").media
    assert (first.key, first.salt) == (second.key, second.salt) == (one.key, one.salt)
    assert place == "[2001:db8::1]:4000"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nothing\n",
        "x",
        f"{SUITE} no-key",
        f"{SUITE} c2hvcnQ=",
        "NO_SUITE c2hvcnQ=",
        f"nowhere {SUITE} QUJD",
        "CLIENT_RANDOM a b",
        f"CLIENT_RANDOM {'ab' * 32} {'cd' * 47}",
        f"SOMETHING_ELSE {'ab' * 32} {'cd' * 48}",
    ],
)
def test_what_is_no_key_is_one_message_that_does_not_repeat_it(tmp_path, text):
    (tmp_path / "keys").write_text(text)
    with pytest.raises(BenchError) as found:
        read_keys(tmp_path / "keys")
    assert "c2hvcnQ" not in str(found.value)
    with pytest.raises(BenchError):
        read_keys(tmp_path)
