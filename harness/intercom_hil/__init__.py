"""A bench that finds out whether a SIP door intercom does what its documentation promises.

The rooms, from the ground up, are in docs/architecture.md. ``emulator`` is a device under test, met only over
sockets, serial lines and ptys.
"""
