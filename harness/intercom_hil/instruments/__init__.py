"""What instruments have in common: what may be asked of them, how they are opened and shared, their kinds.

Four small protocols (console, output, input, power) are all that scenarios meet. Adapters of single pieces of
hardware are in ``intercom_hil.adapters``, or in other distributions; ``registry`` finds them by the
``kind`` of a bench file's table. Nothing here knows what an intercom is.
"""

from intercom_hil.instruments.button import Button
from intercom_hil.instruments.kinds import InputOptions, InstrumentOptions, OnPort, OutputOptions
from intercom_hil.instruments.protocols import Console, Input, OnEdge, OnLine, Output, Power
from intercom_hil.instruments.registry import INSTRUMENTS, AnyInput, AnyOutput, PowerOptions
from intercom_hil.instruments.reopening import ReopeningConsole
from intercom_hil.instruments.safety import opened
from intercom_hil.instruments.serial_console import SerialConsole
from intercom_hil.instruments.shared_port import SharedPorts
from intercom_hil.instruments.supply import Supply
from intercom_hil.kinds import Wizard

__all__ = [
    "INSTRUMENTS",
    "AnyInput",
    "AnyOutput",
    "Button",
    "Console",
    "Input",
    "InputOptions",
    "InstrumentOptions",
    "OnEdge",
    "OnLine",
    "OnPort",
    "Output",
    "OutputOptions",
    "Power",
    "PowerOptions",
    "ReopeningConsole",
    "SerialConsole",
    "SharedPorts",
    "Supply",
    "Wizard",
    "opened",
]
