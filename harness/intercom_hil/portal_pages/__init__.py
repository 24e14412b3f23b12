"""The Admin Portal's pages as people see them, looked at in a browser: the list of events, and the form.

``viewer`` looks at the form and its doors, ``page_source`` reads the list of events as an event source, by
``event_list`` and ``listed_rows``. The browser is opened when something is looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from intercom_hil.admin_portal.options import BrowserOptions
    from intercom_hil.device.configurator import Configurator
    from intercom_hil.device.configurator_kinds import ConfiguratorContext
    from intercom_hil.device.page_viewer import PageViewer


def page_viewer(
    options: BrowserOptions | None, way: Configurator, context: ConfiguratorContext
) -> PageViewer | None:
    """Return who looks at a portal's pages; None where the bench has no browser for that.

    Args:
        options: the table of the browser, complete.
        way: the way to the device's settings: a browser that is used for them is used for looking, too.
        context: what a browser of its own is made with.

    Raises:
        BenchError: the portal map cannot be used.
    """
    if options is None:
        return None
    from intercom_hil.admin_portal.configurator import BrowserConfigurator
    from intercom_hil.browser.portal_map import shipped_map
    from intercom_hil.portal_pages.viewer import PortalViewer

    own = not isinstance(way, BrowserConfigurator)
    browser = BrowserConfigurator(options, append=context.append, learn=context.learn) if own else way
    assert isinstance(browser, BrowserConfigurator)
    return PortalViewer(browser, str(options.map or shipped_map()))
