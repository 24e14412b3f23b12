"""Instruments for the contracts, each wired to a far end at which a test can look, pull and unplug.

Some are made of a simulated chip or of a real port and are only there where the kernel has those; the rest
runs anywhere.
"""

import fcntl
import os
import struct
import termios
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from intercom_hil.contracts import Rig
from intercom_hil.instruments import AnyOutput, OutputOptions, SharedPorts
from tests.contracts import hid_board
from tests.contracts.poe_switch import PoeSwitch
from tests.contracts.relay_boxes import LcusBoard, ShellyFirst, ShellySecond, Tasmota
from tests.contracts.serial_peers import NumatoBoard, PtyPeer, Rfc2217Peer, TcpPeer
from tests.gpio.gpio_sim import SimulatedChip, available

GUEST = "INTERCOM_HIL_GPIO_GUEST"
"""Environment variable, set in the virtual machine: its second serial port may be looped."""

_OUTPUTS: TypeAdapter[OutputOptions] = TypeAdapter(AnyOutput)
OUTLETS = ("command", "shelly-relay", "tasmota-relay", "snmp-poe")
"""Kinds that are on or off for the device; contacts are closed or not."""
_LOOPED_PORT = "/dev/ttyS1"


def _relay(kind):
    def make(folder):
        peer = kind(NumatoBoard()).start()
        board = peer.answer

        def force(on):
            board.relays[3] = on

        return Rig(
            {"kind": "numato-relay", "port": peer.url, "channel": 3},
            peer.url,
            active=lambda: board.relays[3],
            force=force,
            history=lambda: [on for line, on in board.changes if line == 3],
            unplug=peer.unplug,
            close=peer.unplug,
        )

    return make


def _lcus(tells):
    def make(folder):
        board = LcusBoard(tells)
        peer = PtyPeer(board).start()

        def force(on):
            board.relays[1] = on

        def active():
            if tells == "none":  # nobody tells when the board has done what it was sent
                board.catch_up(peer)
            return board.relays[1]

        return Rig(
            {"kind": "lcus-relay", "port": peer.url, "channel": 2, "state": tells},
            peer.url,
            confirms=tells != "none",
            active=active,
            force=force,
            history=lambda: (active(), [on for channel, on in board.changes if channel == 2])[1],
            unplug=peer.unplug,
            close=peer.unplug,
        )

    return make


def _http_box(kind, table):
    def make(folder):
        box = kind()

        def force(on):
            box.on = on

        return Rig(
            {**table, "url": box.url},
            box.url,
            active=lambda: box.on,
            force=force,
            history=lambda: box.changes,
            close=box.close,
            on_is_powered=True,
        )

    return make


def _poe(folder):
    switch = PoeSwitch()

    def force(on):
        switch.on = on

    table = {"kind": "snmp-poe", "address": switch.address, "snmp_port": switch.port, "interface": 7}
    return Rig(
        table,
        switch.address,
        active=lambda: switch.on,
        force=force,
        history=lambda: switch.changes,
        close=switch.close,
        on_is_powered=True,
    )


def _numato_output(lines, line, *, active_low=False):
    def make(folder):
        board = NumatoBoard(lines=lines)
        peer = PtyPeer(board).start()
        driven = (lambda: not board.inputs >> line & 1) if active_low else (lambda: True)
        return Rig(
            {"kind": "numato-gpio", "port": peer.url, "line": line, "active_low": active_low},
            peer.url,
            active=lambda: driven() and bool(board.levels >> line & 1) is not active_low,
            history=lambda: [level is not active_low for which, level in board.changes if which == line],
            unplug=peer.unplug,
            close=peer.unplug,
        )

    return make


def _numato_input(lines, line, *, notifies, active_low=False):
    def make(folder):
        board = NumatoBoard(lines=lines, notifies=notifies)
        peer = PtyPeer(board).start()
        board.say = peer.send
        board.pull(line, active_low)
        return Rig(
            {"kind": "numato-gpio", "port": peer.url, "line": line, "active_low": active_low},
            peer.url,
            force=lambda active: board.pull(line, active is not active_low),
            unplug=peer.unplug,
            close=peer.unplug,
        )

    return make


def _modem_output(line):
    def make(folder):
        peer = Rfc2217Peer().start()
        return Rig(
            {"kind": "serial-line", "port": peer.url, "line": line},
            peer.url,
            active=lambda: getattr(peer.port, line),
            history=lambda: [active for which, active in peer.port.driven if which == line],
            unplug=peer.unplug,
            close=peer.unplug,
        )

    return make


def _modem_input(line):
    def make(folder):
        peer = Rfc2217Peer().start()
        return Rig(
            {"kind": "serial-line", "port": peer.url, "line": line},
            peer.url,
            force=lambda active: peer.sense(line, active),
            unplug=peer.unplug,
            close=peer.unplug,
        )

    return make


def _commands(*, confirms):
    def make(folder):
        switch, log = folder / "switch", folder / "log"
        switch.write_text("off")

        def write(word):
            return ["/bin/sh", "-c", f'echo {word} | tee -a "$1" >"$0"', str(switch), str(log)]

        table = {"kind": "command", "on": write("on"), "off": write("off")}
        if confirms:
            table["state"] = ["cat", str(switch)]
        return Rig(
            table,
            "output",
            confirms=confirms,
            active=lambda: switch.read_text().strip() == "on",
            force=lambda on: switch.write_text("on" if on else "off") and None,
            history=lambda: [word == "on" for word in log.read_text().split()],
            on_is_powered=True,
        )

    return make


def _gpio(kind, **table):
    """A line of a simulated chip. Its pull is what an input reads, and an output that is closed."""

    def make(folder):
        chip = SimulatedChip("SPARE", "DOOR")
        active_low = table.get("active_low", False)
        chip.pull(1, active_low)

        def force(active):
            chip.pull(1, active is not active_low)

        return Rig(
            {"kind": "gpio", "chip": chip.label, "line": "DOOR", **table},
            f"GPIO {chip.label} line DOOR",
            active=(lambda: chip.level(1) is not active_low) if kind == "output" else None,
            force=force if kind == "input" else None,
            unplug=chip.unplug,
            close=chip.unplug,
        )

    return make


def _hid(folder):
    board = hid_board.HidBoard(2)

    def force(on):
        board.relays[2] = on

    return Rig(
        {"kind": "hid-relay", "board": board.path, "channel": 2},
        board.path,
        active=lambda: board.relays[2],
        force=force,
        history=lambda: [on for number, on in board.changes if number == 2],
        unplug=board.unplug,
        close=board.unplug,
    )


def _looped(line):
    """A real UART whose modem outputs are led back to its inputs inside the chip (MCR bit 4): RTS to CTS."""

    table = {"kind": "serial-line", "port": _LOOPED_PORT, "line": line}

    def make(folder):
        fd = os.open(_LOOPED_PORT, os.O_RDWR | os.O_NONBLOCK | os.O_NOCTTY)
        fcntl.ioctl(fd, termios.TIOCMBIS, struct.pack("I", 0x8000))  # TIOCM_LOOP
        fcntl.ioctl(fd, termios.TIOCMBIC, struct.pack("I", termios.TIOCM_RTS))

        def bits():
            return struct.unpack("I", fcntl.ioctl(fd, termios.TIOCMGET, bytes(4)))[0]

        def drive(on):
            fcntl.ioctl(fd, termios.TIOCMBIS if on else termios.TIOCMBIC, struct.pack("I", termios.TIOCM_RTS))

        ports = SharedPorts()
        # an output on RTS, even a closed one, keeps RTS as it is when the port is opened for something else
        _OUTPUTS.validate_python(table | {"line": "rts"}).make(ports, name="output")
        return Rig(
            table,
            _LOOPED_PORT,
            ports=ports,
            forces_beforehand=False,
            active=lambda: bool(bits() & termios.TIOCM_CTS),
            force=drive,
            close=lambda: os.close(fd),
        )

    return make


OUTPUTS = {
    "relay-pty": _relay(PtyPeer),
    "relay-socket": _relay(TcpPeer),
    "numato-gpio-8": _numato_output(8, 3),
    "numato-gpio-64-active-low": _numato_output(64, 40, active_low=True),
    "rts-rfc2217": _modem_output("rts"),
    "lcus-relay": _lcus("none"),
    "lcus-relay-frame": _lcus("frame"),
    "lcus-relay-text": _lcus("text"),
    "shelly-relay-1": _http_box(ShellyFirst, {"kind": "shelly-relay", "generation": 1, "channel": 1}),
    "shelly-relay-2": _http_box(ShellySecond, {"kind": "shelly-relay", "channel": 1}),
    "tasmota-relay": _http_box(Tasmota, {"kind": "tasmota-relay"}),
    "snmp-poe": _poe,
    "command": _commands(confirms=True),
    "command-without-state": _commands(confirms=False),
}
INPUTS = {
    "numato-gpio-16": _numato_input(16, 5, notifies=True),
    "numato-gpio-16-active-low": _numato_input(16, 5, notifies=True, active_low=True),
    "numato-gpio-8-asked": _numato_input(8, 5, notifies=False),
    "cts-rfc2217": _modem_input("cts"),
}
POWER = {
    name: OUTPUTS[name]
    for name in (
        "relay-pty",
        "numato-gpio-64-active-low",
        "command",
        "lcus-relay-text",
        "shelly-relay-2",
        "tasmota-relay",
        "snmp-poe",
    )
}
"""What supplies are tried over: they add little to an output."""
if available():
    OUTPUTS |= {
        "gpio-sim": _gpio("output"),
        "gpio-sim-active-low": _gpio("output", active_low=True),
    }
    INPUTS |= {
        "gpio-sim": _gpio("input"),
        "gpio-sim-active-low": _gpio("input", active_low=True),
        "gpio-sim-debounced": _gpio("input", debounce=0.002),
    }
if hid_board.available():
    OUTPUTS["hid-relay"] = _hid
if os.environ.get(GUEST):
    OUTPUTS["rts-looped"] = _looped("rts")
    INPUTS["cts-looped"] = _looped("cts")


@dataclass
class Desk:
    """The instruments that a bench file names, by table; an emulated device has none."""

    consoles: dict[str, dict]
    outputs: dict[str, dict]
    inputs: dict[str, dict]
    supplies: dict[str, dict]

    @classmethod
    def of(cls, path: Path | None) -> "Desk":
        device = tomllib.loads(path.read_text(encoding="utf-8")).get("device", {}) if path else {}
        button = {"kind": "numato-relay", **device["button"]} if "button" in device else None
        return cls(
            consoles={"bench-console": device["console"]} if "console" in device else {},
            outputs={"bench-button": button} if button else {},
            inputs={f"bench-{name}": table for name, table in device.get("inputs", {}).items()},
            supplies={"bench-power": device["power"]} if "power" in device else {},
        )


def hardware(table: dict, normally_on: bool | None = None) -> Callable[[Path], Rig]:
    """Return what makes a rig of real hardware: nobody is at its far end."""
    confirms = table["kind"] != "command" or bool(table.get("state"))
    where = str(table.get("port", ""))
    return lambda folder: Rig(
        table, where, confirms=confirms, normally_on=normally_on, on_is_powered=table["kind"] in OUTLETS
    )
