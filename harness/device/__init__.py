"""The intercom as scenarios see it: configure it, press its button, read what it logs, shows and plays.

What comes in are instruments (console, button, speaker capture) and a way to its settings; what goes out
are typed observations on the timeline. A device of another make differs in adapters and in its console
layout, not in the Intercom.
"""

from harness.device.configurator import Configurator, Submission
from harness.device.console_layout import Layout
from harness.device.console_reader import ConsoleReader
from harness.device.emulated import EmulatedDevice, Ready
from harness.device.event_fields import EventFields
from harness.device.intercom import Intercom
from harness.device.layouts import KEYED, LAYOUTS, layout_named
from harness.device.portal import ANONYMOUS, Account, Portal
from harness.device.speaker import Speaker

__all__ = [
    "ANONYMOUS",
    "KEYED",
    "LAYOUTS",
    "Account",
    "Configurator",
    "ConsoleReader",
    "EmulatedDevice",
    "EventFields",
    "Intercom",
    "Layout",
    "Portal",
    "Ready",
    "Speaker",
    "Submission",
    "layout_named",
]
