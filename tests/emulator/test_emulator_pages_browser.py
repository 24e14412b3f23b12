"""The emulated Admin Portal in a real browser: by the keyboard alone, at three widths, judged by axe."""

import pytest
from chromium import Chromium, axe_core
from portal_pages import ServedPortal

PAGES = ("/login", "/devices", "/devices/door", "/devices/door/modify", "/events", "/nowhere")


@pytest.fixture
def portal():
    with ServedPortal() as served:
        yield served


@pytest.fixture
async def browser(tmp_path):
    running = await Chromium.start(tmp_path / "profile")
    try:
        yield running
    finally:
        await running.close()


async def log_in(browser, portal):
    await browser.open(f"{portal.url}/login")
    await browser.tab_to("Account")
    await browser.type("admin")
    await browser.tab_to("Password")
    await browser.type("admin-secret")
    await browser.press("Enter")
    await browser.until("location.pathname === '/devices'")


async def open_form(browser):
    await browser.tab_to("Devices")
    await browser.press("Enter")
    await browser.until("location.pathname === '/devices' && document.activeElement === document.body")
    await browser.tab_to("Front door")
    await browser.press("Enter")
    await browser.until("location.pathname === '/devices/door'")
    await browser.tab_to("Settings")
    await browser.press("Enter")
    await browser.tab_to("Modify")
    await browser.press("Enter")
    await browser.until("location.pathname === '/devices/door/modify'")
    await browser.tab_to("SIP Configuration")
    await browser.press("Enter")


async def fill_in(browser, fields):
    for group, name, text in fields:
        await browser.tab_to(name, group)
        await browser.type(text)


async def test_the_seven_steps_are_done_by_the_keyboard_alone(portal, browser):
    await log_in(browser, portal)
    await open_form(browser)
    await browser.tab_to("SIP")
    await browser.press("Space")
    await fill_in(browser, [("SIP Server", "Domain Name / IP Address", "sip.example.com")])
    await fill_in(browser, [("SIP Server", "Port Number", "5061"), ("", "Polling Interval (seconds)", "20")])
    await fill_in(browser, [("SIP Server", "Transport Protocol", "TL")])
    await browser.tab_to("TLS Certificates")  # which is there for TLS alone
    await browser.tab_to("Encryption")
    await browser.type("SR")
    station = "Identifying the Station"
    await fill_in(browser, [(station, "Authentication Username", "3401")])
    await fill_in(
        browser, [(station, "Authentication Password", "pässword"), (station, "SIP Extension", "3401")]
    )
    await fill_in(browser, [("Call number", "Call number", "front desk")])
    await browser.press("Enter")  # in a text box it submits, and the browser's own check finds it wrong
    assert await browser.value("document.activeElement.id") == "call_number"
    assert await browser.value("document.activeElement.matches(':invalid')")
    await browser.value("document.activeElement.select()")
    await browser.type("3400")
    for place, number in enumerate(("3405", "sip:3406@10.0.0.9")):
        await browser.tab_to("Add Call Further Number for no Answer")
        await browser.press("Space")
        await browser.until(f"document.activeElement.id === 'further_numbers-{place}'")
        await browser.type(number)
    await browser.tab_to("Video Calls")
    await browser.type("Bo")
    await browser.tab_to("Allow Incoming Calls")
    await browser.press("Space")
    await browser.tab_to("Submit")
    await browser.press("Enter")
    await browser.until("location.pathname === '/devices/door'")
    said = await browser.value("document.querySelector('main').innerText")
    assert "The settings are in force." in said
    assert "below the recommended 30 s" in said
    (got,) = portal.in_force
    assert (got.enabled, got.server_address, got.server_port, got.polling_interval) == (
        True,
        "sip.example.com",
        5061,
        20,
    )
    assert (got.transport, got.encryption, got.video_calls) == ("TLS", "SRTP-only", "Both")
    assert (got.auth_username, got.auth_password, got.extension) == ("3401", "pässword", "3401")
    assert (got.call_number, got.further_numbers) == ("3400", ("3405", "sip:3406@10.0.0.9"))
    assert got.allow_incoming is False


async def test_a_refused_form_leads_the_keyboard_to_the_field(portal, browser):
    await log_in(browser, portal)
    await browser.open(f"{portal.url}/devices/door/modify")
    await browser.tab_to("SIP Configuration")
    await browser.press("Enter")
    fields = [("SIP Server", "Domain Name / IP Address", "a b"), ("", "Authentication Username", "1")]
    await fill_in(browser, [*fields, ("Identifying the Station", "Authentication Password", "p")])
    await fill_in(browser, [("", "SIP Extension", "1"), ("", "Call number", "1")])
    await browser.press("Enter")
    await browser.until(
        "document.title.startsWith('Error:') && document.activeElement.id === 'server_address'"
    )
    described = "document.activeElement.getAttribute('aria-describedby').split(' ')"
    texts = await browser.value(f"{described}.map(id => document.getElementById(id).textContent)")
    assert "Error: Neither an IP address nor a domain name." in texts
    assert portal.in_force == []


async def pages_with_something_on_them(portal, browser):
    portal.happens("outgoing_call_failure", "Call Failed", "busy: 486 Busy Here " + "x" * 200)
    for path in PAGES:
        if path == PAGES[1]:
            await log_in(browser, portal)
        await browser.open(f"{portal.url}{path}")
        await browser.value("document.querySelectorAll('details').forEach(one => one.open = true)")
        yield path


async def test_no_page_is_wider_than_its_window(portal, browser):
    async for path in pages_with_something_on_them(portal, browser):
        for width in (390, 1024, 1440):
            await browser.size(width)
            wide = await browser.value("document.documentElement.scrollWidth")
            assert wide <= width, path


@pytest.mark.nightly
async def test_axe_finds_nothing_serious(portal, browser):
    found, script = [], axe_core()
    async for path in pages_with_something_on_them(portal, browser):
        for width, dark in ((390, False), (1440, False), (1440, True)):
            await browser.size(width, dark=dark)
            await browser.value(f"{script}; 0")
            told = await browser.value(
                "axe.run().then(r => r.violations.map(v => [v.impact, v.id, v.nodes.map(n => n.html)]))",
                wait=True,
            )
            found += [(path, width, dark, *one) for one in told]
    assert found == []
