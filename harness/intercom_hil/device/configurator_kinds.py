"""The kinds of ways to a device's settings: ours, and those of other distributions.

A kind is the model of its table, and makes the configurator. Those that come along have tables of their own
(``[device.portal]``), others the table ``[device.configurator]`` with a ``kind``. Their adapters are imported
when one is made: reading a bench file does not need them.
"""

from __future__ import annotations

import abc
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import AfterValidator, BeforeValidator, Field, SerializeAsAny, ValidationInfo
from pydantic_core import PydanticCustomError

from intercom_hil import extensions
from intercom_hil.device.configurator import Configurator
from intercom_hil.errors import BenchError
from intercom_hil.extensions import Registry
from intercom_hil.kinds import Kind, Kinds, Wizard, chosen_from, kinds_registry, no_ipv6
from intercom_hil.operator.prompter import Prompter
from intercom_hil.operator.reading import Reading
from intercom_hil.paths import Command, FileBeside
from intercom_hil.timeline.timeline import Append

Seconds = Annotated[float, Field(gt=0, le=86_400)]


@dataclass(frozen=True, slots=True)
class ConfiguratorContext:
    """What a configurator is made with, beside its table.

    Attributes:
        address: the device's IP address.
        append: puts observations on the current scenario's timeline.
        prompter: asks the person at the bench, where there is one.
        portal: the address of the device's portal, where the bench file names it.
        learn: is called with every secret that comes up, such as a session's token.
    """

    address: str
    append: Append
    prompter: Prompter | None = None
    portal: str = ""
    learn: Callable[[str], None] = field(default=lambda secret: None)


class ConfiguratorOptions(Kind):
    """The table of a way to the device's settings."""

    @property
    @abc.abstractmethod
    def where(self) -> str:
        """Where it leads, in a word or two, for ``bench check``; nothing that is secret."""

    @abc.abstractmethod
    def make(self, context: ConfiguratorContext) -> Configurator:
        """Return the configurator, not yet open. Raises BenchError."""


class PortalOptions(ConfiguratorOptions):
    """The Admin Portal that configures the device."""

    label: ClassVar[str] = "its Admin Portal, to which the bench logs in"
    kind: Literal["portal"] = "portal"
    url: Annotated[str, Field(pattern=r"^https?://\S+$"), AfterValidator(no_ipv6)]
    account: str
    password: str
    device_id: str = "door"
    ca: FileBeside | None = Field(default=None, description="PEM file of the CA of an https:// portal")
    viewer: str = Field(default="", description="an account that may only look (CFG-02)")
    viewer_password: str = ""
    within: Seconds = Field(
        default=10.0, description="s that it may take to answer, while it applies settings too"
    )

    @property
    def where(self) -> str:
        """Its address."""
        return self.url

    def make(self, context: ConfiguratorContext) -> Configurator:
        """Return the portal's client."""
        from intercom_hil.device.portal import Account, Portal

        viewer = Account(self.viewer, self.viewer_password) if self.viewer else None
        account = Account(self.account, self.password)
        return Portal(
            self.url,
            account,
            viewer=viewer,
            device=self.device_id,
            ca=self.ca,
            timeout=self.within,
            learn=context.learn,
        )


class OperatorOptions(ConfiguratorOptions):
    """The person at the bench: where to ask, and what for."""

    label: ClassVar[str] = "a person, who is given settings to type and asked what the screen shows"
    kind: Literal["operator"] = "operator"
    name: str = Field(default="", max_length=80, description="who is there, for the record")
    terminal: bool = True
    web: Annotated[str, Field(pattern=r"^[^\s:]+:\d{1,5}$|^\[[0-9A-Fa-f:]+\]:\d{1,5}$")] | None = Field(
        default=None, description="ADDRESS:PORT of the page that asks"
    )
    answers: FileBeside | None = Field(default=None, description="answers file, for an unattended bench")
    within: Seconds = 600.0
    reads: tuple[Reading, ...] = Field(
        default=(), description="what the person looks at or listens to for the bench"
    )
    wrong_values: Annotated[
        int, Field(ge=1, le=1000, description="per field, that the form is to refuse")
    ] = 5
    labels: dict[str, str] = Field(default={}, description="what the device's form calls its fields")

    @property
    def where(self) -> str:
        """Who it is."""
        return self.name

    def make(self, context: ConfiguratorContext) -> Configurator:
        """Return what has the person type settings in. Raises BenchError: there is nobody to ask."""
        from intercom_hil.device.operator_configurator import OperatorConfigurator

        if context.prompter is None:
            raise BenchError(
                "there is nobody to ask", "device.configurator", "add the table [device.operator]"
            )
        return OperatorConfigurator(
            context.prompter, address=context.address, portal=context.portal, labels=self.labels
        )

    @classmethod
    def ask(cls, wizard: Wizard) -> dict[str, Any]:
        """Ask who is there."""
        return {"name": wizard.text("Who is there, for the record"), "reads": ["screen"]}


class CommandOptions(ConfiguratorOptions):
    """A command of the user's that brings settings to the device."""

    label: ClassVar[str] = "a command of yours"
    kind: Literal["command"] = "command"
    run: Command
    within: Seconds = 60.0

    @property
    def where(self) -> str:
        """The program; its arguments may be secret."""
        return self.run[0]

    def make(self, context: ConfiguratorContext) -> Configurator:
        """Return what runs the command."""
        from intercom_hil.device.command_configurator import CommandConfigurator

        return CommandConfigurator(self.run, within=self.within)

    @classmethod
    def ask(cls, wizard: Wizard) -> dict[str, Any]:
        """Ask for the command."""
        return {
            "run": wizard.text("The command (docs/bench/operator.md tells what it is given)", pattern=".+")
        }


CONFIGURATORS: Registry[Kinds] = kinds_registry(extensions.CONFIGURATORS, ConfiguratorOptions)
"""Every kind of configurator by name."""
_OF_KIND = chosen_from(CONFIGURATORS, ConfiguratorOptions)


def _chosen(value: Any, info: ValidationInfo) -> Any:
    if isinstance(value, str) and value not in get_args(Named):
        message = f"use {', '.join(get_args(Named))}, or a table: [device.configurator] with a kind"
        raise PydanticCustomError("unknown_configurator", "{message}", {"message": message})
    return value if isinstance(value, str) else _OF_KIND(value, info)


Named = Literal["portal", "operator", "command", "browser"]
"""The kinds that have tables of their own in a bench file, called as they are."""
AnyConfigurator = Annotated[Named | SerializeAsAny[ConfiguratorOptions], BeforeValidator(_chosen)]
"""The name of such a table, or a table that describes a configurator of any kind."""
