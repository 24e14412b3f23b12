"""What touches hardware: the console, outputs, inputs and power of a device, and one adapter per kind of box.

Four small protocols say what may be asked of an instrument; one file holds one adapter, with the facts of
its protocol, and the catalogue makes them from a bench file's tables. Bytes from serial lines and levels
come in; complete dated lines, dated edges, confirmed output states and a ``lost`` future that tells of an
unplugged cable go out. Nothing here knows what an intercom is.
"""

from intercom_hil.instruments.button import Button
from intercom_hil.instruments.factory import Catalogue, InputOptions, OutputOptions, PowerOptions
from intercom_hil.instruments.numato_board import Board
from intercom_hil.instruments.numato_relay import Relay
from intercom_hil.instruments.protocols import Console, Input, OnEdge, OnLine, Output, Power
from intercom_hil.instruments.reopening import ReopeningConsole
from intercom_hil.instruments.safety import opened
from intercom_hil.instruments.serial_console import SerialConsole
from intercom_hil.instruments.supply import Supply

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
