"""Where a device tells its events, beside its console: syslog, a webhook, an exported log file.

What comes in are bytes from the network or a file, which may be anything; what goes out are typed contents,
each by the witness it came from. Of several sources the first is judged and the others are compared with it.
"""

from harness.device.event_sources.duties import Duties, shared_out
from harness.device.event_sources.log_file import LogEntry, LogFileError, read_log
from harness.device.event_sources.raw_log import RawLog
from harness.device.event_sources.source import EventSource
from harness.device.event_sources.syslog import SyslogReceiver, TlsIdentity, Transport
from harness.device.event_sources.syslog_framing import FramingError, SyslogFramer
from harness.device.event_sources.syslog_message import SyslogMessage
from harness.device.event_sources.teller import Teller
from harness.device.event_sources.webhook import WebhookReceiver

__all__ = [
    "Duties",
    "EventSource",
    "FramingError",
    "LogEntry",
    "LogFileError",
    "RawLog",
    "SyslogFramer",
    "SyslogMessage",
    "SyslogReceiver",
    "Teller",
    "TlsIdentity",
    "Transport",
    "WebhookReceiver",
    "read_log",
    "shared_out",
]
