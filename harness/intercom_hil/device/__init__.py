"""The intercom as scenarios see it: configure it, press its button, read what it logs, shows and plays.

What comes in are instruments (console, button, speaker capture) and a way to its settings; what goes out
are typed observations on the timeline. A device of another make differs in adapters and in its console
layout, not in the Intercom.
"""

from intercom_hil.device.configurator import Configurator, Submission
from intercom_hil.device.configurator_kinds import ConfiguratorContext, ConfiguratorOptions
from intercom_hil.device.emulated import EmulatedDevice, Ready
from intercom_hil.device.intercom import Intercom
from intercom_hil.device.portal import ANONYMOUS, Account, Portal
from intercom_hil.device.speaker import Speaker
from intercom_hil.event_sources.console_reader import ConsoleReader
from intercom_hil.layouts.event_fields import EventFields
from intercom_hil.layouts.known import KEYED, LAYOUTS
from intercom_hil.layouts.layout import Layout

__all__ = [
    "ANONYMOUS",
    "KEYED",
    "LAYOUTS",
    "Account",
    "Configurator",
    "ConfiguratorContext",
    "ConfiguratorOptions",
    "ConsoleReader",
    "EmulatedDevice",
    "EventFields",
    "Intercom",
    "Layout",
    "Portal",
    "Ready",
    "Speaker",
    "Submission",
]
