"""What is seen in the pages of the emulated portal, in a real Chromium: whole, and with faults."""

import pytest

from intercom_hil.admin_portal.configurator import BrowserConfigurator
from intercom_hil.admin_portal.options import BrowserOptions
from intercom_hil.browser.portal_map import read_map
from intercom_hil.portal_pages.viewer import PortalViewer
from intercom_hil.spec.form_labels import FORM_LABELS
from tests.emulator.portal_pages import GOOD, ServedPortal, Visitor

pytestmark = [pytest.mark.chromium, pytest.mark.nightly]

FORM = {
    "enabled": True,
    "server_address": "10.0.0.5",
    "server_port": 5060,
    "polling_interval": 3600,
    "transport": "UDP",
    "ca_certificate": None,
    "encryption": "",
    "auth_username": "frontdoor9",
    "auth_password": "dummy-secret",
    "display_name": "Front Door",
    "extension": "3401",
    "call_number": "3410",
    "further_numbers": ["3411", "3412"],
    "microphone_volume": 31,
    "speaker_volume": 62,
    "call_timeout": 30,
    "video_calls": "Off",
    "allow_incoming": True,
    "permitted_callers": ["3410"],
    "proxy": None,
}


class Place:
    """A portal with faults, configured, and somebody who looks at it."""

    def __init__(self, *faults):
        self.faults = faults

    async def __aenter__(self):
        self.portal = ServedPortal(*self.faults)
        self.portal.__enter__()
        admin = Visitor("127.0.41.2", self.portal.port)
        admin.log_in()
        admin.submit(
            GOOD
            | {
                "auth_username": "frontdoor9",
                "further_numbers": ["3411", "3412"],
                "permitted_callers": ["3410"],
                "call_number": "3410",
                "video_calls": "Off",
                "microphone_volume": "31",
                "speaker_volume": "62",
            }
        )
        accounts = {"account": "admin", "password": "admin-secret", "viewer": "viewer"}
        options = BrowserOptions(url=self.portal.url, viewer_password="viewer-secret", **accounts)
        self.viewer = PortalViewer(BrowserConfigurator(options, append=lambda *_: None))
        return self

    async def __aexit__(self, *_):
        await self.viewer.close()
        self.portal.__exit__()

    @property
    def settings(self):
        return self.portal.administration.settings


async def test_the_form_has_every_setting_under_its_label():
    async with Place() as at:
        seen = await at.viewer.form()
        assert seen.looked == seen.found == tuple(read_map().settings)
        assert set(seen.found) == FORM_LABELS.keys()
        assert seen.values["auth_username"] == "frontdoor9"
        assert seen.values["further_numbers"] == "3411, 3412"
        assert (seen.values["enabled"], seen.values["allow_incoming"]) == ("on", "on")
        assert (seen.values["encryption"], seen.values["transport"]) == ("", "UDP")
        assert seen.values["auth_password"] == "masked"


async def test_each_look_leaves_a_picture_in_the_folder_of_its_scenario(tmp_path):
    async with Place() as at:
        at.viewer.begin(tmp_path)
        await at.viewer.form()
        await at.viewer.way_in("viewer")
        await at.viewer.add_entry("further_numbers")
    assert [file.name for file in sorted(tmp_path.glob("portal/*"))] == [
        "001-the-form.jpg",
        "002-the-way-to-the-form-as-viewer.jpg",
        "003-the-address-of-the-form-as-viewer.jpg",
        "004-one-more-entry-of-further-numbers.jpg",
    ]


@pytest.mark.parametrize(
    ("by", "address"), [("viewer", "closed"), ("nobody", "closed"), ("administrator", "open")]
)
async def test_doors_are_closed_to_other_roles(by, address):
    async with Place() as at:
        seen = await at.viewer.way_in(by)
        assert seen.values == {"shown": "yes" if by == "administrator" else "no", "address": address}


@pytest.mark.parametrize(
    ("fault", "by", "values"),
    [
        ("form-shown-to-other-roles", "viewer", {"shown": "yes", "address": "closed"}),
        ("form-hidden-not-refused", "viewer", {"shown": "no", "address": "open"}),
    ],
)
async def test_doors_that_are_open_are_found(fault, by, values):
    async with Place(fault) as at:
        assert (await at.viewer.way_in(by)).values == values


@pytest.mark.parametrize(("fault", "accepted"), [("", False), ("form-hidden-not-refused", True)])
async def test_who_may_not_tries_every_way_to_submit_the_form(fault, accepted):
    async with Place(*filter(None, [fault])) as at:
        answer = await at.viewer.submit({**FORM, "call_number": "3466"}, "viewer")
        assert answer.accepted is accepted
        assert at.settings.call_number == ("3466" if accepted else "3410")


async def test_wrong_values_are_refused_by_the_name_of_their_field_past_the_browser():
    async with Place() as at:
        before = at.settings
        for name, value in (("auth_username", "front door"), ("server_port", 70_000)):
            refused = await at.viewer.submit({**FORM, name: value}, "administrator")
            assert not refused.accepted
            assert name in refused.fields
        assert at.settings == before


async def test_a_list_gets_a_box_by_the_plus_icon():
    async with Place() as at:
        assert (await at.viewer.add_entry("further_numbers")).found
    async with Place("plus-icon-dead") as at:
        assert not (await at.viewer.add_entry("further_numbers")).found


async def test_new_rows_of_the_list_of_events_are_found_however_full_it_is():
    async with Place() as at:
        kinds = [("outgoing_call_initiated", "Dialing"), ("outgoing_call_failure", "Call Failed")]
        happened = [
            (*kind, f"press {number}", 1_800_000_000 + number) for number in range(120) for kind in kinds
        ]
        for name, screen, details, when in happened[:-2]:  # several pages
            at.portal.happens(name, screen, details, at=when)
        assert await at.viewer.events() == []
        for name, screen, details, when in happened[-2:]:
            at.portal.happens(name, screen, details, at=when)
        assert await at.viewer.events() == [(screen, name) for name, screen in kinds]
        assert await at.viewer.events() == []
