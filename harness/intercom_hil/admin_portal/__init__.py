"""The device's settings through the pages of its Admin Portal: in a browser, by a portal map.

``options`` is the table of a bench file, ``configurator`` submits forms, ``closed_door`` has somebody try who
may not, ``evidence`` keeps pictures and steps.
"""
