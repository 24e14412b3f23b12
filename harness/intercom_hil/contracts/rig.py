"""A rig: one instrument and its far end, where a test can look, pull and unplug."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, ParamSpec, TypeVar

import pytest
from pydantic import TypeAdapter

from intercom_hil.instruments import (
    AnyInput,
    AnyOutput,
    Input,
    InputOptions,
    Output,
    OutputOptions,
    SharedPorts,
)

_OUTPUTS: TypeAdapter[OutputOptions] = TypeAdapter(AnyOutput)
_INPUTS: TypeAdapter[InputOptions] = TypeAdapter(AnyInput)
_Ability = TypeVar("_Ability")
_Given = ParamSpec("_Given")


@dataclass
class Rig:
    """One instrument's table and its far end.

    Where nobody is at the far end, as with hardware on a desk, the functions are None, and the tests that
    need them are skipped.

    Attributes:
        table: the instrument's table of a bench file. Its ``kind`` is one that comes along or is installed.
        where: what a message about it names: port, address or line.
        confirms: whether ``set`` reads the new state back.
        active: returns whether the far end sees the output active.
        force: makes it so from the far end: an output left on by somebody else, a contact that closes.
        history: returns every state that the far end saw the output take, in order.
        unplug: takes the cable or the box away.
        close: cleans up.
        forces_beforehand: False where opening the instrument undoes what was forced before.
        normally_on: how a supply is wired; None if it can be either way.
        on_is_powered: whether the device at the end of this output has power when it is on, as at an outlet;
            False for a contact, which may break or make the supply.
        ports: the boxes that instruments share.
    """

    table: Mapping[str, Any]
    where: str
    confirms: bool = True
    active: Callable[[], bool] | None = None
    force: Callable[[bool], None] | None = None
    history: Callable[[], list[bool]] | None = None
    unplug: Callable[[], None] | None = None
    close: Callable[[], None] = lambda: None
    forces_beforehand: bool = True
    normally_on: bool | None = None
    on_is_powered: bool = False
    ports: SharedPorts = field(default_factory=SharedPorts)

    def output(self) -> Output:
        """Make the output as a bench does. Raises pydantic's ``ValidationError``: the table is wrong."""
        return _OUTPUTS.validate_python(self.table).make(self.ports, name="output")

    def input(self) -> Input:
        """Make the input as a bench does. Raises pydantic's ``ValidationError``: the table is wrong."""
        return _INPUTS.validate_python(self.table).make(self.ports, name="input")


def needs(ability: _Ability | None, what: str) -> _Ability:
    """Return what a far end can do; skip the test where nobody is there who could."""
    if ability is None:
        pytest.skip(f"nobody is at the far end who could {what}")
    return ability


def on_a_loop(test: Callable[_Given, Coroutine[Any, Any, None]]) -> Callable[_Given, None]:
    """Let pytest call a coroutine function, with whatever plugins there are for asynchronous tests."""

    @functools.wraps(test)
    def called(*args: _Given.args, **kwargs: _Given.kwargs) -> None:
        asyncio.run(test(*args, **kwargs))

    return called
