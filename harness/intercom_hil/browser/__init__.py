"""Admin Portals in a real browser: what is clicked and filled in is data, a portal map.

``portal_map`` is the map, ``chromium`` the browser, ``session`` somebody who is logged in at the portal and
takes the map's steps, ``form`` the form with its settings, ``configurator`` what brings settings to the
device. Playwright is imported when a browser is opened, and not before.
"""
