"""What may be asked of a source of events while the bench runs, whatever its way."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from intercom_hil.errors import BenchError


class EventSource(Protocol):
    """Receives what a device reports of itself, and puts it on the timeline.

    Attributes:
        name: what messages and its raw log are called after; unique on its bench.
    """

    name: str

    @property
    def lost(self) -> asyncio.Future[str]:
        """Resolves with the reason when it can receive no more while it should be open."""

    async def open(self) -> None:
        """Receive from now on. Raises BenchError."""

    async def close(self) -> None:
        """Receive no more. Idempotent."""

    def begin(self, folder: Path) -> None:
        """Begin a scenario; raw bytes go into the folder. Raises BenchError."""


@runtime_checkable
class AskedSource(EventSource, Protocol):
    """A source that is asked for what there is, again and again, and lags behind by as much."""

    async def catch_up(self) -> None:
        """Ask now: on return, what there is is on the timeline. Raises BenchError, DeviceCrashed."""


@dataclass(frozen=True, slots=True)
class TlsIdentity:
    """The PEM files that the receiver presents by TLS: its certificate chain, and its private key."""

    chain: Path
    key: Path

    def context(self) -> ssl.SSLContext:
        """Return the server's side of TLS. Raises BenchError."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            context.load_cert_chain(self.chain, self.key)
        except (OSError, ssl.SSLError) as problem:
            raise BenchError(
                f"the certificate cannot be used ({problem})",
                f"{self.chain}, {self.key}",
                "name a PEM chain and its unencrypted private key",
            ) from problem
        return context
