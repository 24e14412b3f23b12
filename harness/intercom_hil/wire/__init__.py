"""Bytes to meaning, and nothing else: SIP, SDP, RTP, SRTP, G.711, tones, frames, capture files, HEP.

Bytes from the network come in, values go out. Every function here is pure or keeps only the state of the
stream it is fed; every parser is total: it returns a value or raises one subclass of ``WireError`` that
carries the offending bytes. Nobody here knows another room of the harness.
"""

from intercom_hil.wire.error import WireError

__all__ = ["WireError"]
