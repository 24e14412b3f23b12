"""What an instrument's kind knows of itself: the options of its table, what it uses up, and how it is made.

A kind is a subclass of ``OutputOptions`` or ``InputOptions``: a pydantic model of the table in a bench file,
which also says what ``bench new`` asks for, what no other bench may use meanwhile, and which adapter to make.
So a new kind is one class in one file; ``intercom_hil.instruments.registry`` finds it by its name.
"""

from __future__ import annotations

import abc
import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    Field,
)

from intercom_hil.instruments.protocols import Input, Output
from intercom_hil.instruments.serial_names import port_identity
from intercom_hil.instruments.shared_port import SharedPorts
from intercom_hil.kinds import Kind
from intercom_hil.paths import PortBeside


def _compilable(value: str) -> str:
    try:
        re.compile(value)
    except re.error as problem:
        raise ValueError(f"{value!r} is no regular expression: {problem}") from None
    return value


Expression = Annotated[str, AfterValidator(_compilable)]


class InstrumentOptions(Kind):
    """The table of an instrument."""

    @property
    @abc.abstractmethod
    def where(self) -> str:
        """Where it is, in a word or two, for ``bench check``: its port, chip or host."""

    @abc.abstractmethod
    def claims(self) -> Mapping[str, str]:
        """Return what no other bench may use meanwhile, each with the field that names it.

        The names are the same for whoever means the same thing. A field is empty where it takes all of them.
        """


class OutputOptions(InstrumentOptions):
    """The table of what can press a button or switch a supply."""

    hold: Annotated[float, Field(gt=0, le=10, description="s a press lasts, where this is a button")] = 0.1

    @abc.abstractmethod
    def make(self, ports: SharedPorts, *, name: str) -> Output:
        """Return the output, not yet open. Called inside a running event loop.

        Args:
            ports: the boards and cables of the bench, which several instruments may share.
            name: what messages call it where it has no place of its own.

        Raises:
            BenchError: it cannot be together with what was made before.
        """

    def make_supply(self, ports: SharedPorts, *, name: str, normally_on: bool) -> Output:
        """Return the output as the switch of a supply whose normal state is the inactive one.

        A contact in the supply's lead is active when it is driven, whatever hangs on it. What is a supply by
        itself, such as an outlet, overrides this: where ``normally_on``, it is active when it is off.
        """
        return self.make(ports, name=name)


class InputOptions(InstrumentOptions):
    """The table of what can sense a contact."""

    @abc.abstractmethod
    def make(self, ports: SharedPorts, *, name: str) -> Input:
        """Return the input, not yet open; as ``OutputOptions.make``."""


class OnPort(BaseModel):
    """What kinds have in common whose table names a serial port; to be named before the base of the role."""

    port: PortBeside

    @property
    def where(self) -> str:
        """The port."""
        return self.port

    def claims(self) -> Mapping[str, str]:
        """Return the port: one bench at a time has it."""
        return {port_identity(self.port): "port"}
