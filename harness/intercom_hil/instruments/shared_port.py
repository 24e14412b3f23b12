"""What instruments have in common that are guests of a box others hang on too: a board, a serial line.

The box is opened by the first of its guests and closed by the last, however its use ends. ``SharedPorts`` has
one box for each port of a bench, by whatever names its tables call the port.
"""

from __future__ import annotations

import abc
import asyncio
from collections.abc import Callable
from typing import ClassVar, Protocol, TypeVar

from intercom_hil.errors import BenchError
from intercom_hil.instruments.serial_names import port_identity


class Box(Protocol):
    """A board or a serial line that several instruments share.

    Attributes:
        noun: what messages call such a box.
    """

    noun: ClassVar[str]

    @property
    def lost(self) -> asyncio.Future[str]:
        """Resolves with the reason when it is gone."""

    @property
    def url(self) -> str:
        """Where it is."""

    async def acquire(self, user: object, /) -> object:
        """Open it for ``user``, unless it is open. Raises BenchError."""

    async def release(self, user: object, /) -> None:
        """Close it when ``user`` was the last to hold it."""


_Box = TypeVar("_Box", bound=Box)


class SharedPorts:
    """The boards and serial lines of one bench. Must be made and used inside a running event loop."""

    def __init__(self) -> None:
        self._boxes: dict[str, Box] = {}

    def at(self, port: str, kind: type[_Box], make: Callable[[str], _Box]) -> _Box:
        """Return the box at a port, made when it is first asked for.

        Args:
            port: device path or pyserial URL.
            kind: the class of the box.
            make: returns a new one.

        Raises:
            BenchError: something of another kind was found to be at that port before.
        """
        identity = port_identity(port)
        box = self._boxes.get(identity)
        if box is None:
            box = self._boxes[identity] = make(port)
        if not isinstance(box, kind):
            raise BenchError(
                f"it is both {box.noun} and {kind.noun}", port, "give each its own port in the bench file"
            )
        return box


class Guest(abc.ABC):
    """One instrument on a shared box.

    Attributes:
        what: what messages call it.
    """

    def __init__(self, box: Box, what: str) -> None:
        self.what = what
        self._box = box
        self._is_open = False

    @property
    def lost(self) -> asyncio.Future[str]:
        """Resolves with the reason when the box is gone."""
        return self._box.lost

    async def open(self) -> None:
        """Open the box, if need be, and make this ready: an output inactive, an input watched.

        Raises:
            BenchError: the box does not answer as it should, or has nothing of the kind.
        """
        if self._is_open and not self.lost.done():
            return
        await self._box.acquire(self)
        try:
            await self._settle()
        except BaseException:
            await self._box.release(self)
            raise
        self._is_open = True

    async def close(self) -> None:
        """Leave it in its safe state and let go of the box.

        Raises:
            BenchError: the box is there but does not follow.
        """
        if not self._is_open:
            return
        self._is_open = False
        try:
            await self._leave()
        finally:
            await self._box.release(self)

    def _check_open(self) -> None:
        if not self._is_open:
            raise BenchError(f"{self.what} is not open", self._box.url, "open it first")

    @abc.abstractmethod
    async def _settle(self) -> None:
        """Make it ready; the box is open. Raises BenchError."""

    @abc.abstractmethod
    async def _leave(self) -> None:
        """Leave it behind safely; the box is open still, or lost. Raises BenchError."""


class OutputGuest(Guest):
    """An output on a shared box: inactive from its opening, and again when it is closed.

    Attributes:
        left_active: whether it was found active when it was opened, as one is that a killed run has left;
            None where that cannot be known.
    """

    left_active: bool | None = None

    async def set(self, active: bool) -> bool:
        """Switch it, and return whether the new state was read back.

        Raises:
            BenchError: no reply in time, a reply that is not understood, or it reads otherwise.
        """
        self._check_open()
        return await self._switch(active)

    async def _settle(self) -> None:
        await self._switch(False)

    async def _leave(self) -> None:
        if not self.lost.done():
            await self._switch(False)

    @abc.abstractmethod
    async def _switch(self, active: bool) -> bool:
        """Switch it, and return whether the new state was read back. Raises BenchError."""
