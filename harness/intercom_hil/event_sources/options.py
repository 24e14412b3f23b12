"""The kinds of event sources a bench file can name, the layouts it can bring, and how each is made.

What may come in: tables of a bench file, told apart by ``kind``. What goes out: layouts, and sources that are
not yet open.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from intercom_hil.event_sources.bounded_expression import BoundedExpression
from intercom_hil.event_sources.console_layout import Layout
from intercom_hil.event_sources.event_fields import EventFields
from intercom_hil.event_sources.roles import SourceRole
from intercom_hil.event_sources.source import EventSource
from intercom_hil.event_sources.syslog import SyslogReceiver, TlsIdentity, Transport
from intercom_hil.event_sources.webhook import WebhookReceiver
from intercom_hil.paths import FileBeside
from intercom_hil.spec.settings import Host, Port
from intercom_hil.timeline.timeline import Append

PathInJson = Annotated[str, Field(max_length=200)]


class _Options(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FieldsOptions(_Options):
    """Where things stand in JSON and in HTTP requests, or the headings of columns; empty: it is not told."""

    name: Annotated[PathInJson, Field(min_length=1)] = "event"
    screen: PathInJson = "screen"
    details: PathInJson = "details"
    time: PathInJson = "time"
    shown: PathInJson = "shown"
    boot: PathInJson = "boot"
    note: PathInJson = "note"
    path: str = Field(default="", description="expression for the whole path of an HTTP request, with groups")

    def layout_fields(self, where: str) -> EventFields:
        """Return the fields of a layout. Raises BenchError: ``path`` is no expression."""
        path = BoundedExpression(self.path, f"{where}, fields, path") if self.path else None
        return EventFields(**{**self.model_dump(), "path": path})


class LayoutOptions(_Options):
    """A language of a device's lines: regular expressions, or the fields of JSON."""

    event: str | None = None
    screen: str | None = None
    boot: str | None = None
    note: str | None = None
    fields: FieldsOptions | None = None
    failures: dict[str, str] = Field(default={}, description="expressions found in details, by failure kind")
    time_format: str = ""

    @model_validator(mode="after")
    def _of_one_kind(self) -> LayoutOptions:
        if bool(self.patterns) == (self.fields is not None):
            raise ValueError("a layout has expressions (event, screen, boot, note) or fields, one of the two")
        return self

    @property
    def patterns(self) -> dict[str, str]:
        """The expressions by kind of line."""
        told = {"event": self.event, "screen": self.screen, "boot": self.boot, "note": self.note}
        return {kind: text for kind, text in told.items() if text is not None}

    def layout(self, name: str) -> Layout:
        """Return the layout. Raises BenchError: an expression, a group or a time format is wrong."""
        failures = self.failures or None
        if self.fields is None:
            return Layout.from_patterns(name, self.patterns, failures=failures, time_format=self.time_format)
        fields = self.fields.layout_fields(f"layout {name}")
        return Layout.from_fields(name, fields, failures=failures, time_format=self.time_format)


class SyslogOptions(_Options):
    """The device sends syslog to the bench."""

    kind: Literal["syslog"]
    port: Port
    address: Host | None = Field(default=None, description="where the bench listens; its own when not given")
    transport: Transport = "udp"
    layout: str = Field(default="keyed-message", description="the language of the messages' texts")
    certificate: FileBeside | None = Field(
        default=None, description="PEM chain for tls; else one of the run's own"
    )
    private_key: FileBeside | None = None

    @model_validator(mode="after")
    def _whole_identity(self) -> SyslogOptions:
        if (self.certificate is None) != (self.private_key is None):
            raise ValueError("certificate and private_key go together")
        if self.certificate is not None and self.transport != "tls":
            raise ValueError("a certificate is of use with transport = 'tls' only")
        return self


class WebhookOptions(_Options):
    """The device tells its events by HTTP requests to the bench."""

    kind: Literal["webhook"]
    port: Port
    address: Host | None = Field(default=None, description="where the bench listens; its own when not given")
    path: Annotated[str, Field(pattern=r"^/[!-~]{0,200}$")] = "/events"
    layout: str = Field(default="json-lines", description="a layout with fields")
    events_at: PathInJson = ""


class LogFileOptions(_Options):
    """The device's event log is exported as a file and imported after the run."""

    kind: Literal["log-file"]
    layout: str = Field(default="json-lines", description="a layout with fields")
    events_at: PathInJson = ""
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    export: Annotated[str, Field(pattern=r"^(/[!-~]*)?$")] = Field(
        default="", description="path at the portal from which the bench gets the file at the end of a run"
    )


SourceOptions = Annotated[SyslogOptions | WebhookOptions | LogFileOptions, Field(discriminator="kind")]
"""Where events can come from beside the console."""


def source_names(options: tuple[SourceOptions, ...]) -> list[str]:
    """Return what each source is called: its kind, and a number from the second of a kind on."""
    kinds = [option.kind for option in options]
    counts = [kinds[: place + 1].count(kind) for place, kind in enumerate(kinds)]
    return [kind if count == 1 else f"{kind}-{count}" for kind, count in zip(kinds, counts, strict=True)]


def live_source(
    name: str,
    options: SyslogOptions | WebhookOptions,
    layout: Layout,
    *,
    bench: str,
    device: str,
    append: Append,
    duties: SourceRole,
    identity: TlsIdentity | None = None,
) -> EventSource:
    """Return the source that a table describes.

    Args:
        name: what it is called.
        options: the table.
        layout: the layout that the table names.
        bench: the bench's own IP address.
        device: the IP address of the device.
        append: puts observations on the current scenario's timeline.
        duties: what it is judged by.
        identity: what a TLS receiver presents where the table names nothing.
    """
    address = options.address or bench
    if isinstance(options, WebhookOptions):
        return WebhookReceiver(
            name,
            address=address,
            port=options.port,
            path=options.path,
            sender=device,
            layout=layout,
            append=append,
            duties=duties,
            events_at=options.events_at,
        )
    if options.certificate is not None and options.private_key is not None:
        identity = TlsIdentity(options.certificate, options.private_key)
    return SyslogReceiver(
        name,
        address=address,
        port=options.port,
        transport=options.transport,
        sender=device,
        layout=layout,
        append=append,
        duties=duties,
        identity=identity,
    )


def unusable(kind: str, name: str, layouts: Mapping[str, Layout]) -> str:
    """Return what is wrong with the layout that a table of a kind names, or nothing."""
    if name not in layouts:
        return f"there is no layout {name!r}; there are {', '.join(layouts)}"
    if kind in ("webhook", "log-file") and layouts[name].fields is None:
        return f"the layout {name!r} has no fields, which a {kind} needs"
    return ""
