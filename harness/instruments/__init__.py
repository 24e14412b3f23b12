"""What touches hardware: the console, outputs, inputs and power of a device, and one adapter per kind of box.

Four small protocols say what may be asked of an instrument; one file holds one adapter, with the facts of
its protocol. Bytes from serial lines come in; complete dated lines, confirmed output states and a
``lost`` future that tells of an unplugged cable go out. Nothing here knows what an intercom is.
"""

from harness.instruments.button import Button
from harness.instruments.numato_relay import Board, Relay
from harness.instruments.protocols import Console, Input, OnEdge, OnLine, Output, Power
from harness.instruments.serial_console import SerialConsole

__all__ = [
    "Board",
    "Button",
    "Console",
    "Input",
    "OnEdge",
    "OnLine",
    "Output",
    "Power",
    "Relay",
    "SerialConsole",
]
