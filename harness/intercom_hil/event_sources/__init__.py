"""Where a device reports its events, beside its console: syslog, a webhook, an exported log file.

What comes in are bytes from the network or a file, which may be anything; what goes out are typed contents,
each by the witness it came from. Of several sources the first is judged and the others are compared with it.

Here stands what a kind of source is written with; reading a bench file needs no more of this room.
"""

from intercom_hil.event_sources.publisher import EventPublisher
from intercom_hil.event_sources.roles import SourceRole, assign_roles
from intercom_hil.event_sources.source import EventSource, TlsIdentity
from intercom_hil.event_sources.source_kinds import Listening, LiveSourceOptions, SourceContext, SourceOptions

__all__ = [
    "EventPublisher",
    "EventSource",
    "Listening",
    "LiveSourceOptions",
    "SourceContext",
    "SourceOptions",
    "SourceRole",
    "TlsIdentity",
    "assign_roles",
]
