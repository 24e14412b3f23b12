"""The intercom as scenarios see it: configure it, press its button, read what it logs, shows and plays.

What comes in are instruments (console, button, speaker capture) and a way to its settings; what goes out
are typed observations on the timeline. A device of another make differs in adapters and in its console
layout, not in the Intercom.

Here stands what a kind of configurator is written with; reading a bench file needs no more of this room.
"""

from intercom_hil.device.configurator import Configurator, Submission
from intercom_hil.device.configurator_kinds import ConfiguratorContext, ConfiguratorOptions

__all__ = ["Configurator", "ConfiguratorContext", "ConfiguratorOptions", "Submission"]
