"""The emulated intercom placing and taking real calls, over real sockets and ptys."""

import asyncio

import pytest
from emulator_peer import Peer
from emulator_process import DEVICE

SCREEN = 'screen text="Incoming call answered"'


async def test_it_registers_with_digest_and_says_so(start, peer):
    intercom = await start()
    await intercom.console.expect(r"boot model=EMU-1 version=1.0 serial=EMU-0001\r\n")

    await intercom.configure()

    assert peer.find(lambda m: m.method == "REGISTER" and m["Authorization"])
    assert peer.find(lambda m: m["User-Agent"] == "EMU-1/1.0")


async def test_the_contacts_are_tried_in_turn_until_one_answers(start, peer):
    peer.answers = {"3400": [486], "3401": [0], "3402": [200]}
    intercom = await start()
    await intercom.configure(call_timeout=1, further_numbers=["3401", f"sip:3402@{peer.address}"])

    await intercom.press()
    await intercom.event("outgoing_call_established")

    assert peer.find(lambda m: m.method == "CANCEL")
    assert intercom.console.events() == [
        "outgoing_call_initiated",
        "outgoing_call_failure",
        "outgoing_call_failure",
        "outgoing_call_established",
    ]
    text = intercom.console.data.decode()
    assert 'details="busy: sip:3400@127.0.41.5 answered 486 Scripted"' in text
    assert 'details="no answer: sip:3401@127.0.41.5 within 1 s"' in text

    await intercom.press()
    await peer.sees_request("BYE")


async def test_a_permitted_call_is_answered_and_ends_with_the_caller(start, peer):
    intercom = await start()
    await intercom.configure(permitted_callers=["3400"])

    answer = await peer.call(intercom.uri, f"<sip:3400@{peer.address}>")
    assert answer.status == 200
    assert await intercom.event("incoming_call_received") == f"sip:3400@{peer.address}"
    await intercom.console.expect(SCREEN)
    await peer.end_call(answer, intercom.uri)
    await intercom.event("incoming_call_remote_hangup")

    refused = await peer.call(intercom.uri, f"<sip:3499@{peer.address}>")
    assert refused.status == 403
    assert (await intercom.event("incoming_call_rejected")).startswith("caller not permitted: ")


async def test_a_wrong_password_is_said_and_not_tried_at_once_again(start, peer):
    peer.password = "another"
    intercom = await start()
    await intercom.login()
    await intercom.submit()
    await intercom.console.expect(r'sip unregistered reason="403 ')
    tries = len(peer.find(lambda m: m.method == "REGISTER"))
    await asyncio.sleep(1)  # proves an absence
    assert len(peer.find(lambda m: m.method == "REGISTER")) == tries == 2


async def test_each_submission_registers_afresh_even_if_nothing_changed(start, peer):
    intercom = await start()
    await intercom.configure()
    agent = (intercom.state / "ready.json").read_text()
    await intercom.configure()
    await intercom.configure(call_number="3401")
    assert len(peer.find(lambda m: m.method == "REGISTER" and m["Expires"] != "0")) >= 4
    assert (intercom.state / "ready.json").read_text() == agent


async def test_the_polling_interval_brings_a_register(start, peer):
    intercom = await start()
    await intercom.configure(polling_interval=1)
    before = len(peer.find(lambda m: m.method == "REGISTER"))
    await peer.sees_request("REGISTER", count=before + 2)


async def test_a_proxy_gets_every_request_and_its_own_credential(start, peer):
    async with Peer("127.0.41.6") as proxy:
        proxy.proxy_realm = "gate"
        proxy.answers = {"3400": [200]}
        intercom = await start()
        gate = {"username": "pxu", "address": proxy.address, "password": "pxp", "port": 5060}
        await intercom.configure(proxy=gate)
        await intercom.press()
        invite = await proxy.sees_request("INVITE")
    assert not peer.seen
    assert invite.uri == f"sip:3400@{peer.address}"
    assert proxy.address in invite["Route"]
    register = proxy.find(lambda m: m.method == "REGISTER")[-1]
    assert 'username="pxu"' in register["Proxy-Authorization"]
    assert 'username="door"' in register["Authorization"]


async def test_credentials_go_to_nobody_but_the_server(start, peer):
    async with Peer("127.0.41.6") as stranger:
        stranger.answers = {"3400": [401]}
        intercom = await start()
        await intercom.configure(call_number=f"sip:3400@{stranger.address}")
        await intercom.press()
        assert (await intercom.event("outgoing_call_failure")).startswith("declined: ")
    assert not stranger.find(lambda m: m["Authorization"])


async def test_the_remote_side_hangs_up_a_placed_call_and_the_next_can_be_placed(start, peer):
    peer.answers = {"3400": [200]}
    intercom = await start()
    await intercom.configure(display_name='The "front" door')
    for count in (1, 2):
        await intercom.press()
        await intercom.event("outgoing_call_established", count)
        invite = await peer.sees_request("INVITE", count=count)
        assert invite["From"].startswith('"The \\"front\\" door" <sip:1001@')
        peer.hang_up(invite)
        await intercom.event("outgoing_remote_hangup", count)


async def test_the_button_while_ringing_cancels_and_while_answered_ends_the_call(start, peer):
    peer.answers = {"3400": [0]}
    intercom = await start()
    await intercom.configure(call_timeout=20)
    await intercom.press()
    await peer.sees_request("INVITE")
    await intercom.event("outgoing_call_initiated")
    await intercom.press()
    await peer.sees_request("CANCEL")
    assert intercom.console.events() == ["outgoing_call_initiated"]

    await peer.call(intercom.uri, f"<sip:3400@{peer.address}>")
    await intercom.event("incoming_call_received")
    busy = await peer.call(intercom.uri, f"<sip:3401@{peer.address}>")
    assert busy.status == 486
    await intercom.press()
    await peer.sees_request("BYE")
    await intercom.event("incoming_call_local_hangup")


async def test_the_list_cannot_be_got_round_by_sending_straight_to_the_device(start, peer):
    intercom = await start()
    await intercom.configure(permitted_callers=["3400", "sip:3405@127.0.41.6"])
    async with Peer("127.0.41.6") as station:
        forged = await station.call(intercom.uri, f'"3400" <sip:3400@{peer.address}>')
        asserted = await station.call(
            intercom.uri, "<sip:6@127.0.41.6>", extra=f"P-Asserted-Identity: <sip:3400@{peer.address}>"
        )
        listed = await station.call(intercom.uri, "<sip:3405@127.0.41.6>")
    assert (forged.status, asserted.status, listed.status) == (403, 403, 200)


@pytest.mark.nightly
async def test_an_answer_that_nobody_confirms_ends_with_a_bye(start, peer):
    """It takes the 32 s for which an answer is sent again (RFC 3261 §13.3.1.4)."""
    intercom = await start()
    await intercom.configure()
    answer = await peer.call(intercom.uri, f"<sip:3400@{peer.address}>", ack=False)
    await peer.sees(lambda m: m.method == "BYE" and m["Call-ID"] == answer["Call-ID"], within=45)


@pytest.mark.parametrize("method", ["MESSAGE", "SUBSCRIBE", "DANCE"])
async def test_a_method_that_it_does_not_have_gets_405_with_those_that_it_has(start, peer, method):
    intercom = await start()
    await intercom.configure()
    request = (
        f"{method} sip:door@{DEVICE} SIP/2.0\r\nVia: SIP/2.0/UDP {peer.address};branch=z9hG4bK{method}\r\n"
        f"Max-Forwards: 70\r\nFrom: <sip:desk@x>;tag=1\r\nTo: <sip:door@x>\r\nCall-ID: {method}\r\n"
        f"CSeq: 1 {method}\r\nContact: <sip:{peer.address}>\r\nEvent: presence\r\nContent-Length: 0\r\n\r\n"
    )
    peer.send(request, (DEVICE, 5060))
    answer = await peer.sees(lambda m: m.status and m["Call-ID"] == method)
    assert answer.status == 405
    assert {"INVITE", "ACK", "BYE", "CANCEL"} <= set(answer["Allow"].split(", "))
    assert ";tag=" in answer["To"]
