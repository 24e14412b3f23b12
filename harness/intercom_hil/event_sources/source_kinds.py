"""The kinds of event sources that a bench file can name: ours, and those of other distributions.

A kind is the model of its table (``[[device.event_sources]]``). It
makes the source, and says where that listens.
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, SerializeAsAny

from intercom_hil import extensions
from intercom_hil.event_sources.roles import SourceRole
from intercom_hil.event_sources.source import EventSource, TlsIdentity
from intercom_hil.extensions import ExtensionError, Registry
from intercom_hil.kinds import Kind, Kinds, chosen_from, kinds_registry
from intercom_hil.layouts.layout import Layout
from intercom_hil.timeline.observation import Witness
from intercom_hil.timeline.timeline import Append


@dataclass(frozen=True, slots=True)
class Listening:
    """A port on which a source listens. ``address`` is the bench's own where it is None."""

    protocol: Literal["udp", "tcp"]
    port: int
    address: str | None = None


@dataclass(frozen=True, slots=True)
class SourceContext:
    """What a source is made with, beside its table.

    Attributes:
        layout: the layout that the table names.
        bench: the bench's own IP address.
        device: the IP address of the device.
        append: puts observations on the current scenario's timeline.
        role: what the source is judged by.
        identity: makes what a TLS server of the bench presents at an IP address.
        browser: the table of the browser in which the bench uses the device's portal, where it has one.
    """

    layout: Layout
    bench: str
    device: str
    append: Append
    role: SourceRole
    identity: Callable[[str], TlsIdentity]
    browser: object | None = None


class SourceOptions(Kind):
    """The table of an event source.

    Attributes:
        needs_fields: whether its layout has to be one with fields (JSON), as expressions are of no use to it.
        layout: the name of the layout of what it receives.
    """

    needs_fields: ClassVar[bool] = False
    layout: str


class LiveSourceOptions(SourceOptions):
    """The table of a source that is heard while the bench runs.

    Attributes:
        witness: by which witness its observations are.
    """

    witness: ClassVar[Witness] = Witness.EVENT_SOURCE

    def listens(self) -> Iterator[Listening]:
        """Yield the ports on which it listens; none unless overridden."""
        yield from ()

    @abc.abstractmethod
    def make(self, name: str, context: SourceContext) -> EventSource:
        """Return the source, not yet open. Called inside a running event loop.

        Args:
            name: what it is called on its bench.
            context: what it is made with.
        """


EVENT_SOURCES: Registry[Kinds] = kinds_registry(extensions.EVENT_SOURCES, SourceOptions)
"""Every kind of event source by name."""
_chosen = BeforeValidator(chosen_from(EVENT_SOURCES, SourceOptions))
AnySource = Annotated[SerializeAsAny[SourceOptions], _chosen]
"""A table that describes an event source of any kind."""


def source_names(options: Sequence[SourceOptions]) -> list[str]:
    """Return what each source is called: its kind, and a number from the second of a kind on."""
    kinds = [option.kind for option in options]
    counts = [kinds[: place + 1].count(kind) for place, kind in enumerate(kinds)]
    return [kind if count == 1 else f"{kind}-{count}" for kind, count in zip(kinds, counts, strict=True)]


def unusable(name: str, layouts: Mapping[str, Layout], *, needed_by: str = "") -> str:
    """Return what is wrong with the layout that a table names, or nothing.

    Args:
        name: the layout's.
        layouts: those that can be named.
        needed_by: the kind of the source, where it needs a layout with fields.
    """
    if name not in layouts:
        return f"there is no layout {name!r}; there are {', '.join(layouts)}"
    try:
        layout = layouts[name]
    except ExtensionError as problem:
        return f"{problem.what}; {problem.remedy}"
    if needed_by and layout.fields is None:
        return f"the layout {name!r} has no fields, which a {needed_by} needs"
    return ""
