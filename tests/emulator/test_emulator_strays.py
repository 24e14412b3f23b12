"""What faults do past the SIP stack: messages of their own, an ear for clear media, a porter at the port."""

import socket
import struct
from contextlib import closing

import pytest

from intercom_hil.emulator.agent_sockets import duplicate_of_bound_socket, media_socket
from intercom_hil.emulator.fault_clear_media_tap import ClearEar
from intercom_hil.emulator.fault_invite_interceptor import Porter
from intercom_hil.emulator.fault_stray_messages import answer_for, bye_for, cancel_for, host_and_port, send

DEVICE, OTHER = "127.0.71.30", "127.0.71.21"
INVITE = (
    "INVITE sip:3410@127.0.71.21:5070 SIP/2.0\r\n"
    "Via: SIP/2.0/UDP 127.0.71.30:5060;branch=z9hG4bKone\r\n"
    "Via: SIP/2.0/UDP 127.0.71.99;branch=z9hG4bKtwo\r\n"
    "From: <sip:3401@127.0.71.10>;tag=ours\r\nTo: <sip:3410@127.0.71.21>\r\n"
    "Call-ID: abc\r\nCSeq: 7 INVITE\r\nMax-Forwards: 70\r\nContent-Length: {length}\r\n\r\n{body}"
)
KEYLESS = "v=0\r\nm=audio 4000 RTP/SAVP 8\r\n"


def invite(body=""):
    return INVITE.format(length=len(body), body=body)


def bound(address):
    opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    opened.bind((address, 0))
    opened.settimeout(2)
    return closing(opened)


def test_a_cancel_is_of_the_same_transaction_as_its_invite():
    head = cancel_for(invite(KEYLESS)).split("\r\n")
    assert head[0] == "CANCEL sip:3410@127.0.71.21:5070 SIP/2.0"
    assert [line for line in head if line.startswith("Via")] == [
        "Via: SIP/2.0/UDP 127.0.71.30:5060;branch=z9hG4bKone"
    ]
    assert {"CSeq: 7 CANCEL", "Call-ID: abc", "To: <sip:3410@127.0.71.21>", "Content-Length: 0"} <= set(head)
    assert head[-2:] == ["", ""]


def test_a_bye_turns_the_parties_of_the_answer_round():
    answer = answer_for(invite(KEYLESS), (DEVICE, 5060), (DEVICE, 4100))
    bye = bye_for(answer, "sip:3410@127.0.71.21:5070", (DEVICE, 5060)).split("\r\n")
    assert bye[0] == "BYE sip:3410@127.0.71.21:5070 SIP/2.0"
    assert "To: <sip:3401@127.0.71.10>;tag=ours" in bye
    assert any(line.startswith("From: <sip:3410@127.0.71.21>;tag=") for line in bye)


def test_an_answer_takes_the_caller_back_and_agrees_on_plain_audio():
    head, _, body = answer_for(invite(KEYLESS), (DEVICE, 5060), (DEVICE, 4100)).partition("\r\n\r\n")
    assert head.count("via:") == 2
    assert f"Content-Length: {len(body)}" in head
    assert "m=audio 4100 RTP/AVP 8" in body


@pytest.mark.parametrize(
    ("uri", "place"),
    [
        ("sip:a@127.0.0.1", ("127.0.0.1", 5060)),
        ("<sip:127.0.0.1:5070;lr>", ("127.0.0.1", 5070)),
        ("sip:a@pbx.example", None),
        ("", None),
    ],
)
def test_a_uri_says_where_it_points_to_only_by_an_address(uri, place):
    assert host_and_port(uri) == place


def test_a_message_goes_out_from_the_socket_that_is_there_and_from_none_else():
    with bound(DEVICE) as stack, bound(OTHER) as other:
        assert send("hello", other.getsockname(), stack.getsockname())
        assert other.recvfrom(100) == (b"hello", stack.getsockname())
        assert not send("hello", other.getsockname(), (DEVICE, 1))
        assert duplicate_of_bound_socket((DEVICE, 1)) is None


def test_a_media_socket_is_had_from_the_last_port_down_and_none_when_all_are_taken():
    first, second = media_socket(DEVICE, (4500, 4503)), media_socket(DEVICE, (4500, 4503))
    with closing(first):
        assert first.getsockname() == (DEVICE, 4502)
        assert second is None


def rtp(payload, kind=8):
    return struct.pack("!BBHII", 0x80, kind, 1, 160, 7) + payload


def test_the_ear_plays_what_is_clear_and_passes_on_what_is_protected():
    played = []
    with bound(DEVICE) as stack, bound(OTHER) as other:
        port = stack.getsockname()[1]
        ear = ClearEar(DEVICE, (4600, 4610), lambda file: played.append(file.read_bytes()))
        assert ear.describe("v=0\r\nm=video 1 X\r\n") == "v=0\r\nm=video 1 X\r\n"
        described = ear.describe(f"v=0\r\nm=audio {port} RTP/SAVP 8\r\n")
        assert described == "v=0\r\nm=audio 4610 RTP/SAVP 8\r\n"
        for packet in [rtp(b"\xd5" * 160)] * 10 + [b"", b"\x80", rtp(b"x" * 170)]:
            other.sendto(packet, (DEVICE, 4610))
        ear.turn()
        passed_on = [stack.recvfrom(2048) for _ in range(3)]
        assert [packet for packet, _ in passed_on] == [b"", b"\x80", rtp(b"x" * 170)]
        (wav,) = played
        assert wav[:4] + wav[8:12] == b"RIFFWAVE"
        assert wav.endswith(b"\xd5" * 1600)
        stack.sendto(b"back", passed_on[0][1])
        ear.turn()
        assert other.recvfrom(100) == (b"back", (DEVICE, 4610))
        ear.close()
        ear.close()
        ear.turn()


def test_the_porter_takes_out_only_calls_with_keys_that_nobody_can_use():
    with bound(DEVICE) as stack, bound(OTHER) as other:
        porter = Porter(stack.getsockname(), (DEVICE, 4100))
        other.sendto(invite(KEYLESS).encode(), stack.getsockname())
        porter.wait(2.0)
        assert other.recv(4096).startswith(b"SIP/2.0 200 OK\r\n")
        for message in (invite("v=0\r\nm=audio 4000 RTP/AVP 8\r\n").encode(), b"\xff\xfe", b""):
            other.sendto(message, stack.getsockname())
            porter.wait(2.0)
            assert stack.recv(4096) == message
        porter.close()
        porter.close()
        porter.wait(0.0)
