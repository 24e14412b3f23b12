"""The bench library: everything that drives, watches and judges an intercom.

Rooms, from the ground up: ``spec``, ``wire``, ``timeline``, then the witnesses and hands (``instruments``,
``capture``, ``pbx``, ``peer``), the ``device`` they add up to, ``judge``, ``evidence``, and ``bench``, which
assembles them from a bench file. ``emulator`` is a device under test and is met only over sockets and ptys.
"""
