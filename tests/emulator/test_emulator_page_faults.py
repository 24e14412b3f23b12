"""Each fault of the portal's pages changes what it says it does, and on good pages that is otherwise."""

import json
import re

import pytest
from portal_pages import GOOD, MODIFY, ServedPortal, Visitor, multipart

from intercom_hil.emulator.faults import EXPLORED, FAULTS, OF_PAGES, VARIANTS, wrap_pages
from intercom_hil.emulator.page_rules import PageRules

WRONG = {"auth_username": "do or"}


def settings_of(portal):
    return portal.administration.settings


def attributes_checked(portal, admin):
    fields = admin.form().inputs
    return [one["id"] for one in fields if one.keys() & {"required", "pattern", "min"}]


def wrong_value_past_the_browser(portal, admin):
    admin.submit()
    return admin.submit(WRONG).status, settings_of(portal).auth_username


def viewer_submits(portal, admin):
    admin.submit()
    viewer = Visitor("127.0.41.2", portal.port)
    device = viewer.follow(viewer.log_in("viewer", "viewer-secret"))
    fields = [("token", device.value("token")), *(GOOD | {"call_number": "666"}).items()]
    return viewer.send("POST", MODIFY, *multipart(fields)).status, settings_of(portal).call_number


def viewer_sees(portal, admin):
    viewer = Visitor("127.0.41.2", portal.port)
    viewer.log_in("viewer", "viewer-secret")
    return "Modify" in viewer.get("/devices/door").links, viewer.form().status


def labels(portal, admin):
    return admin.form().labels


def toggled_off(portal, admin):
    admin.submit()
    admin.submit({"allow_incoming": None, "enabled": None})
    form = admin.form()
    return form.checked("enabled"), form.checked("allow_incoming")


def errors_shown(portal, admin):
    return [name for name, one in admin.submit(WRONG).ids.items() if one.get("aria-invalid")]


def warnings_shown(portal, admin):
    return "below the recommended" in admin.follow(admin.submit({"polling_interval": "5"})).text


def plus_pressed(portal, admin):
    return admin.submit(action="add further_numbers").values("further_numbers")


def uploaded(portal, admin, pem):
    admin.submit({"transport": "TLS"}, [("ca_certificate", "ca.pem", pem)])
    return settings_of(portal).ca_certificate is not None


def password_field(portal, admin):
    admin.submit()
    return admin.form().ids["auth_password"]["type"], b"dummy-secret" in admin.form().body


def listed(portal, admin):
    admin.get("/events")
    portal.happens("outgoing_call_initiated", "Dialing")
    return re.findall(r"<b>(\w+)</b></td>", admin.get("/events").body.decode())


def exported(portal, admin):
    portal.happens("outgoing_call_initiated", "Dialing")
    return [row["screen"] for row in json.loads(admin.get("/events/export?format=json").body)]


SHOWN = {
    "browser-checks-nothing": (attributes_checked, None, []),
    "browser-check-trusted": (wrong_value_past_the_browser, (422, "3401"), (303, "3401")),
    "form-hidden-not-refused": (viewer_submits, (403, "3400"), (303, "666")),
    "form-shown-to-other-roles": (viewer_sees, (False, 403), (True, 403)),
    "wrong-label": (lambda *them: labels(*them)["call_timeout"], "Call Timeout", "Ring Time"),
    "swapped-labels": (lambda *them: labels(*them)["extension"], "SIP Extension", "Authentication Username"),
    "toggle-not-kept": (toggled_off, (False, False), (False, True)),
    "sip-toggle-not-kept": (toggled_off, (False, False), (True, False)),
    "error-at-wrong-field": (errors_shown, ["auth_username"], ["server_address"]),
    "error-at-no-field": (errors_shown, ["auth_username"], []),
    "polling-warning-not-shown": (warnings_shown, True, False),
    "plus-icon-dead": (plus_pressed, [""], []),
    "password-shown": (password_field, ("password", False), ("text", True)),
    "event-list-stale": (listed, ["Dialing"], []),
    "event-name-for-screen-name": (exported, ["Dialing"], ["outgoing_call_initiated"]),
}
"""What is looked at, how it is on good pages (None: somehow), and how with the fault."""


def seen(look, *faults):
    with ServedPortal(*faults) as portal:
        admin = Visitor("127.0.41.2", portal.port)
        admin.log_in()
        return look(portal, admin)


@pytest.mark.parametrize("name", SHOWN)
def test_a_fault_of_the_pages_shows(name):
    look, good, bad = SHOWN[name]
    well = seen(look)
    assert well == good if good is not None else well
    assert seen(look, name) == bad


def test_an_uploaded_certificate_can_be_forgotten(authority):
    assert seen(lambda *them: uploaded(*them, authority))
    assert not seen(lambda *them: uploaded(*them, authority), "uploaded-certificate-forgotten")


def test_every_fault_of_the_pages_is_looked_at_and_says_what_it_breaks():
    assert SHOWN.keys() | {"uploaded-certificate-forgotten"} == OF_PAGES.keys()
    assert not OF_PAGES.keys() & (FAULTS.keys() | EXPLORED.keys() | VARIANTS.keys())
    for name, make in OF_PAGES.items():
        fault = make()
        assert fault.name == name
        assert len(fault.description.splitlines()) == 1
        assert all(re.fullmatch(r"[A-Z]{3}-\d\d", requirement) for requirement in fault.breaks)
        assert bool(fault.breaks) == (name != "browser-checks-nothing")


def test_faults_of_the_pages_go_together():
    rules = wrap_pages(["wrong-label", "button-dead", "plus-icon-dead", "swapped-labels"])
    assert rules.label("call_timeout", "Call Timeout") == "Ring Time"
    assert rules.label("extension", "SIP Extension") == "Authentication Username"
    assert not rules.adds_field()
    assert rules.masks() is PageRules().masks() is True
