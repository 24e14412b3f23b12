"""What shows in every message: the transport, the extension and the display name that are set."""

import pytest

from intercom_hil.monitors.monitors import monitor
from intercom_hil.spec.verdict import Verdict
from intercom_hil.timeline import Timeline, Witness
from intercom_hil.timeline.observation import Configured, SipMessageSeen
from tests.judge.story import START

LATER = START + 60
ROWS = {"CFG-06", "CFG-11", "CFG-12", "PRX-01"}
SETTINGS = {"transport": "UDP", "extension": "3401", "display_name": 'Gate "B"'}


def broken(*messages, settings=SETTINGS, changed=None):
    """What a device breaks that sends these, each a method and what is unusual about it."""
    timeline = Timeline()
    timeline.opened = START
    timeline.append(Witness.PORTAL, Configured(settings=settings, accepted=True), START)
    for number, (method, unusual) in enumerate(messages):
        usual = {
            "source": "127.0.0.1:1",
            "destination": "127.0.0.2:5060",
            "sender": "device",
            "receiver": "pbx",
            "transport": settings["transport"],
            "method": method,
            "call_id": f"c{number}",
            "cseq": 1,
            "request_uri": "sip:1@pbx",
            "from_uri": "sip:3401@pbx",
            "from_display": 'Gate "B"' if method == "INVITE" else "",
            "to_uri": "sip:1@pbx",
            "raw": "",
        }
        timeline.append(Witness.WIRE, SipMessageSeen(**(usual | unusual)), START + 5 + number)
    if changed:
        timeline.append(Witness.PORTAL, Configured(settings=changed, accepted=True), START + 4)
    return {j.requirement for j in monitor(timeline, LATER, LATER) if j.verdict is Verdict.FAIL} & ROWS


@pytest.mark.parametrize(
    ("transport", "status", "rows"),
    [("UDP", 200, {"CFG-06"}), ("TCP", 200, {"CFG-06"}), ("UDP", 486, set()), ("TLS", 200, set())],
)
def test_with_tls_no_call_is_taken_in_clear(transport, status, rows):
    answer = ("INVITE", {"transport": transport, "status": status, "receiver": "3410", "from_display": ""})
    assert broken(answer, settings=SETTINGS | {"transport": "TLS"}) == rows
    assert broken(answer, settings=SETTINGS | {"transport": "TCP"}) == set()


def test_a_device_that_shows_what_is_set():
    assert broken(("REGISTER", {}), ("INVITE", {"from_display": 'Gate  "B"'})) == set()


@pytest.mark.parametrize(
    ("unusual", "row"),
    [
        ({"from_display": "Gate"}, "CFG-11"),
        ({"from_display": ""}, "CFG-11"),
        ({"from_uri": "sip:3410@pbx"}, "CFG-12"),
    ],
)
def test_a_later_call_that_does_not(unusual, row):
    assert broken(("INVITE", {}), ("INVITE", unusual)) == {row}


@pytest.mark.parametrize(
    "before",
    [
        ("INVITE", {"sender": "pbx", "receiver": "device", "from_display": "", "from_uri": "sip:9@pbx"}),
        ("REGISTER", {"status": 401, "receiver": "device", "sender": "pbx"}),
        ("BYE", {"to_tag": "t", "from_display": ""}),
    ],
    ids=["taken", "an answer", "within a call"],
)
def test_what_a_device_places_after_what_is_not_looked_at(before):
    assert broken(before, ("INVITE", {"from_display": "Gate"})) == {"CFG-11"}


@pytest.mark.parametrize("transport", ["TCP", "TLS"])
def test_another_transport_than_the_one_that_is_set(transport):
    chosen = SETTINGS | {"transport": transport}
    assert broken(("REGISTER", {"transport": "UDP"}), settings=chosen) == {"CFG-06"}
    assert broken(("REGISTER", {}), settings=chosen) == set()


@pytest.mark.parametrize(
    "message",
    [
        ("INVITE", {"transport": "TCP"}),  # too large for UDP (RFC 3261 §18.1.1)
        ("INVITE", {"transport": "TLS", "request_uri": "sip:1@elsewhere;transport=tls"}),
        ("INVITE", {"sender": "pbx", "receiver": "device", "from_display": "", "from_uri": "sip:9@pbx"}),
        ("INVITE", {"to_tag": "t", "from_display": ""}),
        ("BYE", {"from_display": ""}),
        ("REGISTER", {"from_display": "door"}),
    ],
    ids=["large", "named", "taken", "within a call", "bye", "register"],
)
def test_what_a_device_is_free_to_do(message):
    assert broken(message) == set()


def test_while_settings_change_either_may_be_seen():
    assert broken(("INVITE", {"from_display": "New"}), changed={"display_name": "New"}) == set()


@pytest.mark.parametrize("method", ["ACK", "BYE", "CANCEL", "OPTIONS"])
def test_with_tls_nothing_goes_in_clear_within_a_call_either(method):
    tls = SETTINGS | {"transport": "TLS"}
    assert broken((method, {"transport": "UDP"}), settings=tls) == {"CFG-06"}
    assert broken((method, {}), settings=tls) == set()
    assert broken((method, {"transport": "UDP"}), settings=SETTINGS | {"transport": "TCP"}) == set()


NEAR, FAR = "sip:1@pbx;transport=tcp", "sip:1@pbx"
TOLD = {"to_tag": "t", "from_display": ""}


@pytest.mark.parametrize("method", ["BYE", "INVITE", "ACK"])
@pytest.mark.parametrize(
    ("transport", "uri", "route", "rows"),
    [
        ("UDP", NEAR, "", {"CFG-06"}),
        ("UDP", FAR, "<sip:gate;lr;transport=tcp>", {"CFG-06"}),
        ("UDP", FAR, "", set()),  # an address without a transport stands for UDP (RFC 3263 §4.1)
        ("UDP", NEAR, "<sip:gate;lr>", set()),
        ("TCP", NEAR, "", set()),
        ("TCP", FAR, "", set()),
        ("TLS", NEAR, "", set()),
    ],
)
def test_with_tcp_what_is_within_a_call_goes_by_it_where_the_other_side_says_so(
    method, transport, uri, route, rows
):
    headers = ({"name": "Route", "value": route},) if route else ()
    message = method, {"transport": transport, "request_uri": uri, "headers": headers, **TOLD}
    assert broken(message, settings=SETTINGS | {"transport": "TCP"}) == rows


def test_an_address_is_called_by_the_transport_that_it_names():
    tcp = SETTINGS | {"transport": "TCP"}
    named = {"transport": "UDP", "request_uri": "sip:1@elsewhere;transport=udp"}
    assert broken(("INVITE", named), settings=tcp) == set()
    assert broken(("INVITE", named | {"request_uri": NEAR}), settings=tcp) == {"CFG-06"}


GATE = {"address": "127.0.0.9", "port": 5080}


@pytest.mark.parametrize("method", ["REGISTER", "INVITE"])
def test_what_goes_past_the_proxy(method):
    proxied = SETTINGS | {"proxy": GATE}
    assert broken((method, {}), settings=proxied) == {"PRX-01"}
    for elsewhere in ({"destination": "127.0.0.9:5060"}, {"receiver": "proxy"}, {"destination": ""}):
        assert broken((method, elsewhere), settings=proxied) == set()
    assert broken((method, {}), settings=SETTINGS | {"proxy": GATE | {"address": "gate.example"}}) == set()
    assert broken((method, {}), settings=SETTINGS | {"proxy": None}) == set()
