"""What may be asked of the way to a device's settings, whatever it is: a portal, a file, an operator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

from intercom_hil.spec.settings import SipSettings

Role = Literal["administrator", "viewer", "nobody"]
"""Who submits: the Account Administrator, an account that may only look, or somebody without any (CFG-02)."""


@dataclass(frozen=True, slots=True)
class Submission:
    """The answer to one submitted configuration (CFG-22): taken, or refused with the fields at fault."""

    accepted: bool
    message: str = ""
    warnings: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()


class Configurator(Protocol):
    """Brings settings to the device. Raises BenchError, or DeviceCrashed when the device is not there."""

    async def open(self) -> None:
        """Get access."""

    async def close(self) -> None:
        """Give the access back."""

    async def apply(self, settings: SipSettings) -> Submission:
        """Submit a whole configuration; what is accepted is in force on return."""

    async def submit(self, form: Mapping[str, object], by: Role) -> Submission:
        """Submit whatever form as whoever. Raises Inconclusive where the bench has no such account."""

    async def upload(self, filename: str, content: bytes) -> tuple[Submission, str]:
        """Upload a CA certificate; return the answer, and the text that goes into ``ca_certificate``."""

    async def reach(self) -> None:
        """Return when the device still answers."""


@runtime_checkable
class KeepsEvidence(Protocol):
    """A configurator that keeps evidence of what it does, such as pictures."""

    def begin(self, folder: Path) -> None:
        """Keep it in a scenario's folder from now on."""
