"""Bytes to meaning: SIP, SDP, URIs, TLS hellos, frames, HEP. Media and capture files are next door.

Every function is pure or keeps only the state of the stream it is fed. Every parser is total: it returns a
value or raises one subclass of ``WireError`` that carries the offending bytes.
"""

from intercom_hil.wire.error import WireError

__all__ = ["WireError"]
