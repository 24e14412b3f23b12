"""Where a device tells its events, beside its console: syslog, a webhook, an exported log file.

What comes in are bytes from the network or a file, which may be anything; what goes out are typed contents,
each by the witness it came from. Of several sources the first is judged and the others are compared with it.
"""

from intercom_hil.event_sources.log_file import LogEntry, LogFileError, read_log
from intercom_hil.event_sources.publisher import EventPublisher
from intercom_hil.event_sources.raw_log import RawLog
from intercom_hil.event_sources.roles import SourceRole, assign_roles
from intercom_hil.event_sources.source import EventSource, TlsIdentity
from intercom_hil.event_sources.source_kinds import Listening, LiveSourceOptions, SourceContext, SourceOptions
from intercom_hil.event_sources.syslog import SyslogReceiver, Transport
from intercom_hil.event_sources.syslog_framing import FramingError, SyslogFramer
from intercom_hil.event_sources.syslog_message import SyslogMessage
from intercom_hil.event_sources.webhook import WebhookReceiver

__all__ = [
    "EventPublisher",
    "EventSource",
    "FramingError",
    "Listening",
    "LiveSourceOptions",
    "LogEntry",
    "LogFileError",
    "RawLog",
    "SourceContext",
    "SourceOptions",
    "SourceRole",
    "SyslogFramer",
    "SyslogMessage",
    "SyslogReceiver",
    "TlsIdentity",
    "Transport",
    "WebhookReceiver",
    "assign_roles",
    "read_log",
]
