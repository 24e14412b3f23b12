"""The kinds of instruments a bench file can name, and how each is made.

What may come in: tables of a bench file, told apart by ``kind``. What goes out: instruments, not yet open.
Two that hang on the same board or cable share it, whatever name each table has for it.
"""

from __future__ import annotations

import os
import re
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from intercom_hil.errors import BenchError
from intercom_hil.instruments.command import CommandOutput
from intercom_hil.instruments.gpio import BiasName, DriveName, GpioInput, GpioOutput
from intercom_hil.instruments.modem_lines import InputLine, ModemInput, ModemOutput, OutputLine
from intercom_hil.instruments.numato_board import Board
from intercom_hil.instruments.numato_gpio import MOST_LINES, Bank, NumatoInput, NumatoOutput
from intercom_hil.instruments.numato_relay import CHANNELS, Relay
from intercom_hil.instruments.protocols import Input, Output
from intercom_hil.instruments.serial_console import SerialConsole
from intercom_hil.instruments.serial_line import SerialLine
from intercom_hil.instruments.supply import Supply
from intercom_hil.paths import Command, PortBeside, Words
from intercom_hil.timeline.timeline import Append


def _compilable(value: str) -> str:
    try:
        re.compile(value)
    except re.error as problem:
        raise ValueError(f"{value!r} is no regular expression: {problem}") from None
    return value


Expression = Annotated[str, AfterValidator(_compilable)]


class _Options(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _OutputOptions(_Options):
    hold: Annotated[float, Field(gt=0, le=10, description="s a press lasts, where this is a button")] = 0.1


class NumatoRelayOptions(_OutputOptions):
    """A relay of a Numato-style board."""

    kind: Literal["numato-relay"]
    port: PortBeside
    channel: Annotated[int, Field(ge=0, lt=len(CHANNELS))] = 0


class NumatoGpioOutputOptions(_OutputOptions):
    """A GPIO line of a Numato-style board, as an output."""

    kind: Literal["numato-gpio"]
    port: PortBeside
    line: Annotated[int, Field(ge=0, lt=MOST_LINES)]
    active_low: bool = False


class GpioOutputOptions(_OutputOptions):
    """A GPIO line of the machine, as an output."""

    kind: Literal["gpio"]
    chip: Annotated[str, Field(min_length=1, description="device path, name or label")]
    line: Annotated[int | str, Field(description="offset or name")]
    active_low: bool = False
    bias: BiasName = "as-is"
    drive: DriveName = "push-pull"


class ModemOutputOptions(_OutputOptions):
    """RTS or DTR of a serial cable."""

    kind: Literal["serial-line"]
    port: PortBeside
    line: OutputLine


class CommandOptions(_OutputOptions):
    """Commands that switch something."""

    kind: Literal["command"]
    on: Command
    off: Command
    state: Words = ()
    on_text: Expression = r"\bon\b"
    off_text: Expression = r"\boff\b"
    within: Annotated[float, Field(gt=0, le=120, description="s one command may take")] = 10.0


class NumatoGpioInputOptions(_Options):
    """A GPIO line of a Numato-style board, as an input."""

    kind: Literal["numato-gpio"]
    port: PortBeside
    line: Annotated[int, Field(ge=0, lt=MOST_LINES)]
    active_low: bool = False


class GpioInputOptions(_Options):
    """A GPIO line of the machine, as an input."""

    kind: Literal["gpio"]
    chip: Annotated[str, Field(min_length=1, description="device path, name or label")]
    line: Annotated[int | str, Field(description="offset or name")]
    active_low: bool = False
    bias: BiasName = "as-is"
    debounce: Annotated[float, Field(ge=0, le=1, description="s a level must be stable")] = 0.0


class ModemInputOptions(_Options):
    """CTS, DSR, DCD or RI of a serial cable."""

    kind: Literal["serial-line"]
    port: PortBeside
    line: InputLine
    active_low: bool = False


OutputOptions = Annotated[
    NumatoRelayOptions | NumatoGpioOutputOptions | GpioOutputOptions | ModemOutputOptions | CommandOptions,
    Field(discriminator="kind"),
]
"""What can press a button or switch a supply."""

InputOptions = Annotated[
    NumatoGpioInputOptions | GpioInputOptions | ModemInputOptions, Field(discriminator="kind")
]
"""What can sense a contact."""


class PowerOptions(_Options):
    """The device's supply: an output, and what it does while nobody drives it."""

    output: OutputOptions
    normally_on: bool = True


_Shared = TypeVar("_Shared", Bank, SerialLine)


class Catalogue:
    """Makes the instruments of one bench. Must be made and used inside a running event loop."""

    def __init__(self) -> None:
        self._banks: dict[str, Bank] = {}
        self._lines: dict[str, SerialLine] = {}

    def output(self, options: OutputOptions, *, name: str = "output") -> Output:
        """Return the output that a table describes.

        Args:
            options: the table.
            name: what messages call it where it has no place of its own.

        Raises:
            BenchError: it cannot be together with what was made before.
        """
        match options:
            case NumatoRelayOptions():
                return Relay(self._bank(options.port).board, CHANNELS[options.channel])
            case NumatoGpioOutputOptions():
                return NumatoOutput(self._bank(options.port), options.line, active_low=options.active_low)
            case GpioOutputOptions():
                return GpioOutput(
                    options.chip,
                    options.line,
                    active_low=options.active_low,
                    bias=options.bias,
                    drive=options.drive,
                )
            case ModemOutputOptions():
                return ModemOutput(self._line(options.port), options.line)
            case CommandOptions():
                return _command(options, name)

    def input(self, options: InputOptions) -> Input:
        """Return the input that a table describes. Raises BenchError as ``output`` does."""
        match options:
            case NumatoGpioInputOptions():
                return NumatoInput(self._bank(options.port), options.line, active_low=options.active_low)
            case GpioInputOptions():
                return GpioInput(
                    options.chip,
                    options.line,
                    active_low=options.active_low,
                    bias=options.bias,
                    debounce=options.debounce,
                )
            case ModemInputOptions():
                return ModemInput(self._line(options.port), options.line, active_low=options.active_low)

    def power(self, options: PowerOptions, *, append: Append, name: str = "supply") -> Supply:
        """Return the supply that a table describes. Raises BenchError as ``output`` does."""
        output = options.output
        switch: Output
        if isinstance(output, CommandOptions):
            switch = _command(output, name, inverted=options.normally_on)
        else:
            switch = self.output(output, name=name)
        return Supply(switch, append=append, normally_on=options.normally_on, name=name)

    def console(self, port: str, *, baudrate: int = 115_200) -> SerialConsole:
        """Return the console at a port; it shares the line with its modem lines. Raises BenchError."""
        return SerialConsole(port, baudrate=baudrate, line=self._line(port))

    def _bank(self, port: str) -> Bank:
        _apart(port, self._lines)
        return self._banks.setdefault(_real(port), Bank(Board(port)))

    def _line(self, port: str) -> SerialLine:
        _apart(port, self._banks)
        return self._lines.setdefault(_real(port), SerialLine(port))


def named(options: OutputOptions | InputOptions) -> str:
    """Return where an output or input is: its port or chip, or the first word of its command."""
    match options:
        case GpioOutputOptions() | GpioInputOptions():
            return f"{options.chip} {options.line}"
        case CommandOptions():
            return options.on[0]
        case _:
            return options.port


def _command(options: CommandOptions, name: str, *, inverted: bool = False) -> CommandOutput:
    return CommandOutput(
        on=options.on,
        off=options.off,
        state=options.state,
        on_text=options.on_text,
        off_text=options.off_text,
        within=options.within,
        inverted=inverted,
        name=name,
    )


def _real(port: str) -> str:
    return os.path.realpath(port) if port.startswith("/") else port


def _apart(port: str, others: dict[str, _Shared]) -> None:
    if _real(port) in others:
        raise BenchError(
            "it is both a relay board and a serial cable", port, "give each its own port in the bench file"
        )
