"""Tables of a bench file that can be of several kinds, named by ``kind``: what a kind knows of itself.

A kind is a pydantic model of its table. The models are in a registry (``intercom_hil.extensions``), so that
other distributions can add theirs; a table is checked by the model that its ``kind`` names, and every mistake
has the field that it is in.
"""

from __future__ import annotations

import abc
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol, TypeVar, get_args, get_origin

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError, ValidationInfo
from pydantic_core import InitErrorDetails, PydanticCustomError

from intercom_hil.extensions import ExtensionError, Registry


def no_ipv6(address: str) -> str:
    """Return an address, or the URL of one, unless it is IPv6. Raises ValueError."""
    if ("[" if "://" in address else ":") in address:
        raise ValueError(f"{address!r} is an IPv6 address; the bench knows IPv4 only: name an IPv4 address")
    return address


@dataclass(frozen=True)
class Found:
    """Something on this computer that a bench may use, as a bench file names it, and in words."""

    name: str
    description: str

    def __str__(self) -> str:
        return f"{self.name} ({self.description})" if self.description else self.name


class Wizard(Protocol):
    """``bench new`` as a kind sees it: it asks the person at the bench, and returns a usable answer."""

    def text(self, question: str, default: str = "", *, pattern: str = "", secret: bool = False) -> str:
        """Ask for a text, which a pattern has to match as a whole; a secret one is not shown."""

    def number(self, question: str, default: int = 0, *, least: int = 0, most: int | None = None) -> int:
        """Ask for a whole number within bounds."""

    def choice(self, question: str, choices: Mapping[str, str]) -> str:
        """Ask for one of several names; each has a few words beside it, or none."""

    def offered(self, question: str, found: Sequence[Found]) -> str:
        """Ask for the name of something, and offer what was found on this computer."""

    def serial_port(self, question: str) -> str:
        """Ask for a serial port, and offer those that are there."""


class Kind(BaseModel, abc.ABC):
    """One kind of a table. A subclass gives ``kind`` a literal of its own and adds its fields.

    Attributes:
        label: what ``bench new`` calls this kind in its list of choices.
        kind: what the table's ``kind`` says.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    label: ClassVar[str] = ""
    kind: str

    @classmethod
    def ask(cls, wizard: Wizard) -> dict[str, Any]:
        """Have the person give what the table must have: unless overridden, each required field."""
        answers: dict[str, Any] = {}
        for name, field in cls.model_fields.items():
            if field.is_required() and name != "kind":
                answers[name] = _asked(wizard, name, field.annotation, field.description or "")
        return answers


Kinds = tuple[type[Kind], ...]
_Role = TypeVar("_Role", bound=Kind)


def kinds_registry(group: str, *roles: type[Kind]) -> Registry[Kinds]:
    """Return the registry of a group whose names stand for a kind, or for a tuple of one in each role.

    Args:
        group: the entry points' group.
        roles: the base classes, one of which each kind derives from.
    """

    def convert(loaded: object) -> Kinds:
        found = loaded if isinstance(loaded, tuple) else (loaded,)
        for kind in found:
            if not (isinstance(kind, type) and issubclass(kind, roles)):
                raise TypeError(f"it is no subclass of {' or '.join(role.__name__ for role in roles)}")
            if inspect.isabstract(kind):
                raise TypeError(f"{kind.__name__} lacks {', '.join(sorted(kind.__abstractmethods__))}")
        return found

    return Registry(group, convert)


def kinds_of(
    registry: Registry[Kinds], role: type[_Role]
) -> Iterator[tuple[str, type[_Role] | ExtensionError]]:
    """Yield the kinds of a role, each with its class; one that cannot be loaded, with the reason."""
    for name, found in registry.usable():
        if isinstance(found, ExtensionError):
            yield name, found
        else:
            yield from ((name, kind) for kind in found if issubclass(kind, role))


def chosen_from(registry: Registry[Kinds], role: type[Kind]) -> Callable[[Any, ValidationInfo], Any]:
    """Return a validator that makes of a table the kind that it names, to go before the role's own."""

    def chosen(value: Any, info: ValidationInfo) -> Any:
        if isinstance(value, role):
            return value
        if not isinstance(value, dict):
            raise PydanticCustomError("table_expected", "a table with a kind is expected")
        name = value.get("kind")
        if not isinstance(name, str):
            raise _wrong(role, value, f"a kind is missing; use {_names(registry, role)}")
        try:
            found = [kind for kind in registry[name] if issubclass(kind, role)] if name in registry else []
        except ExtensionError as problem:
            raise _wrong(role, value, f"{problem.what}; {problem.remedy}") from None
        if not found:
            raise _wrong(role, value, f"no such kind is known here; use {_names(registry, role)}")
        return found[0].model_validate(value, context=info.context)

    return chosen


def _names(registry: Registry[Kinds], role: type[Kind]) -> str:
    """Return the kinds of a role as a message lists them; those of other distributions say whose they are."""
    listed = []
    for name, kind in kinds_of(registry, role):
        origin = registry.origin(name)
        broken = "broken, " if isinstance(kind, ExtensionError) else ""
        listed.append(f"{name} ({broken}of {origin})" if origin else name)
    return ", ".join(listed)


def _wrong(role: type[Kind], value: dict[str, Any], message: str) -> ValidationError:
    # Braces in a template are places for values; the message is one of them, so it may hold any.
    error = PydanticCustomError("unknown_kind", "{message}", {"message": message})
    details = InitErrorDetails(type=error, loc=("kind",), input=value.get("kind"))
    return ValidationError.from_exception_data(role.__name__, [details])


def _asked(wizard: Wizard, name: str, annotation: Any, description: str) -> Any:
    question = f"{name} ({description})" if description else name
    if name == "port" and annotation is str:
        return wizard.serial_port(question)
    if get_origin(annotation) is Literal:
        return wizard.choice(question, dict.fromkeys(map(str, get_args(annotation)), ""))
    answer = wizard.text(question, secret="password" in name)
    try:
        return TypeAdapter[Any](annotation).validate_python(answer)
    except ValidationError:
        return answer  # the whole table is checked, and says what is wrong
