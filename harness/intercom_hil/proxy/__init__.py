"""A real SIP proxy in front of the PBX: Kamailio, on a process host of its own.

What enters are an address, the server behind it and credentials; what leaves are the settings with which a
device gets through. What passes through it is seen on the wire.
"""
