"""Asterisk's manager interface (AMI): the dialplan at run time, and security events.

Actions, responses and events are blocks of ``Key: value`` lines, each ended by an empty line.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence

from intercom_hil.errors import BenchError
from intercom_hil.lateness import stretched

Block = dict[str, str]

WITHIN = 5.0
"""Seconds any one action may take; 0.1 ms is usual."""
LONGEST_BLOCK = 1 << 20


def parse_block(data: bytes) -> Block:
    """Read one block; lines that are no ``Key: value`` are skipped, the last of equal keys counts."""
    lines = data.decode("utf-8", "replace").split("\r\n")
    return {key: value for key, colon, value in (line.partition(": ") for line in lines) if colon}


class Ami:
    """A logged-in AMI connection. Make one with `connect`."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        on_event: Callable[[Block], None],
        on_lost: Callable[[str], None],
    ) -> None:
        self._reader, self._writer = reader, writer
        self._on_event, self._on_lost = on_event, on_lost
        self._waiting: dict[str, asyncio.Future[Block]] = {}
        self._count = 0
        self._where = "ami://{}:{}".format(*writer.get_extra_info("peername"))
        self._reading = asyncio.create_task(self._read(), name="ami")

    @classmethod
    async def connect(
        cls,
        address: str,
        port: int,
        user: str,
        secret: str,
        *,
        on_event: Callable[[Block], None],
        on_lost: Callable[[str], None],
    ) -> Ami:
        """Connect and log in.

        Args:
            address: the PBX's.
            port: its AMI port.
            user: as in manager.conf.
            secret: as in manager.conf.
            on_event: called with every event.
            on_lost: called, with the reason, when the connection goes before it is closed from here.

        Raises:
            BenchError: no connection, or the login was refused.
        """
        try:
            async with stretched(WITHIN):
                reader, writer = await asyncio.open_connection(address, port, limit=LONGEST_BLOCK)
                await reader.readline()  # the greeting
        except (OSError, ValueError) as problem:
            raise BenchError(f"no connection: {problem!r}", f"ami://{address}:{port}") from None
        ami = cls(reader, writer, on_event, on_lost)
        try:
            await ami.act([{"Action": "Login", "Username": user, "Secret": secret}])
        except BenchError:
            await ami.close()
            raise
        return ami

    async def act(self, actions: Sequence[Mapping[str, str]]) -> list[Block]:
        """Send actions all at once, and return the responses in the same order.

        Raises:
            BenchError: a value cannot be sent, the PBX refused one, or it did not answer.
        """
        answers: list[asyncio.Future[Block]] = []
        text = ""
        numbers = []
        for action in actions:
            self._count += 1
            numbers.append(str(self._count))
            fields = {**action, "ActionID": numbers[-1]}
            if any(c in part for pair in fields.items() for part in pair for c in "\r\n\0"):
                raise BenchError(
                    f"{action.get('Action')}: a value with a line break cannot be sent", self._where
                )
            text += "".join(f"{key}: {value}\r\n" for key, value in fields.items()) + "\r\n"
        if self._reading.done():
            raise BenchError("the connection is closed", self._where, "see the PBX's log")
        for number in numbers:
            self._waiting[number] = asyncio.get_running_loop().create_future()
            answers.append(self._waiting[number])
        try:
            self._writer.write(text.encode())
            async with stretched(WITHIN):
                blocks = [await answer for answer in answers]
        except TimeoutError:
            raise BenchError(
                f"{actions[0].get('Action')}: no answer within {WITHIN:g} s", self._where
            ) from None
        finally:
            for number in numbers:
                self._waiting.pop(number, None)
        for action, block in zip(actions, blocks, strict=True):
            if block.get("Response") == "Error":
                named = {key: value for key, value in action.items() if key != "Secret"}
                raise BenchError(f"{named} was refused: {block.get('Message', '')}", self._where)
        return blocks

    async def close(self) -> None:
        """Close the connection. Idempotent."""
        self._reading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._reading
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    async def _read(self) -> None:
        problem = "the PBX closed the connection"
        try:
            while True:
                block = parse_block(await self._reader.readuntil(b"\r\n\r\n"))
                if "Event" in block:
                    self._on_event(block)
                    continue
                answer = self._waiting.get(block.get("ActionID", ""))
                if answer and not answer.done():
                    answer.set_result(block)
        except asyncio.CancelledError:
            raise
        except asyncio.IncompleteReadError:
            pass
        except (OSError, asyncio.LimitOverrunError) as error:
            problem = f"the connection failed: {error!r}"
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(BenchError(problem, self._where))
        self._on_lost(problem)
