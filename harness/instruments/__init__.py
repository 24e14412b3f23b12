"""What touches hardware: the console, outputs, inputs and power of a device, and one adapter per kind of box.

Four small protocols say what may be asked of an instrument; one file holds one adapter, with the facts of
its protocol, and the catalogue makes them from a bench file's tables. Bytes from serial lines and levels
come in; complete dated lines, dated edges, confirmed output states and a ``lost`` future that tells of an
unplugged cable go out. Nothing here knows what an intercom is.
"""

from harness.instruments.button import Button
from harness.instruments.catalogue import Catalogue, InputOptions, OutputOptions, PowerOptions
from harness.instruments.numato_board import Board
from harness.instruments.numato_relay import Relay
from harness.instruments.protocols import Console, Input, OnEdge, OnLine, Output, Power
from harness.instruments.reopening import ReopeningConsole
from harness.instruments.safety import opened
from harness.instruments.serial_console import SerialConsole
from harness.instruments.supply import Supply

__all__ = [
    "Board",
    "Button",
    "Catalogue",
    "Console",
    "Input",
    "InputOptions",
    "OnEdge",
    "OnLine",
    "Output",
    "OutputOptions",
    "Power",
    "PowerOptions",
    "Relay",
    "ReopeningConsole",
    "SerialConsole",
    "Supply",
    "opened",
]
