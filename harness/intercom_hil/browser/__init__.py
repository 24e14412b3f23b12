"""Admin Portals in a real browser: what is clicked and filled in is data, a portal map.

``portal_map`` is the map, ``wanted`` what a configuration means for its fields, ``chromium`` the browser,
``session`` somebody at the portal who takes the map's steps, ``form`` the form with its settings. Playwright
is imported when a browser is opened, and not before.
"""
