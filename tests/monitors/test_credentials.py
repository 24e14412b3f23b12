"""REG-05 over a whole timeline: digests for server and proxy pass, anything else is named."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intercom_hil.redaction.fingerprint import SHORTEST, Fingerprint
from intercom_hil.registrations.credentials import credentials
from intercom_hil.spec.verdict import Verdict
from intercom_hil.timeline import Timeline, Witness
from intercom_hil.timeline.observation import Configured, SipMessageSeen
from intercom_hil.timeline.sip_content import sip_content
from tests.judge.story import START

PASSWORD = "correct-horse"
MISNAMED = {"receiver": "192.0.2.9:5060", "destination": "192.0.2.9:5060"}
"""How the PBX calls itself in its copy of what came to it, where another address is the first of the port."""
DIGEST = 'Authorization: Digest username="3401", realm="asterisk", response="0"'


def sent(*headers, **more):
    return [finding.verdict for finding in findings(*headers, **more)]


def findings(
    *headers, receiver="pbx", destination="127.0.0.10:5060", sender="device", copies=(Witness.WIRE,), times=1
):
    timeline = Timeline()
    settings = {"server_address": "192.0.2.1", "proxy": {"address": "192.0.2.2"}}
    told = Configured(settings=settings, accepted=True, secrets=(Fingerprint.of(PASSWORD),))
    timeline.append(Witness.PORTAL, told, START)
    message = SipMessageSeen(
        source="127.0.0.30:5060",
        destination=destination,
        sender=sender,
        receiver=receiver,
        transport="UDP",
        method="INVITE",
        call_id="c",
        cseq=1,
        from_uri="sip:a@b",
        to_uri="sip:c@d",
        raw="\r\n".join(["INVITE sip:c@d SIP/2.0", *headers, "", ""]),
    )
    for number in range(times):
        again = message.model_copy(update={"cseq": number})
        for witness in copies:
            shown = again.model_copy(update=MISNAMED) if witness is Witness.PBX else again
            timeline.append(witness, shown, START + 1)
    return list(credentials(timeline))


@pytest.mark.parametrize("header", [DIGEST, f"Proxy-{DIGEST}", DIGEST.lower(), DIGEST.replace(": ", " :\t")])
@pytest.mark.parametrize("receiver", ["pbx", "proxy"])
def test_a_digest_for_server_or_proxy_passes(header, receiver):
    assert sent(header, receiver=receiver) == [Verdict.PASS]


@pytest.mark.parametrize("copies", [(Witness.PBX,), (Witness.WIRE, Witness.PBX), (Witness.PBX, Witness.WIRE)])
def test_the_pbx_is_no_stranger_whatever_address_it_gives_itself(copies):
    (finding,) = findings(DIGEST, copies=copies)
    assert finding.verdict is Verdict.PASS
    assert finding.seen.startswith("1 messages"), "a message and its copy are one"


def test_one_fault_is_told_once_with_its_count():
    (finding,) = findings(DIGEST, receiver="3410", times=12, copies=(Witness.WIRE,))
    assert "(and 11 more)" in finding.seen
    assert len(finding.observations) == 12


@pytest.mark.parametrize("destination", ["192.0.2.1:5060", "192.0.2.2:5080"])
def test_so_does_one_for_what_the_device_was_configured_with(destination):
    assert sent(DIGEST, receiver=destination, destination=destination) == [Verdict.PASS]


@pytest.mark.parametrize(
    ("header", "receiver"),
    [
        (DIGEST, "3410"),
        ("Authorization: Basic MzQwMTp4", "pbx"),
        ("Proxy-Authorization: Bearer x", "proxy"),
        (f"X-Provisioning: secret={PASSWORD}", "pbx"),
        (f"Subject:{PASSWORD}", "3410"),
    ],
)
def test_anything_else_breaks_the_rule(header, receiver):
    assert sent(header, receiver=receiver) == [Verdict.FAIL]


@pytest.mark.parametrize("field", ["Authorization:Basic eA==", "proxy-authorization\t:\r\n basic eA=="])
def test_a_scheme_is_read_however_the_header_is_spelt(field):
    assert sent(field) == [Verdict.FAIL]


def test_bytes_that_could_not_be_read_may_hold_credentials():
    timeline = Timeline()
    unread = sip_content(
        b"SIP/2.0 2\r\n\r\n", ("a", 1), ("b", 2), "UDP", lambda host, _: {"a": "device"}.get(host, host)
    )
    timeline.append(Witness.WIRE, unread, START)
    assert [finding.verdict for finding in credentials(timeline)] == [Verdict.INCONCLUSIVE]


def test_nothing_shown_is_no_pass_and_others_are_not_judged():
    assert sent("Subject: hello") == []
    assert sent("Authorization: Basic x", sender="3410") == []


@given(st.text(min_size=SHORTEST, max_size=40), st.text(max_size=200), st.text(max_size=200))
def test_a_secret_is_found_wherever_it_stands(secret, before, after):
    fingerprint = Fingerprint.of(secret)
    assert fingerprint.is_in(before + secret + after)
    assert fingerprint.is_in(before) == (secret in before)
    assert Fingerprint.model_validate_json(fingerprint.model_dump_json()) == fingerprint
    assert secret not in fingerprint.model_dump_json()


def test_a_short_secret_has_no_fingerprint():
    assert Fingerprint.of("x" * (SHORTEST - 1)) is None


def shown(*script):
    """A timeline of messages: (by the device?, to or from whom, start line, further header, Call-ID)."""
    timeline = Timeline()
    hosts = {"pbx": "192.0.2.10", "3410": "192.0.2.99"}
    names = {host: name for name, host in hosts.items()} | {"192.0.2.30": "device"}
    for place, (ours, other, start, more, *call) in enumerate(script):
        method = start.split()[0] if ours else "INVITE"
        lines = [start, "Via: SIP/2.0/UDP 192.0.2.30;branch=z9hG4bK1", "From: <sip:a@x>;tag=a"]
        lines += ["To: <sip:b@x>;tag=b", f"Call-ID: {''.join(call) or 'c'}", f"CSeq: 1 {method}"]
        lines += [*([more] if more else []), "", ""]
        ends = ("192.0.2.30", 5060), (hosts[other], 5060)
        source, destination = ends if ours else ends[::-1]
        payload = "\r\n".join(lines).encode()
        content = sip_content(payload, source, destination, "UDP", lambda host, _: names[host])
        timeline.append(Witness.WIRE, content, START + place)
    return [finding.verdict for finding in credentials(timeline)]


CHALLENGED = 'Proxy-Authenticate: Digest realm="x", nonce="{}"'
PROVEN = 'Proxy-Authorization: Digest username="a", realm="x", nonce="{}", response="0"'
ASKED = (False, "pbx", "SIP/2.0 407 Proxy Authentication Required", CHALLENGED.format("n"))
AGAIN = (True, "pbx", "INVITE sip:b@x SIP/2.0", PROVEN.format("n"))
OK = (False, "pbx", "SIP/2.0 200 OK", "")
SECOND = (True, "pbx", "INVITE sip:b@x SIP/2.0", PROVEN.format("m"))


@pytest.mark.parametrize("start", ["ACK sip:b@192.0.2.99 SIP/2.0", "BYE sip:b@192.0.2.99 SIP/2.0"])
@pytest.mark.parametrize(
    "before", [(ASKED, AGAIN), (ASKED,), (AGAIN,), (ASKED, AGAIN, OK), (ASKED, OK), (ASKED, SECOND)]
)
def test_what_a_server_was_shown_is_shown_in_all_of_its_call(before, start):
    """RFC 3261 §13.2.2.4, §22.3: ACK and BYE go past the server, with the credentials of the INVITE."""
    assert shown(*before, (True, "3410", start, PROVEN.format("n"))) == [Verdict.PASS]


@pytest.mark.parametrize(
    "story",
    [
        ((True, "3410", "ACK sip:b@192.0.2.99 SIP/2.0", PROVEN.format("n")),),
        (ASKED, AGAIN, (True, "3410", "ACK sip:b@192.0.2.99 SIP/2.0", PROVEN.format("m"))),
        (
            (False, "3410", "SIP/2.0 407 Proxy Authentication Required", CHALLENGED.format("n")),
            (True, "3410", "INVITE sip:b@x SIP/2.0", PROVEN.format("n")),
        ),
    ],
)
def test_a_stranger_who_asks_for_credentials_gets_none(story):
    assert Verdict.FAIL in shown(*story)


NEXT = 'Authentication-Info: nextnonce="m", qop=auth, rspauth="0", nc=00000001, cnonce="k"'
BYE_PAST = (True, "3410", "BYE sip:b@192.0.2.99 SIP/2.0", PROVEN.format("m"))


@pytest.mark.parametrize("name", ["Authentication-Info", "Proxy-Authentication-Info"])
@pytest.mark.parametrize("call", ["c", "r"])
def test_the_next_nonce_that_a_server_names_is_one_that_it_gave(name, call):
    """RFC 7616 §3.5, RFC 7615 §4: the next request has it, whatever call its realm's credentials are for."""
    granted = (False, "pbx", "SIP/2.0 200 OK", NEXT.replace("Authentication-Info", name), call)
    assert shown(ASKED, AGAIN, granted, BYE_PAST) == [Verdict.PASS]


@pytest.mark.parametrize(
    "story",
    [
        (ASKED, AGAIN, (False, "3410", "SIP/2.0 200 OK", NEXT), BYE_PAST),
        (ASKED, AGAIN, BYE_PAST),
        ((False, "pbx", "SIP/2.0 200 OK", NEXT, "r"), BYE_PAST),
    ],
)
def test_a_next_nonce_of_a_strangers_or_for_a_call_that_proved_nothing_is_none(story):
    assert Verdict.FAIL in shown(*story)
