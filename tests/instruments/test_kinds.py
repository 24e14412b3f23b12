"""The tables of a bench file: what each becomes, and what is refused."""

import pytest
from pydantic import TypeAdapter, ValidationError

from intercom_hil.adapters.command import CommandOutput
from intercom_hil.adapters.gpio import GpioInput, GpioOutput
from intercom_hil.adapters.modem_lines import ModemInput, ModemOutput
from intercom_hil.adapters.numato_board import Board
from intercom_hil.adapters.numato_gpio import NumatoInput, NumatoOutput
from intercom_hil.adapters.numato_relay import Relay
from intercom_hil.errors import BenchError
from intercom_hil.instruments import AnyInput, AnyOutput, PowerOptions, SerialConsole, SharedPorts
from intercom_hil.instruments.serial_names import remedy_for_absence, stable_name_of, stable_names
from intercom_hil.timeline import Timeline

OUTPUT, INPUT = TypeAdapter(AnyOutput), TypeAdapter(AnyInput)

PORT = "/dev/ttyACM7"


def made(adapter, ports, table):
    return adapter.validate_python(table).make(ports, name="instrument")


OUTPUTS = [
    ({"kind": "numato-relay", "port": PORT, "channel": 10}, Relay),
    ({"kind": "numato-gpio", "port": PORT, "line": 40, "active_low": True}, NumatoOutput),
    ({"kind": "gpio", "chip": "gpiochip0", "line": "BUTTON", "drive": "open-drain"}, GpioOutput),
    ({"kind": "gpio", "chip": "gpiochip0", "line": 17, "bias": "pull-up"}, GpioOutput),
    ({"kind": "serial-line", "port": "rfc2217://h:1", "line": "dtr"}, ModemOutput),
    ({"kind": "command", "on": ["plug", "on"], "off": "plug 'off now'"}, CommandOutput),
]
INPUTS = [
    ({"kind": "numato-gpio", "port": PORT, "line": 7}, NumatoInput),
    ({"kind": "gpio", "chip": "gpiochip0", "line": 17, "debounce": 0.01}, GpioInput),
    ({"kind": "serial-line", "port": "rfc2217://h:1", "line": "ri", "active_low": True}, ModemInput),
]
WRONG = [
    (
        {"kind": "relay"},
        "no such kind .* use numato-relay, numato-gpio, .*command",
    ),
    ({"port": PORT}, "a kind is missing; use numato-relay"),
    ({"kind": "numato-relay"}, "Field required"),
    ({"kind": "numato-relay", "port": PORT, "channel": 32}, "less than 32"),
    ({"kind": "numato-relay", "port": ""}, "at least 1 character"),
    ({"kind": "numato-gpio", "port": PORT, "line": 128}, "less than 128"),
    ({"kind": "gpio", "chip": "c", "line": 1, "bias": "up"}, "pull-up"),
    ({"kind": "gpio", "chip": "c", "line": 1, "hold": 0}, "greater than 0"),
    ({"kind": "serial-line", "port": PORT, "line": "cts"}, "'rts' or 'dtr'"),
    ({"kind": "command", "on": [], "off": "x"}, "at least 1 item"),
    ({"kind": "command", "on": "'", "off": "x"}, "No closing quotation"),
    ({"kind": "command", "on": "x", "off": "x", "on_text": "("}, "no regular expression"),
    ({"kind": "command", "on": "x", "off": "x", "shell": True}, "Extra inputs"),
]


@pytest.mark.parametrize(("table", "kind"), OUTPUTS)
async def test_a_table_becomes_an_output(table, kind):
    assert type(OUTPUT.validate_python(table).make(SharedPorts(), name="output")) is kind
    power = PowerOptions(output=table).make(SharedPorts(), append=Timeline().append)
    assert type(power.output) is kind


@pytest.mark.parametrize(("table", "kind"), INPUTS)
async def test_a_table_becomes_an_input(table, kind):
    assert type(INPUT.validate_python(table).make(SharedPorts(), name="input")) is kind


@pytest.mark.parametrize(("table", "told"), WRONG)
def test_a_wrong_table_is_refused(table, told):
    with pytest.raises(ValidationError, match=told):
        OUTPUT.validate_python(table)


async def test_what_is_on_one_board_shares_it_by_whatever_name(tmp_path):
    link = tmp_path / "board"
    link.symlink_to(PORT)
    ports = SharedPorts()
    first = made(OUTPUT, ports, {"kind": "numato-relay", "port": PORT})
    second = made(INPUT, ports, {"kind": "numato-gpio", "port": str(link), "line": 1})
    assert first.board is second.bank.board
    assert isinstance(first.board, Board)


async def test_a_port_cannot_be_a_board_and_a_cable():
    ports = SharedPorts()
    made(OUTPUT, ports, {"kind": "numato-relay", "port": PORT})
    with pytest.raises(BenchError, match="both a relay board and a serial cable"):
        SerialConsole.on(ports, PORT)
    SerialConsole.on(ports, "/dev/ttyUSB7")
    with pytest.raises(BenchError, match="both a serial cable and a relay board"):
        made(OUTPUT, ports, {"kind": "numato-relay", "port": "/dev/ttyUSB7"})


def test_ports_are_told_by_their_stable_names(tmp_path):
    folder, port = tmp_path / "by-id", tmp_path / "ttyUSB3"
    assert stable_names(folder) == []
    assert "none is plugged in" in remedy_for_absence(folder)
    folder.mkdir()
    port.touch()
    stable = folder / "usb-FTDI_FT232R_A1B2C3D4-if00-port0"
    stable.symlink_to(port)
    assert stable_names(folder) == [stable]
    assert stable_name_of(str(port), folder) == stable
    assert stable_name_of(str(stable), folder) is None
    assert stable_name_of(str(tmp_path / "none"), folder) is None
    assert str(stable) in remedy_for_absence(folder)
