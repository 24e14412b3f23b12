"""The PBX: Asterisk in a place of its own, under the bench's control, and what it has to say as a witness.

In come endpoints, routes and the order to start or stop; onto the timeline go the SIP messages the PBX saw
(after decryption), its events and its log.
"""

from intercom_hil.pbx.config import TlsTransport
from intercom_hil.pbx.endpoint import Endpoint
from intercom_hil.pbx.pbx import Pbx

__all__ = ["Endpoint", "Pbx", "TlsTransport"]
