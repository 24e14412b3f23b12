"""Patterns about what a SIP message says: however lawfully it is spelt, and where bytes could not be read."""

import pytest
from story import START

from intercom_hil.errors import Inconclusive
from intercom_hil.judge.judge import ExpectationFailed, Judge
from intercom_hil.judge.rules import Absent, Occurs
from intercom_hil.spec.verdict import Verdict
from intercom_hil.timeline import Timeline, Witness
from intercom_hil.timeline import vocabulary as said
from intercom_hil.timeline.sip_content import sip_content

HOSTS = {"192.0.2.30": "device", "192.0.2.10": "pbx"}
DEVICE, PBX = ("192.0.2.30", 5060), ("192.0.2.10", 5060)


def seen(start, *headers, to="<sip:1@a>", body=b"", source=DEVICE, destination=PBX):
    method = "REGISTER" if "REGISTER" in start or "200" in start else "INVITE"
    lines = [start, "v:SIP/2.0/UDP a;branch=z9hG4bK1", "f:<sip:1@a>;tag=x", f"t:{to}", "i:c"]
    head = "\r\n".join([*lines, f"CSeq:1\t{method}", *headers, f"l:{len(body)}", "", ""])
    content = sip_content(head.encode() + body, source, destination, "UDP", lambda host, _: HOSTS[host])
    timeline = Timeline()
    return timeline.append(Witness.WIRE, content, START)


REGISTER = "REGISTER sip:192.0.2.10 SIP/2.0"


@pytest.mark.parametrize(
    "field",
    [
        'Authorization: Digest username="3401",realm="x"',
        'Authorization:  Digest username="3401"',
        'authorization: digest username = "3401"',
        'Authorization:Digest realm="a, b", username="3401"',
        'AUTHORIZATION :\r\n Digest\r\n\tusername\r\n =\r\n "3401"',
    ],
)
def test_credentials_are_found_however_they_are_spelt(field):
    asked = said.with_credentials(said.registration(), "Authorization", username="3401")
    message = seen(REGISTER, "m:<sip:a>", field)
    assert asked.matches(message)
    assert said.any_credentials(said.registration()).matches(message)
    assert not said.with_credentials(said.registration(), "Proxy-Authorization").matches(message)
    assert not said.with_credentials(said.registration(), "Authorization", username="340").matches(message)


@pytest.mark.parametrize(
    ("headers", "takes_back"),
    [
        (("m:<sip:a>", "Expires:0"), True),
        (("Contact: <sip:a> ; expires = 0",), True),
        (("Contact: *", "expires :\r\n 0"), True),
        (("Contact: <sip:a>;expires=0, <sip:b>;expires=0",), True),
        (("Contact: <sip:a>;expires=0, <sip:b>", "Expires: 60"), False),
        (("Contact: <sip:a>;expires=00060", "Expires: 0"), False),
        (("Contact: <sip:a;expires=0>", "Subject: ;expires=0 "), False),
        (("Contact: <sip:a>",), False),
    ],
)
def test_a_registration_is_told_from_one_that_is_taken_back(headers, takes_back):
    assert said.registration().matches(seen(REGISTER, *headers)) != takes_back
    assert said.registration_taken_back().matches(seen(REGISTER, *headers)) == takes_back
    assert said.connectivity_check().matches(seen(REGISTER, *headers)) != takes_back


def test_an_answer_that_lists_a_contact_confirms_the_registration():
    back = {"source": PBX, "destination": DEVICE}
    assert said.registered().matches(seen("SIP/2.0 200 OK", "m : <sip:a>", **back))
    assert not said.registered().matches(seen("SIP/2.0 200 OK", "Subject: x\r\n m: y", **back))


def test_the_answer_to_a_registration_that_is_taken_back_confirms_no_connection():
    back = {"source": PBX, "destination": DEVICE}
    assert said.connectivity_confirmed().matches(seen("SIP/2.0 200 OK", "m : <sip:a>", **back))
    assert not said.connectivity_confirmed().matches(seen("SIP/2.0 200 OK", "Expires: 60", **back))


@pytest.mark.parametrize(
    "written",
    [
        "sip:3410@a.test",
        "SIP:3410@a.test",
        "sip:%33410@a.test",
        "sip:34%310@A.Test;transport=UDP",
        "sip:3410@a.test?x=y",
    ],
)
def test_equal_addresses_are_one_however_they_are_written(written):
    message = seen(f"INVITE {written} SIP/2.0")
    assert said.invite(to="3410").matches(message)
    assert said.addressed(said.invite(), "sip:3410@a.test").matches(message)
    listed = seen("INVITE sip:a SIP/2.0", to=f"<{written}>")
    assert said.to_user(said.invite(), "3410").matches(listed)


@pytest.mark.parametrize(
    "written", ["sip:3411@a.test", "sip:341@a.test", "sip:%2533410@a.test", "tel:3410", "sip:a.test"]
)
def test_other_addresses_are_others(written):
    message = seen(f"INVITE {written} SIP/2.0")
    assert not said.invite(to="3410").matches(message)
    assert not said.addressed(said.invite(), "sip:3410@a.test").matches(message)


def test_another_port_or_host_is_another_address():
    for written in ("sip:3410@a.test:5060", "sip:3410@b.test", "sips:3410@a.test"):
        message = seen(f"INVITE {written} SIP/2.0")
        assert said.invite(to="3410").matches(message)
        assert not said.addressed(said.invite(), "sip:3410@a.test").matches(message)


SDP = b"v=0\no=- 1 1 IN IP4 a\nc=IN IP4 192.0.2.30\nt=0 0\nm=audio  4000 RTP/AVP 8 \nm=video 0 RTP/AVP 97\n"


def test_sessions_are_told_by_their_sections_in_use():
    message = seen("INVITE sip:2@a SIP/2.0", "c:application/sdp", "X:1", body=SDP)
    asked = said.invite(sender="device")
    assert said.without_video(asked).matches(message)
    assert not said.with_video(asked).matches(message)
    assert not said.offering_srtp(asked).matches(message)
    secured = seen("INVITE sip:2@a SIP/2.0", "c:application/sdp", body=SDP + b"a=crypto:1 X inline:AAAA\n")
    assert said.offering_srtp(asked).matches(secured)
    assert said.limited(asked).matches(seen("INVITE sip:2@a SIP/2.0", "x:90"))


def unread(source=DEVICE, at=START + 1):
    destination = PBX if source == DEVICE else DEVICE
    timeline = Timeline()
    content = sip_content(b"INVITE sip:a\r\n\r\n", source, destination, "UDP", lambda host, _: HOSTS[host])
    timeline.append(Witness.WIRE, content, at)
    return timeline


def absent(timeline, pattern=None):
    return Absent(pattern=pattern or said.invite(sender="device"), after=START, until=START + 2).evaluate(
        timeline, START
    )


def test_a_prohibition_is_inconclusive_where_bytes_of_the_party_could_not_be_read():
    outcome = absent(unread())
    assert outcome.verdict is Verdict.INCONCLUSIVE
    assert "unreadable bytes from device to pbx" in outcome.seen
    assert outcome.observations == (0,)


def test_other_parties_other_times_and_other_witnesses_bytes_do_not_matter():
    assert absent(unread(source=PBX)).verdict is Verdict.PASS
    assert absent(unread(at=START + 3)).verdict is Verdict.PASS
    assert absent(unread(), said.reported_by_pbx(said.invite(sender="device"))).verdict is Verdict.PASS
    assert absent(unread(), said.media(sender="device")).verdict is Verdict.PASS


def test_a_count_that_may_not_be_exceeded_is_inconclusive_too():
    rule = Occurs(pattern=said.invite(), after=START, until=START + 2, at_least=0, at_most=0)
    assert rule.evaluate(unread(), START).verdict is Verdict.INCONCLUSIVE


async def test_a_demand_that_is_not_met_says_that_bytes_could_not_be_read():
    judge = Judge(unread())
    with pytest.raises(ExpectationFailed, match="could not be read: unreadable bytes from device"):
        await judge.expect("OUT-01", said.invite(sender="device"), within=0, after=START)
    with pytest.raises(Inconclusive, match="could not be read"):
        await judge.require(said.invite(sender="device"), within=0, after=START)


def test_another_call_id_is_another_registration():
    def answered(call_id, method="REGISTER"):
        ok = seen("SIP/2.0 200 OK", source=PBX, destination=DEVICE)
        changed = {"call_id": call_id, "method": method}
        return ok.model_copy(update={"content": ok.content.model_copy(update=changed)})

    assert said.another_registration(answered("a"), answered("b"))
    assert not said.another_registration(answered("a"), answered("a"))
    assert not said.another_registration(answered("a"), answered("b", "OPTIONS"))


@pytest.mark.parametrize(("size", "large"), [(500, False), (1200, False), (1201, True), (1400, True)])
def test_a_request_over_tcp_that_is_too_large_for_udp_is_told(size, large):
    def asked(filler, transport):
        message = seen("INVITE sip:2@a SIP/2.0", f"X-Filler: {'x' * filler}")
        content = message.content.model_copy(update={"transport": transport})
        return message.model_copy(update={"content": content})

    filler = size - asked(0, "TCP").content.size
    assert asked(filler, "TCP").content.size == size
    assert said.too_large_for_udp(said.from_device()).matches(asked(filler, "TCP")) == large
    assert not said.too_large_for_udp(said.from_device()).matches(asked(filler, "UDP"))
