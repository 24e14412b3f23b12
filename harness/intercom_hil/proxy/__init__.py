"""A real SIP proxy in front of the PBX: Kamailio, in a container of its own.

In come an address, the server behind it and credentials; out go a proxy that asks for them, and its end.
What passes through it is seen on the wire.
"""
