"""Reading what ``labgrid-client`` prints: a place by ``show``, and changes by ``monitor``.

What is not understood is passed over, but for a place that cannot be made out, which is a ``BenchError``.
Seen with labgrid 26.0.1, whose ``show`` and ``monitor`` have no output for programs: there is but ``export
--format json``, which holds the drivers. Its Python and gRPC interfaces belong to the distribution that
replaces pyserial.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from intercom_hil.errors import BenchError

_PLACE = re.compile(r"^Place '(.*)':$")
_FIELD = re.compile(r"^  (\w[\w ]*): ?(.*)$")
_RESOURCE = re.compile(r"^(Acquired|Matching|Orphaned) resource '(.*?)' \((.*)\):?$")
_NEWS = re.compile(r"^(Place|Resource) (.+?) (created|changed|deleted)(:.*)?$")
_CHANGE = re.compile(r"^  ([\w.]+): (.*?) -> (.*)$")
_SERIAL = {"rfc2217": "rfc2217", "raw": "socket"}
"""What pyserial calls the protocols of a network serial port."""


@dataclass(frozen=True)
class Resource:
    """One resource of a place.

    Attributes:
        name: its name in the place.
        path: exporter, group, class and name at the exporter, with slashes between.
        there: whether its exporter is connected.
        parameters: what the exporter says of it.
    """

    name: str
    path: str
    there: bool
    parameters: dict[str, Any] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """The same as ``path``, without the class, which news of a deletion leave out."""
        parts = self.path.split("/")
        return "/".join((*parts[:2], *parts[3:]))

    def url(self) -> str:
        """Return where a network serial port is, as pyserial writes it; empty while that is not known yet.

        Raises:
            BenchError: it is no network serial port, or cannot be reached directly.
        """
        kind = self.path.split("/")[2] if self.path.count("/") >= 2 else self.path
        if kind != "NetworkSerialPort":
            raise BenchError(
                f"it is a {kind}, and the bench opens serial ports only",
                self.path,
                "name a resource that is a serial port; docs/bench/lab.md says what to do with others",
            )
        if self._parameter("extra", "proxy_required"):
            raise BenchError(
                "its exporter is isolated: it can only be reached through SSH",
                self.path,
                "start labgrid-exporter without --isolated",
            )
        host, port = self._parameter("host"), self._parameter("port")
        if not host or not port:
            return ""
        protocol = _SERIAL.get(str(self._parameter("protocol") or "rfc2217"))
        if protocol is None:
            raise BenchError(
                f"it speaks {self._parameter('protocol')!r}", self.path, "have it exported as rfc2217 or raw"
            )
        return f"{protocol}://{host}:{port}"

    def _parameter(self, *keys: str) -> Any:
        value: Any = self.parameters.get("params")
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        return value


@dataclass(frozen=True)
class PlaceShown:
    """A place as the coordinator has it.

    Attributes:
        name: its name.
        acquired: host and user who have it, with a slash between; empty if nobody has.
        reservation: the token of the reservation that it is kept for, if any.
        changed: when it last changed, as the client writes it.
        resources: those that it has, or would have.
    """

    name: str
    acquired: str
    reservation: str
    changed: str
    resources: tuple[Resource, ...]


@dataclass(frozen=True)
class News:
    """One thing that changed at the coordinator.

    Attributes:
        kind: ``Place`` or ``Resource``.
        name: the place's name, or the resource's path.
        what: ``created``, ``changed`` or ``deleted``.
        field: what changed of it, where that is printed.
        before: its old value, as text.
        after: its new value, as text.
    """

    kind: str
    name: str
    what: str
    field: str = ""
    before: str = ""
    after: str = ""

    @property
    def address(self) -> str:
        """A resource's path without its class."""
        parts = self.name.split("/")
        return "/".join((*parts[:2], *parts[3:]))


def place_shown(text: str, wanted: str) -> PlaceShown:
    """Return the place that ``labgrid-client show`` prints.

    Raises:
        BenchError: that is not the place that was wanted.
    """
    lines = text.splitlines()
    found = _PLACE.match(lines[0]) if lines else None
    if found is None or found[1] != wanted:
        other = f"the nearest is {found[1]!r}" if found else f"it says {text[:200]!r}"
        raise BenchError(f"labgrid knows no place {wanted!r}; {other}", "labgrid.places", "correct its name")
    fields: dict[str, str] = {}
    resources: list[Resource] = []
    block: list[str] = []
    for line in lines[1:]:
        if heading := _RESOURCE.match(line):
            _close(resources, block)
            resources.append(Resource(heading[2], heading[3], there=False))
        elif resources:
            block.append(line)
        elif field := _FIELD.match(line):
            fields[field[1]] = field[2]
    _close(resources, block)
    return PlaceShown(
        wanted, _value(fields, "acquired"), _value(fields, "reservation"), _value(fields, "changed"),
        tuple(resources),
    )  # fmt: skip


def _close(resources: list[Resource], block: list[str]) -> None:
    """Give the resource that was begun last what stands below its heading."""
    if not resources:
        return
    try:
        value = ast.literal_eval("\n".join(line[2:] for line in block).strip() or "None")
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        value = None
    block.clear()
    if isinstance(value, dict):
        last = resources[-1]
        resources[-1] = Resource(last.name, last.path, value.get("avail") is True, value)


def _value(fields: dict[str, str], name: str) -> str:
    text = fields.get(name, "")
    return "" if text == "None" else text


class NewsReader:
    """Puts the lines of ``labgrid-client monitor`` together: what changed stands below what it changed of."""

    def __init__(self) -> None:
        self._subject: tuple[str, str] | None = None

    def read(self, line: str) -> Iterator[News]:
        """Yield the news that a line brings; most bring one or none."""
        if heading := _NEWS.match(line):
            self._subject = (heading[1], heading[2]) if heading[3] == "changed" else None
            if self._subject is None:
                yield News(heading[1], heading[2], heading[3])
        elif self._subject is not None and (change := _CHANGE.match(line)):
            yield News(*self._subject, "changed", change[1], change[2], change[3])
        else:
            self._subject = None
