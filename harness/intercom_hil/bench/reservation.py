"""What a bench holds while it runs: the locks of its instruments here, and its places in a labgrid.

While it is held, nobody else uses anything that the bench file names. It also gives the device's tables with
the addresses of the places' serial ports, and reports when a place is lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from intercom_hil.bench_file.model import BenchFile, texts
from intercom_hil.bench_file.resources import claims, place_claim
from intercom_hil.bench_file.tables import LABGRID, DeviceTable, LabgridTable
from intercom_hil.lab.labgrid import Labgrid
from intercom_hil.lab.labgrid_client import client_command
from intercom_hil.lab.lease import Lease
from intercom_hil.lab.locks import Locks

Progress = Callable[[str], None]


class Reservation:
    """All that one bench holds. Must be made inside a running event loop."""

    def __init__(self, file: BenchFile, progress: Progress = lambda text: None) -> None:
        self._file, self._progress = file, progress
        self._locks: Locks | None = None
        self._lease: Lease | None = None

    def claim(self) -> None:
        """Take the locks of everything the bench file names.

        Raises:
            BenchError: something is in use, or labgrid has no client; nothing is held then.
        """
        table = self._file.labgrid
        lease = _lease(table, self._progress) if table is not None else None
        self._locks = Locks.claim(claims(self._file), self._file.bench.name)
        self._lease = lease

    @property
    def lost(self) -> asyncio.Future[str] | None:
        """Resolves with the reason when a place is lost; None for a bench without places."""
        return self._lease.lost if self._lease is not None else None

    async def located(self, tables: DeviceTable) -> DeviceTable:
        """Return the device's tables with the addresses of the ports in places, which are ours from now on.

        Raises:
            BenchError: a place cannot be had, or has no such port.
        """
        table, lease = self._file.labgrid, self._lease
        if table is None or lease is None:
            return tables
        left = self._locks.left if self._locks is not None else {}
        await lease.claim([p for p in lease.places if place_claim(table.coordinator, p) in left])
        data = tables.model_dump()
        names = {text.removeprefix(LABGRID) for text in texts(data) if text.startswith(LABGRID)}
        urls = {f"{LABGRID}{name}": await lease.url(name) for name in sorted(names)}
        return DeviceTable.model_validate(_replaced(data, urls))

    async def release(self) -> None:
        """Give everything back. Idempotent."""
        lease, self._lease = self._lease, None
        failed = await lease.release() if lease is not None else []
        locks, self._locks = self._locks, None
        if locks is not None:
            table = self._file.labgrid
            locks.release(left=[place_claim(table.coordinator, place) for place in failed] if table else ())


def _lease(table: LabgridTable, progress: Progress) -> Lease:
    return Lease(
        Labgrid(table.coordinator, client_command(table.client)),
        table.places,
        reserve=table.reserve,
        priority=table.priority,
        wait=table.wait,
        progress=progress,
    )


def _replaced(value: Any, new: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _replaced(item, new) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_replaced(item, new) for item in value]
    return new.get(value, value) if isinstance(value, str) else value
