"""The emulated Admin Portal as pages: log-in, devices, the form, the list of events, and what is kept out."""

import csv
import io
import json
import socket
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from portal_pages import GOOD, MODIFY, ServedPortal, Visitor, multipart, tags_of

from intercom_hil.emulator.pages.posted import MOST_PARTS, PostedError, read_posted
from intercom_hil.emulator.pages.sessions import IDLE_TIME, LONGEST_SESSION, SESSION_COOKIE, Sessions
from intercom_hil.emulator.vocabulary import WriteLine

EVIL = "\"><script>alert(1)</script>'&\u202e\x07"
LABELS = {
    "SIP Server": (
        "Domain Name / IP Address",
        "Port Number",
        "Polling Interval (seconds)",
        "Transport Protocol",
        "TLS Certificates",
        "Encryption",
    ),
    "Identifying the Station": (
        "Authentication Username",
        "Authentication Password",
        "Display Name",
        "SIP Extension",
    ),
    "Call number": ("Call number",),
    "Call Options": ("Microphone Volume", "Speaker Volume", "Call Timeout", "Video Calls"),
    "Allow Incoming Calls": ("Allow Incoming Calls",),
    "List of SIP URLs permitted to call the intercom": ("URL",),
    "Proxy Configuration": (
        "Authentication Username",
        "Domain Name / IP Address",
        "Authentication Password",
        "Port Number",
    ),
}
"""What the page words, typed from it."""


@pytest.fixture
def portal():
    with ServedPortal() as served:
        yield served


@pytest.fixture
def visitor(portal):
    return Visitor("127.0.41.2", portal.port)


@pytest.fixture
def admin(visitor):
    visitor.log_in()
    return visitor


# --- the seven steps --------------------------------------------------------------------------------


def test_the_seven_steps_lead_to_settings_in_force(portal, visitor):
    devices = visitor.follow(visitor.log_in())
    assert devices.links["Devices"] == "/devices"
    assert "Device Management" in devices.text
    assert "Not configured" in devices.text
    device = visitor.get(devices.links["Front door"])
    form = visitor.get(device.links["Modify"])
    assert not form.checked("enabled")
    done = visitor.follow(visitor.submit(page=form))
    assert "The settings are in force." in done.text
    (settings_in_force,) = portal.in_force
    assert settings_in_force.enabled
    assert (settings_in_force.extension, settings_in_force.speaker_volume) == ("3401", 60)
    assert settings_in_force.auth_password == "dummy-secret"
    assert settings_in_force.proxy is None
    portal.registration.write(WriteLine("sip registered"), 0.0)
    assert "Registered" in visitor.get("/devices").text
    assert "in force" not in visitor.get("/devices/door").text  # it is said once


def test_every_field_has_its_label_in_its_group(admin):
    form = admin.form()
    assert form.legends == [*LABELS]
    labels = [label for label in form.labels.values() if label != "SIP"]
    assert labels == [label for group in LABELS.values() for label in group]
    assert form.labels["enabled"] == "SIP"
    assert "SIP Configuration" in form.text
    named = {
        one["id"]
        for one in form.inputs
        if one.get("type") not in ("hidden", "submit") and one["tag"] != "button"
    }
    assert named == set(form.labels)
    wanted = ["RTP with Optional SRTP (Fallback Mode)", "SRTP-only"]
    assert all(f'<option value="{value}"' in form.body.decode() for value in wanted)
    assert form.ids["ca_certificate"]["accept"] == ".pem,.cer,.crt"


def test_what_is_in_force_stands_in_the_form_without_its_passwords(portal, admin):
    proxy = {
        "proxy.username": "edge",
        "proxy.address": "proxy.example.com",
        "proxy.password": "p4ss",
        "proxy.port": "443",
    }
    chosen = {"encryption": "SRTP-only", "transport": "TCP", "video_calls": "Incoming", **proxy}
    lists = {"further_numbers": ["3401", "sip:3402@10.0.0.9"], "permitted_callers": ["3400", ""]}
    admin.submit(chosen | lists)
    form = admin.form()
    for name, value in {**GOOD, **chosen}.items():
        if name not in ("enabled", "allow_incoming", "auth_password", "proxy.password"):
            assert form.value(name) == value, name
    assert form.checked("enabled")
    assert form.values("further_numbers") == lists["further_numbers"]
    assert form.values("permitted_callers") == ["3400"]
    for one in (form, admin.get("/devices/door"), admin.get("/devices")):
        assert b"dummy-secret" not in one.body
        assert b"p4ss" not in one.body
    assert form.value("auth_password") == form.value("proxy.password") == ""
    assert portal.in_force[-1].proxy.port == 443
    # A password that is left empty is kept; a proxy whose fields are emptied is none.
    admin.submit({"auth_password": "", "call_timeout": "12"}, page=form)
    assert (portal.in_force[-1].auth_password, portal.in_force[-1].proxy) == ("dummy-secret", None)
    admin.submit({"auth_password": "other"})
    assert portal.in_force[-1].auth_password == "other"


def test_the_plus_icon_adds_fields_and_what_was_entered_stays(portal, admin):
    form = admin.form()
    assert form.values("further_numbers") == []
    for count in (1, 2):
        entered = {
            "further_numbers": ["3401"] * (count - 1),
            "auth_password": "typed-once",
            "display_name": "Gate",
        }
        form = admin.submit(entered, action="add further_numbers", page=form)
        assert form.status == 200
        assert len(form.values("further_numbers")) == count
        assert "autofocus" in form.ids[f"further_numbers-{count - 1}"]
        assert form.value("display_name") == "Gate"
        assert b"typed-once" not in form.body
    assert [form.labels[f"further_numbers-{n}"] for n in (0, 1)] == ["Call Further Number for no Answer"] * 2
    form = admin.submit(
        {"further_numbers": ["3401", "3402", ""], "auth_password": ""},
        action="remove further_numbers 0",
        page=form,
    )
    assert form.values("further_numbers") == ["3402", ""]
    admin.submit({"further_numbers": ["3402", "", "3403"], "auth_password": ""}, page=form)
    assert portal.in_force[-1].further_numbers == ("3402", "3403")
    assert portal.in_force[-1].auth_password == "typed-once"


@pytest.mark.parametrize(
    "action", ["add", "add enabled", "add x", "remove further_numbers x", "remove", "?", ""]
)
def test_an_odd_action_adds_nothing(portal, admin, action):
    page = admin.submit({"further_numbers": ["1"], "server_port": "x"}, action=action)
    assert page.status in (200, 422)
    assert page.values("further_numbers") == ["1"]
    assert portal.in_force == []


REFUSED = {
    "server_address": ("sip server", "server_address", "SIP Server, Domain Name / IP Address"),
    "server_port": ("70000", "server_port", "SIP Server, Port Number"),
    "polling_interval": ("", "polling_interval", "SIP Server, Polling Interval (seconds)"),
    "transport": ("SCTP", "transport", "SIP Server, Transport Protocol"),
    "encryption": ("none", "encryption", "SIP Server, Encryption"),
    "auth_username": ("do or", "auth_username", "Identifying the Station, Authentication Username"),
    "extension": ("front-door", "extension", "Identifying the Station, SIP Extension"),
    "display_name": ("a\x07b", "display_name", "Identifying the Station, Display Name"),
    "call_number": ("bob@", "call_number", "Call number"),
    "further_numbers": (["3401", "", "sip:@a"], "further_numbers-1", "Call number, Call Further Number"),
    "microphone_volume": ("101", "microphone_volume", "Call Options, Microphone Volume"),
    "call_timeout": ("soon", "call_timeout", "Call Options, Call Timeout"),
    "video_calls": ("On", "video_calls", "Call Options, Video Calls"),
    "allow_incoming": ("sometimes", "allow_incoming", "Allow Incoming Calls"),
    "permitted_callers": (["a b"], "permitted_callers-0", "List of SIP URLs permitted"),
    "auth_password": ("", "auth_password", "Identifying the Station, Authentication Password"),
    "enabled": ("maybe", "enabled", "SIP Configuration, SIP"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_wrong_value_is_refused_beside_its_field(portal, admin, name):
    value, ident, where = REFUSED[name]
    refused = admin.submit({name: value})
    assert refused.status == 422
    assert "Error:" in refused.beside(ident)
    assert refused.ids[ident]["aria-invalid"] == "true"
    assert "autofocus" in refused.ids[ident]
    assert where in refused.text
    assert "Nothing was changed" in refused.text
    wrong = [one for one in refused.ids.values() if one.get("aria-invalid")]
    assert len(wrong) == 1
    assert portal.in_force == []
    assert admin.submit(page=refused).status == 303


def test_half_a_proxy_is_refused_by_the_fields_that_it_lacks(portal, admin):
    refused = admin.submit({"proxy.port": "0", "proxy.username": "edge"})
    assert refused.status == 422
    wrong = [name for name, one in refused.ids.items() if one.get("aria-invalid")]
    assert wrong == ["proxy-address", "proxy-password", "proxy-port"]
    assert "Proxy Configuration, Port Number : A number from 1 to 65535 is needed." in refused.text
    whole = {
        "proxy.address": "p.example",
        "proxy.password": "pw",
        "proxy.port": "443",
        "proxy.username": "edge",
    }
    assert admin.submit(whole, page=refused).status == 303
    assert portal.in_force[-1].proxy.address == "p.example"


def test_what_a_refused_form_had_is_shown_again_and_the_old_settings_stay(portal, admin):
    admin.submit()
    refused = admin.submit({"extension": EVIL, "display_name": "Gate", "allow_incoming": None})
    assert refused.value("display_name") == "Gate"
    assert not refused.checked("allow_incoming")
    assert [one.extension for one in portal.in_force] == ["3401"]
    assert admin.form().value("extension") == "3401"


def test_a_short_polling_interval_draws_a_warning(admin):
    done = admin.follow(admin.submit({"polling_interval": "5"}))
    assert "Polling Interval (seconds): 5 s is below the recommended 30 s" in done.text
    assert "Warning: 5 s is below" in admin.form().beside("polling_interval")
    assert "Warning" not in admin.follow(admin.submit({"polling_interval": "30"})).text


def test_a_certificate_is_uploaded_kept_and_taken_out(portal, admin, authority):
    pem = authority
    refused = admin.submit({"extension": ""}, [("ca_certificate", "ca.CRT", pem)])
    assert "Ready to be submitted: ca.CRT (Door CA <b>)" in refused.text
    admin.submit({"transport": "TLS"}, page=refused)
    assert portal.in_force[-1].ca_certificate.encode() == pem
    form = admin.form()
    assert "Uploaded: Door CA <b>" in form.text
    admin.submit({"transport": "TLS"}, [("ca_certificate", "", b"")], page=form)
    assert portal.in_force[-1].ca_certificate.encode() == pem
    admin.submit({"take_out_certificate": "on"})
    assert portal.in_force[-1].ca_certificate is None
    for filename, content in (("ca.txt", pem), ("ca.pem", b"no"), (EVIL, pem), ("a\r\nb.pem", b"")):
        refused = admin.submit({"server_port": "0"}, [("ca_certificate", filename, content)])
        assert refused.status == 422
        assert "Error:" in refused.beside("ca_certificate"), filename
        assert "Error:" in refused.beside("server_port")
    assert len(portal.in_force) == 3


# --- who may ----------------------------------------------------------------------------------------


def test_other_roles_see_no_way_in_and_are_refused(portal, admin):
    admin.submit()
    viewer = Visitor("127.0.41.2", portal.port)
    devices = viewer.follow(viewer.log_in("viewer", "viewer-secret"))
    device = viewer.get(devices.links["Front door"])
    assert "3401" in device.text
    assert "Modify" not in device.text
    assert "Settings" not in device.text
    assert viewer.form().status == 403
    token = {"token": device.value("token"), "draft": ""}
    fields = [*token.items(), *(GOOD | {"extension": "666"}).items()]
    refused = viewer.send("POST", MODIFY, *multipart(fields))
    assert refused.status == 403
    assert "Account Administrator" in refused.text
    assert [one.extension for one in portal.in_force] == ["3401"]


def test_without_a_log_in_every_page_leads_to_it(portal, visitor):
    for path in ("/", "/devices", "/devices/door", MODIFY, "/events", "/events/export?format=csv"):
        answer = visitor.get(path)
        assert (answer.status, answer.headers["location"]) == (303, "/login"), path
    assert visitor.send("POST", MODIFY, *multipart(GOOD.items())).headers["location"] == "/login"
    assert portal.in_force == []
    for account, password in (("admin", ""), ("admin", "viewer-secret"), ("nobody", "x"), ("", "")):
        refused = visitor.log_in(account, password)
        assert refused.status == 401
        assert "Unknown account or wrong password" in refused.text
        assert b"viewer-secret" not in refused.body
    assert SESSION_COOKIE not in visitor.cookies


def test_after_log_out_the_old_cookie_opens_nothing(admin):
    old = dict(admin.cookies)
    page = admin.get("/devices")
    assert admin.post("/logout", {"token": "wrong"}).status == 403
    assert admin.get("/devices").status == 200
    admin.follow(admin.post("/logout", {"token": page.value("token")}))
    admin.cookies = old
    assert admin.get("/devices").status == 303
    assert "Your session has ended" in admin.get("/login").text


def test_a_session_ends_after_a_while_and_there_are_never_too_many():
    now = [0.0]
    sessions = Sessions(lambda: now[0])

    def headers(name):
        return {"cookie": f"x=1; {SESSION_COOKIE}={name}"}

    used, idle = sessions.open("admin", "A"), sessions.open("admin", "A")
    while now[0] < LONGEST_SESSION - IDLE_TIME:
        now[0] += IDLE_TIME - 1
        assert sessions.find(headers(used))
    assert sessions.find(headers(idle)) is None
    now[0] = LONGEST_SESSION + 1
    assert sessions.find(headers(used)) is None
    first = sessions.open("admin", "A")
    for _ in range(100):
        sessions.open("viewer", "V")
    assert sessions.find(headers(first)) is None


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_another_sites_form_changes_nothing_even_with_cookie_and_token(portal, admin, headers):
    page = admin.form()
    fields = [("token", page.value("token")), *GOOD.items()]
    body, kind = multipart(fields)
    assert admin.send("POST", MODIFY, body, kind | headers).status == 403
    login = Visitor("127.0.41.2", portal.port)
    token = login.get("/login").value("token")
    claim = {"token": token, "account": "admin", "password": "admin-secret"}
    assert login.post("/login", claim, headers).status == 403
    assert portal.in_force == []


def test_a_form_without_its_token_changes_nothing(portal, admin):
    for token in ("", "x", "\u00e9", admin.cookies[SESSION_COOKIE]):
        assert admin.send("POST", MODIFY, *multipart([("token", token), *GOOD.items()])).status == 403
    stranger = Visitor("127.0.41.2", portal.port)
    token = stranger.get("/login").value("token")
    stranger.cookies.clear()
    claim = {"token": token, "account": "admin", "password": "admin-secret"}
    assert stranger.post("/login", claim).status == 403
    same = {"Origin": portal.url, "Sec-Fetch-Site": "same-origin"}
    body, kind = multipart([("token", admin.form().value("token")), *GOOD.items()])
    assert admin.send("POST", MODIFY, body, kind | same).status == 303


# --- safe pages -------------------------------------------------------------------------------------


def test_no_page_has_a_script_and_none_would_be_run(portal, admin):
    portal.happens("incoming_call_rejected", "Call Rejected", EVIL)
    paths = ("/devices", "/devices/door", MODIFY, "/events", "/login", "/nowhere", "/style.css", "/icon.svg")
    for path in paths:
        page = admin.get(path)
        policy = page.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; style-src 'self'")
        assert "unsafe" not in policy
        assert "script-src" not in policy
        assert page.headers["x-content-type-options"] == "nosniff"
        assert page.scripts == 0
        if page.status == 200 and "html" in page.headers["content-type"]:
            assert page.ids["main"]
            assert "Skip to the content" in page.links
            assert page.headers["cache-control"] == "no-store"


def test_what_the_device_took_in_becomes_text_in_every_page(portal, admin):
    plain = admin.submit({"display_name": "x", "call_number": "3400"})
    admin.follow(plain)
    portal.registration.write(WriteLine("sip unregistered", (("reason", "403"),)), 0.0)
    before = {path: tags_of(admin.get(path).body) for path in ("/devices", "/devices/door", "/events")}
    settings_now = portal.administration.settings
    portal.administration.settings = settings_now.with_changes({"display_name": EVIL, "extension": EVIL})
    portal.registration.write(WriteLine("sip unregistered", (("reason", EVIL),)), 0.0)
    portal.happens(EVIL, EVIL, EVIL)
    for path, tags in before.items():
        page = admin.get(path)
        assert b"<script" not in page.body
        assert "\u202e" not in page.body.decode()
        if path != "/events":
            assert tags_of(page.body) == tags
    assert admin.get("/events").text.count("alert(1)") == 3
    assert admin.form().value("display_name") == EVIL.replace("\u202e", "\ufffd").replace("\x07", "\ufffd")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("DELETE", MODIFY, 405),
        ("POST", "/events", 405),
        ("GET", "/logout", 405),
        ("GET", "/devices/cellar", 404),
        ("GET", "/style.css/../portal.py", 404),
        ("GET", "/events/export?format=doc", 400),
        ("POST", "/login", 400),
        ("HEAD", "/login", 200),
        ("HEAD", "/devices", 200),
    ],
)
def test_an_odd_request_gets_a_status(admin, method, path, status):
    assert admin.send(method, path).status == status
    assert admin.get("/devices").status == 200


@settings(max_examples=200, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=300),
        st.binary(max_size=60).map(lambda rest: b'--b\r\nContent-Disposition: form-data; name="a"' + rest),
        st.text('\r\n-b:;="na ', max_size=80).map(lambda text: b"--b" + text.encode()),
    ),
    st.sampled_from(
        ["multipart/form-data; boundary=b", "application/x-www-form-urlencoded", "text/plain", ""]
    ),
)
def test_whatever_is_posted_is_a_form_or_refused(body, kind):
    try:
        posted = read_posted(kind, body)
    except PostedError:
        return
    assert isinstance(posted.texts("a"), list)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.from_regex(r"[a-z.]{1,8}", fullmatch=True), st.text(max_size=40)), max_size=8),
    st.binary(max_size=99),
)
def test_a_form_is_read_as_it_was_written(fields, content):
    body, headers = multipart(fields, [("file", "ca.pem", content)])
    posted = read_posted(headers["Content-Type"], body)
    for name, _ in fields:
        assert posted.texts(name) == [value for other, value in fields if other == name]
    assert posted.file("file") == ("ca.pem", content)


def test_a_form_of_very_many_parts_is_refused(admin):
    fields = [("a", "")] * (MOST_PARTS + 1)
    body, headers = multipart(fields)
    with pytest.raises(PostedError):
        read_posted(headers["Content-Type"], body)
    with pytest.raises(PostedError):
        read_posted("application/x-www-form-urlencoded", b"a=&" * (MOST_PARTS + 1))
    assert admin.send("POST", MODIFY, b"x" * 300_000, headers).status == 413


def test_a_client_that_takes_in_nothing_does_not_stop_the_others(portal, admin):
    for number in range(400):
        portal.happens("incoming_call_rejected", "Call Rejected", f"{number} " + "x" * 2000)
    slow = socket.create_connection(("127.0.41.2", portal.port))
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    cookie = f"{SESSION_COOKIE}={admin.cookies[SESSION_COOKIE]}"
    request = f"GET /events/export?format=json HTTP/1.1\r\nHost: x\r\nCookie: {cookie}\r\n\r\n"
    slow.sendall(request.encode() * 20)
    assert admin.get("/devices").status == 200
    slow.close()


# --- events -----------------------------------------------------------------------------------------


def rows(page):
    return page.body.decode().replace("<wbr>", "").split('<tr role="row">')[2:]


def test_events_are_listed_newest_first_under_both_names(portal, admin):
    assert "There are no events yet" in admin.get("/events").text
    portal.happens("outgoing_call_initiated", "Dialing", at=1_800_000_000.0)
    portal.happens("outgoing_call_failure", "Call Failed", "busy: 486 Busy Here", at=1_800_000_001.5)
    page = admin.get("/events")
    newest, oldest = rows(page)
    for text in (
        ">2027-01-15<",
        ">08:00:01.500<",
        "Call Failed",
        "outgoing_call_failure",
        "busy: 486",
        "could not be made",
    ):
        assert text in newest
    assert "Dialing" in oldest
    assert "2 events" in page.text


def test_events_are_filtered_and_turned_over(portal, admin):
    for number in range(120):
        portal.happens("outgoing_call_initiated", "Dialing", f"to {number}.")
    portal.happens("incoming_call_received", "Incoming Call", "from Bob")
    assert len(rows(admin.get("/events"))) == 50
    last = admin.get("/events?page=3")
    assert len(rows(last)) == 21
    assert last.links["Newer"] == "/events?page=2"
    assert len(rows(admin.get("/events?screen=Incoming+Call"))) == 1
    assert "1 of 121 events" in admin.get("/events?event=incoming_call_received").text
    assert len(rows(admin.get("/events?text=BOB"))) == 1
    assert "No event fits" in admin.get("/events?text=nobody").text
    assert admin.get("/events?event=incoming_call_received").value("event") == "incoming_call_received"
    for odd in (
        "page=0",
        "page=-1",
        "page=x",
        "page=9999999",
        "page=٣",
        "screen=%FF",
        "&" * 1500,
        "a=1&" * 50,
    ):
        assert admin.get("/events?" + quote(odd, safe="&=%-")).status in (200, 400), odd


def test_events_are_exported_without_formulas(portal, admin):
    details = ['=HYPERLINK("http://evil")', "+49 30", "-1", "@x", 'busy, "quoted"\nline', "\ttab"]
    for text in details:
        portal.happens("outgoing_call_failure", "Call Failed", text)
    portal.happens("incoming_call_received", "Incoming Call", "plain")
    page = admin.get("/events?event=outgoing_call_failure")
    answer = admin.get(page.links["Export CSV"])
    assert 'filename="security-events.csv"' in answer.headers["content-disposition"]
    read = list(csv.DictReader(io.StringIO(answer.body.decode(), newline="")))
    assert [row["details"].removeprefix("'") for row in reversed(read)] == details
    assert not any(cell.startswith(("=", "+", "-", "@", "\t")) for row in read for cell in row.values())
    assert list(read[0]) == ["time", "event", "screen", "description", "details"]
    exact = json.loads(admin.get(page.links["Export JSON"]).body)
    assert [row["details"] for row in reversed(exact)] == details
    assert len(json.loads(admin.get("/events/export?format=json").body)) == 7
