"""The kinds of instruments that a bench file can name: ours, and those of other distributions.

A table is distinguished by its ``kind``, which names a class (``intercom_hil.instruments.kinds``), or one for
each role where the same name is an output's and an input's.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, SerializeAsAny

from intercom_hil import extensions
from intercom_hil.extensions import Registry
from intercom_hil.instruments.kinds import InputOptions, OutputOptions
from intercom_hil.instruments.shared_port import SharedPorts
from intercom_hil.instruments.supply import Supply
from intercom_hil.kinds import Kinds, chosen_from, kinds_registry
from intercom_hil.timeline.timeline import Append

INSTRUMENTS: Registry[Kinds] = kinds_registry(extensions.INSTRUMENTS, OutputOptions, InputOptions)
"""Every kind by the name that a table's ``kind`` has."""
AnyOutput = Annotated[SerializeAsAny[OutputOptions], BeforeValidator(chosen_from(INSTRUMENTS, OutputOptions))]
"""A table that describes an output of any kind."""
AnyInput = Annotated[SerializeAsAny[InputOptions], BeforeValidator(chosen_from(INSTRUMENTS, InputOptions))]
"""A table that describes an input of any kind."""


class PowerOptions(BaseModel):
    """The device's supply: an output, and what it does while nobody drives it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    output: AnyOutput
    normally_on: bool = True

    def make(self, ports: SharedPorts, *, append: Append, name: str = "supply") -> Supply:
        """Return the supply, not yet open. Raises BenchError as ``OutputOptions.make`` does."""
        switch = self.output.make_supply(ports, name=name, normally_on=self.normally_on)
        return Supply(switch, append=append, normally_on=self.normally_on, name=name)
