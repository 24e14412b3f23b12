"""The kinds of instruments that a bench file can name: ours, and those of other distributions.

A table is told apart by its ``kind``, which names a class (``intercom_hil.instruments.kinds``), or one for
each role where the same name is an output's and an input's.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from functools import partial
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, SerializeAsAny, ValidationError, ValidationInfo
from pydantic_core import InitErrorDetails, PydanticCustomError

from intercom_hil import extensions
from intercom_hil.extensions import ExtensionError, Registry
from intercom_hil.instruments.kinds import InputOptions, InstrumentOptions, OutputOptions
from intercom_hil.instruments.shared_port import SharedPorts
from intercom_hil.instruments.supply import Supply
from intercom_hil.timeline.timeline import Append

Kinds = tuple[type[InstrumentOptions], ...]
_Role = TypeVar("_Role", OutputOptions, InputOptions)


def _kinds(loaded: object) -> Kinds:
    found = loaded if isinstance(loaded, tuple) else (loaded,)
    for kind in found:
        if not (isinstance(kind, type) and issubclass(kind, OutputOptions | InputOptions)):
            raise TypeError("it is no subclass of OutputOptions or InputOptions, and no tuple of such")
        if inspect.isabstract(kind):
            raise TypeError(f"{kind.__name__} lacks {', '.join(sorted(kind.__abstractmethods__))}")
    return found


INSTRUMENTS: Registry[Kinds] = Registry(extensions.INSTRUMENTS, _kinds)
"""Every kind by the name that a table's ``kind`` has."""


def kinds_of(role: type[_Role]) -> Iterator[tuple[str, type[_Role] | ExtensionError]]:
    """Yield the kinds of a role, each with its class; one that cannot be loaded, with the reason."""
    for name, found in INSTRUMENTS.usable():
        if isinstance(found, ExtensionError):
            yield name, found
        else:
            yield from ((name, kind) for kind in found if issubclass(kind, role))


def _chosen(role: type[_Role], value: Any, info: ValidationInfo) -> Any:
    """Return the options of a table, by its kind."""
    if isinstance(value, role):
        return value
    if not isinstance(value, dict):
        raise PydanticCustomError("table_expected", "a table with a kind is expected")
    name = value.get("kind")
    if not isinstance(name, str):
        raise _wrong(role, value, f"a kind is missing; use {_names(role)}")
    try:
        found = [kind for kind in INSTRUMENTS[name] if issubclass(kind, role)] if name in INSTRUMENTS else []
    except ExtensionError as problem:
        raise _wrong(role, value, f"{problem.what}; {problem.remedy}") from None
    if not found:
        raise _wrong(role, value, f"no such kind is known here; use {_names(role)}")
    return found[0].model_validate(value, context=info.context)


def _names(role: type[_Role]) -> str:
    """Return the kinds of a role as a message lists them; those of other distributions say whose they are."""
    told = []
    for name, kind in kinds_of(role):
        origin = INSTRUMENTS.origin(name)
        broken = "broken, " if isinstance(kind, ExtensionError) else ""
        told.append(f"{name} ({broken}of {origin})" if origin else name)
    return ", ".join(told)


def _wrong(role: type[_Role], value: dict[str, Any], message: str) -> ValidationError:
    # Braces in a template are places for values; the message is one of them, so it may hold any.
    error = PydanticCustomError("instrument_kind", "{message}", {"message": message})
    details = InitErrorDetails(type=error, loc=("kind",), input=value.get("kind"))
    return ValidationError.from_exception_data(role.__name__, [details])


AnyOutput = Annotated[SerializeAsAny[OutputOptions], BeforeValidator(partial(_chosen, OutputOptions))]
"""A table that describes an output of any kind."""
AnyInput = Annotated[SerializeAsAny[InputOptions], BeforeValidator(partial(_chosen, InputOptions))]
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
